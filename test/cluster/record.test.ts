// Records: signature, framing, bounds, bodies; the epoch on disk.
import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { overrideBody, parseOverride, parseReport } from '../../src/cluster/body.ts';
import { DropBook } from '../../src/cluster/drops.ts';
import { readEpoch, writeEpoch } from '../../src/cluster/epoch.ts';
import { BODY_BYTES, frame, Sealer, shape, unframe } from '../../src/cluster/record.ts';
import { silent } from '../../src/kit/log.ts';
import { folder, notebook, override, report } from './helpers.ts';

const sealer = new Sealer('test', 'secret');

test('a signature holds for exactly what was signed', () => {
  const s = sealer.seal('report', 'fra-1', 3, 7, 'body');
  assert.ok(sealer.fits(s));
  const changes = [
    { kind: 'override' as const },
    { node: 'fra-2' },
    { epoch: 4 },
    { sequence: 8 },
    { body: 'bodY' },
    { mac: '' },
    { mac: `${s.mac}AA` },
    // Parts that flow into one another must not give the same bytes.
    { node: 'fra-', kind: '1report' as 'report' },
    { epoch: 37, sequence: 7 },
  ];
  for (const change of changes) assert.ok(!sealer.fits({ ...s, ...change }), JSON.stringify(change));
  assert.ok(!new Sealer('tes', 'secret').fits(s), 'another cluster');
  assert.ok(!new Sealer('test', 'secre').fits(s), 'another secret');
});

test('frame and unframe are each other’s reverse, and unframe takes nothing else', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.string({ unit: 'binary' }), (epoch, sequence, body) => {
      const s = sealer.seal('report', 'fra-1', epoch, sequence, body);
      const back = unframe(frame(s));
      assert.deepEqual(back, s);
      assert.ok(sealer.fits(back as typeof s));
    }),
    { numRuns: 50 },
  );
  fc.assert(
    fc.property(fc.string(), fc.json(), (text, json) => {
      for (const t of [text, json]) assert.ok(['malformed', 'oversized'].includes(unframe(t) as string));
    }),
    { numRuns: 50 },
  );
});

test('a record’s parts have bounds', () => {
  const fits = (epoch: unknown, sequence: unknown = 1, body: unknown = '', mac: unknown = '') =>
    shape('report', 'fra-1', epoch, sequence, body, mac);
  assert.equal(typeof fits('12', '0'), 'object');
  for (const bad of ['', '-1', '1.5', '01', '1e3', 'x', 1.5, -1, 2 ** 53, '99999999999999999', null, []])
    assert.equal(fits(bad), 'malformed', String(bad));
  assert.equal(fits(1, 1, null), 'malformed');
  assert.equal(fits(1, 1, '', null), 'malformed');
  assert.equal(typeof fits(1, 1, 'x'.repeat(BODY_BYTES.report)), 'object');
  assert.equal(fits(1, 1, `${'x'.repeat(BODY_BYTES.report - 1)}ä`), 'oversized', 'bytes, not letters');
  assert.equal(shape('epoch', 'fra-1', 1, 0, 'x', ''), 'oversized');
});

test('bodies are checked field by field', () => {
  assert.deepEqual(parseReport(JSON.stringify(report('fra'))), report('fra'));
  assert.deepEqual(
    parseReport('{"site":"fra","director":{},"sights":{},"later":1}'),
    { site: 'fra', director: {}, sights: {} },
    'a newer node may say more',
  );
  const sight = (o: object) => JSON.stringify({ site: 'fra', director: {}, sights: {}, ...o });
  const bad = [
    '',
    'null',
    '[]',
    '{}',
    sight({ site: 5 }),
    sight({ site: 'Fra' }),
    sight({ director: [] }),
    sight({ director: { a: null } }),
    sight({ director: { a: { capacity: 1.1, connections: 0, rate: 0 } } }),
    sight({ director: { a: { capacity: '1', connections: 0, rate: 0 } } }),
    sight({ director: { a: { capacity: 1, connections: -1, rate: 0 } } }),
    sight({ director: { __proto__x: { capacity: 1, connections: 1, rate: 0 } } }),
    sight({ sights: { a: 'sideways' } }),
    '{"site":"fra","director":{},"sights":{"__proto__":"up"}}',
  ];
  for (const body of bad) assert.equal(parseReport(body), undefined, body);
  const o = override('vip/a', 'drain', { weight: 0.5, until: 5, since: 1 });
  const s = sealer.seal('override', 'fra-1', 3, 4, overrideBody(o));
  assert.deepEqual(parseOverride(s), { ...o, node: 'fra-1', clock: { ms: 3, count: 4 } });
  for (const change of [{ state: 'off' }, { target: 'a' }, { weight: '1' }, { until: null }, { who: 1 }])
    assert.equal(parseOverride({ ...s, body: JSON.stringify({ ...o, ...change }) }), undefined);
});

test('the epoch on disk: whole, private, and lost with a word', t => {
  const dir = join(folder(t), 'deep', 'er');
  assert.equal(readEpoch(dir, 'fra-1', silent), 0);
  writeEpoch(dir, 'fra-1', 41, silent);
  writeEpoch(dir, 'nyc-1', 7, silent);
  assert.equal(readEpoch(dir, 'fra-1', silent), 41);
  assert.equal(statSync(join(dir, 'fra-1.epoch')).mode & 0o777, 0o600);
  assert.equal(readFileSync(join(dir, 'fra-1.epoch'), 'utf8'), '41\n');
  writeFileSync(join(dir, 'fra-1.epoch'), '4x');
  const log = notebook();
  assert.equal(readEpoch(dir, 'fra-1', log), 0);
  assert.match(log.lines[0], /^epoch: unreadable/);
  writeFileSync(join(dir, 'file'), '');
  writeEpoch(join(dir, 'file'), 'fra-1', 1, log);
  assert.match(log.lines[1], /^epoch: not saved/);
});

test('a record that lies there counts once; the log says it once in ten seconds', () => {
  const log = notebook();
  let now = 0;
  const book = new DropBook(log, () => now);
  for (let i = 0; i < 5; i++) book.drop('forged', 'report of a', 'redis://h', 'why', '1.1');
  assert.equal(book.counts.forged, 1);
  book.forget('report of a', 'redis://h');
  book.drop('forged', 'report of a', 'redis://h', 'why', '1.1');
  book.drop('forged', 'report of a', 'redis://h', 'why', '1.2');
  book.drop('forged', 'report of a', 'redis://h', 'why');
  book.drop('forged', 'report of a', 'redis://h', 'why');
  assert.equal(book.counts.forged, 5);
  assert.deepEqual(log.lines, ['record dropped: report of a from redis://h: forged: why']);
  now = 10_000;
  book.drop('forged', 'report of a', 'redis://h', 'why');
  book.drop('replayed', 'report of a', 'redis://h', 'why');
  assert.equal(log.lines.length, 3);
});
