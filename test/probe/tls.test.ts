// The tls probe against real servers: handshake, certificate and its end, protocols.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { promisify } from 'node:util';
import { tls } from '../../src/probe/tls.ts';
import * as certificates from './certificates.ts';
import {
  checkOf,
  closedPort,
  closeServers,
  openConnections,
  sleep,
  tcpServer,
  tlsServer,
} from './servers.ts';

afterEach(closeServers);
const { key } = certificates;

async function look(port: number, config: object, timeout = 2000): Promise<string> {
  const target = { address: '127.0.0.1', port, check: checkOf({ tls: config }) };
  return tls(target, AbortSignal.timeout(timeout)).catch((e: Error) => e.message);
}

test('verified: name, chain and dates, in words', async () => {
  const ports = await Promise.all(
    ([certificates.good, certificates.expired, certificates.early, certificates.selfSigned] as const).map(
      cert => tlsServer({ key, cert }),
    ),
  );
  const host = 'probe.test';
  const rows: [number, object, RegExp][] = [
    [ports[0], { host }, /^tls TLSv1\.3, certificate for \d{4,5} days$/],
    [ports[0], { host: 'probe.test:8443' }, /^tls TLSv1\.3, certificate for \d+ days$/],
    [ports[0], {}, /^tls TLSv1\.3, certificate for \d+ days$/],
    [
      ports[0],
      { host: 'other.test' },
      /^certificate is not for «other\.test» but for DNS:probe\.test, IP Address:127\.0\.0\.1$/,
    ],
    [ports[0], { host, min_days: 3650 }, /^tls TLSv1\.3/],
    [ports[1], { host }, /^certificate has expired$/],
    [ports[1], { host, verify: false }, /^certificate has expired, wanted 0 days$/],
    [ports[2], { host }, /^certificate is not valid yet$/],
    [ports[3], { host }, /^certificate is self-signed$/],
    [ports[3], { host, verify: false }, /^tls TLSv1\.3, certificate for \d+ days$/],
  ];
  const folder = mkdtempSync(join(tmpdir(), 'gtm-tls-'));
  const root = join(folder, 'root.pem');
  writeFileSync(root, certificates.root);
  const targets = JSON.stringify(rows.map(([port, check]) => ({ port, tls: check })));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(import.meta.dirname, 'trusted.js'), targets],
    { env: { ...process.env, NODE_EXTRA_CA_CERTS: root }, timeout: 20_000 },
  ).finally(() => rmSync(folder, { recursive: true }));
  const said = stdout.trimEnd().split('\n');
  assert.equal(said.length, rows.length);
  for (const [i, [, check, words]] of rows.entries()) assert.match(said[i], words, JSON.stringify(check));
});

test('without the root the issuer is not trusted', async () => {
  const port = await tlsServer({ key, cert: certificates.good });
  assert.equal(
    await look(port, { host: 'probe.test' }),
    'certificate has an issuer that is not trusted here',
  );
});

test('the days that are left', async () => {
  const port = await tlsServer({ key, cert: certificates.good });
  const left = Math.floor((Date.parse('2120-01-01T00:00:00Z') - Date.now()) / 86_400_000);
  assert.equal(await look(port, { verify: false }), `tls TLSv1.3, certificate for ${left} days`);
  assert.equal(
    await look(await tlsServer({ key, cert: certificates.expired }), { verify: false, min_days: 30 }),
    'certificate has expired, wanted 30 days',
  );
});

test('protocols: one that was offered is agreed on, or there is a fault', async () => {
  const h2 = await tlsServer({ key, cert: certificates.good, ALPNProtocols: ['h2'] });
  const none = await tlsServer({ key, cert: certificates.good });
  const asked = (alpn: string[]) => ({ verify: false, alpn });
  assert.match(await look(h2, asked(['http/1.1', 'h2'])), /^tls TLSv1\.3, h2, certificate for/);
  assert.match(await look(h2, asked(['http/1.1'])), /^tls: .*no application protocol/);
  assert.equal(await look(none, asked(['h2', 'imap'])), 'tls: no protocol agreed on, wanted h2 or imap');
});

test('what is no TLS server', async () => {
  assert.equal(await look(await closedPort(), {}), 'connect ECONNREFUSED');
  assert.equal(await look(await tcpServer(s => s.end('220 hello\r\n')), {}), 'tls: wrong version number');
  assert.equal(await look(await tcpServer(s => s.destroy()), {}), 'tls: closed during the handshake');
});

test('a handshake that hangs is given up by the signal, and leaves nothing open', async () => {
  const port = await tcpServer(s => s.resume());
  assert.match(await look(port, {}, 100), /timeout|aborted/);
  for (let i = 0; i < 50 && openConnections() > 0; i++) await sleep(10);
  assert.equal(openConnections(), 0);
});
