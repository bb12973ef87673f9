// The forwarding worker's life: it does not wait for the main thread, is started again when it dies, and leaves nothing.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, beforeEach, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { collect, firstLine, Stage, service, until } from './harness.ts';

let stage: Stage;
let faults: string[];
let workers: Worker[];
const watch = (worker: Worker) => workers.push(worker);

beforeEach(() => {
  faults = [];
  workers = [];
  process.on('worker', watch);
  stage = new Stage(reason => faults.push(reason));
});
afterEach(async () => {
  await stage.end();
  process.off('worker', watch);
});

/** A real server and a client in a thread of their own: bounces one byte through the VIP, and tells the longest wait. */
const BOUNCE = `
  const { parentPort, workerData } = require('node:worker_threads');
  const net = require('node:net');
  const server = net.createServer({ noDelay: true }, s => s.pipe(s).on('error', () => {}));
  server.listen(0, '127.12.1.90', () => parentPort.postMessage(server.address().port));
  parentPort.once('message', vip => {
    let longest = 0, count = 0, sent = 0;
    const c = net.connect({ host: vip.address, port: vip.port, noDelay: true });
    const send = () => { sent = performance.now(); c.write('x'); };
    c.on('data', () => {
      longest = Math.max(longest, performance.now() - sent);
      count++;
      Atomics.store(workerData, 1, count);
      Atomics.load(workerData, 0) === 0 ? setTimeout(send, 5) : (parentPort.postMessage({ longest, count }), c.destroy());
    });
    send();
  });`;

test('a main thread that is busy for a second holds nothing up', async () => {
  const shared = new Int32Array(new SharedArrayBuffer(8));
  const bounce = new Worker(BOUNCE, { eval: true, workerData: shared });
  const [port] = await once(bounce, 'message');
  const spec = await service([{ address: '127.12.1.90', port }]);
  await stage.plane.apply([spec]);
  bounce.postMessage({ address: spec.address, port: spec.port });
  await until(
    () => Atomics.load(shared, 1) > 3,
    () => 'it does not bounce',
  );
  const before = Atomics.load(shared, 1);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
  assert.ok(Atomics.load(shared, 1) - before > 40, 'nothing went on meanwhile');
  Atomics.store(shared, 0, 1);
  const [{ longest }] = await once(bounce, 'message');
  assert.ok(longest < 250, `a byte took ${longest} ms`);
  await bounce.terminate();
});

test('a worker that dies is named, started again with the same services, and the totals go on', async () => {
  const spec = await service([await stage.named('a'), await stage.named('b')]);
  await stage.plane.apply([spec]);
  const open = stage.client(spec);
  assert.equal(await firstLine(open), 'b');
  stage.plane.weigh('web', spec.realServers[1].key, 0);
  const ended = collect(open);
  await workers[0].terminate();
  await until(
    () => faults.length === 1,
    () => 'the fault was not told',
  );
  await ended;
  assert.match(stage.service.fault ?? '', /forwarding worker ended and is being started again/);
  assert.deepEqual([stage.server(1).active, stage.server(1).connections], [0, 1]);
  await until(
    () => stage.service.fault === undefined,
    () => 'it is not forwarding again',
  );
  assert.equal(await firstLine(stage.client(spec)), 'a', 'with the weights of now');
  assert.deepEqual([stage.service.connections, workers.length], [2, 2]);
});

test('apply during a restart waits for the new worker, and one that was under way is answered', async () => {
  const spec = await service([await stage.named('a')]);
  await stage.plane.apply([spec]);
  const dying = workers[0].terminate();
  const [during] = await Promise.all([stage.plane.apply([spec]), dying]);
  assert.equal(during.length, 1);
  assert.match(during[0].fault, /worker ended/);
  assert.deepEqual(await stage.plane.apply([spec]), []);
  assert.equal(await firstLine(stage.client(spec)), 'a');
});

test('close() refuses new connections, ends what is open within its grace, and the worker is gone', async () => {
  const spec = await service([await stage.named('a')]);
  await stage.plane.apply([spec]);
  const open = stage.client(spec);
  assert.equal(await firstLine(open), 'a');
  const end = collect(open);
  const gone = once(workers[0], 'exit');
  const start = performance.now();
  const closing = stage.plane.close();
  assert.equal((await end).end, 'ECONNRESET');
  await closing;
  const took = performance.now() - start;
  assert.ok(took < 1000, `${took} ms`);
  await gone;
  assert.equal(await firstLine(stage.client(spec)), 'ECONNREFUSED');
  await assert.rejects(stage.plane.apply([spec]), { code: 'GTM_PLANE_CLOSED' });
  await stage.plane.close();
  assert.deepEqual(faults, []);
});

test('close() waits for a connection that ends by itself within the grace', async () => {
  const real = await stage.tcp(socket => setTimeout(() => socket.end('late but whole'), 60));
  const spec = await service([real]);
  await stage.plane.apply([spec]);
  const client = stage.client(spec);
  const all = collect(client);
  client.end('x');
  await until(
    () => stage.server(0).inactive === 1,
    () => 'not open',
  );
  await stage.plane.close();
  assert.deepEqual(await all, { text: 'late but whole', end: 'fin' });
});

test('a plane that was given nothing closes at once', async () => {
  await stage.plane.close();
  assert.equal(workers.length, 0);
});
