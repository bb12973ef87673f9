// The udp and icmp probes, the first with real sockets.
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, test } from 'node:test';
import { icmpProbe } from '../../src/probe/icmp.ts';
import { udp } from '../../src/probe/udp.ts';
import { checkOf } from './servers.ts';

const open: Socket[] = [];
afterEach(() => {
  for (const s of open.splice(0)) s.close();
});

/** A server that answers each datagram with what `answer` makes of it; undefined: nothing. */
async function server(
  answer: (data: Buffer) => Buffer | string | undefined,
  address = '127.0.0.1',
): Promise<number> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (data, from) => {
    const reply = answer(data);
    if (reply !== undefined) socket.send(reply, from.port, from.address);
  });
  socket.bind(0, address);
  open.push(socket);
  await once(socket, 'listening');
  return socket.address().port;
}

async function look(port: number, config: object, timeout = 1000, address = '127.0.0.1'): Promise<string> {
  const target = { address, port, check: checkOf({ udp: config }) };
  return udp(target, AbortSignal.timeout(timeout)).catch((e: Error) => e.message);
}

const echo = (data: Buffer): Buffer => data;
const ROWS: [string, object, string][] = [
  ['any reply', { send: 'ping' }, 'udp 4 bytes'],
  ['the wanted text', { send: 'ping pong', expect: 'pong' }, 'udp 9 bytes'],
  ['another text', { send: 'ping', expect: 'pong' }, 'udp «ping» lacks «pong»'],
  ['a long one is cut', { send: 'x'.repeat(100), expect: 'y' }, `udp «${'x'.repeat(80)}…» lacks «y»`],
  ['bytes', { send_hex: '00 ff:10', expect_hex: 'FF10' }, 'udp 3 bytes'],
  ['other bytes', { send_hex: '00ff10', expect_hex: 'ff 11' }, 'udp 00ff10 lacks ff 11'],
  ['text sent, bytes expected', { send: 'AB', expect_hex: '4142' }, 'udp 2 bytes'],
];
for (const [what, config, says] of ROWS)
  test(`udp: ${what}`, async () => assert.equal(await look(await server(echo), config), says));

test('udp: a port of its own, and IPv6', async () => {
  const port = await server(echo, '::1');
  assert.equal(await look(1, { port, send: 'six' }, 1000, '::1'), 'udp 3 bytes');
});

test('udp: a closed port is told by ICMP, silence by the deadline', async () => {
  const port = await server(() => undefined);
  assert.match(await look(port, { send: 'x' }, 100), /timeout|aborted/);
  open.pop()?.close();
  assert.equal(await look(port, { send: 'x' }), 'udp ECONNREFUSED');
});

test('icmp: the echo client is asked, and its words are the result', async () => {
  const check = checkOf({ icmp: { size: 8 } });
  const signal = AbortSignal.timeout(1000);
  const asked: unknown[] = [];
  const probe = icmpProbe(async (address, size) => {
    asked.push(address, size);
    if (address === '192.0.2.9') throw new Error('icmp: host unreachable');
  });
  assert.equal(await probe({ address: '192.0.2.1', port: 1, check }, signal), 'icmp echo reply');
  assert.deepEqual(asked, ['192.0.2.1', 8]);
  await assert.rejects(probe({ address: '192.0.2.9', port: 1, check }, signal), /host unreachable/);
  await assert.rejects(
    icmpProbe(undefined)({ address: '192.0.2.1', port: 1, check }, signal),
    /no way to send/,
  );
});
