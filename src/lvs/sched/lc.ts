// Least connections (ip_vs_lc.c): the server with the least overhead, whatever its weight (but not 0).
import { available, type Dests, type MakeScheduler, overhead, type Scheduler } from './scheduler.ts';

class LeastConnections implements Scheduler {
  readonly #dests: Dests;

  constructor(dests: Dests) {
    this.#dests = dests;
  }

  update(): void {}

  pick(): number {
    let least = -1;
    let load = 0;
    for (let at = 0; at < this.#dests.count; at++) {
      if (!available(this.#dests, at)) continue;
      const mine = overhead(this.#dests, at);
      if (least < 0 || mine < load) {
        least = at;
        load = mine;
      }
    }
    return least;
  }
}

export const lc: MakeScheduler = dests => new LeastConnections(dests);
