// Merging of reports and of kept records: the newest wins, in whatever order and however often they come; nothing that
// does not advance is alive.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { overrideBody, parseReport } from '../../src/cluster/body.ts';
import { Kept } from '../../src/cluster/kept.ts';
import { HybridClock, Overrides } from '../../src/cluster/overrides.ts';
import { type Sealed, Sealer } from '../../src/cluster/record.ts';
import { View } from '../../src/cluster/view.ts';
import { silent } from '../../src/kit/log.ts';
import { folder, notebook, override, report } from './helpers.ts';

const sealer = new Sealer('test', 'secret');
const make = () => new View(1000, s => sealer.fits(s), parseReport);
const said = (epoch: number, sequence: number, node = 'fra-1') =>
  sealer.seal('report', node, epoch, sequence, JSON.stringify(report('fra', 1 / (epoch + sequence))));
const poll = (v: View, source: string, s: Sealed, now: number) => v.polled(source, s, now, v.marks(source));

test('first sight is no life; an advance in one source is; it ages by our clock', () => {
  const v = make();
  assert.deepEqual(poll(v, 'a', said(1, 1), 0), { changed: true });
  assert.equal(v.peers(0)[0].fresh, false);
  assert.equal(v.nextExpiry(0), undefined);
  assert.deepEqual(v.pushed('a', said(1, 2), 100), { changed: true });
  assert.deepEqual(v.peers(150)[0], {
    node: 'fra-1',
    report: report('fra', 1 / 3),
    epoch: 1,
    sequence: 2,
    age: 50,
    fresh: true,
  });
  assert.equal(v.nextExpiry(150), 950);
  assert.equal(v.sweep(1099), false);
  assert.equal(v.sweep(1100), true);
  assert.equal(v.sweep(1101), false);
  assert.equal(v.peers(1101)[0].fresh, false);
  assert.deepEqual(poll(v, 'a', said(2, 1), 1200), { changed: true }, 'a new epoch advances');
  assert.equal(v.peers(1200)[0].fresh, true);
});

test('different old copies in several sources are no advance', () => {
  const v = make();
  poll(v, 'a', said(1, 1), 0);
  poll(v, 'b', said(1, 5), 0);
  poll(v, 'c', said(1, 9), 0);
  assert.equal(v.peers(0)[0].sequence, 9);
  assert.equal(v.peers(0)[0].fresh, false);
});

test('a source that lags is ordinary; one that goes back is a replay', () => {
  const v = make();
  for (const source of ['a', 'b']) poll(v, source, said(1, 1), 0);
  for (let i = 2; i < 10; i++) v.pushed('a', said(1, i), i);
  for (let i = 2; i < 6; i++) assert.deepEqual(poll(v, 'b', said(1, i), 10 + i), { changed: false });
  assert.equal(v.peers(9)[0].age, 0, 'and what lags does not renew');
  assert.equal(poll(v, 'b', said(1, 3), 20).fault, 'replayed');
  assert.equal(v.pushed('a', said(1, 9), 20).fault, 'replayed', 'a push comes once');
  assert.equal(v.peers(20)[0].sequence, 9);
});

test('a push may overtake the answer of a poll', () => {
  const v = make();
  poll(v, 'a', said(1, 1), 0);
  const before = v.marks('a');
  v.pushed('a', said(1, 3), 5);
  assert.deepEqual(v.polled('a', said(1, 2), 6, before), { changed: false });
  v.absent('a', 'fra-1', before);
  assert.deepEqual(poll(v, 'a', said(1, 3), 7), { changed: false }, 'nor was it gone');
  // And the poll the push.
  poll(v, 'a', said(1, 5), 8);
  assert.deepEqual(v.pushed('a', said(1, 4), 9), { changed: false });
  assert.deepEqual(v.pushed('a', said(1, 5), 9), { changed: false });
});

test('what was gone and comes again without an advance was put back', () => {
  const v = make();
  poll(v, 'a', said(1, 1), 0);
  poll(v, 'a', said(1, 2), 1);
  v.absent('a', 'fra-1', v.marks('a'));
  assert.equal(poll(v, 'a', said(1, 2), 2).fault, 'replayed');
  assert.deepEqual(poll(v, 'a', said(1, 3), 3), { changed: true });
  assert.deepEqual(poll(v, 'a', said(1, 3), 4), { changed: false });
});

test('one place has one body', () => {
  const v = make();
  poll(v, 'a', said(1, 1), 0);
  const twin = sealer.seal('report', 'fra-1', 1, 1, JSON.stringify(report('fra', 0)));
  assert.equal(poll(v, 'b', twin, 1).fault, 'replayed');
  assert.equal(poll(v, 'a', { ...said(1, 1), body: twin.body }, 1).fault, 'forged');
  assert.equal(poll(v, 'a', sealer.seal('report', 'fra-1', 1, 2, '{}'), 1).fault, 'malformed');
  assert.equal(v.peers(1)[0].sequence, 1);
});

const marks = fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 9 })), {
  minLength: 1,
  maxLength: 12,
});

test('the order in which sources are read does not matter, nor how often', () => {
  fc.assert(
    fc.property(marks, fc.infiniteStream(fc.nat({ max: 2 })), (list, sources) => {
      const records = list.map(([e, s]) => said(e, s));
      const newest = (order: Sealed[], times: number) => {
        const v = make();
        for (let i = 0; i < times; i++) for (const s of order) poll(v, `s${sources.next().value}`, s, 0);
        const [{ epoch, sequence, report: r }] = v.peers(0);
        return { epoch, sequence, r };
      };
      const once = newest(records, 1);
      assert.deepEqual(newest([...records].reverse(), 1), once);
      assert.deepEqual(newest(records, 3), once);
      const [e, s] = [...list].sort(([a, b], [c, d]) => c - a || d - b)[0];
      assert.deepEqual([once.epoch, once.sequence], [e, s]);
    }),
    { numRuns: 60 },
  );
});

const words = fc.array(
  fc.record({
    target: fc.constantFrom('vip/a', 'vip/b', 'site/c'),
    state: fc.constantFrom('ready', 'drain', 'maint'),
    node: fc.constantFrom('fra-1', 'nyc-1'),
    ms: fc.nat({ max: 3 }),
    count: fc.nat({ max: 1 }),
  }),
  { maxLength: 12 },
);

test('merging overrides is commutative, associative and idempotent', () => {
  fc.assert(
    fc.property(words, words, words, (a, b, c) => {
      const sealed = (list: typeof a) =>
        list.map(w =>
          sealer.seal(
            'override',
            w.node,
            w.ms,
            w.count,
            overrideBody(override(w.target, w.state as 'ready', { since: 0 })),
          ),
        );
      const merged = (...lists: Sealed[][]) => {
        const kept = new Kept(undefined, 'fra-1', silent);
        for (const s of lists.flat()) kept.merge(s);
        return [...kept.entries()].sort(([x], [y]) => (x < y ? -1 : 1));
      };
      const [x, y, z] = [sealed(a), sealed(b), sealed(c)];
      assert.deepEqual(merged(x, y), merged(y, x));
      assert.deepEqual(merged(x, x, y, x), merged(x, y));
      const ofTwo = (p: Sealed[], q: Sealed[]) => merged(p, q).map(([, s]) => s);
      assert.deepEqual(merged(ofTwo(x, y), z), merged(x, ofTwo(y, z)));
    }),
    { numRuns: 100 },
  );
});

test('the hybrid clock never goes back and never repeats', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat({ max: 20 }), fc.nat({ max: 3 }))), events => {
      const clock = new HybridClock();
      let last = { ms: -1, count: 0 };
      for (const [hear, ms, count] of events) {
        if (hear) clock.saw({ ms, count });
        const stamp = clock.tick(ms);
        assert.ok(stamp.ms > last.ms || (stamp.ms === last.ms && stamp.count > last.count));
        assert.ok(!hear || stamp.ms > ms || (stamp.ms === ms && stamp.count > count));
        last = stamp;
      }
    }),
  );
});

test('overrides on disk: ours are signed anew, others’ must fit, damage is left out', t => {
  const dir = folder(t);
  const first = new Kept(dir, 'fra-1', silent);
  new Overrides(first).say(override('vip/a', 'drain'), 'fra-1', 10, sealer);
  first.merge(sealer.seal('override', 'nyc-1', 5, 0, overrideBody(override('vip/b', 'maint'))));
  first.save();
  const same = new Kept(dir, 'fra-1', silent);
  same.load('fra-1', sealer);
  assert.deepEqual([...same.entries()], [...first.entries()]);
  const log = notebook();
  const rotated = new Sealer('test', 'new secret');
  const later = new Kept(dir, 'fra-1', log);
  later.load('fra-1', rotated);
  assert.deepEqual(
    new Overrides(later).inForce(0).map(o => o.target),
    ['vip/a'],
  );
  assert.ok(rotated.fits(later.get('override/vip/a') as Sealed));
  assert.match(log.lines[0], /^overrides: 1 on disk left out/);
});
