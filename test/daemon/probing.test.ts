// The probe thread: results come over, set() holds at once, its end costs a second, and nothing is left at close.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { systemClock } from '../../src/daemon/clock.ts';
import { Probing } from '../../src/daemon/probing.ts';
import { silent } from '../../src/kit/log.ts';
import { check } from '../../src/model/probe.ts';
import type { ProbeResult, ProbeTarget } from '../../src/probe/prober.ts';

const workers: Worker[] = [];
const collect = (w: Worker) => void workers.push(w);
let server: Server;
let probing: Probing;
let results: [string, ProbeResult][];
let told: (string | undefined)[];
let logged: string[];

beforeEach(async () => {
  results = [];
  told = [];
  logged = [];
  server = createServer((_q, r) => r.end('ok'));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  probing = new Probing({
    clock: systemClock,
    log: { ...silent, error: (_fields: object, text: string) => void logged.push(text) },
    onResult: (id, result) => void results.push([id, result]),
    onPace: fault => void told.push(fault),
  });
  process.on('worker', collect);
});
afterEach(async () => {
  process.removeListener('worker', collect);
  workers.length = 0;
  await probing.close();
  server.close();
});

const target = (id: string, kind: object, port?: number): ProbeTarget => ({
  id,
  address: '127.0.0.1',
  port: port ?? (server.address() as AddressInfo).port,
  check: check.parse({ ...kind, interval: '50ms', timeout: '49ms', jitter: '0%' }),
});

async function until(condition: () => boolean, what: string, seconds = 10): Promise<void> {
  for (let i = 0; i < seconds * 50; i++) {
    if (condition()) return;
    await sleep(20);
  }
  assert.fail(`not within ${seconds} s: ${what}`);
}
const count = (id: string) => results.filter(r => r[0] === id).length;

test('results come over, of each kind, in words and time', async () => {
  const targets = [
    target('http', { http: {} }),
    target('tcp', { tcp: {} }),
    target('exec', { exec: { command: ['/bin/echo', 'fine'] } }),
    target('closed', { http: {} }, 1),
  ];
  await probing.load(targets);
  assert.deepEqual(results, []);
  probing.set(targets);
  await until(
    () => targets.every(t => results.some(r => r[0] === t.id && !/no answer/.test(r[1].text))),
    'all',
  );
  const first = (id: string) =>
    results.find(r => r[0] === id && !/no answer/.test(r[1].text))?.[1] as ProbeResult;
  assert.match(first('http').text, /^http 200 in \d+ ms$/);
  assert.match(first('tcp').text, /^tcp connected in \d+ ms$/);
  assert.match(first('exec').text, /^fine in \d+ ms$/);
  assert.deepEqual([first('closed').ok, first('closed').text], [false, 'connect ECONNREFUSED']);
  assert.ok(first('http').late >= 0 && first('http').ms > 0);
  assert.ok(probing.pace.probes >= 4 && probing.pace.failed >= 1);
  assert.equal(probing.targets, 4);
});

test('what set() leaves out or changes is silent at once', async () => {
  probing.set([target('a', { tcp: {} }), target('b', { tcp: {} })]);
  await until(() => count('a') > 2 && count('b') > 2, 'both');
  probing.set([target('a', { http: { status: [204] } })]);
  const from = results.length;
  await until(() => results.slice(from).filter(r => r[0] === 'a').length > 2, 'the changed one');
  assert.ok(
    results.slice(from).every(([id, r]) => id === 'a' && !r.ok),
    'nothing of what was before',
  );
});

test('a thread that ends by itself is started again, and probes what is wanted by then', async () => {
  probing.set([target('a', { tcp: {} })]);
  await until(() => count('a') > 0, 'a result');
  await workers[0].terminate();
  assert.deepEqual(logged, ['probes: their thread ended: it ended; it starts again in 1s']);
  probing.set([target('b', { tcp: {} })]);
  assert.equal(workers.length, 1, 'not before its time');
  await until(() => count('b') > 0, 'a result after the restart');
  assert.equal(workers.length, 2);
});

test('no targets, no thread; and close() ends it with its programs', async () => {
  await probing.load([]);
  probing.set([]);
  assert.equal(workers.length, 0);
  probing.set([target('a', { exec: { command: ['/bin/sleep', '60'] } })]);
  await until(() => count('a') > 0, 'a result');
  const exit = new Promise(resolve => workers[0].once('exit', resolve));
  await probing.close();
  assert.equal(await exit, 0);
  const [from] = [results.length];
  await sleep(60);
  assert.equal(results.length, from);
});

test('targets that are more than can be probed at a time are told as late, and as on time again', async () => {
  const mute = createSocket('udp4').bind(0, '127.0.0.1').unref();
  await once(mute, 'listening');
  const probe = (id: string) => ({
    ...target(id, { udp: { send: 'x' } }, mute.address().port),
    check: check.parse({ udp: { send: 'x' }, interval: '1s', timeout: '900ms', jitter: '0%' }),
  });
  // 512 of them wait for an answer that does not come; the others wait for those.
  probing.set(Array.from({ length: 900 }, (_, i) => probe(`t${i}`)));
  await until(() => told.length > 0, 'a word');
  assert.match(told[0] ?? '', /^\d.*% of \d+ probes began late \(p99 \d+ ms, longest \d+ ms\)/);
  assert.equal(probing.fault, told[0]);
  assert.ok(probing.pace.late > 100 && probing.pace.last.p99 > 100);
  // One that a machine with other work cannot be late for. Of two windows the first may hold what came before set().
  probing.set([{ ...target('a', { tcp: {} }), check: check.parse({ tcp: {}, interval: '1m' }) }]);
  await until(() => told.length > 1, 'a second word', 25);
  assert.deepEqual([told[1], probing.fault], [undefined, undefined]);
});
