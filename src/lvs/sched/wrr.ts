// Weighted round robin (ip_vs_wrr.c). cw, the weight a server must have to be chosen, falls from the highest weight
// to 1 in steps of the greatest common divisor, once through the list at each step.
// Invariant: a whole cycle gives each server exactly weight / gcd connections, interleaved.

import { gcd } from './gcd.ts';
import { available, type Dests, type MakeScheduler, type Scheduler } from './scheduler.ts';

class WeightedRoundRobin implements Scheduler {
  readonly #dests: Dests;
  /** Position of the server chosen last; -1 = the head of the list. */
  #last = -1;
  /** The weight asked for now, the highest that is asked for, and the step between two rounds. */
  #cw = 0;
  #mw = 0;
  #di = 1;

  constructor(dests: Dests) {
    this.#dests = dests;
    this.update();
  }

  update(): void {
    const { count, weight } = this.#dests;
    let divisor = 0;
    let max = 0;
    for (let at = 0; at < count; at++) {
      if (weight[at] <= 0) continue;
      divisor = gcd(weight[at], divisor);
      if (weight[at] > max) max = weight[at];
    }
    this.#last = -1;
    this.#di = divisor === 0 ? 1 : divisor;
    this.#mw = max - (this.#di - 1);
    if (this.#cw > this.#mw || this.#cw === 0) this.#cw = this.#mw;
    else if (this.#di > 1) this.#cw = Math.floor(this.#cw / this.#di) * this.#di + 1;
  }

  pick(): number {
    if (this.#mw === 0) return -1;
    const { count, weight } = this.#dests;
    const first = this.#last + 1;
    let cw = this.#cw;
    // The rest of the round that is open; then whole rounds. The first whole one learns the highest weight that is
    // available, so the next begins where somebody can be chosen: two whole rounds are enough however far weights lie apart.
    for (let round = 0; round < 4; round++) {
      let best = 0;
      for (let at = round === 0 ? first : 0; at < count; at++) {
        if (!available(this.#dests, at)) continue;
        if (weight[at] >= cw) {
          this.#last = at;
          this.#cw = cw;
          return at;
        }
        if (weight[at] > best) best = weight[at];
      }
      cw -= this.#di;
      if (cw <= 0) cw = this.#mw;
      if (round === 0 && first > 0) continue;
      if (best === 0) return -1;
      if (cw > best) cw -= Math.ceil((cw - best) / this.#di) * this.#di;
    }
    return -1;
  }
}

export const wrr: MakeScheduler = dests => new WeightedRoundRobin(dests);
