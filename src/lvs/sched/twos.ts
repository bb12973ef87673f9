// The better of two (ip_vs_twos.c; Mitzenmacher 2001): two servers drawn by weight, and of them the less loaded one.
// Both draws are from 0 to the sum of the weights, both ends included: so the first in the list is the likelier by one.
import type { Rng } from '../../kit/rng.ts';
import { available, type Dests, type MakeScheduler, overhead, type Scheduler } from './scheduler.ts';

class BetterOfTwo implements Scheduler {
  readonly #dests: Dests;
  /** State of a xorshift generator (Marsaglia 2003): a draw from `rng` itself would make a number object. */
  readonly #dice = new Int32Array(1);

  constructor(dests: Dests, rng: Rng) {
    this.#dests = dests;
    this.#dice[0] = rng() | 1;
  }

  update(): void {}

  pick(): number {
    const { count, weight } = this.#dests;
    let sum = 0;
    for (let at = 0; at < count; at++) if (available(this.#dests, at)) sum += weight[at];
    if (sum === 0) return -1;
    const one = this.#draw(sum);
    const two = this.#draw(sum);
    const better = weight[two] * overhead(this.#dests, one) > weight[one] * overhead(this.#dests, two);
    return better ? two : one;
  }

  // The server at which the weights, added up in list order, reach a mark drawn from 0 to `sum`.
  #draw(sum: number): number {
    const { count, weight } = this.#dests;
    let x = this.#dice[0];
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#dice[0] = x;
    let left = Math.floor(((x >>> 0) / 4294967296) * (sum + 1));
    let last = -1;
    for (let at = 0; at < count; at++) {
      if (!available(this.#dests, at)) continue;
      last = at;
      left -= weight[at];
      if (left <= 0) return at;
    }
    return last;
  }
}

export const twos: MakeScheduler = (dests, _flags, seams) => new BetterOfTwo(dests, seams.rng);
