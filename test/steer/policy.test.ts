// What a pool answers, case by case: policies, families, TTL, and nobody up.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FORCED, LAST_KNOWN, NO_CHANGE_KNOWN } from '../../src/model/state.ts';
import { Bench, cluster, simple } from './pools.ts';

const A = '192.0.2.1';
const B = '192.0.2.2';
const C = '192.0.2.3';

test('weighted: only members in state up are answered', () => {
  for (const state of ['down', 'drain', 'maint', 'unknown'] as const)
    assert.deepEqual(simple([1, 1]).set(1, state).answers(), [A], state);
});

test('weighted: a member with weight 0 or factor 0 is never answered while another is up', () => {
  assert.deepEqual(simple([5, 0]).answers(), [A]);
  assert.deepEqual(simple([5, 5]).set(0, 'up', 0).answers(), [B]);
});

test('weighted: a factor of the least step still gets its share', () => {
  assert.deepEqual(simple([65535, 1]).set(0, 'down').set(1, 'up', 1e-9).answers(), [B]);
});

test('weighted: n answers never hold more than there are, nor one twice', () => {
  assert.deepEqual(simple([3, 2, 1], { answers: 8 }).answers(), [`${A} ${B} ${C}`]);
  assert.deepEqual(simple([3, 2, 1], { answers: 2 }).answers(), [`${A} ${B}`, `${A} ${C}`, `${B} ${C}`]);
});

test('a change of the state table is seen by the next pick', () => {
  const b = simple([1, 1]);
  for (let i = 0; i < 100; i++) {
    b.set(i % 2, 'down').set((i + 1) % 2, 'up');
    assert.equal(b.pick(), i % 2 === 0 ? B : A);
  }
});

test('failover: the first in order answers, alone, whatever the weights', () => {
  assert.deepEqual(simple([1, 1000], { policy: 'failover', answers: 2 }).answers(), [A]);
});

test('failover: the next one answers while the first is down, and the first again when it is back', () => {
  const b = simple([1, 1, 1], { policy: 'failover' }).set(0, 'down').set(1, 'drain');
  assert.equal(b.pick(), C);
  assert.equal(b.set(0, 'up').pick(), A);
});

test('failover: a member with less than min_capacity is passed over', () => {
  const b = simple([1, 1], { policy: 'failover', min_capacity: '50%' });
  assert.equal(b.set(0, 'up', 0.49).pick(), B);
  assert.equal(b.set(0, 'up', 0.5).pick(), A);
});

test('failover: when none has enough, the one with the most answers; the first of equals', () => {
  const b = simple([1, 1, 1], { policy: 'failover', min_capacity: '80%' });
  assert.equal(b.set(0, 'up', 0.2).set(1, 'up', 0.6).set(2, 'up', 0.5).pick(), B);
  assert.equal(b.set(0, 'up', 0.5).set(1, 'up', 0.5).pick(), A);
});

test('failover: a member with weight 0 is out', () => {
  assert.equal(simple([0, 1], { policy: 'failover' }).pick(), B);
});

const DUAL = { a: [A, '2001:db8::1', '2001:db8::11'], b: [B] };

test('families are chosen apart; a VIP gives all its addresses of the family up to `answers`', () => {
  const config = cluster(DUAL, {
    p: { policy: 'weighted', answers: 2, members: [{ vip: 'a' }, { vip: 'b' }] },
  });
  assert.deepEqual(new Bench(config).answers(4), [`${A} ${B}`]);
  assert.deepEqual(new Bench(config).answers(6), ['2001:db8::1 2001:db8::11']);
});

test('where not all addresses of a VIP fit, each gets its turn', () => {
  const config = cluster(DUAL, { p: { policy: 'failover', members: [{ vip: 'a' }] } });
  assert.deepEqual(new Bench(config).answers(6), ['2001:db8::1', '2001:db8::11']);
});

test('a pool without an address of the family answers nothing', () => {
  assert.equal(simple([1, 1]).pick(6), '');
  assert.equal(simple([1, 1]).set(0, 'down').set(1, 'down').pick(6), '');
});

test('while a member is up, a family of which nobody is up has no answer', () => {
  const config = cluster(DUAL, { p: { policy: 'weighted', members: [{ vip: 'a' }, { vip: 'b' }] } });
  const b = new Bench(config).set(0, 'down');
  assert.equal(b.pick(6), '');
  assert.equal(b.pick(4), B);
});

test('all_down all: as if all were up with their configured weight, not the union', () => {
  const b = simple([1, 1, 0], { all_down: 'all' }).set(0, 'down').set(1, 'down', 0.5).set(2, 'down');
  assert.deepEqual(b.answers(), [A, B]);
  const f = simple([1, 1], { policy: 'failover', all_down: 'all' }).set(0, 'down').set(1, 'down');
  assert.deepEqual(f.answers(), [A]);
});

test('all_down all: members up with factor 0 are in again when nobody else is left', () => {
  assert.deepEqual(simple([1, 1]).set(0, 'down').set(1, 'up', 0).answers(), [A, B]);
});

test('all_down: unknown members count as down', () => {
  assert.deepEqual(simple([1, 1]).set(0, 'unknown').set(1, 'unknown').answers(), [A, B]);
  assert.equal(simple([1], { all_down: 'servfail' }).set(0, 'unknown').pick(), 'servfail');
});

test('all_down all: members in drain or maint stay out, unless all are', () => {
  const b = simple([1, 1, 1]).set(0, 'drain', 1, FORCED).set(1, 'down').set(2, 'maint', 1, FORCED);
  assert.deepEqual(b.answers(), [B]);
  assert.deepEqual(b.set(1, 'drain', 1, FORCED).answers(), [A, B, C]);
});

test('all_down last-known: those that were up last; without such, all', () => {
  const b = simple([1, 1, 1], { all_down: 'last-known' });
  b.set(0, 'down').set(1, 'down', 1, LAST_KNOWN).set(2, 'down');
  assert.deepEqual(b.answers(), [B]);
  assert.deepEqual(b.set(1, 'drain', 1, LAST_KNOWN | FORCED).answers(), [A, C]);
  assert.deepEqual(b.set(1, 'down', 1, 0).answers(), [A, B, C]);
});

test('all_down static: the given addresses of the family', () => {
  const b = simple([1], {
    answers: 2,
    all_down: { static: ['198.51.100.1', '2001:db8::5', '198.51.100.2'] },
  });
  assert.equal(b.pick(6), '', 'while a member is up the static addresses are out');
  b.set(0, 'down');
  assert.equal(b.pick(4), '198.51.100.1 198.51.100.2');
  assert.equal(b.pick(6), '2001:db8::5');
});

test('all_down static: more addresses than answers take turns', () => {
  const b = simple([1], { all_down: { static: ['198.51.100.1', '198.51.100.2'] } }).set(0, 'maint');
  assert.deepEqual(b.answers(), ['198.51.100.1', '198.51.100.2']);
});

test('all_down servfail', () => {
  assert.equal(simple([1, 1], { all_down: 'servfail' }).set(0, 'down').set(1, 'drain').pick(), 'servfail');
});

function ttl(b: Bench, family = 4): number {
  b.pick(family);
  return b.steering.ttl;
}

test('ttl: the least time of those answered, within min_ttl and ttl', () => {
  const pool = { answers: 2, ttl: '30s', min_ttl: '5s' };
  assert.equal(ttl(simple([1, 1], pool).set(0, 'up', 1, 0, 12)), 12);
  assert.equal(ttl(simple([1, 1], pool).set(0, 'up', 1, 0, 2)), 5);
  assert.equal(ttl(simple([1, 1], pool).set(0, 'up', 1, 0, 3600)), 30);
  assert.equal(ttl(simple([1], pool).set(0, 'up', 1, 0, NO_CHANGE_KNOWN)), 30);
  assert.equal(ttl(simple([1, 1], pool).set(0, 'down', 1, 0, 12)), 30, 'who is not answered does not count');
});

test('ttl: without min_ttl it is not cut', () => {
  assert.equal(ttl(simple([1], { ttl: '30s' }).set(0, 'up', 1, 0, 0)), 30);
});

test('ttl: parts of a second are rounded up', () => {
  assert.equal(ttl(simple([1], { ttl: '1500ms' })), 2);
});

test('ttl: failover minds those before the chosen one, all_down minds all', () => {
  const pool = { ttl: '30s', min_ttl: '0s' };
  const f = simple([1, 1, 1], { policy: 'failover', ...pool });
  assert.equal(ttl(f.set(0, 'down', 1, 0, 4).set(1, 'up', 1, 0, 20).set(2, 'up', 1, 0, 1)), 4);
  const s = simple([1, 1], { all_down: { static: ['198.51.100.1'] }, ...pool });
  assert.equal(ttl(s.set(0, 'down', 1, 0, 20).set(1, 'down', 1, 0, 7)), 7);
});
