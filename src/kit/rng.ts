// Random numbers for picks and jitter: xoshiro128** (Blackman and Vigna 2018). Fast and seedable, not for secrets.

/** A source of unsigned 32-bit integers. */
export type Rng = () => number;

/** A generator from four seed words; all-zero seeds are mended, since that state would never leave zero. */
export function xoshiro(a: number, b: number, c: number, d: number): Rng {
  const s = new Int32Array([a, b, c, d]);
  if ((a | b | c | d) === 0) s[0] = 0x9e3779b9;
  return () => {
    const x = Math.imul(s[1], 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9);
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return result >>> 0;
  };
}

/** A generator from one number, its state spread by splitmix32: the same seed, the same stream. */
export function seeded(seed: number): Rng {
  let z = seed | 0;
  const next = () => {
    z = (z + 0x9e3779b9) | 0;
    let x = z;
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return x ^ (x >>> 15);
  };
  return xoshiro(next(), next(), next(), next());
}

/** An integer in [0, n), 1 ≤ n ≤ 2³². The bias is below n/2³²; weights here are far below that. */
export function below(rng: Rng, n: number): number {
  return Math.floor((rng() / 4294967296) * n);
}

/** A number in [0, 1). */
export function unit(rng: Rng): number {
  return rng() / 4294967296;
}
