// How many free frames lie ready for the kernel to copy into: a few while it takes few at a time, all that there is room for otherwise.
// The ring gives them out in turn, so that all of them are gone through: with many, each is cold (its page's address and its lines, here
// and in the kernel) when its turn comes.
//   fewer than half of them left when more are put there → twice as many · none left → the most · never less than three quarters left in
//   a long while → half as many
// Invariant: fewest ≤ value ≤ most.

/** Times that frames were put there, of which none took many: some 32,000 frames. */
const CALM = 1024;

export class Depth {
  value: number;
  readonly #fewest: number;
  readonly #most: number;
  #lowest: number;
  #seen = 0;

  /** Begins with the most. */
  constructor(fewest: number, most: number) {
    this.value = most;
    this.#fewest = fewest;
    this.#most = most;
    this.#lowest = most;
  }

  /** `left` lay there still when more were to be put there. */
  see(left: number): void {
    if (left < this.value >> 1) {
      this.value = left === 0 ? this.#most : Math.min(this.#most, this.value << 1);
      this.#begin();
      return;
    }
    if (left < this.#lowest) this.#lowest = left;
    if (++this.#seen < CALM) return;
    if (this.#lowest >= this.value - (this.value >> 2)) this.value = Math.max(this.#fewest, this.value >> 1);
    this.#begin();
  }

  #begin(): void {
    this.#seen = 0;
    this.#lowest = this.#most;
  }
}
