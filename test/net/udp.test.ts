// The UDP sockets, portable and batched: replies, addresses, bounds, and faults in words.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createSocket, type Socket, type SocketOptions, type SocketType } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { makeResponder } from '../../src/dns/chain.ts';
import { newCounters } from '../../src/dns/counters.ts';
import { PacketCache } from '../../src/dns/packet-cache.ts';
import { GtmError } from '../../src/kit/errors.ts';
import { NET, newNetCounters, type Respond } from '../../src/net/responder.ts';
import { openUdp } from '../../src/net/udp.ts';
import { decode } from '../dns/decode.ts';
import { query as dnsQuery, fixedSteering, zonesOf } from '../dns/serve.ts';
import { openBatched } from './batched.ts';
import { mirror, now, query, sleep } from './sockets.ts';

const ZONE = `$TTL 60
@ SOA ns root 1 2 3 4 5
@ NS ns
ns A 192.0.2.1
www A 192.0.2.2
pool POOL web
`;
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

test('what comes again is answered by the cache, and the rest by the responder', async () => {
  const steering = fixedSteering({ web: { addresses: ['192.0.2.80'], ttl: 10 } });
  const cache = new PacketCache();
  const zones = zonesOf({ z: ZONE }, ['web']);
  const answer = makeResponder({ zones, steering, counters: newCounters(), cache });
  let asked = 0;
  const respond: Respond = (...args) => {
    asked++;
    return answer(...args);
  };
  const server = await IO.dgram(respond, { cache });
  const client = newSocket('udp4');
  const reply = async (text: string, id: number) => {
    const [message] = await ask(client, server.address().port, Buffer.from(dnsQuery(text, { id })));
    const { answer, rcode } = decode(message);
    return [message.readUInt16BE(0), rcode, ...answer.map(rr => rr.data)];
  };
  for (const [text, ...said] of [
    ['www.z A', 0, '192.0.2.2'],
    ['ns.z A', 0, '192.0.2.1'],
    ['pool.z A', 0, '192.0.2.80'],
    ['nope.z A', 3],
  ] as const) {
    asked = 0;
    for (let id = 1; id <= 5; id++) assert.deepEqual(await reply(text, id), [id, ...said]);
    assert.equal(asked, 2, text);
  }
  // Too long to be kept, or no question at all, before one that is kept.
  asked = 0;
  const long = Buffer.concat([dnsQuery('www.z A'), Buffer.alloc(600)]);
  for (let i = 0; i < 3; i++) await ask(client, server.address().port, long);
  assert.equal(asked, 3);
  client.send(Buffer.alloc(3), server.address().port, '127.0.0.1');
  assert.deepEqual(await reply('www.z A', 9), [9, 0, '192.0.2.2']);
});

test('dgram: a datagram makes no garbage of ours', () => {
  const flags = ['--expose-gc', '--max-semi-space-size=64', '--min-semi-space-size=64'];
  const script = join(import.meta.dirname, 'udp-allocation.js');
  const { stdout } = spawnSync(process.execPath, [...flags, script], { encoding: 'utf8', timeout: 60_000 });
  const cost = JSON.parse(stdout) as Record<string, number>;
  for (const [what, bytes] of Object.entries(cost)) assert.ok(bytes < 8, `${what}: ${bytes} octets a query`);
  assert.deepEqual(Object.keys(cost), ['kept', 'asked']);
});
