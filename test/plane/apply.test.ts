// What a running proxy plane does when it is given other services: who stays, who goes, and where new clients go.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceSpec } from '../../src/model/service.ts';
import { collect, firstLine, freePort, Stage, service, until, type Wish, weighted } from './harness.ts';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.end());

async function three(wish: Wish = {}): Promise<ServiceSpec> {
  const spec = await service([await stage.named('a'), await stage.named('b'), await stage.named('c')], wish);
  assert.deepEqual(await stage.plane.apply([spec]), []);
  return spec;
}

/** The servers that `n` clients get, one after another; each stays open. */
async function meets(spec: ServiceSpec, n: number, from?: string): Promise<string> {
  let names = '';
  for (let i = 0; i < n; i++) names += await firstLine(stage.client(spec, from));
  return names;
}

/** Whether bytes come back over a connection that is open. */
async function alive(socket: Socket): Promise<boolean> {
  const line = firstLine(socket);
  socket.write('ping\n');
  return (await line) === 'ping';
}

test('the same services again change nothing: the connection, the counters and the turn stay', async () => {
  const spec = await three();
  const open = stage.client(spec);
  assert.equal(await firstLine(open), 'c');
  assert.deepEqual(await stage.plane.apply([structuredClone(spec)]), []);
  assert.deepEqual(await stage.plane.apply([structuredClone(spec)]), []);
  assert.ok(await alive(open));
  assert.equal(await meets(spec, 2), 'ba');
  assert.equal(stage.service.connections, 3);
  assert.equal(stage.server(2).active, 1);
});

test('wrr shares are exact, and weights changed while running give the new ones', async () => {
  const spec = weighted(await three({ scheduler: 'wrr' }), 1, 2, 3);
  await stage.plane.apply([]);
  await stage.plane.apply([spec]);
  // c 3, b 2, a 1.
  assert.equal(await meets(spec, 12), 'ccbcbaccbcba');
  const before = [0, 1, 2].map(i => stage.server(i).connections);
  assert.deepEqual(before, [2, 4, 6]);
  await stage.plane.apply([weighted(spec, 5, 0, 5)]);
  await meets(spec, 10);
  assert.deepEqual(
    [0, 1, 2].map(i => stage.server(i).connections - before[i]),
    [5, 0, 5],
  );
  assert.deepEqual(
    [0, 1, 2].map(i => stage.server(i).weight),
    [5, 0, 5],
  );
});

test('weigh() changes the weight in every service of the VIP that has the server, and in no other', async () => {
  const spec = await three();
  const port = await freePort(spec.address);
  const twin = { ...spec, port, key: `tcp ${spec.address}:${port}` };
  const otherPort = await freePort(spec.address);
  const other = { ...spec, vip: 'api', port: otherPort, key: `tcp ${spec.address}:${otherPort}` };
  await stage.plane.apply([spec, twin, other]);
  stage.plane.weigh('web', spec.realServers[2].key, 0);
  stage.plane.weigh('web', '192.0.2.1:1', 0);
  assert.equal(await meets(spec, 4), 'baba');
  assert.equal(await meets(twin, 4), 'baba');
  assert.equal(await meets(other, 4), 'cbac');
  assert.deepEqual(
    stage.plane.counters().map(s => s.realServers.map(rs => rs.weight)),
    [
      [1, 1, 0],
      [1, 1, 0],
      [1, 1, 1],
    ],
  );
});

test('drained, a server finishes what is open and takes nothing new', async () => {
  const spec = await three({ scheduler: 'wlc' });
  const open = stage.client(spec);
  assert.equal(await firstLine(open), 'c');
  stage.plane.weigh('web', spec.realServers[2].key, 0);
  assert.match(await meets(spec, 6), /^[ab]{6}$/);
  assert.ok(await alive(open));
  open.end();
  assert.equal((await collect(open)).end, 'fin');
  stage.plane.weigh('web', spec.realServers[2].key, 1);
  assert.equal(await meets(spec, 1), 'c');
});

test('connections of a removed server go on; added again, it is charged with them', async () => {
  const spec = await three({ scheduler: 'lc' });
  const open = stage.client(spec);
  assert.equal(await firstLine(open), 'c');
  const without = { ...spec, realServers: spec.realServers.slice(0, 2) };
  await stage.plane.apply([without]);
  assert.equal(await meets(spec, 4), 'baba');
  assert.ok(await alive(open));
  await stage.plane.apply([spec]);
  assert.equal(stage.server(2).active, 1);
  assert.equal(await meets(spec, 1), 'c', 'one open connection against two');
  open.destroy();
  await until(
    () => stage.server(2).active === 1,
    () => 'the old connection is still counted',
  );
});

test('a removed service closes its door at once, and its connections go on', async () => {
  const spec = await three();
  const open = stage.client(spec);
  assert.equal(await firstLine(open), 'c');
  assert.deepEqual(await stage.plane.apply([]), []);
  assert.deepEqual(stage.plane.counters(), []);
  assert.equal(await firstLine(stage.client(spec)), 'ECONNREFUSED');
  assert.ok(await alive(open));
  assert.deepEqual(await stage.plane.apply([spec]), []);
  assert.equal(await meets(spec, 1), 'c');
  assert.ok(await alive(open));
});

test('another scheduler takes over while connections stay', async () => {
  const spec = await three({ scheduler: 'sh' });
  const names = await meets(spec, 4);
  assert.equal(new Set(names).size, 1);
  await stage.plane.apply([{ ...spec, scheduler: 'lc' }]);
  const next = await meets(spec, 2);
  assert.ok(!next.includes(names[0]), 'it knows of the four connections that are open');
});

test('a service that cannot be opened is named, the others forward, and the next apply tries again', async () => {
  const spec = await three();
  const squatter = createServer().listen(0, '127.12.0.9');
  await once(squatter, 'listening');
  const { port } = squatter.address() as { port: number };
  const taken = await service([await stage.named('t')], { address: '127.12.0.9', port });
  const takenUdp = { ...taken, protocol: 'udp' as const, key: `udp 127.12.0.9:${port}` };
  const absent = await service([await stage.named('x')], { address: '192.0.2.1', port: 80 });
  const u = await stage.udp('u', '127.12.0.9', port);
  const all = [spec, taken, takenUdp, absent];
  const inUse = `cannot listen on 127.12.0.9:${port}: EADDRINUSE: another process has this address and port`;
  const faults = [
    { key: taken.key, fault: inUse },
    { key: takenUdp.key, fault: inUse },
    {
      key: absent.key,
      fault: 'cannot listen on 192.0.2.1:80: EADDRNOTAVAIL: the address is not on this host',
    },
  ];
  assert.deepEqual(await stage.plane.apply(all), faults);
  assert.deepEqual(
    stage.plane.counters().map(s => s.fault),
    [undefined, ...faults.map(f => f.fault)],
  );
  assert.equal(await meets(spec, 1), 'c');
  squatter.close();
  await once(squatter, 'close');
  u.stop();
  assert.deepEqual(await stage.plane.apply(all), [faults[2]]);
  assert.equal(await meets(taken, 1), 't');
  assert.equal(stage.plane.counters()[1].fault, undefined);
});

test('a service given twice is a fault; the first stands', async () => {
  const spec = await three();
  const faults = await stage.plane.apply([spec, { ...spec, vip: 'other' }]);
  assert.deepEqual(faults, [{ key: spec.key, fault: 'this protocol, address and port are given twice' }]);
  assert.equal(stage.plane.counters()[0].vip, 'web');
  assert.equal(await meets(spec, 1), 'c');
});

test('a server at its upper threshold takes no more until it is below the lower one', async () => {
  const spec = await three({ thresholds: { upper: 2, lower: 1 } });
  const two = [stage.client(spec, '127.0.0.1')];
  assert.equal(await firstLine(two[0]), 'c');
  assert.equal(await meets(spec, 5), 'bacba');
  assert.equal(await firstLine(stage.client(spec)), 'ECONNRESET', 'all are full');
  assert.equal(stage.service.refused, 1);
  two[0].destroy();
  await until(
    () => stage.server(2).active === 1,
    () => 'still two',
  );
  assert.equal(await firstLine(stage.client(spec)), 'ECONNRESET', 'one is not below one');
  await stage.plane.apply([{ ...spec, thresholds: { upper: 3, lower: 1 } }]);
  assert.equal(await meets(spec, 4), 'cbac');
  assert.equal(await firstLine(stage.client(spec)), 'ECONNRESET');
});

test('persistence: a client address goes back to its server, whatever the turn', async () => {
  const spec = await three({ persistence: 60_000 });
  assert.equal(await meets(spec, 3, '127.0.0.2'), 'ccc');
  assert.equal(await meets(spec, 3, '127.0.0.3'), 'bbb');
  assert.equal(await meets(spec, 2, '127.0.0.2'), 'cc');
});

test('persistence holds at weight 0, and ends with the server', async () => {
  const spec = await three({ persistence: 60_000 });
  assert.equal(await meets(spec, 1, '127.0.0.2'), 'c');
  stage.plane.weigh('web', spec.realServers[2].key, 0);
  assert.equal(await meets(spec, 2, '127.0.0.2'), 'cc');
  assert.equal(await meets(spec, 2, '127.0.0.3'), 'bb');
  await stage.plane.apply([{ ...spec, realServers: spec.realServers.slice(0, 2) }]);
  const [now, again] = await meets(spec, 2, '127.0.0.2');
  assert.ok(now !== 'c' && now === again);
});

test('persistence ends its time after the last connection did, not while one is open', async () => {
  const spec = await three({ persistence: 150 });
  const open = stage.client(spec, '127.0.0.2');
  assert.equal(await firstLine(open), 'c');
  await sleep(300);
  const second = stage.client(spec, '127.0.0.2');
  assert.equal(await firstLine(second), 'c');
  for (const c of [open, second]) c.destroy();
  await until(
    () => stage.server(2).active === 0,
    () => 'still open',
  );
  await sleep(200);
  assert.equal(await meets(spec, 1, '127.0.0.2'), 'b');
});

test('persistence moves with a client whose server is dead', async () => {
  const a = await stage.named('a');
  const b = await stage.named('b');
  const spec = await service([a, b], { persistence: 60_000 });
  await stage.plane.apply([spec]);
  assert.equal(await meets(spec, 1, '127.0.0.2'), 'b');
  b.stop();
  assert.equal(await meets(spec, 2, '127.0.0.2'), 'aa');
  assert.equal(stage.server(1).failed, 1, 'the second one did not ask the dead server again');
});
