// Rise and fall of one target, as rows of results, and the soonest change.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  changeFrom,
  earliestChange,
  newVerdict,
  onResult,
  type Pace,
  type RiseFall,
} from '../../src/health/verdict.ts';
import { NO_CHANGE_KNOWN } from '../../src/model/state.ts';

fc.configureGlobal({ seed: 20_260_101, numRuns: 300 });

const PACE: Pace = { interval: 2000, rise: 2, fall: 3 };

/** Results as + and -, one a second; the states after each: u(p) d(own) ?(unknown). */
function run(
  results: string,
  pace: Pace = PACE,
  from: RiseFall = newVerdict(0),
): { v: RiseFall; states: string } {
  let v = from;
  let states = '';
  [...results].forEach((r, i) => {
    v = onResult(v, r === '+', (i + 1) * 1000, pace);
    states += v.state[0];
  });
  return { v, states };
}

const ROWS: [string, string, string][] = [
  ['the first success decides', '+', 'u'],
  ['the first failure decides', '-', 'd'],
  ['two failures of three do not bring it down', '+--+', 'uuuu'],
  ['three in a row do', '+---', 'uuud'],
  ['a success in between begins the count anew', '+--+--+', 'uuuuuuu'],
  ['one success does not bring it up', '-+-', 'ddd'],
  ['two in a row do', '-++', 'ddu'],
  ['a failure in between begins that count anew', '-+-+-', 'ddddd'],
  ['down and up again', '+---++', 'uuuddu'],
];
for (const [title, results, states] of ROWS)
  test(`rise 2, fall 3: ${title}`, () => assert.equal(run(results).states, states));

test('rise 1, fall 1: each result decides', () => {
  assert.equal(run('+-+--+', { ...PACE, rise: 1, fall: 1 }).states, 'ududdu');
});

test('since is the moment of the change, and stays through results that change nothing', () => {
  assert.equal(run('+-+').v.since, 1000);
  assert.equal(run('+---').v.since, 4000);
});

test('a result that changes nothing gives back the same value', () => {
  const { v } = run('+');
  assert.equal(onResult(v, true, 9000, PACE), v);
});

test('a kept state goes on: one failure after a restart does not bring it down', () => {
  assert.equal(run('--+', PACE, newVerdict(0, 'up')).states, 'uuu');
  assert.equal(run('+-', PACE, newVerdict(0, 'down')).states, 'dd');
});

test('the soonest change: results still needed × interval', () => {
  const rows: [string, number][] = [
    ['', 0],
    ['+', 6],
    ['+-', 4],
    ['+--', 2],
    ['-', 4],
    ['-+', 2],
    ['+--+', 6],
  ];
  for (const [results, seconds] of rows) assert.equal(earliestChange(run(results).v, PACE), seconds, results);
  assert.equal(earliestChange(run('+').v, { ...PACE, interval: 50 }), 0, 'whole seconds, rounded down');
});

test('the soonest change: lowering fall while failures are counted leaves one result', () => {
  assert.equal(earliestChange(run('+--').v, { ...PACE, fall: 1 }), 2);
});

test('the soonest change, with only the state known', () => {
  assert.deepEqual(
    [changeFrom('up', PACE), changeFrom('down', PACE), changeFrom('unknown', PACE)],
    [6, 4, 0],
  );
  assert.ok(changeFrom('up', { interval: 3_600_000, rise: 100, fall: 100 }) < NO_CHANGE_KNOWN);
});

test('property: the state is that of the last run that was long enough', () => {
  const results = fc.array(fc.boolean(), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(
      results,
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 5 }),
      (all, rise, fall) => {
        const { v } = run(all.map(ok => (ok ? '+' : '-')).join(''), { interval: 1000, rise, fall });
        let expected = all[0];
        let length = 0;
        all.forEach((ok, i) => {
          length = i > 0 && all[i - 1] === ok ? length + 1 : 1;
          if (length >= (ok ? rise : fall)) expected = ok;
        });
        assert.equal(v.state, expected ? 'up' : 'down');
      },
    ),
  );
});
