// Whether a schedule is active, against the plain definition.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { activeSchedule, type Cursor } from '../../src/health/schedule.ts';

fc.configureGlobal({ seed: 20_260_101, numRuns: 300 });

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const T = Date.UTC(2026, 2, 1);
/** Daily at 02:00 UTC. */
const nightly = (ms: number) => ms % DAY === 2 * HOUR;

/** Counts how often it is asked. */
function counted(match: (ms: number) => boolean): { match: (ms: number) => boolean; asked: () => number } {
  let n = 0;
  return {
    match: ms => {
      n++;
      return match(ms);
    },
    asked: () => n,
  };
}

test('active from the occurrence to the end of `for`, to the millisecond', () => {
  const rows: [number, boolean][] = [
    [2 * HOUR - 1, false],
    [2 * HOUR, true],
    [3 * HOUR, true],
    [4 * HOUR - 1, true],
    [4 * HOUR, false],
    [12 * HOUR, false],
  ];
  for (const [at, active] of rows) {
    const a = activeSchedule(T + at, 2 * HOUR, nightly);
    assert.equal(a.active, active, `${at / HOUR} h`);
    assert.equal(a.settled, true);
    assert.equal(a.until, active ? T + 4 * HOUR : undefined);
  }
});

test('an occurrence within the time begins it anew', () => {
  const hourly = (ms: number) => ms % HOUR === 0;
  const a = activeSchedule(T + 90 * MINUTE, 2 * HOUR, hourly);
  assert.deepEqual(a, { active: true, until: T + 3 * HOUR, settled: true });
});

test('a cursor makes the next calls cheap', () => {
  const c = counted(() => false);
  const cursor: Cursor = {};
  activeSchedule(T, 31 * DAY, c.match, cursor);
  assert.equal(c.asked(), 31 * 24 * 60);
  activeSchedule(T + 1000, 31 * DAY, c.match, cursor);
  assert.equal(c.asked(), 31 * 24 * 60, 'within the same minute nothing is asked');
  activeSchedule(T + 3 * MINUTE, 31 * DAY, c.match, cursor);
  assert.equal(c.asked(), 31 * 24 * 60 + 3);
});

test('a budget spreads the first search over several calls, and says when it is done', () => {
  const c = counted(ms => ms === T - 3 * DAY);
  const cursor: Cursor = {};
  let calls = 0;
  for (let now = T; ; now += 30_000) {
    calls++;
    const before = c.asked();
    const a = activeSchedule(now, 31 * DAY, c.match, cursor, 1000);
    assert.ok(c.asked() - before <= 1001);
    if (a.settled) {
      assert.equal(a.until, T + 28 * DAY);
      break;
    }
    assert.equal(a.active, false);
  }
  assert.ok(calls >= 4 && calls <= 6, `${calls}`);
});

test('a clock that is set back does not see what lies ahead', () => {
  const cursor: Cursor = {};
  assert.equal(activeSchedule(T + 3 * HOUR, 2 * HOUR, nightly, cursor).active, true);
  assert.equal(activeSchedule(T + HOUR, 2 * HOUR, nightly, cursor).active, false);
  assert.equal(activeSchedule(T + 3 * HOUR, 2 * HOUR, nightly, cursor).active, true);
});

test('a clock that leaps far ahead is not walked minute by minute', () => {
  const c = counted(nightly);
  const cursor: Cursor = {};
  activeSchedule(T, 2 * HOUR, c.match, cursor);
  const before = c.asked();
  assert.equal(activeSchedule(T + 1000 * DAY + 3 * HOUR, 2 * HOUR, c.match, cursor).active, true);
  assert.ok(c.asked() - before <= 120);
});

test('property: with any cursor and budget, the same as the plain definition', () => {
  const moves = fc.array(fc.integer({ min: -40 * MINUTE, max: 90 * MINUTE }), {
    minLength: 1,
    maxLength: 20,
  });
  fc.assert(
    fc.property(
      moves,
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 50 }),
      fc.nat(1000),
      (all, minutes, budget, seed) => {
        // Occurrences scattered by a hash of the minute.
        const match = (ms: number) => Math.imul(ms / MINUTE + seed, 0x61c88647) >>> 24 === 7;
        const cursor: Cursor = {};
        let now = T + 12_345;
        for (const move of all) {
          now += move;
          const plain = [];
          for (let m = Math.floor(now / MINUTE) * MINUTE; m > now - minutes * MINUTE; m -= MINUTE)
            if (match(m)) plain.push(m);
          let a = activeSchedule(now, minutes * MINUTE, match, cursor, budget);
          for (let n = 0; !a.settled; n++) {
            assert.ok(n < 500, 'it comes to an end');
            a = activeSchedule(now, minutes * MINUTE, match, cursor, budget);
          }
          assert.equal(a.active, plain.length > 0);
          assert.equal(a.until, plain.length > 0 ? plain[0] + minutes * MINUTE : undefined);
        }
      },
    ),
  );
});
