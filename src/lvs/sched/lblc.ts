// Locality-based least connections (ip_vs_lblc.c): a destination address keeps the server that it got, until that one is
// gone, has weight 0, or is too busy while another is not; then the lightest gets it.
// As in the kernel, an upper threshold that is reached does not send a kept destination elsewhere.
import { Destinations, Remembered, tooBusy } from './locality.ts';
import { type Dests, type Flow, type MakeScheduler, type Scheduler, TRIED } from './scheduler.ts';
import { lightest } from './wlc.ts';

class LocalityLeastConnections implements Scheduler {
  readonly #dests: Dests;
  readonly #now: () => number;
  readonly #seen = new Destinations();
  /** One slot a destination. */
  readonly #kept = new Remembered();

  constructor(dests: Dests, now: () => number) {
    this.#dests = dests;
    this.#now = now;
  }

  update(): void {
    this.#kept.relocate(this.#dests, this.#seen.count);
  }

  pick(flow: Flow): number {
    const now = this.#now();
    const entry = this.#seen.find(flow, now);
    if (entry >= 0) {
      const at = this.#kept.place[entry];
      const { weight, flags } = this.#dests;
      if (at >= 0 && weight[at] > 0 && (flags[at] & TRIED) === 0 && !tooBusy(this.#dests, at)) return at;
    }
    const at = lightest(this.#dests);
    if (at < 0) return -1;
    const fresh = entry >= 0 ? entry : this.#seen.add(flow, now);
    if (fresh >= 0) this.#kept.set(fresh, this.#dests, at);
    return at;
  }
}

export const lblc: MakeScheduler = (dests, _flags, seams) => new LocalityLeastConnections(dests, seams.now);
