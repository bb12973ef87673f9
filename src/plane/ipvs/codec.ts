// The generic netlink family IPVS (include/uapi/linux/ip_vs.h, net/netfilter/ipvs/ip_vs_ctl.c): requests written, replies
// read. Its attributes are of the old kind: nested ones carry no mark.
import { formatEndpoint, formatIp, parseIp } from '../../kit/ip.ts';
import { type Family, genlRequest, readGenl } from '../../nic/genl.ts';
import type { Attributes, Message, Request } from '../../nic/netlink-message.ts';
import type { Command } from './reconcile.ts';
import {
  type Dest,
  type Found,
  type FoundDest,
  type ServiceId,
  serviceKey,
  type Totals,
  type Virtual,
} from './table.ts';

const VERBS = { service: { add: 1, set: 2, remove: 3 }, dest: { add: 5, set: 6, remove: 7 } } as const;
const GET = { service: 4, dest: 8, daemon: 11, config: 13, info: 15 } as const;
const SET_CONFIG = 12;
const TOP = { service: 1, dest: 2, daemon: 3, tcp: 4, tcpFin: 5, udp: 6 } as const;
const SVC = {
  ...{ family: 1, protocol: 2, address: 3, port: 4, fwmark: 5, scheduler: 6, flags: 7, timeout: 8 },
  ...{ netmask: 9, stats: 10, stats64: 12 },
} as const;
const DEST = {
  ...{ address: 1, port: 2, method: 3, weight: 4, upper: 5, lower: 6, active: 7, inactive: 8, stats: 10 },
  ...{ family: 11, stats64: 12, tunnelType: 13, tunnelPort: 14, tunnelFlags: 15 },
} as const;
const STATS = { connections: 1, inPackets: 2, outPackets: 3, inBytes: 4, outBytes: 5 } as const;
const DAEMON = { state: 1, interface: 2, syncId: 3 } as const;
const INFO = { version: 1, size: 2 } as const;
const AF = { 4: 2, 6: 10 } as const;
const ALL = 0xffffffff;

/** IPVS's own time-outs, seconds; of the whole network namespace. */
export interface Timeouts {
  tcp: number;
  tcpFin: number;
  udp: number;
}

/** A thread that sends or takes connections of another director. */
export interface SyncDaemon {
  role: 'master' | 'backup';
  interface: string;
  syncId: number;
}

/** The request that carries a command out. */
export function commandRequest(family: Family, { verb, service, dest }: Command): Request {
  if (dest === undefined) {
    const request = genlRequest(family, VERBS.service[verb]);
    return verb === 'remove' ? identify(request, service) : describe(request, service as Virtual);
  }
  const request = identify(genlRequest(family, VERBS.dest[verb]), service);
  return verb === 'remove' ? identifyDest(request, dest) : describeDest(request, dest);
}

export const listServices = (family: Family): Request => genlRequest(family, GET.service);
export const listDests = (family: Family, of: ServiceId): Request =>
  identify(genlRequest(family, GET.dest), of);
export const listDaemons = (family: Family): Request => genlRequest(family, GET.daemon);
export const getTimeouts = (family: Family): Request => genlRequest(family, GET.config);
export const getInfo = (family: Family): Request => genlRequest(family, GET.info);

/** 0 leaves a time-out as it is. */
export function setTimeouts(family: Family, { tcp, tcpFin, udp }: Timeouts): Request {
  return genlRequest(family, SET_CONFIG).u32(TOP.tcp, tcp).u32(TOP.tcpFin, tcpFin).u32(TOP.udp, udp);
}

/** A service out of a dump, without its destinations; undefined for a message that is none. */
export function readService(message: Message): Omit<Found, 'dests'> | undefined {
  const a = readGenl(message).attributes.nested(TOP.service);
  const flags = a?.bytes(SVC.flags);
  if (a === undefined) return undefined;
  const family = a.u16(SVC.family) === AF[6] ? 6 : 4;
  const fwmark = a.u32(SVC.fwmark) ?? 0;
  const id = {
    family,
    protocol: a.u16(SVC.protocol) ?? 0,
    address: addressOf(a.bytes(SVC.address), family),
    port: a.be16(SVC.port) ?? 0,
    fwmark,
  } as const;
  const netmask = family === 6 ? a.u32(SVC.netmask) : bitsOf(a.be32(SVC.netmask) ?? ALL);
  const service: Virtual = {
    ...id,
    key: serviceKey(id),
    scheduler: a.text(SVC.scheduler) ?? 'none',
    flags: flags === undefined || flags.length < 4 ? 0 : flags[0] | (flags[1] << 8),
    timeout: a.u32(SVC.timeout) ?? 0,
    prefix: netmask ?? 128,
  };
  return { service, totals: readTotals(a, SVC) };
}

/** A destination out of a dump of a service of that family. */
export function readDest(message: Message, of: 4 | 6): FoundDest | undefined {
  const a = readGenl(message).attributes.nested(TOP.dest);
  if (a === undefined) return undefined;
  // Kernels before 3.18 do not say it.
  const said = a.u16(DEST.family);
  const address = addressOf(a.bytes(DEST.address), said === undefined ? of : said === AF[6] ? 6 : 4);
  const port = a.be16(DEST.port) ?? 0;
  return {
    key: formatEndpoint(address, port),
    address,
    port,
    method: a.u32(DEST.method) ?? 0,
    weight: a.u32(DEST.weight) ?? 0,
    upper: a.u32(DEST.upper) ?? 0,
    lower: a.u32(DEST.lower) ?? 0,
    tunnel: {
      type: a.u8(DEST.tunnelType) ?? 0,
      port: a.be16(DEST.tunnelPort) ?? 0,
      flags: a.u16(DEST.tunnelFlags) ?? 0,
    },
    active: a.u32(DEST.active) ?? 0,
    inactive: a.u32(DEST.inactive) ?? 0,
    totals: readTotals(a, DEST),
  };
}

export function readTimeouts(message: Message): Timeouts {
  const a = readGenl(message).attributes;
  return { tcp: a.u32(TOP.tcp) ?? 0, tcpFin: a.u32(TOP.tcpFin) ?? 0, udp: a.u32(TOP.udp) ?? 0 };
}

export function readDaemon(message: Message): SyncDaemon | undefined {
  const a = readGenl(message).attributes.nested(TOP.daemon);
  if (a === undefined) return undefined;
  const role = a.u32(DAEMON.state) === 2 ? 'backup' : 'master';
  return { role, interface: a.text(DAEMON.interface) ?? '', syncId: a.u32(DAEMON.syncId) ?? 0 };
}

/** IPVS's version (`1.2.1`) and the buckets of its connection table. */
export function readInfo(message: Message): { version: string; size: number } {
  const a = readGenl(message).attributes;
  const v = a.u32(INFO.version) ?? 0;
  return { version: [v >> 16, (v >> 8) & 255, v & 255].join('.'), size: a.u32(INFO.size) ?? 0 };
}

function identify(request: Request, id: ServiceId): Request {
  return request.nest(TOP.service, r => writeId(r, id), false);
}

function describe(request: Request, s: Virtual): Request {
  const flags = new Uint8Array(8).fill(255, 4);
  flags[0] = s.flags;
  return request.nest(
    TOP.service,
    r => {
      writeId(r, s);
      r.text(SVC.scheduler, s.scheduler).bytes(SVC.flags, flags).u32(SVC.timeout, s.timeout);
      // IPv4 wants a mask, IPv6 a length.
      if (s.family === 6) r.u32(SVC.netmask, s.prefix);
      else r.be32(SVC.netmask, s.prefix === 0 ? 0 : ALL << (32 - s.prefix));
    },
    false,
  );
}

function writeId(r: Request, id: ServiceId): void {
  r.u16(SVC.family, AF[id.family]);
  if (id.fwmark !== 0) r.u32(SVC.fwmark, id.fwmark);
  else r.u16(SVC.protocol, id.protocol).bytes(SVC.address, wide(id.address)).be16(SVC.port, id.port);
}

function writeDestId(r: Request, d: Dest): void {
  r.bytes(DEST.address, wide(d.address)).be16(DEST.port, d.port);
  r.u16(DEST.family, d.address.includes(':') ? AF[6] : AF[4]);
}

function identifyDest(request: Request, d: Dest): Request {
  return request.nest(TOP.dest, r => writeDestId(r, d), false);
}

function describeDest(request: Request, d: Dest): Request {
  return request.nest(
    TOP.dest,
    r => {
      writeDestId(r, d);
      r.u32(DEST.method, d.method).u32(DEST.weight, d.weight);
      r.u32(DEST.upper, d.upper).u32(DEST.lower, d.lower);
      const { type, port, flags } = d.tunnel;
      r.u8(DEST.tunnelType, type).be16(DEST.tunnelPort, port).u16(DEST.tunnelFlags, flags);
    },
    false,
  );
}

// 64 bits where the kernel has them (4.1), else the 32 of old.
function readTotals(a: Attributes, at: { stats: number; stats64: number }): Totals {
  const wide = a.nested(at.stats64);
  const s = wide ?? a.nested(at.stats);
  const n = (type: number): number => Number(s?.u64(type) ?? s?.u32(type) ?? 0);
  return {
    connections: n(STATS.connections),
    inPackets: n(STATS.inPackets),
    outPackets: n(STATS.outPackets),
    inBytes: n(STATS.inBytes),
    outBytes: n(STATS.outBytes),
  };
}

// Both families take the room of the larger.
function wide(address: string): Uint8Array {
  const out = new Uint8Array(16);
  out.set(parseIp(address) ?? []);
  return out;
}

function addressOf(bytes: Uint8Array | undefined, family: 4 | 6): string {
  const size = family === 6 ? 16 : 4;
  const out = new Uint8Array(size);
  out.set(bytes?.subarray(0, size) ?? []);
  return formatIp(out);
}

function bitsOf(mask: number): number {
  return mask === 0 ? 0 : 1 + Math.clz32(mask & -mask);
}
