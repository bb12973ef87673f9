// The schedulers that count: sequences worked out by hand from the definitions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeScheduler, SCHEDULER } from '../../src/lvs/sched/index.ts';
import { OVERLOAD } from '../../src/lvs/sched/scheduler.ts';
import { SCHEDULERS, type SchedulerName } from '../../src/model/schema.ts';
import { flow, opens, picks, table } from './fixture.ts';

test('every name of the cluster file has its scheduler', () => {
  assert.deepEqual(Object.keys(SCHEDULER).sort(), [...SCHEDULERS].sort());
});

test('nobody is chosen from an empty list, from weights of 0, or when all are overloaded', () => {
  for (const name of SCHEDULERS) {
    const flags = [`${name}-fallback`];
    assert.equal(makeScheduler(name, table(), flags).pick(flow()), -1, `${name}: empty`);
    assert.equal(makeScheduler(name, table(0, 0), flags).pick(flow()), -1, `${name}: quiesced`);
    const full = table(3, 5);
    full.flags.fill(OVERLOAD);
    assert.equal(makeScheduler(name, full, flags).pick(flow()), -1, `${name}: overloaded`);
  }
});

test('a server that is overloaded or has weight 0 is passed over', () => {
  for (const name of SCHEDULERS) {
    // They keep to one server as long as they can: below.
    if ((['lblc', 'lblcr', 'dh', 'fo', 'ovf'] as SchedulerName[]).includes(name)) continue;
    const dests = table(5, 0, 5, 5);
    dests.flags[0] = OVERLOAD;
    const scheduler = makeScheduler(name, dests, [`${name}-fallback`]);
    const seen = new Set<number>();
    for (let i = 0; i < 200; i++) {
      const at = scheduler.pick(flow(`203.0.113.${i}`, i));
      seen.add(at);
      if (at >= 0) dests.charge(at, 1, 0);
    }
    assert.deepEqual([...seen].sort(), [2, 3], name);
  }
});

test('rr goes round from the newest to the oldest', () => {
  assert.deepEqual(picks(makeScheduler('rr', table(1, 9, 5), []), 7), [0, 1, 2, 0, 1, 2, 0]);
});

test('rr goes on from where it was when servers come and go', () => {
  const dests = table(1, 1, 1);
  const rr = makeScheduler('rr', dests, []);
  assert.deepEqual(picks(rr, 2), [0, 1]);
  dests.add(Uint8Array.of(10, 0, 0, 99), 80, 1);
  rr.update();
  assert.deepEqual(picks(rr, 2), [3, 0], 'the last chosen moved from 1 to 2');
  // List: new 0 1 2; last chosen: the new one. It goes, and the list is as if nothing had been chosen.
  dests.remove(0);
  rr.update();
  assert.deepEqual(picks(rr, 2), [0, 1]);
  // The last chosen goes: the one before it stands for it.
  dests.remove(1);
  rr.update();
  assert.deepEqual(picks(rr, 2), [1, 0]);
});

test('wrr interleaves: weights 4 3 2 give AABABCABC', () => {
  const names = picks(makeScheduler('wrr', table(4, 3, 2), []), 18).map(at => 'ABC'[at]);
  assert.equal(names.join(''), 'AABABCABCAABABCABC');
});

test('wrr counts in steps of the divisor: 400 300 200 are 4 3 2', () => {
  const names = picks(makeScheduler('wrr', table(400, 300, 200), []), 9).map(at => 'ABC'[at]);
  assert.equal(names.join(''), 'AABABCABC');
});

test('wrr begins at the head again after a change, at the weight it had reached if that still exists', () => {
  const dests = table(4, 3, 2);
  const wrr = makeScheduler('wrr', dests, []);
  // A A B: cw has come to 3.
  assert.deepEqual(picks(wrr, 3), [0, 0, 1]);
  dests.reweight(2, 1);
  wrr.update();
  // cw 3: A B; cw 2: A B; cw 1: A B C; then cw 4: A.
  assert.deepEqual(picks(wrr, 8), [0, 1, 0, 1, 0, 1, 2, 0]);
  // Weights 6 2 2: di 2, mw 6 - 1 = 5; cw stood at 4, which becomes 4 / 2 · 2 + 1 = 5.
  dests.reweight(0, 6);
  dests.reweight(1, 2);
  dests.reweight(2, 2);
  wrr.update();
  assert.deepEqual(picks(wrr, 5), [0, 0, 0, 1, 2]);
});

test('wrr gives each server exactly weight / gcd of a cycle, whatever the weights', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 8 }), weights => {
      const divisor = weights.reduce(function gcd(a: number, b: number): number {
        return b === 0 ? a : gcd(b, a % b);
      }, 0);
      fc.pre(divisor > 0);
      const wrr = makeScheduler('wrr', table(...weights), []);
      const cycle = weights.reduce((sum, w) => sum + w / divisor, 0);
      const seen = new Array(weights.length).fill(0);
      for (const at of picks(wrr, cycle * 2)) seen[at]++;
      assert.deepEqual(
        seen,
        weights.map(w => (2 * w) / divisor),
      );
    }),
  );
});

test('wrr finds the one light server at once beside overloaded heavy ones', () => {
  const dests = table(65535, 1, 65534);
  dests.flags[0] = OVERLOAD;
  dests.flags[2] = OVERLOAD;
  const wrr = makeScheduler('wrr', dests, []);
  const start = performance.now();
  assert.deepEqual(new Set(picks(wrr, 10_000)), new Set([1]));
  assert.ok(performance.now() - start < 500);
  dests.flags.fill(0);
  assert.equal(picks(wrr, 131_070).filter(at => at === 1).length, 1);
});

test('lc takes the fewest connections, an established one weighing as 256 others; the newest wins ties', () => {
  const dests = table(1, 100, 1);
  const lc = makeScheduler('lc', dests, []);
  assert.deepEqual(opens(lc, dests, 5), [0, 1, 2, 0, 1]);
  dests.charge(2, -1, 255);
  assert.equal(lc.pick(flow()), 2, '255 closing ones weigh less than one that is open');
  dests.charge(2, 0, 258);
  assert.equal(lc.pick(flow()), 0, '513 closing ones weigh more than two that are open');
});

test('wlc takes the least overhead for its weight; the newest wins ties', () => {
  const dests = table(1, 2, 3);
  // Loads per weight, in connections: 0 0 0, 1 0 0, 1 ½ 0, 1 ½ ⅓, 1 ½ ⅔, 1 1 ⅔, 1 1 1: the tie is the newest's.
  assert.deepEqual(opens(makeScheduler('wlc', dests, []), dests, 7), [0, 1, 2, 2, 1, 2, 0]);
});

test('wlc holds shares in proportion to weight, and compares exactly at the bounds', () => {
  const dests = table(10, 20, 70);
  opens(makeScheduler('wlc', dests, []), dests, 1000);
  assert.deepEqual([...dests.active.subarray(0, 3)], [100, 200, 700]);
  const huge = table(65534, 65535);
  huge.charge(0, 9_999_847, 105);
  huge.charge(1, 10_000_000, 0);
  // 9,999,847·256 + 105 = 2,559,960,937 = 2,560,000,000 · 65534 / 65535 + 0.24…: the second is less loaded by a hair.
  assert.equal(makeScheduler('wlc', huge, []).pick(flow()), 1);
});
