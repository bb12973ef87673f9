// Two nodes over two real Redis: what one says the other sees, whatever single Redis fails.
import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { node, proxy, redisServer, report, until, wait } from './helpers.ts';

test('a change is seen by the other node at once, through any one of two redis', async t => {
  const [a, b] = [await redisServer(t), await redisServer(t)];
  const urls = [a.url, b.url];
  const fra = await node(t, 'fra-1', { urls });
  const nyc = await node(t, 'nyc-1', { urls });
  fra.c.publish(report('fra'));
  nyc.c.publish(report('nyc'));
  await until(() => nyc.peer('fra-1')?.fresh && fra.peer('nyc-1')?.fresh, 2500, 'both fresh');
  assert.deepEqual(nyc.peer('fra-1')?.report, report('fra'));
  assert.equal(nyc.c.status().mode, 'connected');
  const took: number[] = [];
  for (let i = 1; i <= 20; i++) {
    fra.c.publish(report('fra', i / 20));
    const seen = () => nyc.peer('fra-1')?.report.director['web-fra'].capacity === i / 20;
    took.push(await until(seen, 500, `change ${i}`));
    await wait(5);
  }
  took.sort((x, y) => x - y);
  t.diagnostic(`change seen after ${took[10].toFixed(1)} ms (median), ${took[19].toFixed(1)} ms (most)`);
  assert.ok(took[10] < 100, `median ${took[10]} ms`);
  // Heartbeats alone are nothing new.
  await wait(30);
  const before = nyc.changes();
  await wait(900);
  assert.equal(nyc.changes(), before);
  assert.deepEqual(nyc.c.status().drops, { forged: 0, replayed: 0, oversized: 0, malformed: 0 });

  await a.kill();
  await until(() => nyc.c.status().mode === 'degraded', 500, 'degraded is said');
  const [down, up] = nyc.c.status().backends;
  assert.equal(down.state, 'down');
  assert.match(down.error ?? '', /ECONNREFUSED|closed|ECONNRESET/);
  assert.equal(up.state, 'up');
  for (let i = 0; i < 30; i++) {
    assert.ok(nyc.peer('fra-1')?.fresh && fra.peer('nyc-1')?.fresh, 'still fresh with one redis');
    await wait(50);
  }
  fra.c.publish(report('fra', 0));
  const ms = await until(
    () => nyc.peer('fra-1')?.report.director['web-fra'].capacity === 0,
    500,
    'through the other',
  );
  t.diagnostic(`with one redis dead: ${ms.toFixed(1)} ms`);

  await b.kill();
  await until(() => nyc.c.status().mode === 'cut-off', 500, 'cut off is said');
  assert.ok(nyc.log.lines.some(l => l.startsWith('coordinator: cut off')));
  await until(() => nyc.peer('fra-1')?.fresh === false, 2000, 'the peer expires');
  await until(() => nyc.changes() > before, 100, 'and that is told');
  assert.equal(nyc.peer('fra-1')?.report.director['web-fra'].capacity, 0, 'the last report is kept');

  fra.c.publish(report('fra', 0.5));
  await Promise.all([a.run(), b.run()]);
  const back = await until(
    () => nyc.peer('fra-1')?.fresh && nyc.c.status().mode === 'connected',
    3000,
    'converged again',
  );
  t.diagnostic(`both redis back: converged after ${back.toFixed(0)} ms`);
  assert.equal(nyc.peer('fra-1')?.report.director['web-fra'].capacity, 0.5);
  assert.deepEqual(nyc.c.status().drops, { forged: 0, replayed: 0, oversized: 0, malformed: 0 });
});

test('a redis that hangs delays nothing, is named, and is taken back', async t => {
  const [a, b] = [await redisServer(t), await redisServer(t)];
  const urls = [a.url, b.url];
  const fra = await node(t, 'fra-1', { urls });
  const nyc = await node(t, 'nyc-1', { urls });
  fra.c.publish(report('fra'));
  await until(() => nyc.peer('fra-1')?.fresh, 2500, 'fresh');
  a.signal('SIGSTOP');
  for (let i = 0; i < 20; i++) {
    fra.c.publish(report('fra', i / 100));
    const seen = () => nyc.peer('fra-1')?.report.director['web-fra'].capacity === i / 100;
    const ms = await until(seen, 500, `change ${i} past the hung redis`);
    assert.ok(ms < 380, `${ms} ms: not before the next poll`);
    await wait(60);
  }
  await until(() => nyc.c.status().mode === 'degraded', 1500, 'degraded is said');
  assert.match(nyc.c.status().backends[0].error ?? '', /no (answer|handshake) within/);
  assert.ok(nyc.peer('fra-1')?.fresh);
  a.signal('SIGCONT');
  await until(() => nyc.c.status().mode === 'connected', 4000, 'taken back');
  await wait(600);
  assert.deepEqual(nyc.c.status().drops, { forged: 0, replayed: 0, oversized: 0, malformed: 0 });
});

test('a start with nothing reachable is bounded, and what comes up later is joined', async t => {
  const a = await redisServer(t);
  const way = await proxy(t, a);
  way.cut();
  const hung = createServer(s => s.on('error', () => {}));
  const sockets: Socket[] = [];
  hung.on('connection', s => sockets.push(s));
  await new Promise<void>(resolve => hung.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const s of sockets) s.destroy();
    hung.close();
  });
  const { port } = hung.address() as { port: number };
  const start = performance.now();
  const fra = await node(t, 'fra-1', { urls: [way.url, `redis://127.0.0.1:${port}`] });
  assert.ok(performance.now() - start < 1900);
  assert.equal(fra.c.status().mode, 'cut-off');
  assert.equal(fra.c.status().epoch, 1);
  assert.ok(fra.log.lines.some(l => l.startsWith(`redis ${way.url}: down: `)));
  assert.equal(fra.log.lines.filter(l => l.startsWith('coordinator: cut off')).length, 1);
  fra.c.publish(report('fra'));
  way.mend();
  const nyc = await node(t, 'nyc-1', { urls: [a.url] });
  await until(() => nyc.peer('fra-1')?.fresh, 3000, 'joined');
  way.cut();
  await until(() => nyc.peer('fra-1')?.fresh === false, 2500, 'cut off from its peers');
  way.mend();
  await until(() => nyc.peer('fra-1')?.fresh, 3000, 'joined again');
});

test('garbage instead of a redis is met with patience, and no memory', async t => {
  const a = await redisServer(t);
  const junk = createServer(s => {
    s.on('error', () => {});
    s.write('HTTP/1.1 400 Bad Request\r\n\r\n');
    s.on('data', () => s.write('$999999999\r\nxxxx'));
  });
  await new Promise<void>(resolve => junk.listen(0, '127.0.0.1', resolve));
  t.after(() => junk.close());
  const { port } = junk.address() as { port: number };
  const urls = [`redis://127.0.0.1:${port}`, a.url];
  const fra = await node(t, 'fra-1', { urls });
  const nyc = await node(t, 'nyc-1', { urls });
  fra.c.publish(report('fra'));
  await until(() => nyc.peer('fra-1')?.fresh, 2500, 'through the real one');
  await until(() => nyc.c.status().mode === 'degraded', 2500, 'degraded');
  assert.equal(nyc.c.status().backends[0].state, 'down');
  assert.ok(nyc.c.status().backends[0].error);
});

test('close leaves no connection behind, and the record expires by itself', async t => {
  const a = await redisServer(t);
  const fra = await node(t, 'fra-1', { urls: [a.url] });
  fra.c.publish(report('fra'));
  const clients = () =>
    a.say(async r => (await r.client('LIST')) as string).then(s => s.trim().split('\n').length);
  await until(() => fra.c.status().mode === 'connected', 1000, 'connected');
  await wait(100);
  assert.equal(await clients(), 3);
  assert.ok((await a.say(r => r.pttl('gtm:{test}:node:fra-1'))) > 0);
  await fra.c.close();
  await wait(100);
  assert.equal(await clients(), 1);
  await wait(1300);
  assert.equal(await a.say(r => r.exists('gtm:{test}:node:fra-1')), 0);
});

test('a pause of the whole process is not taken for a pause of redis', async t => {
  const a = await redisServer(t);
  const fra = await node(t, 'fra-1', { urls: [a.url] });
  await until(() => fra.c.status().mode === 'connected', 1000, 'connected');
  for (let i = 0; i < 4; i++) {
    fra.c.publish(report('fra', i / 4));
    // The write and its answer are on their way while nothing here runs, for longer than an answer may take.
    await new Promise(resolve => setImmediate(resolve));
    const end = performance.now() + 650;
    while (performance.now() < end);
    await wait(100);
  }
  assert.ok(!fra.log.lines.some(l => l.includes('down')), fra.log.lines.join('\n'));
});
