// The admin API over a real socket: bounds on what is sent, streams of events that resume, and a close that ends all.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { EventStreams } from '../../src/admin/events.ts';
import { type AdminServer, openAdmin } from '../../src/admin/server.ts';
import { GtmError } from '../../src/kit/errors.ts';
import { silent } from '../../src/kit/log.ts';
import { FakeNode } from './fixture.ts';

const node = new FakeNode();
let server: AdminServer;
let url: string;

before(async () => {
  server = await openAdmin({ listen: { address: '127.0.0.1', port: 0 }, node, log: silent });
  url = `http://127.0.0.1:${server.port}`;
});
after(() => server.close());

/** Sends raw bytes and gives all that comes back until the server closes. */
async function raw(text: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1');
  let got = '';
  socket.on('data', d => {
    got += d;
  });
  socket.on('error', () => {});
  socket.write(text);
  await once(socket, 'close');
  return got;
}

/** Reads events from a stream until there are `count`; the ids that came. */
async function ids(path: string, count: number, headers: Record<string, string> = {}): Promise<number[]> {
  const abort = new AbortController();
  const reply = await fetch(`${url}${path}`, { headers, signal: abort.signal });
  assert.match(reply.headers.get('content-type') ?? '', /^text\/event-stream/);
  let text = '';
  const decoder = new TextDecoder();
  try {
    for await (const chunk of reply.body as AsyncIterable<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true });
      if ((text.match(/^id: /gm) ?? []).length >= count) break;
    }
  } finally {
    abort.abort();
  }
  return [...text.matchAll(/^id: (\d+)\ndata: \{"id":(\d+)/gm)].map(m => {
    assert.equal(m[1], m[2]);
    return Number(m[1]);
  });
}

async function until(what: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !what(); i++) await new Promise(r => setTimeout(r, 10));
  assert.ok(what());
}

test('a write without a body is one without wishes', async () => {
  const bare = (type: string) =>
    raw(`POST /v1/reload HTTP/1.1\r\nHost: 127.0.0.1\r\n${type}Connection: close\r\n\r\n`);
  assert.match(
    await bare('Content-Type: application/json\r\n'),
    /^HTTP\/1\.1 200 [\s\S]*"kind":"ReloadReport"/,
  );
  assert.match(await bare(''), /^HTTP\/1\.1 415 [\s\S]*GTM_MEDIA_TYPE/);
});

test('the page is served under a policy that allows its own style and script only', async () => {
  const reply = await fetch(`${url}/`);
  assert.equal(reply.status, 200);
  assert.match(reply.headers.get('content-security-policy') ?? '', /default-src 'none'; style-src 'sha256-/);
  assert.equal(reply.headers.get('x-frame-options'), 'DENY');
  assert.match(await reply.text(), /<title>\(1\) fra-1 · Switchyard<\/title>/);
});

test('a rebound name is refused on the wire', async () => {
  const reply = await raw('GET /v1/status HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n');
  assert.match(reply, /^HTTP\/1\.1 421 /);
});

test('a body over the bound is refused, with a length and without', async () => {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ reason: 'x'.repeat(100_000), who: 'anna' });
  const whole = await fetch(`${url}/v1/vips/web-fra/drain`, { method: 'POST', headers, body });
  assert.equal(whole.status, 413);
  const req = request(`${url}/v1/vips/web-fra/drain`, { method: 'POST', headers });
  req.on('error', () => {});
  req.write(body.slice(0, 50_000));
  req.write(body.slice(50_000));
  req.end();
  const [reply] = await once(req, 'response');
  assert.equal(reply.statusCode, 413);
  reply.resume();
  assert.equal(node.said.length, 0);
});

test('headers over the bound are refused', async () => {
  const reply = await raw(`GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(10_000)}\r\n\r\n`);
  assert.match(reply, /^HTTP\/1\.1 431 /);
});

test('events: the kept ones, then those to come; resumed by id, each once', async () => {
  node.emit('one');
  node.emit('two');
  assert.deepEqual(await ids('/v1/events', 2), [1, 2]);
  const resumed = ids('/v1/events', 2, { 'last-event-id': '1' });
  await until(() => node.listeners.size === 1);
  node.emit('three');
  assert.deepEqual(await resumed, [2, 3]);
  assert.deepEqual(await ids('/v1/events?after=2', 1), [3]);
  await until(() => node.listeners.size === 0);
});

test('events: an id from before the last start begins anew', async () => {
  assert.deepEqual(await ids('/v1/events', 3, { 'last-event-id': '999999' }), [1, 2, 3]);
  await until(() => node.listeners.size === 0);
});

test('events: as JSON for those who ask for it', async () => {
  const reply = await fetch(`${url}/v1/events?after=1`, { headers: { accept: 'application/json' } });
  const body = JSON.parse(await reply.text());
  assert.equal(body.kind, 'EventList');
  assert.deepEqual(
    body.items.map((e: { message: string }) => e.message),
    ['two', 'three'],
  );
});

test('events: so many streams and no more; a reader that leaves frees its place', async () => {
  const aborts = Array.from({ length: 32 }, () => new AbortController());
  await Promise.all(aborts.map(a => fetch(`${url}/v1/events`, { signal: a.signal })));
  const more = await fetch(`${url}/v1/events`);
  assert.equal(more.status, 503);
  assert.equal(JSON.parse(await more.text()).code, 'GTM_BUSY');
  for (const a of aborts) a.abort();
  await until(() => node.listeners.size === 0);
  assert.deepEqual(await ids('/v1/events', 3), [1, 2, 3]);
});

test('events: who reads too slowly is cut off, and keeps nothing', async () => {
  const slow = new FakeNode();
  const streams = new EventStreams();
  const reply = streams.response(slow, 0);
  for (let i = 0; i < 2000; i++) slow.emit('again');
  assert.deepEqual([slow.listeners.size, streams.open], [0, 0]);
  assert.ok((await reply.text()).length < 400_000);
});

test('a port that is taken is named, with what to look at', async () => {
  await assert.rejects(
    openAdmin({ listen: { address: '127.0.0.1', port: server.port }, node, log: silent }),
    (e: unknown) =>
      e instanceof GtmError && e.code === 'GTM_LISTEN' && /127\.0\.0\.1:\d+ \(is another gtm/.test(e.message),
  );
});

test('close ends streams and idle connections, and frees the port', async () => {
  const other = new FakeNode();
  const second = await openAdmin({ listen: { address: '127.0.0.1', port: 0 }, node: other, log: silent });
  const stream = await fetch(`http://127.0.0.1:${second.port}/v1/events`);
  await until(() => other.listeners.size === 1);
  await second.close();
  await assert.rejects(async () => {
    for await (const _ of stream.body as AsyncIterable<Uint8Array>);
  });
  await until(() => other.listeners.size === 0);
  const third = await openAdmin({
    listen: { address: '127.0.0.1', port: second.port },
    node: other,
    log: silent,
  });
  await third.close();
});
