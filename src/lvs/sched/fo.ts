// Weighted failover (ip_vs_fo.c): everything goes to the available server of the highest weight.
import { available, type Dests, type MakeScheduler, type Scheduler } from './scheduler.ts';

class Failover implements Scheduler {
  readonly #dests: Dests;

  constructor(dests: Dests) {
    this.#dests = dests;
  }

  update(): void {}

  pick(): number {
    const { count, weight } = this.#dests;
    let best = -1;
    for (let at = 0; at < count; at++) {
      if (available(this.#dests, at) && (best < 0 || weight[at] > weight[best])) best = at;
    }
    return best;
  }
}

export const fo: MakeScheduler = dests => new Failover(dests);
