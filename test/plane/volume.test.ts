// Much through the proxy plane: many connections at once, a gigabyte, and a reader that does not read.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { firstLine, Stage, service, until } from './harness.ts';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.end());

test('2,000 connections are open at once, and each carries bytes both ways without an error', async () => {
  const limit = Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]);
  // A connection takes four sockets here: the client's, two in the plane, the server's.
  assert.ok(limit >= 8500, `this test needs 8,500 open files, and the limit (ulimit -n) is ${limit}`);
  const spec = await service([await stage.named('a'), await stage.named('b')], { scheduler: 'wlc' });
  await stage.plane.apply([spec]);
  const faults: string[] = [];
  const clients: Socket[] = [];
  const names: Promise<string>[] = [];
  for (let i = 0; i < 2000; i++) {
    const client = stage.client(spec).on('error', e => faults.push(e.message));
    clients.push(client);
    names.push(firstLine(client));
  }
  const greeted = await Promise.all(names);
  assert.deepEqual([stage.server(0).active, stage.server(1).active], [1000, 1000]);
  const echoes = clients.map((c, i) => {
    const line = firstLine(c);
    c.write(`line ${i}\n`);
    return line;
  });
  assert.deepEqual(
    await Promise.all(echoes),
    clients.map((_, i) => `line ${i}`),
  );
  assert.equal(greeted.filter(n => n === 'a').length, 1000);
  for (const c of clients) c.end();
  await until(
    () =>
      stage.server(0).active +
        stage.server(0).inactive +
        stage.server(1).active +
        stage.server(1).inactive ===
      0,
    () => JSON.stringify(stage.service),
    5000,
  );
  assert.deepEqual(faults, []);
  assert.deepEqual([stage.service.connections, stage.service.refused], [2000, 0]);
});

test('1 GiB arrives whole', async () => {
  const size = 1 << 30;
  const block = randomBytes(1 << 20);
  const sent = createHash('sha256');
  const real = await stage.tcp(async socket => {
    for (let at = 0; at < size; at += block.length) {
      // Each block begins with its place, so that none can stand for another.
      const chunk = Buffer.from(block);
      chunk.writeUInt32BE(at);
      sent.update(chunk);
      if (!socket.write(chunk)) await once(socket, 'drain');
    }
    socket.end();
  });
  const spec = await service([real]);
  await stage.plane.apply([spec]);
  const client = stage.client(spec);
  const got = createHash('sha256');
  let length = 0;
  const start = performance.now();
  client.on('data', d => {
    length += d.length;
    got.update(d);
  });
  await once(client, 'end');
  assert.equal(length, size);
  assert.equal(got.digest('hex'), sent.digest('hex'));
  assert.equal(stage.service.outBytes, size);
  assert.ok(performance.now() - start < 20_000);
});

test('a client that does not read holds the server back, and little is kept for it', async () => {
  let written = 0;
  const chunk = Buffer.alloc(1 << 16);
  const real = await stage.tcp(socket => {
    const fill = () => {
      while (written < 1 << 30) {
        written += chunk.length;
        if (!socket.write(chunk)) return;
      }
    };
    socket.on('drain', fill);
    fill();
  });
  const spec = await service([real]);
  await stage.plane.apply([spec]);
  const client = stage.client(spec);
  client.pause();
  await until(
    () => stage.server(0).active === 1,
    () => 'it is not open',
  );
  let before = -1;
  await until(
    () => stage.service.outBytes > 0,
    () => 'nothing passed',
  );
  const rss = process.memoryUsage.rss();
  while (before !== stage.service.outBytes) {
    before = stage.service.outBytes;
    await sleep(150);
  }
  // What the kernel buffers on both sides, and two reads in the plane.
  assert.ok(before < 32 << 20, `${before} bytes were taken from the server`);
  assert.ok(process.memoryUsage.rss() - rss < 32 << 20, `memory grew by ${process.memoryUsage.rss() - rss}`);
  // It goes on where it stood.
  client.resume();
  await until(
    () => stage.service.outBytes > before + (64 << 20),
    () => `stuck at ${stage.service.outBytes}`,
    5000,
  );
});

test('a FIN behind bytes that wait does not overtake them', async () => {
  const size = 24 << 20;
  const real = await stage.tcp(socket => socket.end(Buffer.alloc(size, 1)));
  const spec = await service([real]);
  await stage.plane.apply([spec]);
  const client = stage.client(spec);
  await once(client, 'connect');
  client.pause();
  await sleep(300);
  let length = 0;
  client.on('data', d => {
    length += d.length;
  });
  client.resume();
  await once(client, 'end');
  assert.equal(length, size);
});
