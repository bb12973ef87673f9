// One side of a ring that is shared with the kernel (AF_XDP: linux/if_xdp.h): an index each, entries, a word of flags.
//   consumer: waiting() → read entries at `index & mask` → index++ → release()
//   producer: room() → write entries at `index & mask` → index++ → publish()
// Invariant: entries are touched between the look at their index and the store of ours; both are atomic, once a batch. What looks
// in vain is a plain load, which costs a tenth: it may be late, and whoever sleeps then is woken by the kernel all the same.
import type { Libc } from './libc.ts';

/** Where a ring lies, to be told to the thread that works on it: an address, and octet offsets from it. */
export interface RingPlace {
  address: number;
  length: number;
  producer: number;
  consumer: number;
  flags: number;
  entries: number;
  /** Entries (a power of two), and 32-bit words of one. */
  size: number;
  words: number;
}

const NEED_WAKEUP = 1;

/** Entries that stand in a ring now, for whoever only looks on. */
export function standingIn(libc: Libc, place: RingPlace): number {
  const memory = libc.view(place.address, place.length);
  const [produced] = new Int32Array(memory, place.producer, 1);
  const [consumed] = new Int32Array(memory, place.consumer, 1);
  return (produced - consumed) | 0;
}

export class Ring {
  /** The next entry of ours; not masked. */
  index = 0;
  readonly mask: number;
  readonly entries: Int32Array;
  readonly size: number;
  readonly #producer: Int32Array;
  readonly #consumer: Int32Array;
  readonly #flags: Int32Array;

  constructor(libc: Libc, place: RingPlace) {
    const memory = libc.view(place.address, place.length);
    this.size = place.size;
    this.mask = place.size - 1;
    this.entries = new Int32Array(memory, place.entries, place.size * place.words);
    this.#producer = new Int32Array(memory, place.producer, 1);
    this.#consumer = new Int32Array(memory, place.consumer, 1);
    this.#flags = new Int32Array(memory, place.flags, 1);
  }

  /** For a consumer: entries that are there. */
  waiting(): number {
    if (this.#producer[0] === this.index) return 0;
    return (Atomics.load(this.#producer, 0) - this.index) | 0;
  }

  /** For a consumer: gives back what was read. */
  release(): void {
    Atomics.store(this.#consumer, 0, this.index);
  }

  /** For a producer: entries that may be written; by a late look fewer than there are. */
  room(): number {
    return this.size - ((this.index - this.#consumer[0]) | 0);
  }

  /** For a producer: hands over what was written. */
  publish(): void {
    Atomics.store(this.#producer, 0, this.index);
  }

  /** For a producer: entries that were handed over and the kernel has not taken yet. */
  pending(): number {
    return (this.#producer[0] - this.#consumer[0]) | 0;
  }

  /** Whether the kernel goes on only when it is called; by a late look, as libxdp takes it. */
  sleeps(): boolean {
    return (this.#flags[0] & NEED_WAKEUP) !== 0;
  }
}
