// Weighted overflow (ip_vs_ovf.c): the server of the highest weight, until its established connections are more than
// its weight; then the next lower one. Nobody when all have overflowed.
import { available, type Dests, type MakeScheduler, type Scheduler } from './scheduler.ts';

class Overflow implements Scheduler {
  readonly #dests: Dests;

  constructor(dests: Dests) {
    this.#dests = dests;
  }

  update(): void {}

  pick(): number {
    const { count, weight, active } = this.#dests;
    let best = -1;
    for (let at = 0; at < count; at++) {
      if (!available(this.#dests, at) || active[at] > weight[at]) continue;
      if (best < 0 || weight[at] > weight[best]) best = at;
    }
    return best;
  }
}

export const ovf: MakeScheduler = dests => new Overflow(dests);
