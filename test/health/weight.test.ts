// Overrides, slow start and the words for people.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { overrideText, percentText } from '../../src/health/text.ts';
import { adminOf, slowStart, stateUnder } from '../../src/health/weight.ts';
import type { Override } from '../../src/model/records.ts';

function said(target: string, state: Override['state'], more: Partial<Override> = {}): Override {
  return {
    target,
    state,
    reason: 'upgrade',
    who: 'anna',
    since: 0,
    clock: { ms: 0, count: 0 },
    node: 'fra-1',
    ...more,
  };
}

test('overrides: only those over the VIP or its site count', () => {
  const all = [
    said('vip/b', 'maint'),
    said('site/nyc', 'maint'),
    said('vip/fra', 'maint'),
    said('site/a', 'maint'),
  ];
  assert.deepEqual(adminOf(all, 'a', 'fra', 0), { state: 'ready', weight: 1, said: [] });
});

test('overrides: the stricter state, in either order; weights multiply', () => {
  const vip = said('vip/a', 'drain', { weight: 0.5 });
  const site = said('site/fra', 'maint', { weight: 0.1 });
  for (const all of [
    [vip, site],
    [site, vip],
  ]) {
    const admin = adminOf(all, 'a', 'fra', 0);
    assert.equal(admin.state, 'maint');
    assert.equal(admin.weight, 0.05);
    assert.deepEqual(admin.said, [site, vip]);
  }
});

test('overrides: over at `until`, to the millisecond', () => {
  const all = [said('vip/a', 'drain', { until: 1000 })];
  assert.equal(adminOf(all, 'a', 'fra', 999).state, 'drain');
  assert.equal(adminOf(all, 'a', 'fra', 1000).state, 'ready');
});

test('a forced state stands above every verdict', () => {
  for (const real of ['up', 'down', 'unknown'] as const) {
    assert.equal(stateUnder(adminOf([said('vip/a', 'drain')], 'a', 'fra', 0), real), 'drain');
    assert.equal(stateUnder(adminOf([said('vip/a', 'ready', { weight: 0 })], 'a', 'fra', 0), real), real);
  }
});

test('slow start: a straight line from a tenth to the whole', () => {
  const rows: [number | undefined, number, number, number][] = [
    [undefined, 5000, 10_000, 1],
    [1000, 1000, 10_000, 0.1],
    [1000, 6000, 10_000, 0.55],
    [1000, 11_000, 10_000, 1],
    [1000, 99_000, 10_000, 1],
    [1000, 1000, 0, 1],
    [1000, 500, 10_000, 0.1],
  ];
  for (const [since, now, span, factor] of rows)
    assert.ok(Math.abs(slowStart(since, now, span) - factor) < 1e-9);
});

test('words: fractions never round to nothing or to the whole', () => {
  assert.deepEqual([0, 0.0004, 0.001, 0.5, 0.999, 0.9999, 1, 1.5].map(percentText), [
    '0%',
    '<0.1%',
    '0.1%',
    '50%',
    '99.9%',
    '>99.9%',
    '100%',
    '150%',
  ]);
});

test('words: who, why, and how long', () => {
  assert.equal(overrideText(said('vip/a', 'drain'), 0), 'drain by anna: upgrade');
  assert.equal(
    overrideText(said('site/fra', 'maint', { weight: 0.5, until: 90_000 }), 0),
    'maint, weight 50% of site fra by anna: upgrade (1m30s left)',
  );
  assert.equal(overrideText(said('vip/a', 'ready', { weight: 0.5 }), 0), 'weight 50% by anna: upgrade');
});
