// Shares and explanations, as status and `gtm dig --explain` show them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FORCED, LAST_KNOWN, STALE } from '../../src/model/state.ts';
import { allDownNow, explainPick, shares } from '../../src/steer/explain.ts';
import { Bench, cluster, simple } from './pools.ts';

const round = (all: number[]) => all.map(s => Number(s.toFixed(4)));

test('shares: weighted in proportion to weight × factor; failover to one', () => {
  const w = simple([60, 40]).set(0, 'up', 0.5);
  assert.deepEqual(round(shares(w.config, 'p', w.state)), [0.4286, 0.5714]);
  const f = simple([60, 40], { policy: 'failover' }).set(0, 'down');
  assert.deepEqual(shares(f.config, 'p', f.state), [0, 1]);
  assert.deepEqual(shares(f.config, 'nope', f.state), []);
});

test('shares: of the pool asked for, also behind another one in the state table', () => {
  const members = [
    { vip: 'a', weight: 1 },
    { vip: 'b', weight: 3 },
  ];
  const policy = 'weighted';
  const config = cluster(
    { a: ['192.0.2.1'], b: ['192.0.2.2'] },
    { p: { policy, members }, q: { policy, members } },
  );
  const b = new Bench(config).set(0, 'down').set(3, 'up', 1 / 3);
  assert.deepEqual(round(shares(config, 'p', b.state)), [0, 1]);
  assert.deepEqual(
    shares(config, 'q', b.state).map(s => s.toFixed(2)),
    ['0.50', '0.50'],
  );
});

test('shares: all_down shows what is answered; static and servfail give to nobody', () => {
  const b = simple([60, 40]).set(0, 'down').set(1, 'down');
  assert.deepEqual(round(shares(b.config, 'p', b.state)), [0.6, 0.4]);
  const s = simple([60, 40], { all_down: 'servfail' }).set(0, 'down').set(1, 'down');
  assert.deepEqual(shares(s.config, 'p', s.state), [0, 0]);
});

test('allDownNow names the rule that takes effect, and nothing while a member is up', () => {
  const b = simple([1, 1], { all_down: 'last-known' });
  assert.equal(allDownNow(b.config, 'p', b.state), undefined);
  b.set(0, 'down').set(1, 'down', 1, LAST_KNOWN);
  assert.equal(allDownNow(b.config, 'p', b.state), 'last-known');
  b.set(1, 'down');
  assert.equal(allDownNow(b.config, 'p', b.state), 'all');
  const s = simple([1], { all_down: { static: ['192.0.2.9'] } }).set(0, 'down');
  assert.equal(allDownNow(s.config, 'p', s.state), 'static');
});

test('explain: members, then the chances', () => {
  const b = simple([60, 40, 5], { answers: 2 }).set(0, 'up', 0.5, STALE).set(2, 'drain', 1, FORCED);
  assert.deepEqual(explainPick(b.config, 'p', b.state, 4), [
    { topic: 'pool p', text: 'a up stale w30 of 60, b up w40 of 40, c drain w0 of 5' },
    { topic: 'pick', text: 'weighted, up to 2 of IPv4; first in the answer: a 42.9%, b 57.1%' },
  ]);
  assert.match(explainPick(b.config, 'p', b.state, 6)[1].text, /nobody has an IPv6 address/);
});

test('explain: nobody up, and which rule answers', () => {
  const b = simple([1], { all_down: 'last-known' }).set(0, 'down');
  assert.deepEqual(explainPick(b.config, 'p', b.state, 4)[1], {
    topic: 'all down',
    text: 'no member is up: all, since none was up before (last-known)',
  });
  const s = simple([1], { all_down: { static: ['192.0.2.9'] } }).set(0, 'down');
  assert.deepEqual(explainPick(s.config, 'p', s.state, 4).slice(1), [
    { topic: 'all down', text: 'no member is up: static 192.0.2.9' },
  ]);
  assert.deepEqual(explainPick(s.config, 'q', s.state, 4), [{ topic: 'pool', text: 'there is no pool q' }]);
});
