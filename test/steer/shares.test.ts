// The weights hold: chi-square over a million picks with fixed seeds, for one answer and for two without replacement;
// and a pick makes no object.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { type Bench, CLIENT, chiSquare, simple } from './pools.ts';

const PICKS = 1_000_000;
/** Quantiles of the chi-square distribution at 0.999, by degrees of freedom: a false alarm in a thousand, but seeds are fixed. */
const CRITICAL: Record<number, number> = { 1: 10.83, 2: 13.82, 3: 16.27, 4: 18.47, 5: 20.52, 11: 31.26 };

/** How often each member comes first. */
function firsts(b: Bench, members: number, picks: number): number[] {
  const seen = new Array(members).fill(0);
  for (let i = 0; i < picks; i++) {
    b.steering.pick(0, 4, CLIENT);
    seen[b.steering.picked[3] - 1]++;
  }
  return seen;
}

function expected(weights: number[], picks: number): number[] {
  const total = weights.reduce((a, b) => a + b);
  return weights.map(w => (w / total) * picks);
}

test('one answer: a million picks are spread by weight', () => {
  for (const weights of [
    [60, 40],
    [1, 2, 3, 4],
    [65535, 655, 20000, 7, 31000],
  ]) {
    const seen = firsts(simple(weights), weights.length, PICKS);
    const chi = chiSquare(seen, expected(weights, PICKS));
    assert.ok(chi < CRITICAL[weights.length - 1], `${weights}: chi-square ${chi}, seen ${seen}`);
  }
});

test('one answer: weight × factor counts, and a change half-way is seen at once', () => {
  const b = simple([60, 40]).set(0, 'up', 0.5);
  const chi = chiSquare(firsts(b, 2, PICKS / 2), expected([30, 40], PICKS / 2));
  assert.ok(chi < CRITICAL[1], `before: ${chi}`);
  b.set(0, 'up', 1).set(1, 'up', 0.25);
  const after = chiSquare(firsts(b, 2, PICKS / 2), expected([60, 10], PICKS / 2));
  assert.ok(after < CRITICAL[1], `after: ${after}`);
});

test('two answers without replacement: each ordered pair comes as often as the arithmetic says', () => {
  const weights = [50, 30, 15, 5];
  const total = 100;
  const b = simple(weights, { answers: 2 });
  const seen = new Array(16).fill(0);
  for (let i = 0; i < PICKS; i++) {
    assert.equal(b.steering.pick(0, 4, CLIENT), 2);
    seen[(b.steering.picked[3] - 1) * 4 + b.steering.picked[7] - 1]++;
  }
  const pairs: { seen: number; expected: number }[] = [];
  for (let x = 0; x < 4; x++)
    for (let y = 0; y < 4; y++) {
      const chance = (weights[x] / total) * (weights[y] / (total - weights[x]));
      if (x === y) assert.equal(seen[x * 4 + y], 0);
      else pairs.push({ seen: seen[x * 4 + y], expected: chance * PICKS });
    }
  const chi = chiSquare(
    pairs.map(p => p.seen),
    pairs.map(p => p.expected),
  );
  assert.ok(chi < CRITICAL[11], `chi-square ${chi}, seen ${JSON.stringify(pairs)}`);
});

test('a pick makes no object, whatever the policy, the number of answers and the rule', () => {
  const child = new URL('./alloc.js', import.meta.url);
  const out = execFileSync(process.execPath, ['--expose-gc', '--max-semi-space-size=64', child.pathname], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  const bytes = JSON.parse(out) as Record<string, number>;
  assert.equal(Object.keys(bytes).length, 5);
  for (const [what, each] of Object.entries(bytes)) assert.ok(each < 1, `${what}: ${each} bytes a pick`);
});
