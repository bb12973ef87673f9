// Tables of servers and flows in the tests' own words.
import { parseIp } from '../../src/kit/ip.ts';
import { DestTable } from '../../src/lvs/sched/dests.ts';
import type { Flow, Scheduler } from '../../src/lvs/sched/scheduler.ts';

/** Servers 10.0.0.N:80 with these weights, in list order: the first weight is the newest server's, at position 0. */
export function table(...weights: number[]): DestTable {
  const dests = new DestTable();
  weights.forEach((_, i) => {
    const at = weights.length - 1 - i;
    dests.add(Uint8Array.of(10, 0, at >> 8, at & 255), 80, weights[at]);
  });
  return dests;
}

export function flow(source = '198.51.100.7', sourcePort = 31337): Flow {
  const bytes = parseIp(source) as Uint8Array;
  return {
    family: bytes.length === 4 ? 4 : 6,
    source: bytes,
    sourcePort,
    destination: Uint8Array.of(192, 0, 2, 10),
  };
}

const anyone = flow();

/** The positions of the next `n` picks. */
export function picks(scheduler: Scheduler, n: number, from = anyone): number[] {
  return Array.from({ length: n }, () => scheduler.pick(from));
}

/** Picks that stay open: each charges one established connection to the server chosen. */
export function opens(scheduler: Scheduler, dests: DestTable, n: number): number[] {
  return Array.from({ length: n }, () => {
    const at = scheduler.pick(anyone);
    dests.charge(at, 1, 0);
    return at;
  });
}

/** `n` different clients, the same in every run. */
export function clients(n: number): Flow[] {
  return Array.from({ length: n }, (_, i) => {
    const x = Math.imul(i + 1, 2654435761) >>> 0;
    return flow(`${x >>> 24}.${(x >>> 16) & 255}.${(x >>> 8) & 255}.${x & 255}`, 1024 + (i % 60000));
  });
}
