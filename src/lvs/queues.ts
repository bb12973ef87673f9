// The two queues of connections that may be evicted when the table is full, each oldest first: doubly linked through their lines.
// Invariant: a line is in one queue or none, and its flags say in which.
import { BEFORE, BEHIND, FLAGS, QUEUE_SHIFT, WORDS } from './line.ts';

export class Queues {
  readonly #t: Int32Array;
  readonly #first = new Int32Array(3);
  readonly #last = new Int32Array(3);
  readonly #length = new Int32Array(3);

  /** Over the lines `t`. */
  constructor(t: Int32Array) {
    this.#t = t;
  }

  /** Moves a line to the end of a queue (HALF_OPEN, CLOSING), or out of its own (0). */
  move(c: number, to: number): void {
    const t = this.#t;
    const base = c * WORDS;
    const flags = t[base + FLAGS];
    const from = (flags >>> QUEUE_SHIFT) & 3;
    if (from === to) return;
    if (from !== 0) {
      const before = t[base + BEFORE];
      const behind = t[base + BEHIND];
      if (before === 0) this.#first[from] = behind;
      else t[before * WORDS + BEHIND] = behind;
      if (behind === 0) this.#last[from] = before;
      else t[behind * WORDS + BEFORE] = before;
      this.#length[from]--;
    }
    t[base + FLAGS] = (flags & ~(3 << QUEUE_SHIFT)) | (to << QUEUE_SHIFT);
    if (to === 0) return;
    const last = this.#last[to];
    t[base + BEFORE] = last;
    t[base + BEHIND] = 0;
    if (last === 0) this.#first[to] = c;
    else t[last * WORDS + BEHIND] = c;
    this.#last[to] = c;
    this.#length[to]++;
  }

  /** Lines in a queue. */
  length(queue: number): number {
    return this.#length[queue];
  }

  /** The oldest line of a queue; 0 = it is empty. */
  oldest(queue: number): number {
    return this.#first[queue];
  }
}
