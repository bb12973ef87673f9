// Rates of every service and real server from their counters, as IPVS's estimator smooths them (net/netfilter/ipvs/
// ip_vs_est.c: avg += (rate − avg) / 4 at each step; there a step is two seconds, here what step() is called with).
import type { ServiceCounters } from '../model/service.ts';
import type { TrafficRates } from '../model/status.ts';

const COUNTED = ['connections', 'inBytes', 'outBytes', 'inPackets', 'outPackets'] as const;
type Totals = Partial<Record<(typeof COUNTED)[number], number>>;

interface Estimate {
  totals: Totals;
  at: number;
  rates: TrafficRates;
}

const NOTHING: TrafficRates = { connections: 0, inBytes: 0, outBytes: 0 };

export class Estimates {
  #known = new Map<string, Estimate>();

  /** Takes the counters of now (`mono` ms); to be called about once a second. What is gone is forgotten. */
  step(counters: readonly ServiceCounters[], mono: number): void {
    const before = this.#known;
    this.#known = new Map();
    for (const s of counters) {
      this.#known.set(s.key, next(before.get(s.key), s, mono));
      for (const rs of s.realServers) {
        const key = keyOf(s.key, rs.key);
        this.#known.set(key, next(before.get(key), rs, mono));
      }
    }
  }

  /** Of a service, or of one real server in it. */
  of(service: string, realServer?: string): TrafficRates {
    return this.#known.get(realServer === undefined ? service : keyOf(service, realServer))?.rates ?? NOTHING;
  }
}

function keyOf(service: string, realServer: string): string {
  return `${service} ${realServer}`;
}

function next(last: Estimate | undefined, now: Totals, mono: number): Estimate {
  const totals: Totals = {};
  const rates: TrafficRates = { ...NOTHING };
  const seconds = last === undefined ? 0 : (mono - last.at) / 1000;
  for (const what of COUNTED) {
    const total = now[what];
    if (total === undefined) continue;
    totals[what] = total;
    const grown = total - (last?.totals[what] ?? total);
    const rate = last?.rates[what] ?? 0;
    // A plane that began anew counts from 0 again: that step tells nothing.
    rates[what] = seconds > 0 && grown >= 0 ? rate + (grown / seconds - rate) / 4 : rate;
  }
  return { totals, at: mono, rates };
}
