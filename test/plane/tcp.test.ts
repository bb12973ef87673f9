// TCP through the proxy plane: what passes, how connections end, and what a real server's death looks like to a client.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { reset } from '../../src/plane/proxy/leg.ts';
import { collect, firstLine, freePort, Stage, service, until } from './harness.ts';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.end());

/** A place where nobody listens. */
async function nowhere() {
  const address = '127.12.1.99';
  return { address, port: await freePort(address) };
}

/** A place where SYNs go unanswered: a listener that does not accept, its backlog full. */
async function blackHole() {
  const address = '127.12.1.98';
  const code = `
    const { workerData, parentPort } = require('node:worker_threads');
    const server = require('node:net').createServer();
    server.listen({ host: '${address}', port: 0, backlog: 1 }, () => {
      parentPort.postMessage(server.address().port);
      Atomics.wait(workerData, 0, 0);
    });`;
  const blocked = new Worker(code, { eval: true, workerData: new Int32Array(new SharedArrayBuffer(4)) });
  const [port] = await once(blocked, 'message');
  // Its backlog is full when a connection is not made any more.
  for (let made = true; made; ) {
    const filler = stage.client({ address, port });
    made = await Promise.race([once(filler, 'connect').then(() => true), sleep(100, false)]);
  }
  return { address, port, end: () => blocked.terminate() };
}

test('bytes pass both ways, and are counted', async () => {
  const spec = await service([await stage.named('a')]);
  assert.deepEqual(await stage.plane.apply([spec]), []);
  const client = stage.client(spec);
  client.end('hello');
  assert.deepEqual(await collect(client), { text: 'a\nhello', end: 'fin' });
  await until(
    () => stage.server(0).inactive === 0,
    () => JSON.stringify(stage.service),
  );
  const { connections, inBytes, outBytes, refused } = stage.service;
  assert.deepEqual(
    { connections, inBytes, outBytes, refused },
    { connections: 1, inBytes: 5, outBytes: 7, refused: 0 },
  );
  const { name: _, key: __, ...server } = stage.server(0);
  assert.deepEqual(server, {
    weight: 1,
    active: 0,
    inactive: 0,
    connections: 1,
    inBytes: 5,
    outBytes: 7,
    failed: 0,
  });
});

test('FIN of the client reaches the server, which can still answer', async () => {
  const real = await stage.tcp(socket => {
    let size = 0;
    socket.on('data', d => {
      size += d.length;
    });
    socket.on('end', () => setTimeout(() => socket.end(`got ${size}`), 100));
  });
  const spec = await service([real]);
  await stage.plane.apply([spec]);
  const client = stage.client(spec);
  client.end(Buffer.alloc(300_000));
  const all = collect(client);
  await until(
    () => stage.server(0).inactive === 1,
    () => 'the half-closed connection is not inactive',
  );
  assert.deepEqual(await all, { text: 'got 300000', end: 'fin' });
});

test('FIN of the server reaches the client, which can still send', async () => {
  let heard: Promise<{ text: string; end: string }> | undefined;
  const real = await stage.tcp(socket => {
    socket.end('bye');
    heard = collect(socket);
  });
  const spec = await service([real]);
  await stage.plane.apply([spec]);
  const client = stage.client(spec);
  assert.deepEqual(await collect(client), { text: 'bye', end: 'fin' });
  await sleep(50);
  client.end('after your end');
  assert.deepEqual(await heard, { text: 'after your end', end: 'fin' });
});

test('RST passes on as RST, from either side', async () => {
  const accepted: Socket[] = [];
  const spec = await service([await stage.tcp(socket => accepted.push(socket))]);
  await stage.plane.apply([spec]);
  for (const from of ['client', 'server']) {
    const client = stage.client(spec);
    await once(client, 'connect');
    client.write('x');
    await until(
      () => accepted.length === 1,
      () => 'the server was not reached',
    );
    const server = accepted.pop() as Socket;
    const end = collect(from === 'client' ? server : client);
    server.resume();
    (from === 'client' ? client : server).resetAndDestroy();
    assert.equal((await end).end, 'ECONNRESET', `from the ${from}`);
  }
  await until(
    () => stage.server(0).active + stage.server(0).inactive === 0,
    () => JSON.stringify(stage.server(0)),
  );
});

test('RST right behind data is no end', async () => {
  const accepted: Socket[] = [];
  const spec = await service([await stage.tcp(socket => accepted.push(socket))]);
  await stage.plane.apply([spec]);
  for (let round = 0; round < 20; round++) {
    const client = stage.client(spec);
    await once(client, 'connect');
    await until(
      () => accepted.length === 1,
      () => 'the server was not reached',
    );
    const end = collect(accepted.pop() as Socket);
    client.write('x');
    client.resetAndDestroy();
    assert.equal((await end).end, 'ECONNRESET');
  }
});

test('what a client sends at once arrives, though the server takes its time to accept', async () => {
  const spec = await service([await stage.named('a')]);
  await stage.plane.apply([spec]);
  const text = 'x'.repeat(200_000);
  const client = stage.client(spec);
  client.end(text);
  assert.ok((await collect(client)).text === `a\n${text}`);
});

test('a dead real server is tried around, and counted', async () => {
  const spec = await service([await stage.named('a'), await nowhere(), await stage.named('c')]);
  await stage.plane.apply([spec]);
  const seen: string[] = [];
  for (let i = 0; i < 8; i++) seen.push(await firstLine(stage.client(spec)));
  // Newest first: c, then the dead one, then a. Whoever meets the dead one goes on to the next in turn.
  assert.deepEqual(seen, ['c', 'a', 'c', 'a', 'c', 'a', 'c', 'a']);
  assert.equal(stage.server(1).failed, 4);
  assert.equal(stage.server(1).inactive, 0);
  assert.deepEqual([stage.service.refused, stage.service.connections], [0, 8]);
});

test('a server that does not answer at all is tried around after timeouts.connect', async () => {
  const hole = await blackHole();
  try {
    const spec = await service([await stage.named('a'), hole], { timeouts: { connect: 150 } });
    await stage.plane.apply([spec]);
    const start = performance.now();
    assert.equal(await firstLine(stage.client(spec)), 'a');
    const took = performance.now() - start;
    assert.ok(took >= 140 && took < 1000, `${took} ms`);
    assert.equal(stage.server(1).failed, 1);
  } finally {
    await hole.end();
  }
});

test('a server that hangs draws no more than its share while it does', async () => {
  const hole = await blackHole();
  try {
    const wish = { scheduler: 'wlc', timeouts: { connect: 500 } } as const;
    const spec = await service([await stage.named('a'), hole], wish);
    await stage.plane.apply([spec]);
    const names: Promise<string>[] = [];
    for (let i = 0; i < 10; i++) names.push(firstLine(stage.client(spec)));
    await until(
      () => stage.server(0).active === 5,
      () => JSON.stringify(stage.service),
    );
    assert.equal(stage.server(1).inactive, 5);
    assert.deepEqual(await Promise.all(names), new Array(10).fill('a'));
    assert.deepEqual([stage.server(0).active, stage.server(1).inactive, stage.server(1).failed], [10, 0, 5]);
  } finally {
    await hole.end();
  }
});

test('when all are dead the client gets RST at once, each server tried once', async () => {
  const spec = await service([await nowhere(), await nowhere()], { scheduler: 'wlc' });
  await stage.plane.apply([spec]);
  const start = performance.now();
  assert.equal(await firstLine(stage.client(spec)), 'ECONNRESET');
  assert.ok(performance.now() - start < 500);
  assert.deepEqual([stage.server(0).failed, stage.server(1).failed, stage.service.refused], [1, 1, 1]);
});

test('with every weight 0 the client gets RST', async () => {
  const real = await stage.named('a');
  const spec = await service([[real, 0]]);
  await stage.plane.apply([spec]);
  assert.equal(await firstLine(stage.client(spec)), 'ECONNRESET');
  assert.deepEqual([stage.service.refused, stage.server(0).failed], [1, 0]);
});

test('an idle connection ends with RST on both sides after timeouts.tcp, a busy one does not', async () => {
  const ends: Promise<{ end: string }>[] = [];
  const real = await stage.tcp(socket => {
    ends.push(collect(socket));
    socket.write('hi\n');
  });
  const spec = await service([real], { timeouts: { tcp: 200 } });
  await stage.plane.apply([spec]);
  const busy = stage.client(spec);
  const alive = setInterval(() => busy.write('.'), 50);
  const idle = stage.client(spec);
  const start = performance.now();
  assert.equal((await collect(idle)).end, 'ECONNRESET');
  const took = performance.now() - start;
  assert.ok(took >= 190 && took < 1000, `${took} ms`);
  await sleep(200);
  clearInterval(alive);
  assert.equal(busy.destroyed, false);
  await until(
    () => stage.server(0).active === 0,
    () => 'the busy one did not end when it fell idle',
  );
  assert.deepEqual(
    (await Promise.all(ends)).map(e => e.end),
    ['ECONNRESET', 'ECONNRESET'],
  );
});

test('a half-closed connection ends after timeouts.tcp_fin', async () => {
  const real = await stage.tcp(socket => socket.resume());
  const spec = await service([real], { timeouts: { tcp_fin: 150 } });
  await stage.plane.apply([spec]);
  const client = stage.client(spec);
  const start = performance.now();
  client.end('x');
  assert.equal((await collect(client)).end, 'ECONNRESET');
  assert.ok(performance.now() - start >= 140);
});

test('connections over the limit get RST, and are counted; one that ends makes room', async () => {
  const spec = await service([await stage.named('a')], { maxConnections: 2 });
  await stage.plane.apply([spec]);
  const [first] = [stage.client(spec), stage.client(spec)];
  await until(
    () => stage.server(0).active === 2,
    () => 'two are not open',
  );
  assert.equal(await firstLine(stage.client(spec)), 'ECONNRESET');
  assert.equal(stage.service.refused, 1);
  first.resetAndDestroy();
  await until(
    () => stage.server(0).active === 1,
    () => 'the first did not end',
  );
  assert.equal(await firstLine(stage.client(spec)), 'a');
});

test('an IPv6 VIP has an IPv4 real server, and the other way round', async () => {
  const four = await stage.named('four');
  const six = await stage.named('six', '::1');
  const specs = [await service([four], { address: '::1' }), await service([six], { address: '127.12.0.6' })];
  assert.deepEqual(await stage.plane.apply(specs), []);
  assert.equal(specs[0].key, `tcp [::1]:${specs[0].port}`);
  assert.equal(await firstLine(stage.client(specs[0])), 'four');
  assert.equal(await firstLine(stage.client(specs[1])), 'six');
});

test('a socket whose FIN is on its way can be reset all the same', async () => {
  let near: Socket | undefined;
  const real = await stage.tcp(socket => {
    near = socket;
  });
  const far = stage.client(real).resume();
  await until(
    () => near !== undefined,
    () => 'not accepted',
  );
  const socket = near as Socket;
  const closed = [socket, far].map(s => new Promise(resolve => s.once('close', resolve)));
  far.on('end', () => far.write('into the void'));
  socket.end();
  reset(socket);
  // Not reset, the far end would stay half-closed.
  await Promise.all(closed);
});

test('curl gets a page through the VIP', async () => {
  const page = 'x'.repeat(100_000);
  const real = await stage.tcp(socket => {
    socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${page.length}\r\n\r\n${page}`));
  });
  const spec = await service([real]);
  await stage.plane.apply([spec]);
  const url = `http://${spec.address}:${spec.port}/`;
  const { stdout } = await promisify(execFile)('curl', ['-sS', '--max-time', '5', url]);
  assert.ok(stdout === page);
});
