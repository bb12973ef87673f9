// The kernel's table of virtual services in its own terms (include/uapi/linux/ip_vs.h), and how a service of the cluster
// file is said in them. Numbers are the kernel's; addresses are canonical text.
import { formatEndpoint, formatIp, parseIp } from '../../kit/ip.ts';
import type { RealServerSpec, ServiceSpec } from '../../model/service.ts';

export const PROTOCOL = { tcp: 6, udp: 17, sctp: 132 } as const;
export const METHOD = { nat: 0, local: 1, tun: 2, dr: 3, bypass: 4 } as const;
export const TUNNEL = { ipip: 0, gue: 1, gre: 2 } as const;
/** IP_VS_SVC_F_…; the scheduler's three mean what the scheduler says. */
export const FLAG = { persistent: 1, hashed: 2, ops: 4, sched1: 8, sched2: 16, sched3: 32 } as const;
/** The flags that a setting decides on; the others are the kernel's. */
export const FLAGS_SET = FLAG.persistent | FLAG.ops | FLAG.sched1 | FLAG.sched2 | FLAG.sched3;
/** IP_VS_TUNNEL_ENCAP_FLAG_CSUM. */
const TUNNEL_CSUM = 1;

const FLAG_OF: Readonly<Record<string, number>> = {
  ops: FLAG.ops,
  'sh-fallback': FLAG.sched1,
  'mh-fallback': FLAG.sched1,
  'sh-port': FLAG.sched2,
  'mh-port': FLAG.sched2,
};

/** What tells a virtual service from the others: protocol, address and port, or a firewall mark (then those are 0). */
export interface ServiceId {
  /** `tcp 192.0.2.10:80`, `fwm 7`, `fwm6 7`. */
  key: string;
  family: 4 | 6;
  protocol: number;
  address: string;
  port: number;
  fwmark: number;
}

export interface Virtual extends ServiceId {
  scheduler: string;
  flags: number;
  /** Of persistence, seconds. */
  timeout: number;
  /** Of persistence: the leading bits of the client's address that count. */
  prefix: number;
}

export interface Dest {
  /** `address:port`. */
  key: string;
  address: string;
  port: number;
  method: number;
  weight: number;
  upper: number;
  lower: number;
  tunnel: { type: number; port: number; flags: number };
}

export interface Entry {
  service: Virtual;
  dests: readonly Dest[];
}

/** Totals; packets and octets as IP counts them. */
export interface Totals {
  connections: number;
  inPackets: number;
  outPackets: number;
  inBytes: number;
  outBytes: number;
}

export interface FoundDest extends Dest {
  active: number;
  inactive: number;
  totals: Totals;
}

/** What stands in the kernel. */
export interface Found {
  service: Virtual;
  totals: Totals;
  dests: readonly FoundDest[];
}

export function serviceKey(id: Omit<ServiceId, 'key'>): string {
  if (id.fwmark !== 0) return `${id.family === 6 ? 'fwm6' : 'fwm'} ${id.fwmark}`;
  const name = Object.entries(PROTOCOL).find(([, n]) => n === id.protocol)?.[0] ?? `protocol ${id.protocol}`;
  return `${name} ${formatEndpoint(id.address, id.port)}`;
}

/** What the kernel is to have for a service, or why it cannot. */
export function wantedOf(spec: ServiceSpec): Entry | { fault: string } {
  const fault = refusal(spec);
  if (fault !== undefined) return { fault };
  const address = canonical(spec.address);
  const family = address.includes(':') ? 6 : 4;
  const id = { family, protocol: PROTOCOL[spec.protocol], address, port: spec.port, fwmark: 0 } as const;
  let flags = spec.persistence > 0 ? FLAG.persistent : 0;
  for (const flag of spec.flags) flags |= FLAG_OF[flag] ?? 0;
  const service: Virtual = {
    ...id,
    key: serviceKey(id),
    scheduler: spec.scheduler,
    flags,
    timeout: Math.ceil(spec.persistence / 1000),
    prefix: family === 6 ? 128 : 32,
  };
  return { service, dests: spec.realServers.map(rs => destOf(spec, rs)) };
}

/** The destination that stands for a real server. */
export function destOf(spec: ServiceSpec, rs: RealServerSpec): Dest {
  const address = canonical(rs.address);
  const { type, port, checksum } = spec.tunnel;
  const tunnel =
    spec.forward === 'tun'
      ? {
          type: TUNNEL[type],
          port: type === 'gue' ? port : 0,
          flags: checksum && type !== 'ipip' ? TUNNEL_CSUM : 0,
        }
      : { type: 0, port: 0, flags: 0 };
  return {
    key: formatEndpoint(address, rs.port),
    address,
    port: rs.port,
    method: spec.forward === 'fullnat' ? METHOD.nat : METHOD[spec.forward],
    weight: rs.weight,
    upper: spec.thresholds.upper,
    lower: spec.thresholds.lower,
    tunnel,
  };
}

/** The text that the kernel's form of an address is printed as. */
export function canonical(address: string): string {
  const bytes = parseIp(address);
  return bytes === undefined ? address : formatIp(bytes);
}

function refusal(spec: ServiceSpec): string | undefined {
  if (spec.forward === 'fullnat')
    return "the kernel's IPVS has no FullNAT: take forward: nat with masquerading, or plane: xdp";
  if (spec.proxyProtocol !== undefined || spec.acceptProxyProtocol !== undefined)
    return "the kernel's IPVS knows no PROXY header: take plane: proxy";
  if (spec.flags.includes('ops') && spec.protocol !== 'udp') return 'ops is for UDP alone';
  const six = spec.address.includes(':');
  const other = spec.realServers.find(rs => rs.address.includes(':') !== six);
  if (other !== undefined && spec.forward !== 'tun')
    return `real server ${other.key} is of the other address family: only forward: tun may mix them`;
  const mapped = spec.realServers.find(rs => rs.port !== spec.port);
  if (mapped !== undefined && (spec.forward === 'dr' || spec.forward === 'tun'))
    return `real server ${mapped.key}: forward: ${spec.forward} leaves the port as it is, ${spec.port}`;
  return undefined;
}
