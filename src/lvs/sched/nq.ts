// Never queue (ip_vs_nq.c): the first server without an established connection, however slow it is; else as sed.
import { available, type Dests, type MakeScheduler, type Scheduler } from './scheduler.ts';
import { shortest } from './sed.ts';

class NeverQueue implements Scheduler {
  readonly #dests: Dests;

  constructor(dests: Dests) {
    this.#dests = dests;
  }

  update(): void {}

  pick(): number {
    const { count, active } = this.#dests;
    for (let at = 0; at < count; at++) if (active[at] === 0 && available(this.#dests, at)) return at;
    return shortest(this.#dests);
  }
}

export const nq: MakeScheduler = dests => new NeverQueue(dests);
