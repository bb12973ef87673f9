// Connections and new connections a second of each VIP, from the plane's counters; smoothed as IPVS's estimator does
// (net/netfilter/ipvs/ip_vs_est.c: avg += (rate − avg) / 4 at each step).
import type { ServiceCounters } from '../model/service.ts';
import { Estimates } from './estimate.ts';

export interface VipLoad {
  /** Open now, active and inactive. */
  connections: number;
  /** New ones a second, smoothed. */
  rate: number;
}

export class Rates {
  /** Service by service. */
  readonly estimates = new Estimates();
  readonly #last = new Map<string, { total: number; at: number; rate: number }>();
  #loads = new Map<string, VipLoad>();

  /** Takes the counters of now (`mono` ms); to be called about once a second. */
  step(counters: readonly ServiceCounters[], mono: number): void {
    this.estimates.step(counters, mono);
    const totals = new Map<string, { total: number; open: number }>();
    for (const s of counters) {
      const t = totals.get(s.vip) ?? { total: 0, open: 0 };
      t.total += s.connections;
      for (const rs of s.realServers) t.open += rs.active + rs.inactive;
      totals.set(s.vip, t);
    }
    this.#loads = new Map();
    for (const [vip, { total, open }] of totals) {
      const last = this.#last.get(vip) ?? { total, at: mono, rate: 0 };
      const seconds = (mono - last.at) / 1000;
      // A plane that began anew counts from 0 again: that step tells nothing.
      const rate =
        seconds > 0 && total >= last.total
          ? last.rate + ((total - last.total) / seconds - last.rate) / 4
          : last.rate;
      this.#last.set(vip, { total, at: mono, rate });
      this.#loads.set(vip, { connections: open, rate: Math.round(rate * 100) / 100 });
    }
  }

  of(vip: string): VipLoad {
    return this.#loads.get(vip) ?? { connections: 0, rate: 0 };
  }
}
