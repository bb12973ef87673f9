// What people read and write: durations, «did you mean», diagnostics, errors.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  type Diagnostic,
  formatDiagnostic,
  hasErrors,
  linesOf,
  sortDiagnostics,
  summarize,
} from '../../src/kit/diag.ts';
import { formatDuration, parseDuration } from '../../src/kit/duration.ts';
import { GtmError, reason } from '../../src/kit/errors.ts';
import { nearest } from '../../src/kit/suggest.ts';

describe('durations', () => {
  const READ: [string, number | undefined][] = [
    ['0', 0],
    ['0s', 0],
    ['500ms', 500],
    ['10s', 10_000],
    ['1.5s', 1500],
    ['1h30m', 5_400_000],
    ['2d', 172_800_000],
    ['1w', 604_800_000],
    ['1m30s500ms', 90_500],
    ['', undefined],
    ['5', undefined],
    ['s', undefined],
    ['5 s', undefined],
    ['-5s', undefined],
    ['5s ', undefined],
    ['5S', undefined],
    ['1e3s', undefined],
    ['five', undefined],
    ['1h 30m', undefined],
    [`${'9'.repeat(400)}s`, undefined],
  ];
  for (const [text, ms] of READ)
    it(`«${text.slice(0, 12)}» is ${ms}`, () => assert.equal(parseDuration(text), ms));

  const WRITTEN: [number, string][] = [
    [0, '0s'],
    [1, '1ms'],
    [999, '999ms'],
    [1500, '1s500ms'],
    [60_000, '1m'],
    [90_061_000, '1d1h'],
    [3_600_001, '1h'],
    [266_400_000, '3d2h'],
    [-1500, '-1s500ms'],
  ];
  for (const [ms, text] of WRITTEN) it(`${ms} ms is ${text}`, () => assert.equal(formatDuration(ms), text));

  it('property: what is written is read back, but for what the two largest units leave out', () => {
    fc.assert(
      fc.property(fc.nat(2_000_000_000), ms => {
        const back = parseDuration(formatDuration(ms));
        assert.ok(back !== undefined && back <= ms && ms - back < 3_600_000);
        assert.equal(formatDuration(back), formatDuration(ms));
      }),
      { seed: 3 },
    );
  });
});

describe('did you mean', () => {
  const CASES: [string, string[], string | undefined][] = [
    ['tresholds', ['thresholds', 'timeouts'], 'thresholds'],
    ['intreval', ['interval', 'internal'], 'interval'],
    ['web-frx', ['web-fra', 'web-nyc'], 'web-fra'],
    ['TTL', ['ttl', 'min_ttl'], 'ttl'],
    ['colour', ['policy', 'answers', 'ttl'], undefined],
    ['x', ['y'], 'y'],
    ['', ['ab'], undefined],
    ['ttl', [], undefined],
  ];
  for (const [word, known, expected] of CASES)
    it(`${word} → ${expected}`, () => assert.equal(nearest(word, known), expected));
});

const FAULT: Diagnostic = {
  file: 'a.zone',
  line: 2,
  col: 9,
  endCol: 20,
  severity: 'error',
  code: 'GTM-Z012',
  message: 'address 192.0.2.300 is not an IPv4 address',
  help: 'parts end at 255',
};
const text = linesOf('$TTL 60\nwww\tA  \t192.0.2.300 ; bad\r\n');
const source = (file: string, line: number) => (file === 'a.zone' ? text(file, line) : undefined);

describe('diagnostics', () => {
  it('the head line, an excerpt with a caret under the token, help', () => {
    assert.equal(
      formatDiagnostic(FAULT, source),
      [
        'a.zone:2:9: error: address 192.0.2.300 is not an IPv4 address [GTM-Z012]',
        '    2 | www\tA  \t192.0.2.300 ; bad',
        '      |    \t   \t^^^^^^^^^^^',
        '   = help: parts end at 255',
      ].join('\n'),
    );
  });
  it('no excerpt without a source, without a line, or where the line holds a secret', () => {
    const head =
      'a.zone:2:9: error: address 192.0.2.300 is not an IPv4 address [GTM-Z012]\n   = help: parts end at 255';
    assert.equal(formatDiagnostic(FAULT), head);
    assert.equal(formatDiagnostic({ ...FAULT, hidden: true }, source), head);
    const { help, endCol, ...plain } = FAULT;
    assert.equal(
      formatDiagnostic({ ...plain, line: 0, col: 0, message: 'no SOA' }, source),
      'a.zone: error: no SOA [GTM-Z012]',
    );
  });
  it('the caret stays within the line', () => {
    const lines = (d: Diagnostic) => formatDiagnostic(d, source).split('\n')[2];
    assert.equal(lines({ ...FAULT, col: 26, endCol: 99 }), `      |    \t   \t${' '.repeat(17)}^`);
    assert.match(lines({ ...FAULT, col: 90, endCol: 99 }), /\^$/);
  });
  it('counted, sorted, and told apart', () => {
    const at = (file: string, line: number, severity: Diagnostic['severity']) => ({
      ...FAULT,
      file,
      line,
      severity,
    });
    const all = [at('b', 3, 'warning'), at('a', 9, 'error'), at('b', 1, 'note'), at('a', 2, 'error')];
    assert.deepEqual(
      sortDiagnostics(all).map(d => `${d.file}${d.line}`),
      ['b1', 'b3', 'a2', 'a9'],
    );
    assert.equal(summarize(all), '2 errors, 1 warning');
    assert.equal(summarize([at('b', 1, 'note')]), 'no faults');
    assert.equal(hasErrors(all), true);
    assert.equal(hasErrors(all.slice(0, 1)), false);
  });
});

describe('errors', () => {
  it('a code, a message, and the causes on one line', () => {
    const inner = Object.assign(new Error(''), { code: 'ECONNREFUSED' });
    const e = new GtmError('GTM_REDIS', 'redis: not reached', new Error('connect\nfailed', { cause: inner }));
    assert.equal(e.code, 'GTM_REDIS');
    assert.equal(reason(e), 'redis: not reached: connect failed: ECONNREFUSED');
    assert.equal(reason('text'), 'text');
    assert.ok(!('cause' in new GtmError('GTM_X', 'x')));
  });
});
