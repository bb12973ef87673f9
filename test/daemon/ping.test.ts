// Echo requests through real ping sockets, in a network namespace of the test's own; and what is said where they are not
// permitted.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Pinger } from '../../src/daemon/ping.ts';
import { GtmError } from '../../src/kit/errors.ts';

const CHILD = join(import.meta.dirname, 'ping-child.js');

/** What the child prints, run in a network namespace where its group may send echo requests, or (as by default) none. */
async function inNamespace(permitted: boolean): Promise<string[]> {
  const permit = permitted ? 'echo "0 0" > /proc/sys/net/ipv4/ping_group_range && ' : '';
  const script = `ip link set lo up && ${permit}exec ${process.execPath} ${CHILD}`;
  const { stdout } = await promisify(execFile)('unshare', ['-rn', '/bin/sh', '-c', script], {
    timeout: 30_000,
  });
  return stdout.trimEnd().split('\n');
}

test('echo over IPv4 and IPv6, many at once, silence, and no way there', async () => {
  assert.deepEqual(await inNamespace(true), [
    '127.0.0.1: reply',
    '127.9.9.9 1400 bytes: reply',
    '::1: reply',
    '100 at once: reply',
    '192.0.2.1: icmp: ENETUNREACH',
    'given up: enough',
    'closed: icmp: closed',
  ]);
});

test('not permitted: what to do', async () => {
  const said = await inNamespace(false);
  assert.equal(
    said[0],
    '127.0.0.1: icmp: echo requests are not permitted to this group; allow them with sysctl -w net.ipv4.ping_group_range="0 2147483647"',
  );
});

test('a C library that cannot be had is told in its own words', async () => {
  const pinger = new Pinger(() => Promise.reject(new GtmError('GTM_NIC', 'needs Linux; this is darwin')));
  await assert.rejects(
    pinger.ping('192.0.2.1', 8, AbortSignal.timeout(1000)),
    /^.*icmp: needs Linux; this is darwin/,
  );
  await pinger.close();
});

test('a reply that is none of ours ends nothing', async () => {
  // An ordinary UDP socket in place of the ping socket: what it hears is whatever somebody sends.
  const echo = createSocket('udp4');
  await new Promise<void>(resolve => echo.bind(1, '127.77.0.1', resolve));
  echo.on('message', (data, from) => {
    const reply = Buffer.from(data);
    echo.send(reply.subarray(0, 4), from.port, from.address);
    echo.send(reply, from.port, from.address);
    reply[0] = 0;
    reply.writeUInt16BE(reply.readUInt16BE(6) ^ 1, 6);
    echo.send(reply, from.port, from.address);
  });
  const pinger = new Pinger(async () =>
    (await import('../../src/nic/libc.ts')).openLibc().then(l => (d, t) => l.socket(d, t, 17)),
  );
  await assert.rejects(pinger.ping('127.77.0.1', 8, AbortSignal.timeout(100)), /timeout|aborted/);
  await pinger.close();
  echo.close();
});
