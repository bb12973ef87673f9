// Weighted least connections (ip_vs_wlc.c): the server with the least overhead for its weight.
// a/b > c/d is compared as a·d > c·b. Invariant: both products stay whole numbers below 2⁵³ (10⁷ connections × 256 × 65535).
import { available, type Dests, type MakeScheduler, overhead, type Scheduler } from './scheduler.ts';

class WeightedLeastConnections implements Scheduler {
  readonly #dests: Dests;

  constructor(dests: Dests) {
    this.#dests = dests;
  }

  update(): void {}

  pick(): number {
    const { count, weight } = this.#dests;
    let least = -1;
    let load = 0;
    for (let at = 0; at < count; at++) {
      if (!available(this.#dests, at)) continue;
      const mine = overhead(this.#dests, at);
      if (least < 0 || load * weight[at] > mine * weight[least]) {
        least = at;
        load = mine;
      }
    }
    return least;
  }
}

export const wlc: MakeScheduler = dests => new WeightedLeastConnections(dests);
