// The real clock and the real seeds: the only place where time and chance enter.
import { randomFillSync } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { Clock } from '../kit/clock.ts';
import { type Rng, xoshiro } from '../kit/rng.ts';

export const systemClock: Clock = {
  mono: () => performance.now(),
  wall: () => Date.now(),
};

/** A generator seeded by the system: nobody can foretell picks and jitter from outside, and no two nodes march in step. */
export function newRng(): Rng {
  const seed = randomFillSync(new Int32Array(4));
  return xoshiro(seed[0], seed[1], seed[2], seed[3]);
}
