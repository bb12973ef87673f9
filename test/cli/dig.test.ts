// `gtm dig` against a server of our own, and the reader of replies against whatever bytes may come.
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { readReply, replyText } from '../../src/cli/reply.ts';
import { parseServer } from '../../src/cli/server.ts';
import { gtm } from './run.ts';

/** A reply to `query`, its question echoed: flags, and records in hex with their owner. Names starting with `tc` are cut short over UDP. */
function replyTo(query: Buffer, udp: boolean): Buffer {
  let end = 12;
  while (query[end] !== 0) end += 1 + query[end];
  const question = query.subarray(12, end + 5);
  const cut = udp && question.subarray(1, 3).toString() === 'tc';
  const odd = question[1] === 0x78; // x…: NXDOMAIN
  const head = Buffer.from(query.subarray(0, 12));
  head.writeUInt16BE(0x8500 | (cut ? 0x0200 : 0) | (odd ? 3 : 0), 2);
  const records = cut || odd ? [] : ['c00c00010001000000150004c0000201', 'c00c000100010000000f0004c0000202'];
  head.writeUInt16BE(records.length, 6);
  head.writeUInt16BE(0, 8);
  head.writeUInt16BE(0, 10);
  return Buffer.concat([head, question, ...records.map(r => Buffer.from(r, 'hex'))]);
}

let udp: Socket;
let tcp: Server;
let port: number;

before(async () => {
  tcp = createServer(socket => {
    socket.on('error', () => {});
    socket.on('data', data => {
      const reply = replyTo(data.subarray(2), false);
      const length = Buffer.alloc(2);
      length.writeUInt16BE(reply.length);
      socket.end(Buffer.concat([length, reply]));
    });
  });
  await once(tcp.listen(0, '127.0.0.1'), 'listening');
  port = (tcp.address() as { port: number }).port;
  udp = createSocket('udp4');
  udp.on('message', (query, from) => udp.send(replyTo(query, true), from.port, from.address));
  await new Promise<void>(resolve => udp.bind(port, '127.0.0.1', resolve));
});
after(() => {
  udp.close();
  tcp.close();
});

test('an answer is shown as zone lines, with status, flags, time, server and size', async () => {
  const { code, out, err } = await gtm(['dig', `@127.0.0.1:${port}`, 'www.example.com']);
  assert.equal(code, 0);
  assert.equal(err, '');
  assert.match(
    out,
    new RegExp(
      `^;; status: NOERROR, id: \\d+, flags: qr aa rd; 2 answer, 0 authority, 0 additional
;www\\.example\\.com\\. {2}IN {2}A

;; ANSWER
www\\.example\\.com\\. {2}21 {2}IN {2}A {2}192\\.0\\.2\\.1
www\\.example\\.com\\. {2}15 {2}IN {2}A {2}192\\.0\\.2\\.2

;; [\\d.]+ ms, 127\\.0\\.0\\.1:${port} over udp, \\d+ octets
$`,
    ),
  );
});

test('cut short over UDP: asked again over TCP; --tcp asks there at once; another rcode is still a reply', async () => {
  const [cut, tcpOnly, none] = await Promise.all([
    gtm(['dig', `@127.0.0.1:${port}`, 'tc.example.com']),
    gtm(['dig', `@localhost:${port}`, 'www.example.com', 'a', '--tcp', '--json']),
    gtm(['dig', `@127.0.0.1:${port}`, 'x.example.com']),
  ]);
  assert.match(cut.out, /over tcp/);
  assert.match(cut.out, /192\.0\.2\.2/);
  const json = JSON.parse(tcpOnly.out);
  assert.equal(json.kind, 'DnsAnswer');
  assert.equal(json.transport, 'tcp');
  assert.deepEqual(json.answer[0], { name: 'www.example.com.', ttl: 21, type: 'A', data: '192.0.2.1' });
  assert.deepEqual([none.code, /status: NXDOMAIN/.test(none.out)], [0, true]);
});

test('every section, EDNS and unknown types are read; a message of one record each, to the letter', () => {
  const message = Buffer.from(
    [
      '1234 8583 0001 0001 0001 0002',
      '03777777 07657861 6d706c65 03636f6d 00 000f 0001',
      'c00c 000f 0001 00000e10 0009 000a 046d61696c c010', // MX 10 mail.example.com.
      'c010 0006 0001 0000003c 0018 c00c c010 00000001 00000002 00000003 00000004 00000005', // SOA
      '046d61696c c010 fde8 0001 00000000 0003 010203', // TYPE65000
      '00 0029 04d0 01 00 8000 0000', // OPT: upper rcode 1, DO
    ]
      .join('')
      .replaceAll(' ', ''),
    'hex',
  );
  const reply = readReply(message);
  assert.ok(reply !== undefined);
  assert.equal(
    replyText(reply),
    `;; status: RCODE19, id: 4660, flags: qr aa rd ra; 1 answer, 1 authority, 1 additional
;; EDNS: version 0, udp 1232, do
;www.example.com.  IN  MX

;; ANSWER
www.example.com.   3600  IN  MX         10 mail.example.com.

;; AUTHORITY
example.com.         60  IN  SOA        www.example.com. example.com. 1 2 3 4 5

;; ADDITIONAL
mail.example.com.     0  IN  TYPE65000  \\# 3 010203`,
  );
  for (let cut = 0; cut < message.length; cut++) assert.equal(readReply(message.subarray(0, cut)), undefined);
});

test('property: no bytes make it throw, and what it prints is one line a record, without control characters', () => {
  const head = Uint8Array.from([0, 1, 0x81, 0x80, 0, 1, 0, 2, 0, 1, 0, 1]);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.boolean(), (bytes, framed) => {
      const reply = readReply(framed ? Buffer.concat([head, bytes]) : bytes);
      if (reply === undefined) return;
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
      assert.doesNotMatch(replyText(reply), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    }),
    { numRuns: 2000, seed: 1 },
  );
});

test('@SERVER in all its writings', () => {
  const rows: [string, string, number][] = [
    ['@127.0.0.1:5300', '127.0.0.1', 5300],
    ['@127.0.0.1', '127.0.0.1', 53],
    ['@[::1]:5300', '::1', 5300],
    ['@[::1]', '::1', 53],
    ['@::1', '::1', 53],
    ['@localhost:5301', '127.0.0.1', 5301],
  ];
  for (const [text, address, at] of rows) assert.deepEqual(parseServer(text), { address, port: at });
  for (const text of ['@', '@example.com', '@127.0.0.1:0', '@127.0.0.1:70000', '@[127.0.0.1]:53', '@[::1'])
    assert.throws(() => parseServer(text), { code: 'GTM_USAGE' }, text);
});
