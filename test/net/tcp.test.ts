// DNS over TCP: framing in every cut, order, time-outs, limits, back-pressure (RFC 7766, RFC 9210).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NET, newNetCounters, type Respond } from '../../src/net/responder.ts';
import { openTcp, type TcpListener, type TcpOptions } from '../../src/net/tcp.ts';
import { framed, mirror, now, query, RawClient, sleep } from './sockets.ts';

async function withServer(
  more: Partial<TcpOptions>,
  body: (server: TcpListener, counters: Float64Array) => Promise<void>,
): Promise<void> {
  const counters = newNetCounters();
  const server = await openTcp({
    address: '127.0.0.1',
    port: 0,
    respond: mirror,
    now,
    onError: e => assert.fail(e),
    connections: 100,
    idle: 5000,
    counters,
    ...more,
  });
  try {
    await body(server, counters);
  } finally {
    await server.close(0);
  }
}

const ids = (client: RawClient) => client.messages.map(m => m.readUInt16BE(0));

test('several messages in one segment are answered in order (RFC 7766 §6.2.1)', () =>
  withServer({}, async server => {
    const client = new RawClient(server.address().port);
    client.socket.write(framed(query(1), query(2, 300), query(3)));
    await client.until(() => client.messages.length === 3, 'three replies');
    assert.deepEqual(ids(client), [1, 2, 3]);
    assert.equal(client.messages[1].length, 300);
    client.socket.destroy();
  }));

test('dribbled bytes make the message they are', () =>
  withServer({}, async server => {
    const client = new RawClient(server.address().port);
    client.socket.setNoDelay(true);
    for (const byte of framed(query(1), query(2))) {
      client.socket.write(Buffer.from([byte]));
      await sleep(1);
    }
    await client.until(() => client.messages.length === 2, 'two replies');
    assert.deepEqual(ids(client), [1, 2]);
    client.socket.destroy();
  }));

test('a stream of messages cut anywhere gives the same replies', () =>
  withServer({}, async server => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 12, max: 3000 }), { minLength: 1, maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 2000 }), { maxLength: 5 }),
        async (lengths, cuts) => {
          const client = new RawClient(server.address().port);
          client.socket.setNoDelay(true);
          const stream = framed(...lengths.map((n, i) => query(i, n, i)));
          let at = 0;
          for (const cut of cuts) {
            client.socket.write(stream.subarray(at, at + cut));
            at += cut;
            await sleep(0);
          }
          client.socket.write(stream.subarray(at));
          await client.until(() => client.messages.length === lengths.length, 'all replies');
          assert.deepEqual(
            ids(client),
            lengths.map((_, i) => i),
          );
          assert.deepEqual(
            client.messages.map(m => m.length),
            lengths,
          );
          client.socket.destroy();
        },
      ),
      { seed: 7, numRuns: 60 },
    );
  }));

test('a message of 65,535 bytes goes both ways whole', () =>
  withServer({}, async server => {
    const client = new RawClient(server.address().port);
    const big = query(9, 65_535, 0x5a);
    client.socket.write(framed(big, query(10)));
    await client.until(() => client.messages.length === 2, 'both replies');
    assert.equal(client.messages[0].length, 65_535);
    assert.ok(client.messages[0].subarray(12).every(b => b === 0x5a));
    assert.deepEqual(ids(client), [9, 10]);
    client.socket.destroy();
  }));

test('a length below a DNS header closes the connection; what came before it is answered', () =>
  withServer({}, async (server, counters) => {
    for (const bad of [[0, 0], [0, 11], [0]]) {
      const client = new RawClient(server.address().port);
      await client.connected();
      client.socket.write(Buffer.from(bad));
      // A split prefix: the second byte comes later.
      if (bad.length === 1) {
        await sleep(10);
        client.socket.write(Buffer.from([5]));
      }
      await client.until(() => client.closed || client.ended, 'closed');
      client.socket.destroy();
    }
    assert.equal(counters[NET.net_tcp_length], 3);
  }));

test('a half-closed client still gets all its replies, then the end (RFC 9293 §3.6)', () =>
  withServer({}, async server => {
    const client = new RawClient(server.address().port);
    client.socket.end(framed(...Array.from({ length: 50 }, (_, i) => query(i, 2000))));
    await client.until(() => client.ended, 'the end');
    assert.equal(client.messages.length, 50);
  }));

test('silence of the responder keeps the connection', () =>
  withServer({}, async server => {
    const client = new RawClient(server.address().port);
    client.socket.write(framed(query(1, 20, 0xff), query(2)));
    await client.until(() => client.messages.length === 1, 'one reply');
    assert.deepEqual(ids(client), [2]);
    client.socket.destroy();
  }));

test('an idle connection is closed after tcp_idle, a busy one is not (RFC 7766 §6.2.3)', () =>
  withServer({ idle: 200 }, async (server, counters) => {
    const idle = new RawClient(server.address().port);
    const busy = new RawClient(server.address().port);
    await Promise.all([idle.connected(), busy.connected()]);
    const start = now();
    for (let i = 0; i < 10; i++) {
      busy.socket.write(framed(query(i)));
      await sleep(50);
    }
    assert.ok(idle.closed || idle.ended, `idle one is closed after ${now() - start} ms`);
    assert.ok(!busy.closed && !busy.ended);
    assert.equal(busy.messages.length, 10);
    assert.equal(counters[NET.net_tcp_late], 1);
    busy.socket.destroy();
  }));

test('a message that is dribbled for ever is cut after tcp_idle', () =>
  withServer({ idle: 200 }, async (server, counters) => {
    const client = new RawClient(server.address().port);
    await client.connected();
    const start = now();
    const drip = setInterval(() => client.socket.write(Buffer.from([1])), 20);
    await client.until(() => client.closed || client.ended, 'closed', 2000);
    clearInterval(drip);
    assert.ok(now() - start < 700, `after ${now() - start} ms`);
    assert.equal(counters[NET.net_tcp_late], 1);
    client.socket.destroy();
  }));

test('over the limit the longest idle connection makes room; one in the middle of a message stays', () =>
  withServer({ connections: 3 }, async (server, counters) => {
    const clients: RawClient[] = [];
    for (let i = 0; i < 3; i++) {
      const c = new RawClient(server.address().port);
      c.socket.write(framed(query(i)));
      await c.until(() => c.messages.length === 1, 'a reply');
      clients.push(c);
    }
    // The oldest has begun a message: so the second is the longest idle one.
    clients[0].socket.write(Buffer.from([0, 20, 1]));
    await sleep(20);
    const fourth = new RawClient(server.address().port);
    fourth.socket.write(framed(query(4)));
    await fourth.until(() => fourth.messages.length === 1, 'the newcomer is served');
    await clients[1].until(() => clients[1].closed || clients[1].ended, 'the second is closed');
    assert.ok(!clients[0].closed && !clients[2].closed);
    assert.equal(server.count(), 3);
    assert.equal(counters[NET.net_tcp_evicted], 1);
    for (const c of [...clients, fourth]) c.socket.destroy();
  }));

test('a limit full of half messages does not shut newcomers out', () =>
  withServer({ connections: 5 }, async server => {
    const stuck = Array.from({ length: 5 }, () => new RawClient(server.address().port));
    await Promise.all(stuck.map(c => c.connected()));
    for (const c of stuck) c.socket.write(Buffer.from([0, 20, 1]));
    await sleep(20);
    const client = new RawClient(server.address().port);
    client.socket.write(framed(query(1)));
    await client.until(() => client.messages.length === 1, 'served');
    for (const c of [...stuck, client]) c.socket.destroy();
  }));

test('one source has so many connections and no more; its older ones, and other sources, are served on', () =>
  withServer({ connections: 50, perSource: 3 }, async (server, counters) => {
    const { port } = server.address();
    const connect = (localAddress: string) => new RawClient(port, '127.0.0.1', undefined, localAddress);
    const mine = Array.from({ length: 3 }, () => connect('127.0.0.9'));
    await Promise.all(mine.map(c => c.connected()));
    const over = Array.from({ length: 5 }, () => connect('127.0.0.9'));
    for (const c of over) await c.until(() => c.ended || c.closed, 'turned away');
    const other = connect('127.0.0.10');
    for (const c of [...mine, other]) c.socket.write(framed(query(1)));
    for (const c of [...mine, other]) await c.until(() => c.messages.length === 1, 'served');
    assert.deepEqual([server.count(), counters[NET.net_tcp_source]], [4, 5]);
    // What is closed makes room again.
    mine[0].socket.destroy();
    for (let i = 0; i < 100 && server.count() > 3; i++) await sleep(5);
    const next = connect('127.0.0.9');
    next.socket.write(framed(query(2)));
    await next.until(() => next.messages.length === 1, 'served in its place');
    for (const c of [...mine, ...over, other, next]) c.socket.destroy();
  }));

test('of IPv6 a /64 is one source', () =>
  withServer({ address: '::1', perSource: 2 }, async (server, counters) => {
    const clients = Array.from({ length: 3 }, () => new RawClient(server.address().port, '::1'));
    for (let i = 0; i < 100 && counters[NET.net_tcp_source] === 0; i++) await sleep(5);
    assert.deepEqual([server.count(), counters[NET.net_tcp_source]], [2, 1]);
    for (const c of clients) c.socket.destroy();
  }));

test('a flood of connections that ask nothing makes room for itself: who was answered before is served on', () =>
  withServer({ connections: 20 }, async (server, counters) => {
    const { port } = server.address();
    const client = new RawClient(port);
    client.socket.write(framed(query(0)));
    await client.until(() => client.messages.length === 1, 'a reply');
    const flood: RawClient[] = [];
    for (let round = 1; round <= 10; round++) {
      for (let i = 0; i < 20; i++) flood.push(new RawClient(port));
      await Promise.all(flood.slice(-20).map(c => c.connected()));
      client.socket.write(framed(query(round)));
      await client.until(() => client.messages.length === round + 1, `a reply in round ${round}`);
      assert.ok(server.count() <= 20);
    }
    // The kernel says «connected» before the server hears of it.
    for (let i = 0; i < 200 && counters[NET.net_tcp_evicted] < 181; i++) await sleep(5);
    assert.equal(counters[NET.net_tcp_evicted], 181);
    for (const c of [client, ...flood]) c.socket.destroy();
  }));

// Replies of 60,000 bytes to queries of 20: what an attacker that never reads would like.
const amplify: Respond = (q, length, out) => {
  out.fill(0, 0, 60_000);
  out.set(q.subarray(0, length));
  return 60_000;
};

test('a client that does not read is not answered further, and no memory piles up', () => {
  let asked = 0;
  const counting: Respond = (q, length, out, client, at) => {
    asked++;
    return amplify(q, length, out, client, at);
  };
  return withServer({ respond: counting, idle: 400 }, async (server, counters) => {
    const client = new RawClient(server.address().port);
    await client.connected();
    client.socket.pause();
    client.socket.write(framed(...Array.from({ length: 3000 }, (_, i) => query(i))));
    await sleep(200);
    // The kernel's buffers on loopback take a few MB; 3,000 replies would be 180 MB.
    assert.ok(asked < 400, `${asked} answered`);
    for (let i = 0; i < 100 && counters[NET.net_tcp_late] === 0; i++) await sleep(20);
    assert.equal(counters[NET.net_tcp_late], 1, 'and it is closed once it took nothing for tcp_idle');
    client.socket.destroy();
  });
});

test('a slow reader gets every reply in order', () =>
  withServer({ respond: amplify }, async server => {
    const client = new RawClient(server.address().port);
    await client.connected();
    client.socket.pause();
    client.socket.end(framed(...Array.from({ length: 300 }, (_, i) => query(i))));
    await sleep(100);
    client.socket.resume();
    await client.until(() => client.ended, 'the end', 10_000);
    assert.deepEqual(
      ids(client),
      Array.from({ length: 300 }, (_, i) => i),
    );
  }));

test('a reset in the middle of everything is nobody’s error', () =>
  withServer({ respond: amplify }, async server => {
    for (let i = 0; i < 20; i++) {
      const client = new RawClient(server.address().port);
      await client.connected();
      client.socket.write(framed(...Array.from({ length: 50 }, (_, n) => query(n))));
      await sleep(i % 3);
      client.socket.resetAndDestroy();
    }
    for (let i = 0; i < 100 && server.count() > 0; i++) await sleep(10);
    assert.equal(server.count(), 0);
  }));

test('close lets replies drain, then cuts what is left', async () => {
  const server = await openTcp({
    address: '127.0.0.1',
    port: 0,
    respond: amplify,
    now,
    onError: e => assert.fail(e),
    connections: 10,
    idle: 5000,
  });
  const reader = new RawClient(server.address().port);
  const hog = new RawClient(server.address().port);
  await Promise.all([reader.connected(), hog.connected()]);
  hog.socket.pause();
  hog.socket.write(framed(...Array.from({ length: 500 }, (_, n) => query(n))));
  reader.socket.write(framed(...Array.from({ length: 20 }, (_, n) => query(n))));
  await reader.until(() => reader.messages.length > 0, 'the first reply');
  const start = now();
  await server.close(200);
  assert.ok(now() - start < 1000, `closed in ${now() - start} ms`);
  await reader.until(() => reader.ended || reader.closed, 'the end');
  assert.equal(reader.messages.length, 20);
  hog.socket.destroy();
  reader.socket.destroy();
});

test('a port in use is said for TCP too', () =>
  withServer({}, async server => {
    const { port } = server.address();
    await assert.rejects(
      openTcp({
        address: '127.0.0.1',
        port,
        respond: mirror,
        now,
        onError: () => {},
        connections: 1,
        idle: 100,
      }),
      { code: 'GTM_LISTEN_IN_USE' },
    );
  }));
