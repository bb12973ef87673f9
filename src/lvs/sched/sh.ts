// Source hashing (ip_vs_sh.c): 256 buckets, filled in list order, each server as often in a row as its weight says.
// A client always meets the same bucket. Flags: sh-port hashes the port too; sh-fallback looks further when the
// bucket's server is not available, else the connection is refused.
import { hash32 } from '../../kit/hash.ts';
import { foldAddress } from './fold.ts';
import {
  available,
  type Dests,
  type Flow,
  type MakeScheduler,
  type Scheduler,
  type SchedulerFlags,
} from './scheduler.ts';

const BITS = 8;
const SIZE = 1 << BITS;

class SourceHash implements Scheduler {
  readonly #dests: Dests;
  readonly #flags: SchedulerFlags;
  readonly #bucket = new Int32Array(SIZE);

  constructor(dests: Dests, flags: SchedulerFlags) {
    this.#dests = dests;
    this.#flags = flags;
    this.update();
  }

  // A server of weight 0 still fills one bucket a round, as in the kernel: so quiescing weight 1 moves nobody else.
  update(): void {
    const { count, weight } = this.#dests;
    let at = 0;
    let filled = 0;
    for (let i = 0; i < SIZE; i++) {
      this.#bucket[i] = count === 0 ? -1 : at;
      if (++filled >= weight[at]) {
        at = at + 1 >= count ? 0 : at + 1;
        filled = 0;
      }
    }
  }

  pick(flow: Flow): number {
    if (this.#dests.count === 0) return -1;
    const key = foldAddress(flow.source, 0, flow.family) + (this.#flags.port ? flow.sourcePort : 0);
    const home = hash32(key, BITS);
    const first = this.#bucket[home];
    if (available(this.#dests, first)) return first;
    if (!this.#flags.fallback) return -1;
    for (let k = 0; k < SIZE; k++) {
      const offset = (k + home) % SIZE;
      const at = this.#bucket[(offset + home) % SIZE];
      if (available(this.#dests, at)) return at;
    }
    return -1;
  }
}

export const sh: MakeScheduler = (dests, flags) => new SourceHash(dests, flags);
