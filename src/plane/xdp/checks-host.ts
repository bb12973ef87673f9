// Gathers from this host what checks.ts judges. What cannot be found out counts as being in order.
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { parseIp } from '../../kit/ip.ts';
import type { ServiceSpec } from '../../model/service.ts';
import { activeFeatures } from '../../nic/genl-ethtool.ts';
import type { Libc } from '../../nic/libc.ts';
import { openNft } from '../../nic/nft.ts';
import type { Rtnetlink } from '../../nic/rtnetlink.ts';
import { RTN } from '../../nic/rtnetlink-read.ts';
import { check, type Facts, type Finding, textOf, type WayFact } from './checks.ts';

/** The capabilities that are asked for, by their bits (linux/capability.h). */
const CAPABILITIES = {
  CAP_NET_ADMIN: 12,
  CAP_NET_RAW: 13,
  CAP_IPC_LOCK: 14,
  CAP_SYS_ADMIN: 21,
  CAP_BPF: 39,
} as const;
/** Real servers whose way is asked for. */
const MOST_WAYS = 10_000;

/** What is to be changed on this host for these services, worst first. `interfaces`: the director's, by name. */
export function checkHost(
  libc: Libc,
  rt: Rtnetlink,
  interfaces: readonly string[],
  services: readonly ServiceSpec[],
): Finding[] {
  return check(gather(libc, rt, interfaces, services), services);
}

function gather(
  libc: Libc,
  rt: Rtnetlink,
  interfaces: readonly string[],
  services: readonly ServiceSpec[],
): Facts {
  const all = rt.links();
  const links = all.filter(l => interfaces.includes(l.name));
  const names = new Map(all.map(l => [l.index, l]));
  const features = quiet(() =>
    activeFeatures(
      libc,
      links.map(l => l.index),
    ),
  );
  const offloads = links.flatMap(l => {
    const found = features?.get(l.index);
    return found === undefined ? [] : [[l.name, found] as const];
  });
  const [major = 0, minor = 0] = release().split(/[.-]/).map(Number);
  const servers = [...new Set(services.flatMap(s => s.realServers.map(r => r.address)))].slice(0, MOST_WAYS);
  return {
    kernel: [major, minor],
    capabilities: capabilities(),
    memlock: memlock(),
    jit: read('/proc/sys/net/core/bpf_jit_enable') !== '0',
    rpFilter: new Map(
      ['all', ...interfaces].map(n => [n, Number(read(`/proc/sys/net/ipv4/conf/${n}/rp_filter`) ?? 0)]),
    ),
    rules: quiet(() => rt.foreignRules()) ?? 0,
    links,
    offloads: new Map(offloads),
    ways: servers.flatMap(address => wayTo(rt, address, names)),
    nftables:
      quiet(() => {
        openNft(libc).close();
        return true;
      }) === true,
  };
}

function wayTo(
  rt: Rtnetlink,
  text: string,
  names: ReadonlyMap<number, { name: string; mtu: number }>,
): WayFact[] {
  const address = parseIp(text);
  if (address === undefined) return [];
  const route = rt.routeTo(address);
  const link = route?.way && names.get(route.way.iface);
  const gateway = route?.way?.gateway;
  return [
    {
      address: text,
      link: link?.name,
      gateway: gateway && textOf(gateway),
      mtu: route?.mtu || link?.mtu || 1500,
      local: route?.type === RTN.LOCAL,
    },
  ];
}

function capabilities(): Set<string> {
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(read('/proc/self/status') ?? '')?.[1] ?? '0'}`);
  return new Set(
    Object.entries(CAPABILITIES)
      .filter(([, bit]) => (mask >> BigInt(bit)) & 1n)
      .map(([name]) => name),
  );
}

function memlock(): number {
  const soft = /^Max locked memory\s+(\S+)/m.exec(read('/proc/self/limits') ?? '')?.[1];
  return soft === undefined || soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}

function read(path: string): string | undefined {
  return quiet(() => readFileSync(path, 'utf8').trim());
}

function quiet<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}
