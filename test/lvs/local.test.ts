// The schedulers that keep a destination where it is, and those that look at one column: sequences by the definitions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../../src/kit/rng.ts';
import type { DestTable } from '../../src/lvs/sched/dests.ts';
import { makeScheduler } from '../../src/lvs/sched/index.ts';
import { EXPIRATION } from '../../src/lvs/sched/locality.ts';
import { type Flow, OVERLOAD, type Scheduler, TRIED } from '../../src/lvs/sched/scheduler.ts';
import { flow, opens, picks, table } from './fixture.ts';

function to(last: number): Flow {
  return { ...flow(), destination: Uint8Array.of(192, 0, 2, last) };
}

/** A scheduler with a clock that the test moves. */
function clocked(name: 'lblc' | 'lblcr', dests: DestTable): { scheduler: Scheduler; clock: { now: number } } {
  const clock = { now: 1000 };
  return { scheduler: makeScheduler(name, dests, [], { rng: seeded(1), now: () => clock.now }), clock };
}

test('sed takes the least expected delay: a fast server gets two before a slow one gets one', () => {
  const dests = table(1, 2, 6);
  // Delays (established + 1) / weight: 1 ½ ⅙; after one 1 ½ ⅓; after two 1 ½ ½: the tie is the newer one's.
  assert.deepEqual(opens(makeScheduler('sed', dests, []), dests, 6), [2, 2, 1, 2, 2, 2]);
  dests.charge(0, 0, 1000);
  assert.equal(makeScheduler('sed', table(1, 1), []).pick(flow()), 0, 'closing connections do not count');
});

test('nq fills idle servers first, whatever their weight, then goes as sed', () => {
  const dests = table(1, 2, 6);
  assert.deepEqual(opens(makeScheduler('nq', dests, []), dests, 5), [0, 1, 2, 2, 2]);
  dests.charge(1, -1, 1);
  assert.equal(makeScheduler('nq', dests, []).pick(flow()), 1);
});

test('fo keeps to the highest weight, and falls to the next when that one is out', () => {
  const dests = table(5, 9, 9, 7);
  const fo = makeScheduler('fo', dests, []);
  assert.deepEqual(opens(fo, dests, 3), [1, 1, 1]);
  dests.flags[1] = OVERLOAD;
  assert.equal(fo.pick(flow()), 2);
  dests.reweight(2, 0);
  assert.equal(fo.pick(flow()), 3);
});

test('ovf fills the highest weight until its connections are more than it, then the next; nobody when all are full', () => {
  const dests = table(1, 3, 2);
  assert.deepEqual(opens(makeScheduler('ovf', dests, []), dests, 9), [1, 1, 1, 1, 2, 2, 2, 0, 0]);
  assert.equal(makeScheduler('ovf', dests, []).pick(flow()), -1);
});

test('dh: the address asked for chooses among 256 buckets, filled in turn whatever the weights', () => {
  const dests = table(1, 50, 3);
  const dh = makeScheduler('dh', dests, []);
  for (let last = 0; last < 256; last++) {
    const key = BigInt((192 << 24) | (2 << 8) | last);
    const bucket = Number(((key * 0x61c88647n) & 0xffffffffn) >> 24n);
    assert.equal(dh.pick(to(last)), bucket % 3);
  }
  const home = dh.pick(to(7));
  dests.flags[home] = OVERLOAD;
  assert.equal(dh.pick(to(7)), -1, 'no other server stands in');
  dests.flags[home] = 0;
  dests.reweight(home, 0);
  dh.update();
  assert.equal(dh.pick(to(7)), -1);
});

test('lblc keeps a destination with its server, and gives new destinations to the lightest', () => {
  const dests = table(10, 10, 10);
  const { scheduler } = clocked('lblc', dests);
  assert.deepEqual(opens(scheduler, dests, 3), [0, 0, 0]);
  assert.equal(scheduler.pick(to(99)), 1);
  dests.charge(1, 5, 0);
  assert.equal(scheduler.pick(to(99)), 1);
  assert.equal(scheduler.pick(to(98)), 2);
});

test('lblc moves a destination off a server with more connections than weight if another has less than half', () => {
  const dests = table(4, 4);
  const { scheduler } = clocked('lblc', dests);
  assert.deepEqual(opens(scheduler, dests, 6), [0, 0, 0, 0, 0, 1]);
  // 0 has five of weight 4; as long as 1 has half of its weight, the destination stays where it is.
  const other = table(4, 4);
  const held = clocked('lblc', other).scheduler;
  held.pick(flow());
  other.charge(0, 5, 0);
  other.charge(1, 2, 0);
  assert.equal(held.pick(flow()), 0);
  other.charge(1, -1, 1);
  assert.equal(held.pick(flow()), 1);
});

test('lblc: an upper threshold does not move a destination; weight 0 and removal do; a server that comes back is the same', () => {
  const dests = table(5, 5);
  const { scheduler } = clocked('lblc', dests);
  assert.equal(scheduler.pick(flow()), 0);
  dests.flags[0] = OVERLOAD;
  assert.equal(scheduler.pick(flow()), 0);
  dests.flags[0] = TRIED;
  assert.equal(scheduler.pick(flow()), 1, 'one that was tried in vain is not kept to');
  dests.flags[0] = 0;
  dests.charge(1, 9, 0);
  assert.equal(scheduler.pick(flow()), 0);
  dests.charge(1, -9, 0);
  const address = dests.address.slice(0, 4);
  dests.remove(0);
  scheduler.update();
  dests.add(Uint8Array.of(10, 9, 9, 9), 80, 50);
  scheduler.update();
  dests.add(address, 80, 1);
  scheduler.update();
  assert.equal(scheduler.pick(flow()), 0, 'not chosen anew while it was away');
  dests.reweight(0, 0);
  scheduler.update();
  assert.equal(scheduler.pick(flow()), 1);
});

test('lblc forgets a destination that was not asked for in a day', () => {
  const dests = table(5, 5);
  const { scheduler, clock } = clocked('lblc', dests);
  assert.equal(scheduler.pick(flow()), 0);
  dests.charge(0, 1, 0);
  clock.now += EXPIRATION;
  assert.equal(scheduler.pick(flow()), 0, 'not yet, and this counts as asked');
  clock.now += EXPIRATION;
  assert.equal(scheduler.pick(flow()), 0);
  clock.now += EXPIRATION + 1;
  assert.equal(scheduler.pick(flow()), 1);
});

test('lblc remembers 16 × 1024 destinations and chooses for the others too', () => {
  const dests = table(100, 100);
  const { scheduler } = clocked('lblc', dests);
  const nth = (n: number) => ({ ...flow(), destination: Uint8Array.of(10, n >> 16, n >> 8, n) });
  for (let n = 0; n < 20_000; n++) assert.equal(scheduler.pick(nth(n)), 0);
  dests.charge(0, 1, 0);
  assert.equal(scheduler.pick(nth(16_383)), 0, 'kept');
  assert.equal(scheduler.pick(nth(16_384)), 1, 'not kept');
});

test('lblcr: the set of a destination grows when its lightest is too busy, and its lightest serves', () => {
  const dests = table(2, 2, 2);
  const { scheduler } = clocked('lblcr', dests);
  // 0 fills to three, more than its weight, while 1 and 2 have less than half: 1 joins. Then the lighter of both.
  assert.deepEqual(opens(scheduler, dests, 7), [0, 0, 0, 1, 1, 1, 2]);
  dests.charge(1, -2, 0);
  assert.equal(scheduler.pick(flow()), 2, 'of the set 2 1 0 with 1 1 3, the one that joined last');
  dests.charge(1, -1, 0);
  assert.equal(scheduler.pick(flow()), 1);
});

test('lblcr: a set that stayed the same for a day loses its most loaded member', () => {
  const dests = table(2, 2);
  const { scheduler, clock } = clocked('lblcr', dests);
  opens(scheduler, dests, 4);
  dests.charge(1, -1, 0);
  dests.charge(0, -2, 0);
  // The set is 1 0 with 0 and 1 connections. It is asked for all the time, and stays the same for more than a day.
  clock.now += EXPIRATION / 2;
  scheduler.pick(flow());
  clock.now += EXPIRATION / 2 + 1;
  assert.equal(scheduler.pick(flow()), 1);
  // 0 has left: what is lighter outside the set does not serve, until 1 is too busy.
  dests.charge(1, 2, 0);
  dests.charge(0, -1, 0);
  assert.equal(scheduler.pick(flow()), 1);
  dests.charge(1, 1, 0);
  assert.equal(scheduler.pick(flow()), 0);
});

test('lblcr: members that are gone or quiesced do not serve; one that comes back does', () => {
  const dests = table(2, 2);
  const { scheduler } = clocked('lblcr', dests);
  assert.equal(scheduler.pick(flow()), 0);
  const address = dests.address.slice(0, 4);
  dests.remove(0);
  scheduler.update();
  assert.equal(scheduler.pick(flow()), 0, 'the other one, at 0 now');
  dests.charge(0, 1, 0);
  dests.add(address, 80, 2);
  scheduler.update();
  assert.equal(scheduler.pick(flow()), 0);
  dests.reweight(0, 0);
  scheduler.update();
  assert.equal(scheduler.pick(flow()), 1);
});

test('twos draws two by weight and takes the less loaded; one that is not available is never drawn', () => {
  const dests = table(1, 0, 3, 5);
  dests.flags[3] = OVERLOAD;
  const twos = makeScheduler('twos', dests, [], { rng: seeded(7), now: () => 0 });
  const seen = [0, 0, 0, 0];
  for (const at of picks(twos, 10_000)) seen[at]++;
  // Marks 0 … 4: 0 and 1 are server 0's, 2 3 4 server 2's. Equal loads: the first draw stands.
  assert.deepEqual([seen[1], seen[3]], [0, 0]);
  assert.ok(Math.abs(seen[0] - 4000) < 200, seen.join(' '));
  // Loaded as 10 to 0, server 0 serves only where both draws are its own: 2/5 · 2/5.
  dests.charge(0, 10, 0);
  const loaded = picks(twos, 10_000).filter(at => at === 0).length;
  assert.ok(Math.abs(loaded - 1600) < 200, String(loaded));
});

test('twos gives the same picks for the same dice, and the shares that all pairs of marks give', () => {
  const run = () => picks(makeScheduler('twos', table(1, 2, 3), [], { rng: seeded(3), now: () => 0 }), 50);
  assert.deepEqual(run(), run());
  const weights = [1, 2, 3];
  const load = [300, 100, 700];
  // Marks 0 … 6; the weights added up reach 1, 3 and 6.
  const drawn = [0, 0, 1, 1, 2, 2, 2];
  const share = [0, 0, 0];
  for (const one of drawn) {
    for (const two of drawn) share[weights[two] * load[one] > weights[one] * load[two] ? two : one] += 1 / 49;
  }
  const dests = table(...weights);
  load.forEach((n, at) => {
    dests.charge(at, 0, n);
  });
  const seen = [0, 0, 0];
  for (const at of picks(makeScheduler('twos', dests, [], { rng: seeded(5), now: () => 0 }), 50_000))
    seen[at]++;
  seen.forEach((n, at) => {
    assert.ok(Math.abs(n / 50_000 - share[at]) < 0.01, `${seen} ${share}`);
  });
});
