// Load correction as a loop: resolvers skew the shares, the factors bring them back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { correct, LEAST, MIN_SAMPLES, MOST } from '../../src/health/correct.ts';

fc.configureGlobal({ seed: 20_260_101, numRuns: 300 });

const SAMPLES = 100_000;

function normal(weights: readonly number[]): number[] {
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map(w => w / total);
}

/** What members get when resolvers skew the answers: share ∝ weight × factor × skew. */
function observe(wanted: readonly number[], factors: readonly number[], skew: readonly number[]): number[] {
  return normal(wanted.map((w, i) => w * factors[i] * skew[i]));
}

/** The largest relative distance of the shares from what is wanted. */
function distance(shares: readonly number[], wanted: readonly number[]): number {
  return Math.max(...shares.map((s, i) => (wanted[i] > 0 ? Math.abs(s / wanted[i] - 1) : 0)));
}

/** `steps` rounds; each sees the shares of `lag` rounds ago. Returns the distance after each round. */
function loop(wanted: number[], skew: number[], steps: number, lag = 0, factors = wanted.map(() => 1)) {
  const history = [factors];
  const distances: number[] = [];
  for (let n = 0; n < steps; n++) {
    const seen = observe(wanted, history[Math.max(0, history.length - 1 - lag)], skew);
    const next = correct(
      history[history.length - 1],
      wanted,
      seen.map(s => s * SAMPLES),
    );
    history.push(next);
    distances.push(distance(observe(wanted, next, skew), wanted));
  }
  return { factors: history[history.length - 1], distances, history };
}

const pool = fc
  .array(
    fc.record({
      weight: fc.integer({ min: 10, max: 100 }),
      skew: fc.double({ min: 0.71, max: 1.41, noNaN: true }),
    }),
    {
      minLength: 2,
      maxLength: 6,
    },
  )
  .map(all => ({ wanted: normal(all.map(m => m.weight)), skew: all.map(m => m.skew) }));

/** Within two standard errors of the lightest share nothing is moved; a little above that is the goal. */
function tolerance(wanted: readonly number[]): number {
  return Math.max(...wanted.map(w => (2 * Math.sqrt((w * (1 - w)) / SAMPLES)) / w)) + 0.02;
}

test('property: shares that are off by up to twofold come back to what is wanted', () => {
  fc.assert(
    fc.property(pool, ({ wanted, skew }) => {
      const { distances } = loop(wanted, skew, 40);
      assert.ok(distances[39] <= tolerance(wanted), `still off by ${distances[39]}`);
    }),
  );
});

test('property: it does not swing, even when what is seen is one step old', () => {
  fc.assert(
    fc.property(pool, ({ wanted, skew }) => {
      for (const lag of [0, 1]) {
        const { distances } = loop(wanted, skew, 60, lag);
        const start = distance(
          observe(
            wanted,
            wanted.map(() => 1),
            skew,
          ),
          wanted,
        );
        distances.reduce((before, d) => {
          assert.ok(d <= Math.max(before * 1.02, tolerance(wanted)), `lag ${lag}: from ${before} to ${d}`);
          return d;
        }, start);
      }
    }),
  );
});

test('property: factors stay within their bounds, and their mean stays 1', () => {
  const observed = fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(
      fc.array(observed, { minLength: 1, maxLength: 30 }),
      fc.tuple(fc.nat(50), fc.nat(50), fc.nat(50)),
      (rows, w) => {
        const wanted = normal(w.map(x => x + 1));
        let factors = [1, 1, 1];
        for (const row of rows) {
          factors = correct(factors, wanted, row);
          for (const f of factors) assert.ok(f >= LEAST && f <= MOST, `${f}`);
          const mean = factors.reduce((sum, f, i) => sum + f * wanted[i], 0);
          assert.ok(Math.abs(mean - 1) < 1e-6, `mean ${mean}`);
        }
      },
    ),
  );
});

test('it recovers: when the skew is gone the factors go back to 1', () => {
  const wanted = [0.6, 0.4];
  const skewed = loop(wanted, [1.4, 0.75], 40);
  assert.ok(distance(skewed.factors, [1, 1]) > 0.1);
  const after = loop(wanted, [1, 1], 40, 0, skewed.factors);
  assert.ok(distance(after.factors, [1, 1]) < 0.05, `${after.factors}`);
});

test('too few connections, or a difference that may be chance, move nothing', () => {
  const now = [1.1, 0.85];
  assert.deepEqual(correct(now, [0.6, 0.4], [MIN_SAMPLES - 1, 0]), now);
  const close = correct([1, 1], [0.5, 0.5], [505, 495]);
  assert.ok(distance(close, [1, 1]) < 1e-9);
});

test('a step is small: a member that gets nothing at all is raised by a third at most', () => {
  const [a] = correct([1, 1, 1], [0.2, 0.4, 0.4], [0, 5000, 5000]);
  assert.ok(a > 1.1 && a < 1.4, `${a}`);
});

test('a member that is out relaxes towards 1, and its connections do not count', () => {
  let factors = [1, 1, 1.8];
  for (let n = 0; n < 20; n++) factors = correct(factors, [0.5, 0.5, 0], [5000, 5000, 9000]);
  assert.ok(Math.abs(factors[2] - 1) < 0.02, `${factors}`);
  assert.ok(distance(factors.slice(0, 2), [1, 1]) < 1e-6);
});
