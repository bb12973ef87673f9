// A set of addresses with a number each (a port, or 0), for the questions that every packet asks: is this address ours, is that
// one a real server's. Rebuilt as a whole when the configuration changes; has() allocates nothing.

/** Words of an entry: four of the address, the number, and 1 for «taken». */
const WORDS = 6;

export class WordSet {
  #table: Int32Array = new Int32Array(8 * WORDS);
  #count = 0;

  clear(): void {
    this.#table = new Int32Array(8 * WORDS);
    this.#count = 0;
  }

  add(a: Int32Array, number = 0): void {
    if (this.has(a[0], a[1], a[2], a[3], number)) return;
    if ((this.#count + 1) * 2 * WORDS > this.#table.length) this.#grow();
    this.#put(a, 0, number);
  }

  has(a0: number, a1: number, a2: number, a3: number, number: number): boolean {
    const table = this.#table;
    const slots = table.length / WORDS;
    for (let i = hash(a0, a1, a2, a3, number) & (slots - 1); ; i = (i + 1) & (slots - 1)) {
      const at = i * WORDS;
      if (table[at + 5] === 0) return false;
      if (
        table[at] === a0 &&
        table[at + 1] === a1 &&
        table[at + 2] === a2 &&
        table[at + 3] === a3 &&
        table[at + 4] === number
      )
        return true;
    }
  }

  #put(a: Int32Array, from: number, number: number): void {
    const table = this.#table;
    const slots = table.length / WORDS;
    let i = hash(a[from], a[from + 1], a[from + 2], a[from + 3], number) & (slots - 1);
    while (table[i * WORDS + 5] !== 0) i = (i + 1) & (slots - 1);
    for (let k = 0; k < 4; k++) table[i * WORDS + k] = a[from + k];
    table[i * WORDS + 4] = number;
    table[i * WORDS + 5] = 1;
    this.#count++;
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Int32Array(old.length * 2);
    this.#count = 0;
    for (let at = 0; at < old.length; at += WORDS) if (old[at + 5] === 1) this.#put(old, at, old[at + 4]);
  }
}

function hash(a0: number, a1: number, a2: number, a3: number, number: number): number {
  let h = Math.imul(a0 ^ (a1 * 31) ^ (a2 * 961) ^ number, 0x9e3779b1) ^ a3;
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  return (h ^ (h >>> 13)) & 0x7fffffff;
}

/** Whether the address `a` has these words. */
export function isWords(a: Int32Array, w0: number, w1: number, w2: number, w3: number): boolean {
  return a[0] === w0 && a[3] === w3 && a[1] === w1 && a[2] === w2;
}

/** Whether two addresses are the same. */
export function sameWords(a: Int32Array, b: Int32Array): boolean {
  return isWords(a, b[0], b[1], b[2], b[3]);
}
