import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DestTable } from '../../src/lvs/sched/dests.ts';
import { OVERLOAD } from '../../src/lvs/sched/scheduler.ts';
import { table } from './fixture.ts';

test('the newest server stands first, and ids stay with their servers', () => {
  const dests = new DestTable();
  const ids = [1, 2, 3].map(n => dests.add(Uint8Array.of(10, 0, 0, n), 80 + n, n * 10));
  assert.deepEqual([...dests.id.subarray(0, 3)], ids.toReversed());
  assert.deepEqual([...dests.weight.subarray(0, 3)], [30, 20, 10]);
  dests.remove(1);
  assert.deepEqual([...dests.id.subarray(0, dests.count)], [ids[2], ids[0]]);
  assert.deepEqual([...dests.port.subarray(0, 2)], [83, 81]);
  assert.deepEqual([...dests.address.subarray(16, 20)], [10, 0, 0, 1]);
  const back = dests.add(Uint8Array.of(10, 0, 0, 2), 82, 20);
  assert.ok(!ids.includes(back), 'an id is never given twice');
});

test('connection counts go with their servers through adding, removing and growing', () => {
  const dests = new DestTable();
  for (let n = 0; n < 100; n++) {
    dests.add(Uint8Array.of(10, 0, 0, n), 80, 1);
    dests.charge(0, n, 1);
  }
  for (let at = 99; at >= 0; at -= 2) dests.remove(at);
  assert.equal(dests.count, 50);
  for (let at = 0; at < 50; at++) {
    const n = dests.address[at * 16 + 3];
    assert.equal(n, 99 - 2 * at);
    assert.equal(dests.active[at], n);
    assert.equal(dests.inactive[at], 1);
  }
});

test('a server that comes back brings its connections along', () => {
  const dests = new DestTable();
  dests.limit(5, 0);
  dests.add(Uint8Array.of(10, 0, 0, 1), 80, 1, 4, 1);
  assert.equal(dests.active[0], 4);
  assert.equal(dests.flags[0], OVERLOAD);
});

test('lastWeight is the last weight that was not 0', () => {
  const dests = table(7);
  dests.reweight(0, 0);
  assert.deepEqual([dests.weight[0], dests.lastWeight[0]], [0, 7]);
  dests.reweight(0, 3);
  assert.deepEqual([dests.weight[0], dests.lastWeight[0]], [3, 3]);
});

test('an IPv6 address takes sixteen bytes, and leaves none to an IPv4 one after it', () => {
  const dests = new DestTable();
  dests.add(new Uint8Array(16).fill(0xff), 80, 1);
  assert.equal(dests.family[0], 6);
  dests.remove(0);
  dests.add(Uint8Array.of(10, 0, 0, 1), 80, 1);
  assert.equal(dests.family[0], 4);
  assert.deepEqual([...dests.address.subarray(0, 6)], [10, 0, 0, 1, 0, 0]);
});

test('overload is set at the upper threshold and cleared below the lower one', () => {
  const dests = table(1);
  dests.limit(4, 2);
  const seen: number[] = [];
  for (const step of [1, 1, 1, 1, -1, -1, -1, 1]) {
    dests.charge(0, step, 0);
    seen.push(dests.flags[0] & OVERLOAD);
  }
  assert.deepEqual(seen, [0, 0, 0, 1, 1, 1, 0, 0]);
});

test('without a lower threshold it is cleared below three quarters of the upper one; inactive connections count too', () => {
  const dests = table(1);
  dests.limit(8, 0);
  dests.charge(0, 4, 4);
  assert.equal(dests.flags[0], OVERLOAD);
  dests.charge(0, 0, -2);
  assert.equal(dests.flags[0], OVERLOAD, '6 of 8 is not below three quarters');
  dests.charge(0, 0, -1);
  assert.equal(dests.flags[0], 0);
});

test('a new limit is held against the connections that are open', () => {
  const dests = table(1, 1);
  dests.charge(0, 3, 0);
  dests.limit(3, 0);
  assert.deepEqual([...dests.flags.subarray(0, 2)], [OVERLOAD, 0]);
  dests.limit(0, 0);
  assert.deepEqual([...dests.flags.subarray(0, 2)], [0, 0]);
});
