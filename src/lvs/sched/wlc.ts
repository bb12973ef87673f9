// Weighted least connections (ip_vs_wlc.c): the server with the least overhead for its weight.
// a/b > c/d is compared as a·d > c·b. Invariant: both products stay whole numbers below 2⁵³ (10⁷ connections × 256 × 65535).
import { type Dests, type MakeScheduler, OVERHEAD, type Scheduler } from './scheduler.ts';

/** Position of the available server with the least overhead for its weight; -1 = none. Each column is looked up once: one pick reads them all. */
export function lightest(dests: Dests): number {
  const { count, weight, flags, active, inactive } = dests;
  let least = -1;
  let load = 0;
  let share = 0;
  for (let at = 0; at < count; at++) {
    const mine = weight[at];
    if (mine <= 0 || flags[at] !== 0) continue;
    const over = active[at] * OVERHEAD + inactive[at];
    if (least < 0 || load * mine > over * share) {
      least = at;
      load = over;
      share = mine;
    }
  }
  return least;
}

class WeightedLeastConnections implements Scheduler {
  readonly #dests: Dests;

  constructor(dests: Dests) {
    this.#dests = dests;
  }

  update(): void {}

  pick(): number {
    return lightest(this.#dests);
  }
}

export const wlc: MakeScheduler = dests => new WeightedLeastConnections(dests);
