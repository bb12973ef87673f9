// The coordinator of one process: alone, and several nodes on one bus.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryBus } from '../../src/cluster/memory.ts';
import { ManualClock } from '../../src/kit/clock.ts';
import { clock, folder, override, report, until, wait } from './helpers.ts';

test('two nodes on one bus see each other; what leaves expires', async () => {
  const bus = new MemoryBus();
  const options = { lifetime: 150, clock };
  const fra = bus.join('fra-1', options);
  const nyc = bus.join('nyc-1', options);
  await fra.start();
  assert.equal(fra.status().mode, 'alone');
  await nyc.start();
  assert.equal(fra.status().mode, 'connected');
  let changes = 0;
  nyc.onChange(() => changes++);
  const said = report('fra');
  fra.publish(said);
  said.site = 'changed by its maker afterwards';
  await until(() => changes === 1, 100, 'told');
  const [peer] = nyc.peers();
  assert.deepEqual(peer, {
    node: 'fra-1',
    report: report('fra'),
    epoch: 1,
    sequence: 1,
    age: 0,
    fresh: true,
  });
  assert.deepEqual(fra.peers(), [], 'who said nothing yet is no peer');
  fra.publish(report('fra'));
  await wait(200);
  assert.equal(changes, 1, 'the same again is nothing new');
  assert.ok(nyc.peers()[0].fresh, 'no heartbeat is needed');
  await fra.close();
  assert.ok(nyc.peers()[0].fresh);
  await until(() => changes === 2, 400, 'expiry is told');
  assert.equal(nyc.peers()[0].fresh, false);
  assert.deepEqual(nyc.peers()[0].report, report('fra'));
  const again = bus.join('fra-1', options);
  await again.start();
  again.publish(report('fra', 0.5));
  await until(() => changes === 3, 100, 'told');
  assert.equal(again.status().epoch, 2);
  assert.ok(nyc.peers()[0].fresh);
  await again.close();
  await nyc.close();
});

test('ages go by the clock that is handed in', async () => {
  const time = new ManualClock();
  const bus = new MemoryBus();
  const [a, b] = ['fra-1', 'nyc-1'].map(n => bus.join(n, { lifetime: 5000, clock: time }));
  await a.start();
  await b.start();
  a.publish(report('fra'));
  time.advance(60_000);
  assert.equal(b.peers()[0].age, 0);
  await a.close();
  time.advance(4999);
  assert.ok(b.peers()[0].fresh);
  time.advance(1);
  assert.ok(!b.peers()[0].fresh);
  await b.close();
});

test('overrides are shared, end by themselves, and outlive a restart on disk', async t => {
  const stateDir = folder(t);
  const bus = new MemoryBus();
  const options = { lifetime: 1000, clock, stateDir };
  const fra = bus.join('fra-1', options);
  const nyc = bus.join('nyc-1', options);
  await fra.start();
  await nyc.start();
  let changes = 0;
  nyc.onChange(() => changes++);
  fra.override(override('vip/a', 'drain'));
  fra.override(override('vip/b', 'maint', { until: Date.now() + 150 }));
  await until(() => changes === 1, 100, 'told once for both');
  assert.deepEqual(
    nyc.overrides().map(o => `${o.target} ${o.state} ${o.node}`),
    ['vip/a drain fra-1', 'vip/b maint fra-1'],
  );
  await until(() => changes === 2, 400, 'the end is told');
  assert.equal(nyc.overrides().length, 1);
  await fra.close();
  await nyc.close();
  const later = new MemoryBus().join('nyc-1', options);
  await later.start();
  assert.deepEqual(
    later.overrides().map(o => o.target),
    ['vip/a'],
  );
  later.override(override('vip/a', 'ready'));
  assert.deepEqual(later.overrides(), []);
  await later.close();
  // One that was away brings what it kept, and learns what was said since.
  const both = new MemoryBus();
  const [x, y] = ['fra-1', 'nyc-1'].map(n => both.join(n, options));
  await x.start();
  assert.equal(x.overrides().length, 1, 'it does not know yet');
  await y.start();
  assert.deepEqual(x.overrides(), []);
  await x.close();
  await y.close();
});
