// The flat pool table: places, packing, and what is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../../src/kit/rng.ts';
import { joinSnapshot, SECTION, section } from '../../src/model/snapshot.ts';
import { newStateTable, packState, setMember } from '../../src/model/state.ts';
import { openPools } from '../../src/steer/pick.ts';
import { memberIndex, memberList, PoolTable, packPools } from '../../src/steer/table.ts';
import { Bench, CLIENT, cluster } from './pools.ts';

const two = cluster(
  { a: ['192.0.2.1'], b: ['192.0.2.2', '2001:db8::2'] },
  {
    web: { policy: 'weighted', members: [{ vip: 'a' }, { vip: 'b' }] },
    api: { policy: 'failover', members: [{ vip: 'b' }] },
  },
);

test('members are numbered over all pools, in the order of the cluster file', () => {
  assert.deepEqual(memberList(two), [
    { pool: 'web', vip: 'a', index: 0 },
    { pool: 'web', vip: 'b', index: 1 },
    { pool: 'api', vip: 'b', index: 2 },
  ]);
  for (const { pool, index } of memberList(two))
    assert.equal(memberIndex(two, pool, index - memberIndex(two, pool, 0)), index);
  assert.equal(memberIndex(two, 'nope', 0), -1);
});

test('a pool picks by its own members only, when several pools share a VIP', () => {
  const b = new Bench(two);
  assert.equal(b.pick(4, 1), '192.0.2.2');
  assert.equal(b.pick(6, 1), '2001:db8::2');
  b.set(2, 'down').set(0, 'down');
  assert.equal(b.pick(4, 0), '192.0.2.2', 'b is up in web whatever the word of api says');
});

test('the table works in place inside a shared snapshot, behind another section', () => {
  const buffer = joinSnapshot(7, [new Uint8Array(13), packPools(two)]);
  const state = newStateTable(3);
  for (let m = 0; m < 3; m++) setMember(state, m, packState('up', 0, 1), 5);
  const steering = openPools(section(buffer, SECTION.pools), state, seeded(1));
  assert.equal(steering.pick(1, 4, CLIENT), 1);
  assert.deepEqual([...steering.picked.subarray(0, 4)], [192, 0, 2, 2]);
});

test('a section that is no pool table is refused', () => {
  assert.throws(() => new PoolTable(new Uint8Array(64)), RangeError);
});

test('a cluster without pools packs, and every pool number is empty', () => {
  const b = new Bench(cluster({ a: ['192.0.2.1'] }, {}));
  assert.equal(b.pick(), '');
});

test('the same address written twice, or held by two members, stands once in an answer', () => {
  const config = cluster(
    { a: ['2001:db8::1', '2001:DB8:0::1'], b: ['2001:db8::1'], c: ['2001:db8::3'] },
    { p: { policy: 'weighted', answers: 4, members: [{ vip: 'a' }, { vip: 'b' }, { vip: 'c' }] } },
  );
  assert.deepEqual(new Bench(config).answers(6), ['2001:db8::1 2001:db8::3']);
});
