// Dice for the generators: all that is random comes from one seeded stream, so a seed is a whole run.
import { below, type Rng, unit } from '../../src/kit/rng.ts';

export class Dice {
  readonly #rng: Rng;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** An integer from `least` to `most`, both included. */
  from(least: number, most: number): number {
    return least + below(this.#rng, most - least + 1);
  }

  /** True with probability `p`. */
  chance(p: number): boolean {
    return unit(this.#rng) < p;
  }

  pick<T>(all: readonly T[]): T {
    return all[below(this.#rng, all.length)];
  }

  /** One of the keys, each as often as its weight says. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const rows = Object.entries(weights) as [K, number][];
    let left = below(
      this.#rng,
      rows.reduce((sum, [, w]) => sum + w, 0),
    );
    for (const [key, weight] of rows) {
      if (left < weight) return key;
      left -= weight;
    }
    return rows[0][0];
  }

  /** `text` with the case of some of its letters turned; escapes have none. */
  mixedCase(text: string): string {
    return text.replace(/[a-z]/gi, c =>
      this.chance(0.3) ? (c < 'a' ? c.toLowerCase() : c.toUpperCase()) : c,
    );
  }
}
