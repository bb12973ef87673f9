// What addresses are to the director, for the questions that every packet asks: is this one ours, is that one a real server's.
// An open-addressed table of addresses with a number each (a port, or 0) and bits that say what they are. Rebuilt as a whole when
// the configuration changes; bits() allocates nothing.

/** What an address is: this host's, FullNAT's local one, a real server's. */
export const OWN = 1;
export const LOCAL = 2;
export const SERVER = 4;

/** Words of an entry: four of the address, the number, the bits (0: free). */
const SHIFT = 3;
const SMALLEST = 8;

export class WordSet {
  #table: Int32Array = new Int32Array(SMALLEST << SHIFT);
  #mask = SMALLEST - 1;
  #count = 0;

  clear(): void {
    this.#table = new Int32Array(SMALLEST << SHIFT);
    this.#mask = SMALLEST - 1;
    this.#count = 0;
  }

  /** Says of an address, with `number`, that it is what `bits` says, besides what was said of it before. */
  add(a: Int32Array, bits: number, number = 0): void {
    if ((this.#count + 1) * 2 > this.#mask) this.#grow();
    this.#put(a, 0, bits, number);
  }

  /** All that was said of an address with `number`; 0 = nothing. */
  bits(a0: number, a1: number, a2: number, a3: number, number: number): number {
    const table = this.#table;
    const mask = this.#mask;
    for (let i = hash(a0, a1, a2, a3, number) & mask; ; i = (i + 1) & mask) {
      const at = i << SHIFT;
      const bits = table[at + 5];
      if (bits === 0) return 0;
      if (
        table[at] === a0 &&
        table[at + 1] === a1 &&
        table[at + 2] === a2 &&
        table[at + 3] === a3 &&
        table[at + 4] === number
      )
        return bits;
    }
  }

  #put(a: Int32Array, from: number, bits: number, number: number): void {
    const table = this.#table;
    const mask = this.#mask;
    let i = hash(a[from], a[from + 1], a[from + 2], a[from + 3], number) & mask;
    for (; table[(i << SHIFT) + 5] !== 0; i = (i + 1) & mask) {
      const at = i << SHIFT;
      if (
        table[at + 4] !== number ||
        !isWords(table.subarray(at, at + 4), a[from], a[from + 1], a[from + 2], a[from + 3])
      )
        continue;
      table[at + 5] |= bits;
      return;
    }
    const at = i << SHIFT;
    for (let k = 0; k < 4; k++) table[at + k] = a[from + k];
    table[at + 4] = number;
    table[at + 5] = bits;
    this.#count++;
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Int32Array(old.length * 2);
    this.#mask = this.#mask * 2 + 1;
    this.#count = 0;
    for (let at = 0; at < old.length; at += 1 << SHIFT)
      if (old[at + 5] !== 0) this.#put(old, at, old[at + 5], old[at + 4]);
  }
}

function hash(a0: number, a1: number, a2: number, a3: number, number: number): number {
  let h = Math.imul(a0 ^ Math.imul(a1, 31) ^ Math.imul(a2, 961) ^ number, 0x9e3779b1) ^ a3;
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  return h ^ (h >>> 13);
}

/** Whether the address `a` has these words. */
export function isWords(a: Int32Array, w0: number, w1: number, w2: number, w3: number): boolean {
  return a[0] === w0 && a[3] === w3 && a[1] === w1 && a[2] === w2;
}

/** Whether two addresses are the same. */
export function sameWords(a: Int32Array, b: Int32Array): boolean {
  return isWords(a, b[0], b[1], b[2], b[3]);
}
