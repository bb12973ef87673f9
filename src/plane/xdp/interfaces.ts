// Which links a director works on when none is named: those that lead to its real servers, to its VIPs and to everywhere else. Pure.
import { parseIp } from '../../kit/ip.ts';
import type { ServiceSpec } from '../../model/service.ts';
import type { Address, Link, RouteEntry } from '../../nic/rtnetlink-read.ts';

/** The names, in the order of their indexes. */
export function interfacesOf(
  services: readonly ServiceSpec[],
  links: readonly Link[],
  addresses: readonly Address[],
  routes: readonly RouteEntry[],
): string[] {
  const found = new Set<number>();
  for (const text of services.flatMap(s => [s.address, ...s.realServers.map(r => r.address)])) {
    const address = parseIp(text);
    if (address === undefined) continue;
    const on = addresses.find(a => inPrefix(address, a.address, a.bits));
    if (on !== undefined) found.add(on.iface);
    else found.add(wayTo(address, routes) ?? 0);
  }
  for (const r of routes) if (r.bits === 0) found.add(r.way?.iface ?? 0);
  // A VLAN's frames leave by the link below it.
  for (const l of links) if (found.delete(l.index)) found.add(l.vlan?.link ?? l.index);
  return links
    .filter(l => found.has(l.index) && l.mac?.some(b => b !== 0))
    .sort((a, b) => a.index - b.index)
    .map(l => l.name);
}

function wayTo(address: Uint8Array, routes: readonly RouteEntry[]): number | undefined {
  let best: RouteEntry | undefined;
  for (const r of routes)
    if (inPrefix(address, r.prefix, r.bits) && (best === undefined || r.bits > best.bits)) best = r;
  return best?.way?.iface;
}

function inPrefix(address: Uint8Array, prefix: Uint8Array, bits: number): boolean {
  if (address.length !== prefix.length) return false;
  for (let i = 0; i < bits; i += 8) {
    const mask = bits - i >= 8 ? 255 : 256 - (1 << (8 - (bits - i)));
    if ((address[i >> 3] & mask) !== (prefix[i >> 3] & mask)) return false;
  }
  return true;
}
