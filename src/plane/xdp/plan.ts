// From services to what the XDP program takes: pure. Octets as xdp/steer.bpf.c has its keys.
//   VIP:port in · replies of NAT servers · all that comes to FullNAT's local addresses · fragments and ICMP errors of these
import { parseIp } from '../../kit/ip.ts';
import type { ServiceSpec } from '../../model/service.ts';
import { FLAG, KIND, type Plan } from '../../nic/steer.ts';

const TCP = 6;
const UDP = 17;
/** FTP's data connections come to ports that nobody can tell beforehand (as ip_vs_service_find has it). */
const FTP = 21;

/** The plan for `services`; `host` are the addresses of this host, whose own connections to real servers stay with the kernel. */
export function planOf(services: readonly ServiceSpec[], host: readonly string[]): Plan {
  const addresses = new Map<string, { key: Uint8Array; flags: number }>();
  const endpoints = new Map<string, Uint8Array>();
  const address = (text: string, flags: number): void => {
    const key = keyOf(text);
    const name = nameOf(key);
    addresses.set(name, { key, flags: (addresses.get(name)?.flags ?? 0) | flags });
  };
  const endpoint = (text: string, port: number, protocol: number, kind: number): void => {
    const key = new Uint8Array(20);
    key.set(keyOf(text));
    key.set([port >> 8, port & 255, protocol, kind], 16);
    endpoints.set(nameOf(key), key);
  };
  for (const text of host) address(text, FLAG.host);
  for (const s of services) {
    const protocol = s.protocol === 'tcp' ? TCP : UDP;
    const shift = s.protocol === 'tcp' ? 0 : 1;
    address(s.address, (FLAG.vip << shift) | FLAG.host);
    endpoint(s.address, protocol === TCP && s.port === FTP ? 0 : s.port, protocol, KIND.service);
    for (const local of s.forward === 'fullnat' ? s.localAddresses : [])
      address(local, FLAG.local | FLAG.host);
    for (const rs of s.realServers) {
      if (s.forward === 'nat') {
        address(rs.address, FLAG.server << shift);
        endpoint(rs.address, rs.port, protocol, KIND.server);
      } else if (s.forward === 'tun') {
        address(rs.address, FLAG.tunnelled);
        if (s.tunnel.type === 'gue') endpoint(rs.address, s.tunnel.port, UDP, KIND.tunnel);
      }
    }
  }
  return { addresses, endpoints };
}

/** Sixteen octets; IPv4 as ::ffff:a.b.c.d. */
function keyOf(text: string): Uint8Array {
  const bytes = parseIp(text) ?? new Uint8Array(16);
  if (bytes.length === 16) return bytes;
  const key = new Uint8Array(16);
  key[10] = 0xff;
  key[11] = 0xff;
  key.set(bytes, 12);
  return key;
}

function nameOf(key: Uint8Array): string {
  return String.fromCharCode(...key);
}
