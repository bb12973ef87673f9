// Several answer workers on one address: who answers what, swaps of all or none, and the share of one that dies.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { Answers, type AnswersOptions } from '../../src/daemon/answers.ts';
import { silent } from '../../src/kit/log.ts';
import { ask } from '../../src/net/ask.ts';
import { Batch } from '../../src/net/batch.ts';
import { openBatchSocket } from '../../src/net/batch-socket.ts';
import type { Respond } from '../../src/net/responder.ts';
import { openLibc } from '../../src/nic/libc.ts';
import { openWake } from '../../src/nic/wake.ts';
import { generation } from './generations.ts';
import { load } from './load.ts';
import { now, query, sleep } from './sockets.ts';

const one = generation(1, '192.0.2');
const two = generation(2, '198.51.100');
const running: Answers[] = [];
let workers: Worker[] = [];
const collect = (w: Worker) => workers.push(w);
beforeEach(() => {
  workers = [];
  process.on('worker', collect);
});
afterEach(async () => {
  process.removeListener('worker', collect);
  for (const a of running.splice(0)) await a.close();
});

async function start(more: Partial<AnswersOptions> = {}): Promise<{ answers: Answers; port: number }> {
  const answers = await Answers.start({
    listen: [{ address: '127.0.0.1', port: 0 }],
    io: 'batch',
    workers: 3,
    tcp: { connections: 100, idle: 5000 },
    udpSize: 1232,
    ...one,
    log: silent,
    ...more,
  });
  running.push(answers);
  return { answers, port: answers.endpoints()[0].port };
}

/** Asks from `clients` ports, so that every worker gets some; returns the answers as load-client.ts writes them. */
async function askMany(port: number, clients: number): Promise<Set<string>> {
  const question = { server: '127.0.0.1', port, name: 'www.example.com', type: 'A', timeout: 2000 };
  const replies = await Promise.all(Array.from({ length: clients }, () => ask(question)));
  const texts = replies.map(r => r.answers.map(a => a.text).sort());
  return new Set(texts.map(t => `0 ${t.join(' ')}`));
}

test('the counters are those of all workers', async () => {
  const { answers, port } = await start();
  await askMany(port, 200);
  assert.equal(answers.counters().udp_noerror, 200);
  assert.deepEqual(answers.udp(), { io: 'batch', workers: 3 });
});

test('sockets that share an address get about the same of its clients each, and all of one client', async () => {
  const libc = await openLibc();
  const first = openBatchSocket(libc, '127.0.0.1', 0, 'first');
  const more = [1, 2].map(() => openBatchSocket(libc, '127.0.0.1', first.port, 'join'));
  const wake = openWake(libc);
  const sockets = [first, ...more];
  const batches = sockets.map(s => new Batch({ libc, sockets: [s], wake: wake.fd, now }));
  const clients = Array.from({ length: 150 }, () => createSocket('udp4'));
  for (const c of clients)
    for (let i = 0; i < 2; i++) await new Promise(sent => c.send(query(i), first.port, '127.0.0.1', sent));
  const seen = batches.map(() => new Map<number, number>());
  batches.forEach((batch, b) => {
    const note: Respond = (_q, _length, _out, { port }) => {
      seen[b].set(port, (seen[b].get(port) ?? 0) + 1);
      return 0;
    };
    while (batch.turn(note, 0) > 0);
  });
  const shares = seen.map(s => s.size);
  assert.equal(shares[0] + shares[1] + shares[2], 150, `${shares}`);
  assert.ok(Math.min(...shares) > 15, `${shares}`);
  for (const s of seen) assert.ok([...s.values()].every(n => n === 2));
  for (const c of clients) c.close();
  for (const s of sockets) libc.close(s.fd);
  wake.close();
});

test('a worker that dies leaves its share to the others at once, and comes back with what is served now', async () => {
  const { answers, port } = await start();
  await answers.swap(two.snapshot, two.state);
  await workers[1].terminate();
  await sleep(20);
  // No client waits for the one that is gone.
  assert.deepEqual([...(await askMany(port, 60))], [two.answer]);
  for (let i = 0; i < 300 && answers.udp().workers < 3; i++) await sleep(10);
  assert.equal(answers.udp().workers, 3);
  assert.deepEqual([...(await askMany(port, 60))], [two.answer]);
});

test('a swap is served by all when its promise resolves', async () => {
  const { answers, port } = await start();
  for (let i = 0; i < 10; i++) {
    const next = i % 2 === 0 ? two : one;
    await answers.swap(next.snapshot, next.state);
    assert.deepEqual([...(await askMany(port, 40))], [next.answer]);
  }
});

test('swaps that overlap are done in order, and one that is refused is served by none', async () => {
  const { answers, port } = await start();
  const first = answers.swap(two.snapshot, two.state);
  const bad = answers.swap(new SharedArrayBuffer(64), one.state);
  await first;
  await assert.rejects(bad, { code: 'GTM_SWAP' });
  assert.deepEqual([...(await askMany(port, 40))], [two.answer]);
  await answers.swap(one.snapshot, one.state);
  assert.deepEqual([...(await askMany(port, 40))], [one.answer]);
});

test('a worker that dies during a swap takes the others back', async () => {
  const { answers, port } = await start();
  // Blocked in its sleep it cannot hear the message before its end.
  const gone = workers[2].terminate();
  const swap = answers.swap(two.snapshot, two.state);
  await gone;
  const outcome = await swap.then(
    () => two.answer,
    () => one.answer,
  );
  for (let i = 0; i < 300 && answers.udp().workers < 3; i++) await sleep(10);
  // Whatever the end of that race: all serve the same, and it is what the promise said.
  await sleep(50);
  assert.deepEqual([...(await askMany(port, 60))], [outcome]);
});

test('100 swaps under load from many clients: none lost, no mixture', async () => {
  const { answers, port } = await start();
  const clients = await Promise.all([load(port, 1200, 1), load(port, 1200, 1)]);
  for (let i = 0; i < 100; i++) {
    const next = i % 2 === 0 ? two : one;
    await answers.swap(next.snapshot, next.state);
    await sleep(8);
  }
  for (const { report } of clients) {
    const { lost, answers: seen } = await report;
    assert.equal(lost, 0);
    assert.deepEqual(Object.keys(seen).sort(), [one.answer, two.answer].sort());
  }
});

test('an address that another program has is a fault, whatever that one shares', async () => {
  const other = createSocket('udp4');
  other.bind(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address();
  await assert.rejects(start({ listen: [{ address: '127.0.0.1', port }] }), { code: 'GTM_LISTEN_IN_USE' });
  other.close();
  const first = await start();
  await assert.rejects(start({ listen: [{ address: '127.0.0.1', port: first.port }] }), {
    code: 'GTM_LISTEN_IN_USE',
  });
});

test('nothing is left open: after five starts there are as many descriptors as before', async () => {
  const open = () => readdirSync('/proc/self/fd').length;
  await (await start()).answers.close();
  const before = open();
  for (let i = 0; i < 5; i++) await (await start()).answers.close();
  assert.ok(open() <= before, `${open()} open, ${before} before`);
});

test('io: auto takes batches here and says so; dgram is taken when asked for', async () => {
  const said: string[] = [];
  const log = { ...silent, info: (_: object, message: string) => said.push(message) };
  const auto = await start({ io: 'auto', workers: 1, log });
  assert.deepEqual(auto.answers.udp(), { io: 'batch', workers: 1 });
  assert.deepEqual(said, ['answers: udp in batches, one worker']);
  const dgram = await start({ io: 'dgram', workers: 1 });
  assert.deepEqual(dgram.answers.udp(), { io: 'dgram', workers: 1 });
});
