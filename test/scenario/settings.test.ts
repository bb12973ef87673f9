// How a node answers is changed by a reload: cookie secrets are rolled over (RFC 9018 §5), NSID, CHAOS names and rate limits
// come and go, for UDP and TCP; what waits for the next start is named.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { command, freePort, gtm } from './harness.ts';

const OLD = '445536bcd2513298075a5d379663c962';
const NEW = 'e5e973e5a6b2a43f48e7dc849e37bfcf';
const CLIENT = '2464c4abcf10c957';

test('settings of answering are reloaded: cookie secrets are rolled, others come and go', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'gtm-settings-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const [port, admin] = [await freePort(), await freePort()];
  const config = join(dir, 'gtm.yaml');
  const write = (dns: string, workers = 1) =>
    writeFileSync(
      config,
      `cluster: c
state_dir: ${dir}/state
sites: { fra: {} }
nodes:
  fra-1:
    site: fra
    dns: { listen: ['127.0.0.1:${port}'], workers: ${workers}, ${dns} }
    admin: { listen: '127.0.0.1:${admin}' }
vips: {}
pools: {}
zones: { example.com: example.com.zone }
`,
    );
  writeFileSync(
    join(dir, 'example.com.zone'),
    '$TTL 60\n@ SOA ns h 1 1h 1h 1d 60\n@ NS ns\nns A 192.0.2.1\n',
  );
  const cookies = (...secrets: string[]) => `cookies: { secrets: [${secrets.join(', ')}], require: true }`;
  write(cookies(OLD));
  const node = gtm(['serve', '-c', config]);
  t.after(() => node.end());
  await node.says(/ready: generation 1/, 30_000);

  const reload = async () => {
    const response = await fetch(`http://127.0.0.1:${admin}/v1/reload`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return text;
  };
  const ask = async (...more: string[]) => {
    const fixed = ['@127.0.0.1', '-p', `${port}`, '+tries=1', '+time=2', '+nobadcookie', '+norecurse'];
    const { stdout } = await command('dig', [...fixed, ...more]);
    return {
      status: /status: (\w+)/.exec(stdout)?.[1],
      cookie: /; COOKIE: (\w+)/.exec(stdout)?.[1] ?? '',
      text: stdout,
    };
  };
  const about = ['ns.example.com', 'A'];

  const { status, cookie: old } = await ask(`+cookie=${CLIENT}`, ...about);
  assert.equal(status, 'BADCOOKIE');
  assert.equal((await ask(`+cookie=${old}`, ...about)).status, 'NOERROR');

  // The new one first: it makes cookies, and the old one still verifies.
  write(cookies(NEW, OLD));
  await reload();
  for (const way of [['+notcp'], ['+tcp']]) {
    const second = await ask(...way, `+cookie=${old}`, ...about);
    assert.equal(second.status, 'NOERROR', way[0]);
    assert.notEqual(second.cookie.slice(16), old.slice(16), 'made with the new secret');
    assert.equal((await ask(`+cookie=${second.cookie}`, ...about)).status, 'NOERROR');
  }
  const { cookie: fresh } = await ask(`+cookie=${old}`, ...about);

  // The old one is gone.
  write(cookies(NEW));
  await reload();
  assert.equal((await ask(`+cookie=${old}`, ...about)).status, 'BADCOOKIE');
  assert.equal((await ask(`+cookie=${fresh}`, ...about)).status, 'NOERROR');
  assert.ok(!node.output.includes(OLD) && !node.output.includes(NEW), 'no secret in the log');

  // Others, and one that waits for the next start.
  write('nsid: fra-1a, chaos: { version: none }, rrl: { errors_per_second: 1, slip: 0 }', 2);
  const said = await reload();
  assert.match(said, /update nodes\.fra-1\.dns\.workers: 1 → 2 \(at the next start\)/);
  assert.match(said, /create nodes\.fra-1\.dns\.nsid: - → fra-1a"/);
  assert.match(node.output, /generation 4 serves: .*nsid.*; at the next start: nodes\.fra-1\.dns\.workers/);
  for (const way of ['+notcp', '+tcp'])
    assert.match((await ask(way, '+nsid', ...about)).text, /NSID: 66 72 61 2d 31 61/);
  assert.match((await ask('CH', 'TXT', 'version.bind')).text, /"none"/);
  const refused = await Promise.all(Array.from({ length: 5 }, () => ask('elsewhere.test', 'A')));
  assert.ok(
    refused.some(r => r.status === undefined),
    'errors are limited',
  );

  // The made-up secret goes on over reloads.
  const { cookie: made } = await ask(`+cookie=${CLIENT}`, ...about);
  write('cookies: { require: true }', 2);
  await reload();
  assert.equal((await ask(`+cookie=${made}`, ...about)).status, 'NOERROR');
  assert.doesNotMatch((await ask('+nsid', `+cookie=${made}`, ...about)).text, /NSID/);
});
