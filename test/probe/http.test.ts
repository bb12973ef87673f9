// The http and https probes against real servers: every fault has its words.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { promisify } from 'node:util';
import { httpProbe } from '../../src/probe/http.ts';
import * as certificates from './certificates.ts';
import {
  checkOf,
  closedPort,
  closeServers,
  httpServer,
  httpsServer,
  openConnections,
  sleep,
  tcpServer,
} from './servers.ts';

const http = httpProbe();
afterEach(closeServers);

async function look(port: number, config: object, timeout = 2000, address = '127.0.0.1'): Promise<string> {
  const target = { address, port, check: checkOf(config) };
  return http(target, AbortSignal.timeout(timeout)).catch((e: Error) => e.message);
}

const body =
  (text: string, status = 200): RequestListener =>
  (_request, response) =>
    response.writeHead(status).end(text);

const STATUS: [string, number, object, string][] = [
  ['200 is healthy', 200, {}, 'http 200'],
  ['204 has no body', 204, {}, 'http 204'],
  ['a redirect is not followed', 302, {}, 'http 302, wanted 200-299'],
  ['503', 503, {}, 'http 503, wanted 200-299'],
  ['a status of the set', 404, { status: [200, 404] }, 'http 404'],
  ['ranges and numbers', 418, { status: ['200-299', 301] }, 'http 418, wanted 200-299, 301'],
  ['the ends of a range', 399, { status: ['200-399'] }, 'http 399'],
];
for (const [what, status, http, expected] of STATUS)
  test(`status: ${what}`, async () => {
    const port = await httpServer((_q, r) => r.writeHead(status, { location: '/elsewhere' }).end());
    assert.equal(await look(port, { http }), expected);
  });

const BODY: [string, string, string, string][] = [
  ['it holds the text', 'all is ok here', 'ok', 'http 200'],
  ['it does not', 'all is bad', 'ok', 'body lacks «ok»'],
  ['it is empty', '', 'ok', 'body lacks «ok»'],
  ['beyond ASCII', 'grün', 'ü', 'http 200'],
  ['at the end of 64 KiB', `${'x'.repeat(65_534)}ok`, 'ok', 'http 200'],
  ['over the end of 64 KiB', `${'x'.repeat(65_535)}ok${'x'.repeat(100_000)}`, 'ok', 'body lacks «ok»'],
];
for (const [what, text, wanted, expected] of BODY)
  test(`body: ${what}`, async () => {
    const port = await httpServer(body(text));
    assert.equal(await look(port, { http: { body: wanted } }), expected);
  });

test('a text cut in two by the network is found', async () => {
  const port = await httpServer(async (_q, r) => {
    r.write('all is o');
    await sleep(20);
    r.end('k');
  });
  assert.equal(await look(port, { http: { body: 'is ok' } }), 'http 200');
});

test('an endless body does not hold the probe: it is cut at 64 KiB', async () => {
  const port = await httpServer((_q, r) => {
    const more = () => {
      while (!r.destroyed && r.write('x'.repeat(10_000)));
    };
    r.on('drain', more);
    more();
  });
  assert.equal(await look(port, { http: {} }), 'http 200');
  for (let i = 0; i < 50 && openConnections() > 0; i++) await sleep(10);
  assert.equal(openConnections(), 0);
});

test('what is sent: method, path, Host, agent; a connection of its own each time', async () => {
  const seen: object[] = [];
  const ports = new Set<number | undefined>();
  const port = await httpServer((q, r) => {
    const { host, connection } = q.headers;
    seen.push([q.method, q.url, host, q.headers['user-agent'], connection]);
    ports.add(q.socket.remotePort);
    r.end();
  });
  await look(port, { http: {} });
  await look(port, { http: { method: 'HEAD', path: '/healthz?deep=1', host: 'www.example.com' } });
  assert.deepEqual(seen, [
    ['GET', '/', `127.0.0.1:${port}`, 'switchyard-probe', 'close'],
    ['HEAD', '/healthz?deep=1', 'www.example.com', 'switchyard-probe', 'close'],
  ]);
  assert.equal(ports.size, 2);
});

test('the port of the check goes before that of the target', async () => {
  const port = await httpServer(body('ok'));
  assert.equal(await look(1, { http: { port } }), 'http 200');
});

test('an IPv6 target', async () => {
  const port = await httpServer(body('ok'), '::1');
  assert.equal(await look(port, { http: {} }, 2000, '::1'), 'http 200');
});

test('faults of the connection', async () => {
  const cases: [number, string | RegExp][] = [
    [await closedPort(), 'connect ECONNREFUSED'],
    [
      await tcpServer(s => s.resetAndDestroy()),
      /^(connect|read|write) (ECONNRESET|EPIPE)$|^connection closed/,
    ],
    [await tcpServer(s => s.end()), 'connection closed before the whole answer'],
    [
      await tcpServer(s => s.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf')),
      /^connection closed before/,
    ],
    [await tcpServer(s => s.end('220 smtp.example.com ESMTP\r\n')), /^not HTTP: /],
    [
      await tcpServer(s => s.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)),
      'headers over 16 KiB',
    ],
  ];
  for (const [port, expected] of cases) {
    const text = await look(port, { http: {} });
    if (typeof expected === 'string') assert.equal(text, expected);
    else assert.match(text, expected);
  }
});

test('a hanging server is left at the deadline, wherever it hangs, and no connection stays', async () => {
  const hangs = [
    await tcpServer(s => s.resume()),
    await httpServer(() => {}),
    await httpServer((_q, r) => r.writeHead(200, { 'content-length': 10 }).write('half')),
  ];
  for (const port of hangs) {
    const start = performance.now();
    await look(port, { http: {} }, 150);
    const ms = performance.now() - start;
    assert.ok(ms > 140 && ms < 350, `${ms} ms`);
  }
  assert.match(await look(await tcpServer(s => s.resume()), { https: {} }, 150), /timeout/);
  for (let i = 0; i < 50 && openConnections() > 0; i++) await sleep(10);
  assert.equal(openConnections(), 0);
});

test('one target over and over: whatever came of a probe, the next one begins anew', async () => {
  const turns: RequestListener[] = [
    body('ok'),
    body('out', 503),
    (q, _r) => q.socket.destroy(),
    () => {},
    body('x'.repeat(200_000)),
    body('half'),
    (_q, r) => r.writeHead(200, { 'content-length': 10 }).write('half'),
    body('ok'),
  ];
  const seen = new Set<number | undefined>();
  const port = await httpServer((q, r) => {
    seen.add(q.socket.remotePort);
    turns[seen.size - 1](q, r);
  });
  const target = { address: '127.0.0.1', port, check: checkOf({ http: {} }) };
  const said: string[] = [];
  for (const _ of turns)
    said.push(await http(target, AbortSignal.timeout(150)).catch((e: Error) => e.message));
  const late = 'The operation was aborted due to timeout';
  const closed = 'connection closed before the whole answer';
  const ok = 'http 200';
  assert.deepEqual(said, [ok, 'http 503, wanted 200-299', closed, late, ok, ok, late, ok]);
  await closeServers();
  assert.equal(
    await http(target, AbortSignal.timeout(150)).catch((e: Error) => e.message),
    'connect ECONNREFUSED',
  );
});

test('many probes leave no TIME_WAIT behind', async () => {
  const port = await httpServer(body('ok'));
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  // Both ends' addresses. The server's port may have been another test's client port a moment ago: what waited before is not ours.
  const waiting = () =>
    readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .filter(l => l.includes(`:${hex} `) && l.includes(' 06 '))
      .map(l => l.trim().split(/ +/).slice(1, 3).join(' '));
  const before = new Set(waiting());
  for (let i = 0; i < 20; i++) assert.equal(await look(port, { http: {} }), 'http 200');
  assert.deepEqual(
    waiting().filter(pair => !before.has(pair)),
    [],
  );
});

test('plain HTTP behind an https check is said so', async () => {
  const port = await httpServer(body('ok'));
  assert.match(await look(port, { https: { verify: false } }), /^tls: /);
});

const tls = (cert: string) => ({ key: certificates.key, cert });

test('verify: false takes any certificate', async () => {
  const port = await httpsServer(tls(certificates.expired), body('ok'));
  assert.equal(await look(port, { https: { verify: false } }), 'https 200');
});

test('SNI carries the host of the check without its port; an address is never sent', async () => {
  const names: (string | false | undefined)[] = [];
  const port = await httpsServer(tls(certificates.good), (q, r) => {
    names.push((q.socket as unknown as { servername: string | false }).servername);
    r.end();
  });
  for (const host of ['probe.test', 'probe.test:8443', undefined])
    await look(port, { https: { verify: false, ...(host === undefined ? {} : { host }) } });
  assert.deepEqual(names, ['probe.test', 'probe.test', false]);
});

test('faults of certificates are said in words', async () => {
  const cases: [string, object, string][] = [
    [certificates.good, { host: 'probe.test' }, 'https 200'],
    [certificates.good, {}, 'https 200'],
    [certificates.good, { host: 'probe.test:8443', status: [204] }, 'https 200, wanted 204'],
    [certificates.expired, { host: 'probe.test' }, 'certificate has expired'],
    [certificates.early, { host: 'probe.test' }, 'certificate is not valid yet'],
    [certificates.selfSigned, { host: 'probe.test' }, 'certificate is self-signed'],
    [
      certificates.good,
      { host: 'other.test' },
      'certificate is not for «other.test» but for DNS:probe.test, IP Address:127.0.0.1',
    ],
  ];
  const targets = [];
  for (const [cert, https] of cases) targets.push({ port: await httpsServer(tls(cert), body('ok')), https });
  const folder = mkdtempSync(join(tmpdir(), 'gtm-probe-'));
  writeFileSync(join(folder, 'root.pem'), certificates.root);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(import.meta.dirname, 'trusted.js'), JSON.stringify(targets)],
    { env: { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'root.pem') } },
  );
  rmSync(folder, { recursive: true });
  assert.deepEqual(
    stdout.trim().split('\n'),
    cases.map(c => c[2]),
  );
  // Without the root in the trust store:
  const port = targets[0].port;
  assert.equal(
    await look(port, { https: { host: 'probe.test' } }),
    'certificate has an issuer that is not trusted here',
  );
});
