// How punctual probes are: what counts as late, and when it is said.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lateness, Pace, type PaceWindow, WINDOW_MS } from '../../src/probe/pace.ts';

/** The window of these latenesses at an interval of 1 s. */
function windowOf(late: readonly number[], interval = 1000): PaceWindow {
  const pace = new Pace(0);
  for (const ms of late) pace.add(true, ms, interval);
  assert.equal(pace.turn(WINDOW_MS - 1), false);
  assert.equal(pace.turn(WINDOW_MS), true);
  return pace.last;
}
const times = (count: number, ms: number) => Array.from({ length: count }, () => ms);

test('late is more than a tenth of the interval, and more than 50 ms', () => {
  assert.equal(windowOf([0, 99, 100]).late, 0);
  assert.equal(windowOf([0, 101]).late, 1);
  assert.equal(windowOf([0, 50, 51], 100).late, 1);
});

test('the hundredth part is found to a quarter, and the longest exactly', () => {
  for (const ms of [0.3, 1, 3, 40, 700, 30_000]) {
    const { p99, max } = windowOf([...times(95, 0.1), ...times(5, ms)]);
    assert.equal(max, ms);
    assert.ok(p99 <= ms && p99 >= ms / 1.25, `${ms}: ${p99}`);
  }
  assert.ok(windowOf([...times(199, 0.1), 500]).p99 <= 1);
});

test('it is said when more than one in a hundred is late', () => {
  assert.equal(lateness(windowOf([])), undefined);
  assert.equal(lateness(windowOf([...times(99, 1), 400])), undefined);
  assert.equal(
    lateness(windowOf([...times(96, 1), ...times(4, 400)])),
    '4% of 100 probes began late (p99 400 ms, longest 400 ms): faults are found later than the checks say; ' +
      'make intervals longer, or targets fewer',
  );
});

test('counters go on over windows', () => {
  const pace = new Pace(0);
  pace.add(true, 0, 1000);
  pace.add(false, 500, 1000);
  pace.turn(WINDOW_MS);
  pace.add(true, 500, 1000);
  assert.deepEqual([pace.probes, pace.failed, pace.late], [3, 1, 2]);
  pace.turn(2 * WINDOW_MS);
  assert.deepEqual([pace.last.probes, pace.last.late], [1, 1]);
});
