// Records that are not what they pretend to be, put into a real Redis: dropped, counted, named. A second Redis of the same
// cluster goes on being believed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BODY_BYTES, frame, Sealer } from '../../src/cluster/record.ts';
import { folder, node, proxy, redisServer, report, SECRET, until, wait } from './helpers.ts';

const KEY = 'gtm:{test}:node:fra-1';
const body = (capacity: number) => JSON.stringify(report('fra', capacity));
const own = new Sealer('test', SECRET);

test('a node with another secret is dropped, counted and named', async t => {
  const a = await redisServer(t);
  const nyc = await node(t, 'nyc-1', { urls: [a.url] });
  const fra = await node(t, 'fra-1', { urls: [a.url], secret: 'quite another secret' });
  fra.c.publish(report('fra'));
  nyc.c.publish(report('nyc'));
  await until(() => nyc.c.status().drops.forged > 0 && fra.c.status().drops.forged > 0, 1500, 'counted');
  assert.equal(nyc.peer('fra-1'), undefined);
  await until(() => /^report of fra-1/.test(nyc.c.status().lastDrop ?? ''), 1500, 'named');
  const said = nyc.c.status().lastDrop ?? '';
  assert.match(said, new RegExp(`^report of fra-1 from ${a.url}: forged: .*another secret`));
  await wait(1100);
  const lines = nyc.log.lines.filter(l => l.startsWith('record dropped: report of fra-1'));
  assert.equal(lines.length, 1, 'one line, not one a heartbeat');
  assert.ok(!nyc.log.lines.join().includes(SECRET));
});

test('a forged, an oversized and a malformed hash count once each, and the true one wins again', async t => {
  const a = await redisServer(t);
  const nyc = await node(t, 'nyc-1', { urls: [a.url] });
  const drops = () => nyc.c.status().drops;
  const put = (fields: Record<string, string | number>) =>
    a.say(async r => {
      await r.del(KEY);
      await r.hset(KEY, fields);
    });
  await put({ epoch: 9, sequence: 9, body: body(1), mac: 'x'.repeat(43) });
  await until(() => drops().forged === 1, 1500, 'forged');
  await wait(900);
  assert.equal(drops().forged, 1, 'met again by the next poll, not counted again');
  // Signed, but for another node: a true record under the wrong name.
  const other = own.seal('report', 'sin-1', 9, 9, body(1));
  await put({ epoch: 9, sequence: 9, body: other.body, mac: other.mac });
  await until(() => drops().forged === 2, 1500, 'wrong name');
  await put({ epoch: 1, sequence: 1, body: 'x'.repeat(BODY_BYTES.report + 1000), mac: '' });
  await until(() => drops().oversized === 1, 1500, 'oversized');
  assert.match(nyc.c.status().lastDrop ?? '', /^report of fra-1 from redis:.*: oversized:/);
  for (const [i, fields] of [
    { epoch: 'many', sequence: 1, body: '{}', mac: '' },
    { epoch: 1, sequence: 1 },
    own.seal('report', 'fra-1', 1, 1, '{"site":"fra","director":[],"sights":{}}'),
  ].entries()) {
    await a.say(r => r.del(KEY));
    await wait(450);
    const { epoch, sequence } = fields;
    await put({ epoch, sequence, ...('body' in fields ? { body: fields.body, mac: fields.mac } : {}) });
    await until(() => drops().malformed === i + 1, 1500, `malformed ${i}`);
  }
  await a.say(async r => {
    await r.del(KEY);
    await r.set(KEY, 'a string');
  });
  assert.equal(nyc.peer('fra-1'), undefined);
  const fra = await node(t, 'fra-1', { urls: [a.url] });
  fra.c.publish(report('fra', 0.5));
  await until(() => nyc.peer('fra-1')?.fresh, 2500, 'the real node writes over all that');
  assert.equal(nyc.c.status().mode, 'connected');
});

test('pushed rubbish is counted and does not disturb', async t => {
  const a = await redisServer(t);
  const nyc = await node(t, 'nyc-1', { urls: [a.url] });
  const fra = await node(t, 'fra-1', { urls: [a.url] });
  fra.c.publish(report('fra'));
  await until(() => nyc.peer('fra-1')?.fresh, 2500, 'fresh');
  const before = nyc.c.status().drops;
  await a.say(async r => {
    await r.publish(KEY, 'no json');
    await r.publish(KEY, '[1,2,3]');
    await r.publish(KEY, frame(own.seal('report', 'sin-1', 5, 5, body(0))));
    await r.publish(KEY, 'x'.repeat(7 * BODY_BYTES.report));
    await r.publish(KEY, frame(own.seal('report', 'fra-1', 99, 1, 'x'.repeat(BODY_BYTES.report + 1))));
    await r.publish(KEY, frame({ ...own.seal('report', 'fra-1', 99, 1, body(0)), sequence: 2 }));
    await r.publish('gtm:{test}:kept', frame(own.seal('override', 'fra-1', 1, 1, '{"target":"all"}')));
    // A flood of forgeries is taken up to a bound, and the rest is left unread.
    const flood = frame({ ...own.seal('report', 'fra-1', 99, 1, body(0)), sequence: 3 });
    await Promise.all(Array.from({ length: 2000 }, () => r.publish(KEY, flood)));
  });
  await until(() => nyc.c.status().drops.malformed === before.malformed + 4, 1000, 'malformed');
  assert.equal(nyc.c.status().drops.oversized, before.oversized + 2);
  await until(() => nyc.c.status().drops.forged >= before.forged + 2, 1000, 'forged');
  await wait(1300);
  assert.ok(nyc.peer('fra-1')?.fresh, 'the poll is not held up by the flood');
  assert.equal(nyc.peer('fra-1')?.epoch, fra.c.status().epoch);
});

test('a captured record cannot raise the dead, before or after it expired', async t => {
  const [a, b] = [await redisServer(t), await redisServer(t)];
  const nyc = await node(t, 'nyc-1', { urls: [a.url, b.url] });
  const fra = await node(t, 'fra-1', { urls: [a.url, b.url] });
  fra.c.publish(report('fra', 0.25));
  await until(() => nyc.peer('fra-1')?.fresh, 2500, 'fresh');
  const old = await a.say(r => r.hgetall(KEY));
  fra.c.publish(report('fra', 0.75));
  await until(() => nyc.peer('fra-1')?.report.director['web-fra'].capacity === 0.75, 500, 'newer');
  const last = await b.say(r => r.hgetall(KEY));
  await fra.c.close();
  assert.deepEqual(nyc.c.status().drops.replayed, 0);
  const put = (fields: Record<string, string>) => a.say(r => r.hset(KEY, fields));
  await put(old);
  await until(() => nyc.c.status().drops.replayed === 1, 1500, 'older than shown');
  assert.match(nyc.c.status().lastDrop ?? '', /^report of fra-1 from .*: replayed: epoch 1 sequence \d+/);
  await a.say(r => r.del(KEY));
  await until(() => nyc.peer('fra-1')?.fresh === false, 2500, 'expired');
  await wait(500);
  await put(last);
  await until(() => nyc.c.status().drops.replayed === 2, 1500, 'put back after it expired');
  const frames = [old, last].map(h =>
    frame({
      kind: 'report',
      node: 'fra-1',
      epoch: +h.epoch,
      sequence: +h.sequence,
      body: h.body,
      mac: h.mac,
    }),
  );
  for (const f of frames) await a.say(r => r.publish(KEY, f));
  await until(() => nyc.c.status().drops.replayed === 4, 1500, 'pushed again');
  assert.equal(nyc.peer('fra-1')?.fresh, false);
  assert.equal(nyc.peer('fra-1')?.report.director['web-fra'].capacity, 0.75, 'and its last word stands');
  // A node that starts now sees a record that nobody renews: known, but no vote.
  const sin = await node(t, 'sin-1', { urls: [a.url, b.url] });
  await until(() => sin.peer('fra-1'), 1000, 'known');
  await b.say(r => r.hset(KEY, old));
  await wait(900);
  assert.equal(sin.peer('fra-1')?.fresh, false);
});

test('a restart raises the epoch: from disk, from redis, from what the peers remember', async t => {
  const a = await redisServer(t);
  const way = await proxy(t, a);
  const nyc = await node(t, 'nyc-1', { urls: [a.url] });
  const stateDir = folder(t);
  const life = async (o: { stateDir: string }, epoch: number, subject: string) => {
    const fra = await node(t, 'fra-1', { urls: [way.url], stateDir: o.stateDir });
    fra.c.publish(report('fra', 1 / (epoch + 1)));
    await until(() => fra.c.status().epoch === epoch, 3000, `${subject}: epoch ${epoch}`);
    await until(() => nyc.peer('fra-1')?.epoch === epoch && nyc.peer('fra-1')?.fresh, 3000, subject);
    await fra.c.close();
  };
  await life({ stateDir }, 1, 'first');
  await life({ stateDir }, 2, 'state_dir kept');
  await a.say(r => r.flushall());
  await life({ stateDir }, 3, 'redis lost');
  await a.say(r => r.del(KEY));
  await life({ stateDir: folder(t) }, 4, 'state_dir lost, record expired');
  // Both lost: the peer puts the epoch back, and the node rises above it.
  await a.say(r => r.flushall());
  await wait(500);
  await life({ stateDir: folder(t) }, 5, 'both lost');
  // State lost, and started while cut off: it begins at 1 and rises when it meets what it said before.
  way.cut();
  const fra = await node(t, 'fra-1', { urls: [way.url], stateDir: folder(t) });
  assert.equal(fra.c.status().epoch, 1);
  fra.c.publish(report('fra'));
  way.mend();
  await until(() => fra.c.status().epoch === 6, 3000, 'raised');
  await until(() => nyc.peer('fra-1')?.epoch === 6 && nyc.peer('fra-1')?.fresh, 3000, 'and believed');
  assert.ok(fra.log.lines.some(l => l.startsWith('epoch: raised: ')));
});
