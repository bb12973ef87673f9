// The DNS client against real sockets that answer well, badly, late and not at all.
import assert from 'node:assert/strict';
import { createSocket, type Socket as UdpServer } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, test } from 'node:test';
import dns2 from 'dns2';
import { ask, type Question } from '../../src/net/ask.ts';
import { isReplyTo } from '../../src/net/exchange.ts';
import { framed, now, sleep } from './sockets.ts';

const { Packet } = dns2;
const opened: { close(): unknown }[] = [];
afterEach(() => {
  for (const o of opened.splice(0)) o.close();
});

/** Answers with what dns2 makes of the query and these records. */
function answer(query: Buffer, records: object[] = [], header: object = {}): Buffer {
  const request = Packet.parse(query);
  const reply = Packet.createResponseFromRequest(request);
  Object.assign(reply.header, header);
  reply.answers.push(...(records as never[]));
  return reply.toBuffer();
}

async function udp(
  reply: (query: Buffer) => (Buffer | number)[] | Promise<Buffer[]>,
  address = '127.0.0.1',
): Promise<number> {
  const server: UdpServer = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  opened.push(server);
  server.on('message', async (query, from) => {
    for (const r of await reply(query)) server.send(r as Buffer, from.port, from.address);
  });
  server.bind(0, address);
  await once(server, 'listening');
  return server.address().port;
}

async function tcp(port: number, reply: (query: Buffer) => Buffer[]): Promise<number> {
  const server: Server = createServer(socket => {
    socket.on('error', () => {});
    socket.once('data', async data => {
      for (const part of reply(data.subarray(2))) {
        socket.write(part);
        await sleep(5);
      }
      socket.end();
    });
  });
  opened.push(server);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const A = { name: 'www.example.com', type: 1, class: 1, ttl: 10, address: '192.0.2.1' };
const www = (port: number, more: Partial<Question> = {}): Question => ({
  server: '127.0.0.1',
  port,
  name: 'www.example.com',
  type: 'A',
  timeout: 1000,
  ...more,
});

test('a question goes out and the reply comes back, raw and decoded', async () => {
  const port = await udp(q => [answer(q, [A], { aa: 1 })]);
  const reply = await ask(www(port));
  assert.deepEqual(reply.answers, [{ name: 'www.example.com', type: 'A', ttl: 10, text: '192.0.2.1' }]);
  assert.equal(reply.rcode, 0);
  assert.deepEqual(reply.flags, { aa: true, tc: false, rd: true, ra: false, ad: false, cd: false });
  assert.deepEqual(reply.counts, { question: 1, answer: 1, authority: 0, additional: 0 });
  assert.equal(reply.transport, 'udp');
  assert.equal(Buffer.from(reply.bytes).readUInt16BE(0), reply.id);
  assert.ok(reply.ms > 0 && reply.ms < 1000);
});

test('what goes out: one question, RD, OPT of 1232 bytes; both can be left off', async () => {
  const seen: Buffer[] = [];
  const port = await udp(q => {
    seen.push(q);
    return [answer(q)];
  });
  await ask(www(port, { type: 'DS' }));
  await ask(www(port, { udpSize: 0, recurse: false }));
  const name = '03777777076578616d706c6503636f6d00';
  assert.equal(
    seen[0].toString('hex', 2),
    `01000001000000000001${name}002b00010000 2904d0000000000000`.replace(' ', ''),
  );
  assert.equal(seen[1].toString('hex', 2), `00000001000000000000${name}00010001`);
});

test('names that no dotted string can hold arrive byte for byte', async () => {
  let seen = '';
  const port = await udp(q => {
    seen = q.toString('hex', 12, q.length - 4);
    return [Buffer.concat([q.subarray(0, 2), Buffer.from([0x81, 0]), q.subarray(4)])];
  });
  await ask(www(port, { name: 'a\\.b\\000\\255.c', udpSize: 0 }));
  assert.equal(seen, '05612e6200ff016300');
});

test('IPv6 servers are asked like any other', async () => {
  const port = await udp(q => [answer(q, [A])], '::1');
  assert.equal((await ask(www(port, { server: '::1' }))).answers.length, 1);
});

test('every type that the probe may ask for becomes text', async () => {
  const name = 'www.example.com';
  const cases: [number, object, string][] = [
    [28, { address: '2001:db8::1' }, '2001:db8::1'],
    [2, { ns: 'ns1.example.com' }, 'ns1.example.com'],
    [5, { domain: 'x.example.com' }, 'x.example.com'],
    [15, { exchange: 'mail.example.com', priority: 10 }, '10 mail.example.com'],
    [16, { data: ['one ', 'two'] }, 'one two'],
    [
      6,
      {
        primary: 'ns.example',
        admin: 'me.example',
        serial: 1,
        refresh: 2,
        retry: 3,
        expiration: 4,
        minimum: 5,
      },
      'ns.example me.example 1 2 3 4 5',
    ],
    [65400, { data: Buffer.from([1, 2]) }, '\\# 2 0102'],
  ];
  for (const [type, data, text] of cases) {
    const port = await udp(q => [answer(q, [{ name, type, class: 1, ttl: 5, ...data }])]);
    assert.equal((await ask(www(port))).answers[0]?.text, text);
  }
});

test('a truncated reply is asked for again over TCP', async () => {
  const port = await udp(q => [answer(q, [], { tc: 1 })]);
  let id = 0;
  await tcp(port, q => {
    id = q.readUInt16BE(0);
    const whole = framed(answer(q, [A, A, A]));
    return [whole.subarray(0, 1), whole.subarray(1, 30), whole.subarray(30)];
  });
  const reply = await ask(www(port));
  assert.equal(reply.transport, 'tcp');
  assert.equal(reply.answers.length, 3);
  assert.equal(reply.id, id, 'TCP has its id too');
  const cut = await ask(www(port, { retry: false }));
  assert.equal(cut.transport, 'udp');
  assert.ok(cut.flags.tc);
});

test('what is no reply to the query is passed over until the right one comes', async () => {
  const port = await udp(q => {
    const good = answer(q, [A]);
    const otherId = Buffer.from(good);
    otherId[0] ^= 1;
    const query = Buffer.from(good);
    query[2] &= 0x7f;
    const otherName = Buffer.from(good);
    otherName[13] ^= 1;
    const otherType = Buffer.from(good);
    otherType[30] ^= 2;
    return [Buffer.from('rubbish'), otherId, query, otherName, otherType, good.subarray(0, 12), good];
  });
  assert.equal((await ask(www(port))).answers.length, 1);
});

test('an error without a question counts as a reply, a silence about the question does not', () => {
  const query = Buffer.from('1234010000010000000000000161000001 0001'.replace(' ', ''), 'hex');
  const formerr = Buffer.from('123480010000000000000000', 'hex');
  const noerror = Buffer.from('123480000000000000000000', 'hex');
  assert.equal(isReplyTo(formerr, query), true);
  assert.equal(isReplyTo(noerror, query), false);
  const upper = Buffer.from(query);
  upper[2] |= 0x80;
  upper[13] = 0x41;
  assert.equal(isReplyTo(upper, query), true, 'case does not matter');
});

test('faults are said in words, and in time', async () => {
  const silent = await udp(() => []);
  const closed = await udp(() => []);
  opened.pop()?.close();
  const halfway = await tcp(0, () => [Buffer.from([0, 50, 1])]);
  const foreign = await tcp(0, q => {
    const r = answer(q, [A]);
    r[0] ^= 1;
    return [framed(r)];
  });
  const cases: [Partial<Question>, string, string][] = [
    [{ port: silent, timeout: 100 }, 'GTM_ASK_TIMEOUT', 'no answer in 100ms'],
    [{ port: closed }, 'GTM_ASK_FAILED', 'udp ECONNREFUSED'],
    [{ port: closed, tcp: true }, 'GTM_ASK_FAILED', 'tcp ECONNREFUSED'],
    [{ port: halfway, tcp: true }, 'GTM_ASK_FAILED', 'tcp: the server closed after 3 bytes'],
    [{ port: foreign, tcp: true }, 'GTM_ASK_FAILED', 'tcp: the reply does not belong to the query'],
    [{ type: 'NOPE' }, 'GTM_ASK_QUESTION', '«NOPE» is not a record type'],
    [{ name: 'a..b' }, 'GTM_ASK_QUESTION', '«a..b» is not a name: empty label'],
  ];
  for (const [more, code, message] of cases) {
    const start = now();
    await assert.rejects(ask(www(silent, more)), { code, message });
    assert.ok(now() - start < 400, `${message} after ${now() - start} ms`);
  }
});

test('a TCP server that accepts and says nothing does not hold us', async () => {
  const server = createServer(() => {});
  opened.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const start = now();
  const port = (server.address() as AddressInfo).port;
  await assert.rejects(ask(www(port, { tcp: true, timeout: 100 })), { code: 'GTM_ASK_TIMEOUT' });
  assert.ok(now() - start < 400);
});

test('a signal ends it at once', async () => {
  const port = await udp(() => []);
  const controller = new AbortController();
  const asked = ask(www(port, { signal: controller.signal }));
  setTimeout(() => controller.abort(), 30);
  await assert.rejects(asked, { code: 'GTM_ASK_ABORTED' });
  await assert.rejects(ask(www(port, { signal: controller.signal })), { code: 'GTM_ASK_ABORTED' });
});

test('any bytes from the server end in a reply or a fault, never in a crash', async () => {
  let junk = Buffer.alloc(0);
  const port = await udp(q => [
    Buffer.concat([q.subarray(0, 2), Buffer.from([0x80, 0]), q.subarray(4, 33), junk]),
  ]);
  for (let i = 0; i < 200; i++) {
    junk = Buffer.from(Array.from({ length: i }, (_, n) => (i * 7919 + n * 104729) & 255));
    const reply = await ask(www(port, { timeout: 2000 }));
    assert.ok(Array.isArray(reply.answers));
  }
});
