// The counters of all workers, summed as the status shows them.
import { REASON } from '../../lvs/verdict.ts';
import type { ServiceCounters, ServiceSpec } from '../../model/service.ts';
import { FRAME, FRAME_SLOTS, places, SERVER, SERVICE } from './counters.ts';

/** What `blocks` (one of each worker, counters.ts) say of `services`. */
export function readCounters(
  services: readonly ServiceSpec[],
  blocks: readonly Float64Array[],
  faults: ReadonlyMap<string, string>,
): ServiceCounters[] {
  const sum = (at: number) => blocks.reduce((total, b) => total + (b[at] ?? 0), 0);
  return [...places(services)].map(({ spec, at, servers }) => {
    const fault = faults.get(spec.key);
    return {
      key: spec.key,
      vip: spec.vip,
      ...(fault !== undefined && { fault }),
      connections: sum(at + SERVICE.connections),
      inBytes: sum(at + SERVICE.inBytes),
      outBytes: sum(at + SERVICE.outBytes),
      inPackets: sum(at + SERVICE.inPackets),
      outPackets: sum(at + SERVICE.outPackets),
      refused: 0,
      realServers: spec.realServers.map((rs, i) => {
        const s = servers + i * SERVER.size;
        return {
          key: rs.key,
          name: rs.name,
          weight: rs.weight,
          active: sum(s + SERVER.active),
          inactive: sum(s + SERVER.inactive),
          connections: sum(s + SERVER.connections),
          inBytes: sum(s + SERVER.inBytes),
          outBytes: sum(s + SERVER.outBytes),
          inPackets: sum(s + SERVER.inPackets),
          outPackets: sum(s + SERVER.outPackets),
          failed: 0,
        };
      }),
    };
  });
}

/** What of FRAME is no count of what became of frames, by what it is of: connections, where frames stand, pauses. */
const OTHERS: Readonly<Record<string, string>> = {
  used: 'table',
  capacity: 'table',
  'evicted-half-open': 'table',
  'evicted-closing': 'table',
  free: 'standing',
  pauses: 'moderation',
};

/** What `blocks` (one of each worker, counters.ts) say of frames, by name. */
export function readFigures(blocks: readonly Float64Array[]): Record<string, number> {
  const sum = (at: number) => blocks.reduce((total, b) => total + b[at], 0);
  return Object.fromEntries([
    ...Object.entries(FRAME).map(([name, at]) => [`${OTHERS[name] ?? 'worker'} ${name}`, sum(at)] as const),
    ...REASON.map((name, i) => [`director ${name}`, sum(FRAME_SLOTS + i)] as const),
  ]);
}
