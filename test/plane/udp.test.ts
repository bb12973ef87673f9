// UDP through the proxy plane: flows, their bound and their end, and one-packet scheduling.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, freePort, Stage, service, until, type Wish, weighted } from './harness.ts';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.end());

/** A UDP service over two servers that name themselves a and b; b is the newest, so the first flow is b's. */
async function pair(wish: Wish = {}) {
  const spec = await service([await stage.udp('a'), await stage.udp('b')], { protocol: 'udp', ...wish });
  assert.deepEqual(await stage.plane.apply([spec]), []);
  return spec;
}

test('each client address and port keeps its server; the flows are shared out', async () => {
  const spec = await pair();
  const clients = [await stage.udpClient(), await stage.udpClient(), await stage.udpClient()];
  for (let round = 0; round < 3; round++) {
    const answers: (string | undefined)[] = [];
    for (const c of clients) answers.push(await ask(c, spec, `${round}`));
    assert.deepEqual(answers, [`b:${round}`, `a:${round}`, `b:${round}`]);
  }
  const { connections, inBytes, outBytes } = stage.service;
  assert.deepEqual({ connections, inBytes, outBytes }, { connections: 3, inBytes: 9, outBytes: 27 });
  const counts = [stage.server(0), stage.server(1)].map(s => [s.active, s.inactive, s.connections]);
  assert.deepEqual(counts, [
    [0, 1, 1],
    [0, 2, 2],
  ]);
});

test('a burst of a new client arrives whole and in order', async () => {
  const spec = await pair();
  const client = await stage.udpClient();
  const answers: string[] = [];
  client.on('message', d => answers.push(String(d)));
  for (let i = 0; i < 10; i++) client.send(`${i}`, spec.port, spec.address);
  await until(
    () => answers.length === 10,
    () => answers.join(' '),
  );
  assert.deepEqual(
    answers,
    Array.from({ length: 10 }, (_, i) => `b:${i}`),
  );
});

test('there are never more flows than the limit: the one used longest ago makes room, and is counted', async () => {
  const spec = await pair({ maxConnections: 2 });
  const [one, two, three] = [await stage.udpClient(), await stage.udpClient(), await stage.udpClient()];
  assert.equal(await ask(one, spec, '1'), 'b:1');
  assert.equal(await ask(two, spec, '1'), 'a:1');
  assert.equal(await ask(one, spec, '2'), 'b:2');
  // The third takes the place of the second, which was quiet for longer.
  assert.equal(await ask(three, spec, '1'), 'b:1');
  assert.equal(stage.service.refused, 1);
  assert.equal(stage.server(0).inactive + stage.server(1).inactive, 2);
  assert.equal(await ask(one, spec, '3'), 'b:3');
  assert.equal(stage.service.connections, 3);
  assert.equal(await ask(two, spec, '2'), 'a:2');
  assert.deepEqual([stage.service.refused, stage.service.connections], [2, 4]);
});

test('a flow ends after timeouts.udp without a datagram either way, and not before', async () => {
  const spec = await pair({ timeouts: { udp: 200 } });
  const client = await stage.udpClient();
  for (let i = 0; i < 5; i++) {
    assert.equal(await ask(client, spec, `${i}`), `b:${i}`);
    await sleep(80);
  }
  await until(
    () => stage.server(1).inactive === 0,
    () => 'the flow did not end',
    1000,
  );
  assert.equal(await ask(client, spec, 'again'), 'a:again');
  assert.equal(stage.service.connections, 2);
});

test('with weight 0 a flow goes on, and new ones go elsewhere', async () => {
  const spec = await pair();
  const [old, fresh] = [await stage.udpClient(), await stage.udpClient()];
  assert.equal(await ask(old, spec, '1'), 'b:1');
  await stage.plane.apply([weighted(spec, 1, 0)]);
  assert.equal(await ask(old, spec, '2'), 'b:2');
  assert.equal(await ask(fresh, spec, '1'), 'a:1');
  assert.equal(await ask(await stage.udpClient(), spec, '1'), 'a:1');
});

test('with every weight 0 datagrams are dropped and counted', async () => {
  const spec = await pair();
  await stage.plane.apply([weighted(spec, 0, 0)]);
  assert.equal(await ask(await stage.udpClient(), spec, '1', 100), undefined);
  assert.equal(stage.service.refused, 1);
});

test('a flow of a removed server is scheduled anew', async () => {
  const spec = await pair();
  const client = await stage.udpClient();
  assert.equal(await ask(client, spec, '1'), 'b:1');
  await stage.plane.apply([{ ...spec, realServers: spec.realServers.slice(0, 1) }]);
  assert.equal(await ask(client, spec, '2'), 'a:2');
});

test('a server that refuses (ICMP) is tried around by the next datagram', async () => {
  const address = '127.12.1.97';
  const dead = { address, port: await freePort(address) };
  const spec = await service([await stage.udp('a'), dead], { protocol: 'udp' });
  await stage.plane.apply([spec]);
  const client = await stage.udpClient();
  client.send('lost', spec.port, spec.address);
  await until(
    () => stage.server(1).failed === 1,
    () => 'the refusal was not seen',
  );
  assert.equal(await ask(client, spec, '2'), 'a:2');
  assert.equal(stage.server(1).inactive, 0);
  assert.equal(stage.service.refused, 0);
});

test('when all refuse the flow ends, and a server that is back gets the next datagram', async () => {
  const address = '127.12.1.96';
  const port = await freePort(address);
  const spec = await service([{ address, port }], { protocol: 'udp' });
  await stage.plane.apply([spec]);
  const client = await stage.udpClient();
  client.send('lost', spec.port, spec.address);
  await until(
    () => stage.service.refused === 1 && stage.server(0).inactive === 0,
    () => JSON.stringify(stage.service),
  );
  await stage.udp('back', address, port);
  assert.equal(await ask(client, spec, '2'), 'back:2');
});

test('with the flag ops each datagram is scheduled, and the answers find their client', async () => {
  const spec = weighted(await pair({ flags: ['ops'], scheduler: 'wrr' }), 1, 2);
  await stage.plane.apply([]);
  await stage.plane.apply([spec]);
  const clients = [await stage.udpClient(), await stage.udpClient()];
  const answers: (string | undefined)[] = [];
  for (let i = 0; i < 6; i++) answers.push(await ask(clients[i % 2], spec, `${i}`));
  assert.deepEqual(answers, ['b:0', 'b:1', 'a:2', 'b:3', 'b:4', 'a:5']);
  assert.deepEqual([stage.server(0).connections, stage.server(1).connections], [2, 4]);
});

test('an IPv6 VIP has an IPv4 real server, and the other way round', async () => {
  const four = await stage.udp('four');
  const six = await stage.udp('six', '::1');
  const specs = [
    await service([four], { protocol: 'udp', address: '::1' }),
    await service([six], { protocol: 'udp', address: '127.12.0.6' }),
  ];
  assert.deepEqual(await stage.plane.apply(specs), []);
  assert.equal(await ask(await stage.udpClient('::1'), specs[0], 'x'), 'four:x');
  assert.equal(await ask(await stage.udpClient(), specs[1], 'x'), 'six:x');
});

test('a removed service gives its address back', async () => {
  const spec = await pair();
  await stage.plane.apply([]);
  const again = await stage.udp('direct', spec.address, spec.port);
  assert.equal(await ask(await stage.udpClient(), again, 'x'), 'direct:x');
});

test('the largest datagram passes, and an empty one', async () => {
  const spec = await pair();
  const client = await stage.udpClient();
  const big = Buffer.alloc(65_000, 120);
  client.send(big, spec.port, spec.address);
  const [answer] = await once(client, 'message');
  assert.equal(answer.length, 65_002);
  assert.equal(await ask(client, spec, ''), 'b:');
});
