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
  together,
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

const FORGIVE: [string, number, string, string][] = [
  ['failures with few successes between them add up', 3, '+-+-+-', 'uuuuud'],
  ['two successes between them are not enough', 3, '+-++-++-', 'uuuuuuud'],
  ['three are', 3, '+--+++--+++--+++', 'uuuuuuuuuuuuuuuu'],
  ['the count of successes begins anew at each failure', 3, '+-++-++-', 'uuuuuuud'],
  ['failures in a row bring it down as fast as ever', 100, '+---', 'uuud'],
  ['forgiven ones are forgotten for good', 2, '+--++--', 'uuuuuuu'],
  ['up again needs successes in a row', 5, '+---+-+-++', 'uuuddddddu'],
  ['and begins without failures on the account', 5, '+---++--', 'uuudduuu'],
];
for (const [title, forgive, results, states] of FORGIVE)
  test(`rise 2, fall 3, forgive ${forgive}: ${title}`, () =>
    assert.equal(run(results, { ...PACE, forgive }).states, states));

test('every second probe fails: never down by failures in a row, soon down with forgive', () => {
  const flapping = `+${'-+'.repeat(50)}`;
  assert.equal(run(flapping).states.includes('d'), false);
  assert.equal(run(flapping, { ...PACE, forgive: 10 }).states.indexOf('d'), 5);
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

const results = fc.array(fc.boolean(), { minLength: 1, maxLength: 80 });
const text = (all: readonly boolean[]): string => all.map(ok => (ok ? '+' : '-')).join('');
const small = fc.integer({ min: 1, max: 6 });

test('property: the verdict is that of the leaky counter of gdnsd', () => {
  fc.assert(
    fc.property(results, small, small, small, (all, rise, fall, forgive) => {
      let up = all[0];
      let failures = 0;
      let successes = 0;
      const expected = all.map((ok, i) => {
        if (i === 0) return up;
        successes = ok ? successes + 1 : 0;
        if (up) {
          if (!ok) failures++;
          else if (successes >= forgive) failures = 0;
          if (failures >= fall) [up, failures, successes] = [false, 0, 0];
        } else if (successes >= rise) [up, failures, successes] = [true, 0, 0];
        return up;
      });
      const { states } = run(text(all), { interval: 1000, rise, fall, forgive });
      assert.equal(states, expected.map(is => (is ? 'u' : 'd')).join(''));
    }),
  );
});

test('property: more forgiveness asked for never lets a failing target stay up longer', () => {
  fc.assert(
    fc.property(results, small, small, (all, fall, forgive) => {
      const first = (n: number) => {
        const at = run(`+${text(all)}`, { interval: 1000, rise: 2, fall, forgive: n }).states.indexOf('d');
        return at < 0 ? Number.POSITIVE_INFINITY : at;
      };
      assert.ok(first(forgive + 1) <= first(forgive));
    }),
  );
});

test('property: with `forgive` successes between any two failures it stays up', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 6 }),
      small,
      fc.integer({ min: 0, max: 20 }),
      (fall, forgive, n) => {
        const { states } = run(`+${`-${'+'.repeat(forgive)}`.repeat(n)}`, {
          interval: 1,
          rise: 1,
          fall,
          forgive,
        });
        assert.equal(states.includes('d'), false);
      },
    ),
  );
});

test('a target that is looked at in several ways: its own verdict, and any other that says down', () => {
  const at = (state: RiseFall['state'], since: number, against = 0): RiseFall => ({
    state,
    since,
    against,
    for: 0,
  });
  const up = at('up', 5);
  assert.equal(together(up, []), up);
  assert.equal(together(up, [at('unknown', 9)]), up);
  // Up since the last of them is, and as near to a change as the nearest.
  assert.deepEqual(together(up, [at('up', 7), at('up', 6, 2)]), at('up', 7, 2));
  assert.deepEqual(together(up, [at('up', 7), at('down', 8, 1), at('down', 9)]), at('down', 9));
  assert.deepEqual(together(at('down', 5), [at('down', 1)]), at('down', 5));
  assert.deepEqual(together(at('unknown', 5), [at('up', 7)]), at('unknown', 5));
  assert.deepEqual(together(at('unknown', 5), [at('down', 7)]), at('down', 7));
});
