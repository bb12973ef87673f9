// The UDP sockets, portable and batched: replies, addresses, bounds, and faults in words.
import assert from 'node:assert/strict';
import { createSocket, type Socket, type SocketOptions, type SocketType } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, test } from 'node:test';
import { GtmError } from '../../src/kit/errors.ts';
import { NET, newNetCounters, type Respond } from '../../src/net/responder.ts';
import { openUdp } from '../../src/net/udp.ts';
import { openBatched } from './batched.ts';
import { mirror, now, query, sleep } from './sockets.ts';

const fail = (e: Error) => assert.fail(e);
const opened: { close(): unknown }[] = [];

type More = Partial<Parameters<typeof openUdp>[0]>;
type Open = (respond: Respond, more?: More) => Promise<{ address(): { port: number } }>;
const opener =
  (udp: typeof openUdp): Open =>
  async (respond, more = {}) => {
    const server = await udp({ address: '127.0.0.1', port: 0, respond, now, onError: fail, ...more });
    opened.push(server);
    return server;
  };
const IO = { dgram: opener(openUdp), batch: opener(openBatched) };

function newSocket(options: SocketType | SocketOptions): Socket {
  const socket = createSocket(options as SocketOptions);
  opened.push(socket);
  return socket;
}

afterEach(async () => {
  for (const o of opened.splice(0)) await o.close();
});

async function ask(
  client: Socket,
  port: number,
  message: Buffer,
  host = '127.0.0.1',
): Promise<[Buffer, string]> {
  const reply = once(client, 'message');
  client.send(message, port, host);
  const [bytes, from] = await reply;
  return [bytes as Buffer, (from as { address: string }).address];
}

for (const [io, open] of Object.entries(IO)) {
  test(`${io}: a query is answered from the address that was asked`, async () => {
    for (const address of ['127.0.0.1', '127.0.0.53', '::1']) {
      const server = await open(mirror, { address });
      const client = newSocket(address.includes(':') ? 'udp6' : 'udp4');
      const [reply, from] = await ask(client, server.address().port, query(7), address);
      assert.equal(reply.readUInt16BE(0), 7);
      assert.equal(reply[2], 0x80);
      assert.equal(from, address);
    }
  });

  test(`${io}: the responder sees who asks, in bytes`, async () => {
    let seen: unknown;
    const server = await open((q, length, out, client, at) => {
      seen = {
        family: client.family,
        address: [...client.address.subarray(0, 4)],
        tcp: client.tcp,
        at: at > 0,
      };
      return mirror(q, length, out, client, at);
    });
    const client = newSocket('udp4');
    client.bind(0, '127.0.0.9');
    await once(client, 'listening');
    await ask(client, server.address().port, query(1));
    assert.deepEqual(seen, { family: 4, address: [127, 0, 0, 9], tcp: false, at: true });
  });

  test(`${io}: length 0 from the responder means silence`, async () => {
    const server = await open(mirror);
    const client = newSocket('udp4');
    let replies = 0;
    client.on('message', () => replies++);
    client.send(query(1, 20, 0xff), server.address().port, '127.0.0.1');
    await sleep(30);
    assert.equal(replies, 0);
    assert.equal((await ask(client, server.address().port, query(2)))[0].readUInt16BE(0), 2);
  });

  test(`${io}: a burst of 2,000 queries is answered, each with its own bytes, over few slots`, async () => {
    const counters = newNetCounters();
    const server = await open(mirror, { slots: 8, counters });
    const client = newSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
    const wrong: number[] = [];
    const got = new Set<number>();
    client.on('message', m => {
      const id = m.readUInt16BE(0);
      if (m.subarray(12).some(b => b !== (id & 0x7f))) wrong.push(id);
      got.add(id);
    });
    for (let id = 0; id < 2000; id++) {
      client.send(query(id, 400, id & 0x7f), server.address().port, '127.0.0.1');
      if (id % 50 === 49) await sleep(1);
    }
    for (let i = 0; i < 200 && got.size + counters[NET.net_udp_busy] < 2000; i++) await sleep(10);
    assert.deepEqual(wrong, []);
    assert.equal(got.size + counters[NET.net_udp_busy], 2000);
    assert.ok(got.size > 1900, `${got.size} answered`);
  });

  test(`${io}: an IPv6 socket takes IPv6 only, so both families can share a port`, async () => {
    const six = await open(mirror, { address: '::' });
    await open(mirror, { port: six.address().port });
  });

  test(`${io}: a port in use is said with its owner and how to find it`, async () => {
    const first = await open(mirror);
    const { port } = first.address();
    await assert.rejects(open(mirror, { port }), (e: GtmError) => {
      assert.ok(e instanceof GtmError);
      assert.equal(e.code, 'GTM_LISTEN_IN_USE');
      assert.match(e.message, new RegExp(`udp 127\\.0\\.0\\.1:${port}: already in use`));
      assert.match(e.message, new RegExp(`pid ${process.pid}\\)`));
      assert.match(e.message, /ss -ulpn/);
      return true;
    });
  });

  test(`${io}: an address that the host does not have is said so`, async () => {
    await assert.rejects(open(mirror, { address: '192.0.2.1' }), { code: 'GTM_LISTEN_ADDRESS' });
  });
}

test('with every reply buffer waiting, queries are dropped and counted', async () => {
  const counters = newNetCounters();
  const server = await IO.dgram(mirror, { slots: 0, counters });
  const client = newSocket('udp4');
  client.send(query(1), server.address().port, '127.0.0.1');
  for (let i = 0; i < 100 && counters[NET.net_udp_busy] === 0; i++) await sleep(10);
  assert.equal(counters[NET.net_udp_busy], 1);
});
