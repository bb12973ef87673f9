// Counters as a worker writes them and the main thread reads them: doubles in shared memory.
//   one block for the worker: what became of frames · one for all services: each one's counts, then its real servers'
import type { Director } from '../../lvs/director.ts';
import { REASON } from '../../lvs/verdict.ts';
import type { ServiceSpec } from '../../model/service.ts';

/** What the plane itself counts; the director's reasons follow. */
export const FRAME = {
  received: 0,
  sent: 1,
  host: 2,
  dropped: 3,
  handed: 4,
  /** No TUN device, or it would not take the packet. */
  lost: 5,
  /** No frame was free, or no room in a ring. */
  crowded: 6,
  /** The next hop did not answer in time, or too many waited for one. */
  unresolved: 7,
  used: 8,
  capacity: 9,
  /** Connections that gave way to new ones because the table was full. */
  'evicted-half-open': 10,
  'evicted-closing': 11,
  /** Frames that are free now: in no ring and in nobody's hands. */
  free: 12,
  /** Of the worker, in which it let frames gather (moderation.ts). */
  pauses: 13,
} as const;
export const FRAME_SLOTS: number = Object.keys(FRAME).length;

/** Words of a service, and of each of its real servers. */
export const SERVICE = {
  connections: 0,
  inPackets: 1,
  outPackets: 2,
  inBytes: 3,
  outBytes: 4,
  size: 5,
} as const;
export const SERVER = {
  active: 0,
  inactive: 1,
  connections: 2,
  inPackets: 3,
  outPackets: 4,
  inBytes: 5,
  outBytes: 6,
  size: 7,
} as const;

/** A worker's block of frame counters. */
export function frameBlock(): Float64Array {
  return shared(FRAME_SLOTS + REASON.length);
}

/** The block for `services`, in their order. */
export function serviceBlock(services: readonly ServiceSpec[]): Float64Array {
  return shared(services.reduce((sum, s) => sum + SERVICE.size + s.realServers.length * SERVER.size, 0));
}

/** Where a service's words begin, and its real servers'. */
export function* places(
  services: readonly ServiceSpec[],
): Generator<{ spec: ServiceSpec; at: number; servers: number }> {
  let at = 0;
  for (const spec of services) {
    yield { spec, at, servers: at + SERVICE.size };
    at += SERVICE.size + spec.realServers.length * SERVER.size;
  }
}

/** Writes what `director` counted into the block of `services`. */
export function report(director: Director, services: readonly ServiceSpec[], block: Float64Array): void {
  const found = new Map(director.services().map(s => [`${s.protocol} ${s.address} ${s.port}`, s]));
  for (const { spec, at, servers } of places(services)) {
    const is = found.get(`${spec.protocol} ${spec.address} ${spec.port}`);
    if (is === undefined) continue;
    const { counters: c } = is;
    block.set([c.conns, c.inpkts, c.outpkts, c.inbytes, c.outbytes], at);
    const dests = new Map(is.dests.map(d => [`${d.address} ${d.port}`, d]));
    for (const [i, rs] of spec.realServers.entries()) {
      const d = dests.get(`${rs.address} ${rs.port}`);
      if (d === undefined) continue;
      const { conns, inpkts, outpkts, inbytes, outbytes } = d.counters;
      block.set([d.active, d.inactive, conns, inpkts, outpkts, inbytes, outbytes], servers + i * SERVER.size);
    }
  }
}

function shared(words: number): Float64Array {
  return new Float64Array(new SharedArrayBuffer(Math.max(1, words) * 8));
}
