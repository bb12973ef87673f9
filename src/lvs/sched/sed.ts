// Shortest expected delay (ip_vs_sed.c): the least (established + 1) for its weight, as if the new one were there already.
import { available, type Dests, type MakeScheduler, type Scheduler } from './scheduler.ts';

/** Position of the server with the least expected delay; -1 = none is available. The first in the list wins ties. */
export function shortest(dests: Dests): number {
  const { count, weight, active } = dests;
  let least = -1;
  for (let at = 0; at < count; at++) {
    if (!available(dests, at)) continue;
    if (least < 0 || (active[least] + 1) * weight[at] > (active[at] + 1) * weight[least]) least = at;
  }
  return least;
}

class ShortestExpectedDelay implements Scheduler {
  readonly #dests: Dests;

  constructor(dests: Dests) {
    this.#dests = dests;
  }

  update(): void {}

  pick(): number {
    return shortest(this.#dests);
  }
}

export const sed: MakeScheduler = dests => new ShortestExpectedDelay(dests);
