// Maglev hashing (ip_vs_mh.c; Eisenbud et al., NSDI 2016, §3.4): a table of a prime size that the servers fill in turns,
// each along its own permutation. When a server goes, few entries of the others move.
// It is built from lastWeight: a server of weight 0 keeps its entries, so quiescing moves nobody else. Flags: mh-port hashes
// the port too; mh-fallback looks further when the entry's server is not available, else the connection is refused.
import { siphash13 } from '../../kit/hash.ts';
import { foldAddress } from './fold.ts';
import { gcd } from './gcd.ts';
import {
  available,
  type Dests,
  type Flow,
  type MakeScheduler,
  type Scheduler,
  type SchedulerFlags,
} from './scheduler.ts';

/** Table sizes by the kernel's CONFIG_IP_VS_MH_TAB_INDEX. */
export const MH_PRIMES = {
  8: 251,
  9: 509,
  10: 1021,
  11: 2039,
  12: 4093,
  13: 8191,
  14: 16381,
  15: 32749,
  16: 65521,
  17: 131071,
} as const;
export type MhIndex = keyof typeof MH_PRIMES;

const KEY1 = 2654435761;
const KEY2 = 2654446892;

class MaglevHash implements Scheduler {
  readonly #dests: Dests;
  readonly #flags: SchedulerFlags;
  readonly #index: MhIndex;
  readonly #entry: Int32Array;

  constructor(dests: Dests, flags: SchedulerFlags, index: MhIndex) {
    this.#dests = dests;
    this.#flags = flags;
    this.#index = index;
    this.#entry = new Int32Array(MH_PRIMES[index]);
    this.update();
  }

  update(): void {
    const { count, address, port, family, serviceFamily, lastWeight } = this.#dests;
    const entry = this.#entry.fill(-1);
    const size = entry.length;
    let divisor = 0;
    let max = 0;
    for (let at = 0; at < count; at++) {
      divisor = gcd(lastWeight[at], divisor);
      if (lastWeight[at] > max) max = lastWeight[at];
    }
    if (divisor === 0) return;
    // Only the upper index/2 bits of the highest weight count: so a turn stays short against the table.
    const bits = 32 - Math.clz32(max / divisor);
    const shift = Math.max(0, bits - (this.#index >> 1));
    const step = new Int32Array(count);
    const next = new Int32Array(count);
    const turns = new Int32Array(count);
    for (let at = 0; at < count; at++) {
      const word = (foldAddress(address, at * 16, serviceFamily || family[at]) + port[at]) | 0;
      next[at] = siphash13(word, KEY1, KEY1) % size;
      step[at] = (siphash13(word, KEY2, KEY2) % (size - 1)) + 1;
      turns[at] = (lastWeight[at] / divisor) >> shift || (lastWeight[at] > 0 ? 1 : 0);
    }
    let at = 0;
    let taken = 0;
    for (let filled = 0; filled < size; ) {
      if (turns[at] > 0) {
        while (entry[next[at]] >= 0) next[at] = (next[at] + step[at]) % size;
        entry[next[at]] = at;
        filled++;
        taken++;
      }
      if (taken >= turns[at]) {
        at = at + 1 >= count ? 0 : at + 1;
        taken = 0;
      }
    }
  }

  pick(flow: Flow): number {
    const key = foldAddress(flow.source, 0, flow.family) + (this.#flags.port ? flow.sourcePort : 0);
    const size = this.#entry.length;
    const home = siphash13(key | 0, KEY1, KEY1) % size;
    const first = this.#entry[home];
    if (first < 0) return -1;
    if (available(this.#dests, first)) return first;
    if (!this.#flags.fallback) return -1;
    for (let k = 0; k < size; k++) {
      const offset = (k + home) % size;
      const at = this.#entry[siphash13((key + offset) | 0, KEY1, KEY1) % size];
      if (available(this.#dests, at)) return at;
    }
    return -1;
  }
}

/** Maglev over a table of MH_PRIMES[index] entries. */
export function makeMh(index: MhIndex): (dests: Dests, flags: SchedulerFlags) => Scheduler {
  return (dests, flags) => new MaglevHash(dests, flags, index);
}

/** Maglev as kernels are built: 4093 entries. */
export const mh: MakeScheduler = makeMh(12);
