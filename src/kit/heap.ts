// Places in one large buffer: which ranges of it are taken and which are free. Best of a few free ranges of the right
// size class, neighbours joined when they are freed. Knows nothing of the buffer itself.
// Invariant: no two free ranges touch, and none touches the top.

const STEP = 64;
/** Free ranges of one size class that are looked at before a larger class is taken. */
const TRIES = 16;

export class Heap {
  /** Octets from 0 in which everything taken lies. */
  top: number;
  /** Octets taken, rounded up as they are. */
  used = 0;
  // Free ranges: start → size, end → start, and the starts of each size class (the power of two at or below the size).
  readonly #size = new Map<number, number>();
  readonly #startOf = new Map<number, number>();
  readonly #classes: Set<number>[] = Array.from({ length: 53 }, () => new Set());

  /** What lies before `base` is not given away: at least 1 step, so that no place is 0. */
  constructor(base = 0) {
    this.top = Math.max(STEP, round(base));
  }

  /** Takes `size` octets and returns where they begin, a multiple of 64; above the old `top` where nothing free is large enough. */
  take(size: number): number {
    const wanted = round(Math.max(size, 1));
    this.used += wanted;
    const at = this.#find(wanted);
    if (at < 0) {
      this.top += wanted;
      return this.top - wanted;
    }
    const found = this.#size.get(at) as number;
    this.#remove(at, found);
    if (found > wanted) this.#add(at + wanted, found - wanted);
    return at;
  }

  /** Gives back what take(size) returned. */
  free(at: number, size: number): void {
    let start = at;
    let end = at + round(Math.max(size, 1));
    this.used -= end - start;
    const before = this.#startOf.get(start);
    if (before !== undefined) {
      this.#remove(before, start - before);
      start = before;
    }
    const after = this.#size.get(end);
    if (after !== undefined) {
      this.#remove(end, after);
      end += after;
    }
    if (end === this.top) this.top = start;
    else this.#add(start, end - start);
  }

  #find(wanted: number): number {
    const own = classOf(wanted);
    let tries = TRIES;
    for (const at of this.#classes[own]) {
      if ((this.#size.get(at) as number) >= wanted) return at;
      if (--tries === 0) break;
    }
    for (let c = own + 1; c < this.#classes.length; c++) for (const at of this.#classes[c]) return at;
    return -1;
  }

  #add(at: number, size: number): void {
    this.#size.set(at, size);
    this.#startOf.set(at + size, at);
    this.#classes[classOf(size)].add(at);
  }

  #remove(at: number, size: number): void {
    this.#size.delete(at);
    this.#startOf.delete(at + size);
    this.#classes[classOf(size)].delete(at);
  }
}

function classOf(size: number): number {
  return Math.floor(Math.log2(size));
}

function round(size: number): number {
  return Math.ceil(size / STEP) * STEP;
}
