// The tcp and dns probes, and the registry.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, test } from 'node:test';
import dns2 from 'dns2';
import { PROBE_KINDS } from '../../src/model/probe-kind.ts';
import { ask } from '../../src/net/ask.ts';
import { kindOf, makeProbes } from '../../src/probe/index.ts';
import { checkOf, closedPort, closeServers, openConnections, sleep, tcpServer } from './servers.ts';

const { Packet } = dns2;
const probes = makeProbes(ask);
afterEach(closeServers);

async function look(port: number, config: object, timeout = 1000): Promise<string> {
  const check = checkOf(config);
  const probe = await probes[kindOf(check)]();
  return probe({ address: '127.0.0.1', port, check }, AbortSignal.timeout(timeout)).catch(
    (e: Error) => e.message,
  );
}

test('every kind of check has a probe', async () => {
  for (const kind of PROBE_KINDS) assert.equal(typeof (await probes[kind]()), 'function');
});

test('tcp: connected, and the connection is reset', async () => {
  const ends: unknown[] = [];
  const port = await tcpServer(socket =>
    socket.on('error', e => ends.push((e as NodeJS.ErrnoException).code)),
  );
  assert.equal(await look(port, { tcp: {} }), 'tcp connected');
  assert.equal(await look(1, { tcp: { port } }), 'tcp connected');
  for (let i = 0; i < 50 && openConnections() > 0; i++) await sleep(10);
  assert.equal(openConnections(), 0);
  assert.ok(ends.every(code => code === 'ECONNRESET'));
});

test('tcp: refused, and given up by the signal', async () => {
  assert.equal(await look(await closedPort(), { tcp: {} }), 'connect ECONNREFUSED');
  const probe = await probes.tcp();
  const aborted = AbortSignal.abort(new Error('no longer probed'));
  const target = { address: '127.0.0.1', port: 1, check: checkOf({ tcp: {} }) };
  await assert.rejects(probe(target, aborted));
});

/** A real DNS server on loopback with one answer. */
async function dnsServer(records: object[], rcode = 0): Promise<{ port: number; close(): void }> {
  const server = createSocket('udp4');
  server.on('message', (query, from) => {
    const reply = Packet.createResponseFromRequest(Packet.parse(query));
    reply.header.rcode = rcode;
    reply.answers.push(...(records as never[]));
    server.send(reply.toBuffer(), from.port, from.address);
  });
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

const name = 'www.example.com';
const A = { name, type: 1, class: 1, ttl: 1, address: '192.0.2.1' };
const AAAA = { name, type: 28, class: 1, ttl: 1, address: '2001:db8::1' };
const TXT = { name, type: 16, class: 1, ttl: 1, data: ['Ready'] };
const MX = { name, type: 15, class: 1, ttl: 1, exchange: 'Mail.Example.com', priority: 10 };
const NS = { name, type: 2, class: 1, ttl: 1, ns: 'ns1.example.com' };

const DNS: [string, object[], number, object, string][] = [
  ['an answer of any kind', [A], 0, {}, 'dns NOERROR'],
  ['no answer is needed', [], 0, {}, 'dns NOERROR'],
  ['the wanted address', [A], 0, { answer: '192.0.2.1' }, 'dns NOERROR, A 192.0.2.1'],
  ['another address', [A], 0, { answer: '192.0.2.2' }, 'dns A 192.0.2.1, wanted «192.0.2.2»'],
  ['none', [], 0, { answer: '192.0.2.2' }, 'dns no A, wanted «192.0.2.2»'],
  ['only of another type', [AAAA], 0, { answer: '2001:db8::1' }, 'dns no A, wanted «2001:db8::1»'],
  [
    'IPv6 however written',
    [AAAA],
    0,
    { type: 'AAAA', answer: '2001:DB8:0::1' },
    'dns NOERROR, AAAA 2001:DB8:0::1',
  ],
  [
    'names in any case, dot or not',
    [NS],
    0,
    { type: 'NS', answer: 'NS1.example.com.' },
    'dns NOERROR, NS NS1.example.com.',
  ],
  ['MX', [MX], 0, { type: 'MX', answer: '10 mail.example.com.' }, 'dns NOERROR, MX 10 mail.example.com.'],
  ['TXT to the letter', [TXT], 0, { type: 'TXT', answer: 'ready' }, 'dns TXT Ready, wanted «ready»'],
  ['SERVFAIL', [], 2, {}, 'dns SERVFAIL, wanted NOERROR'],
  ['REFUSED', [], 5, {}, 'dns REFUSED, wanted NOERROR'],
  ['NXDOMAIN wanted', [], 3, { rcode: 'NXDOMAIN' }, 'dns NXDOMAIN'],
  ['NXDOMAIN wanted, but it is there', [A], 0, { rcode: 'NXDOMAIN' }, 'dns NOERROR, wanted NXDOMAIN'],
];
for (const [what, records, rcode, dns, expected] of DNS)
  test(`dns: ${what}`, async () => {
    const server = await dnsServer(records, rcode);
    assert.equal(await look(server.port, { dns: { name, ...dns } }), expected);
    server.close();
  });

test('dns: a closed port', async () => {
  assert.equal(await look(await closedPort(), { dns: { name } }), 'udp ECONNREFUSED');
});
