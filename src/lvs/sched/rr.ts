// Round robin (ip_vs_rr.c): the next available server after the one chosen last.
// Invariant: a change of the list does not make it start over; a removed last one hands on to the one before it.
import { available, type Dests, type MakeScheduler, type Scheduler } from './scheduler.ts';

class RoundRobin implements Scheduler {
  readonly #dests: Dests;
  /** Position of the server chosen last; -1 = the head of the list. */
  #last = -1;
  /** The ids in list order as of the last update, to find the last chosen again after servers came and went. */
  #ids = new Int32Array(0);

  constructor(dests: Dests) {
    this.#dests = dests;
    this.update();
  }

  update(): void {
    const now = this.#dests.id.slice(0, this.#dests.count);
    let last = -1;
    for (let before = this.#last; before >= 0 && last < 0; before--) last = now.indexOf(this.#ids[before]);
    this.#last = last;
    this.#ids = now;
  }

  pick(): number {
    const { count } = this.#dests;
    let at = this.#last;
    for (let step = 0; step < count; step++) {
      at = at + 1 >= count ? 0 : at + 1;
      if (available(this.#dests, at)) {
        this.#last = at;
        return at;
      }
    }
    return -1;
  }
}

export const rr: MakeScheduler = dests => new RoundRobin(dests);
