// Every type against the other implementations: NSD, Knot and BIND read our print of a zone that holds them all, and
// what they then say of it, on the wire or as text, is our rdata, octet for octet. And NSD reads the zone as it was written.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import type { RecordList } from '../../src/dns/records.ts';
import { hasErrors } from '../../src/kit/diag.ts';
import { freePort } from '../ports.ts';
import { axfr } from './axfr.ts';
import { differences, EVERY, EVERY_ORIGIN, everyZone, printedFor } from './every-type.ts';
import { parse } from './zonefile-helper.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'types-'));
after(() => rmSync(folder, { recursive: true }));

const { records, diagnostics } = parse(everyZone());

/** What the server sends of the zone, once it serves. */
async function transferred(server: ChildProcess, port: number): Promise<RecordList> {
  try {
    for (let i = 0; i < 200; i++) {
      const found = await axfr(port, EVERY_ORIGIN);
      if (found !== undefined) return found;
      assert.equal(server.exitCode, null, 'the server has ended');
      await new Promise(resolve => setTimeout(resolve, 50));
    }
    return assert.fail('the server does not send the zone');
  } finally {
    server.kill('SIGTERM');
    if (server.exitCode === null) await once(server, 'exit');
  }
}

test('the zone of all types has no fault', () => {
  assert.deepEqual(diagnostics, []);
  assert.equal(records.count, EVERY.length + 3);
});

test('NSD sends our octets', async () => {
  const port = await freePort();
  writeFileSync(join(folder, 'nsd.zone'), printedFor('nsd', records));
  const server = [
    `ip-address: 127.0.0.1@${port}`,
    'server-count: 1',
    'username: ""',
    'chroot: ""',
    'pidfile: ""',
    'database: ""',
    `zonesdir: ${folder}`,
    `logfile: ${folder}/nsd.log`,
    `xfrdfile: ${folder}/xfrd`,
    `zonelistfile: ${folder}/zonelist`,
  ];
  const zone = 'zone:\n  name: example.com\n  zonefile: nsd.zone\n  provide-xfr: 127.0.0.1 NOKEY\n';
  const config = `server:\n  ${server.join('\n  ')}\nremote-control:\n  control-enable: no\n${zone}`;
  writeFileSync(join(folder, 'nsd.conf'), config);
  const nsd = spawn('nsd', ['-d', '-c', join(folder, 'nsd.conf')], { stdio: 'ignore' });
  assert.deepEqual(differences(records, await transferred(nsd, port)), []);
});

test('Knot sends our octets', async () => {
  const port = await freePort();
  writeFileSync(join(folder, 'knot.zone'), printedFor('knot', records));
  for (const name of ['run', 'db']) mkdirSync(join(folder, name));
  const user = process.getuid?.() === 0 ? '\n  user: root' : '';
  const config = `server:
  rundir: ${folder}/run
  listen: 127.0.0.1@${port}${user}
database:
  storage: ${folder}/db
acl:
  - id: local
    address: 127.0.0.1
    action: transfer
template:
  - id: default
    storage: ${folder}
    semantic-checks: off
    acl: local
zone:
  - domain: example.com
    file: knot.zone
`;
  writeFileSync(join(folder, 'knot.conf'), config);
  const knot = spawn('knotd', ['-c', join(folder, 'knot.conf')], { stdio: 'ignore' });
  assert.deepEqual(differences(records, await transferred(knot, port)), []);
});

test('BIND writes what we write', async () => {
  // What BIND will not have in a zone at all: obsolete types, DNSSEC as it was before RFC 4034.
  const gone = new Set(['MD', 'MF', 'NXT', 'SIG']);
  const kept = parse(
    everyZone()
      .split('\n')
      .filter(line => !gone.has(line.split(' ')[1]))
      .join('\n'),
  ).records;
  writeFileSync(join(folder, 'bind.zone'), printedFor('bind', kept));
  const dump = join(folder, 'bind.out');
  await run('named-compilezone', [
    ...['-i', 'none', '-k', 'ignore', '-n', 'ignore', '-r', 'ignore'],
    ...['-o', dump, 'example.com', join(folder, 'bind.zone')],
  ]);
  const theirs = parse(readFileSync(dump));
  assert.equal(hasErrors(theirs.diagnostics), false, theirs.diagnostics[0]?.message);
  assert.deepEqual(differences(kept, theirs.records), []);
});

test('NSD prints what we print, and reads the zone as it was written', async () => {
  const unread = new Set(['HIP', 'NINFO', 'TALINK', 'AMTRELAY', 'RESINFO', 'WALLET', 'TA', 'POOL']);
  const written = everyZone()
    .split('\n')
    .filter(line => !unread.has(line.split(' ')[1]))
    .join('\n');
  writeFileSync(join(folder, 'written'), written);
  const { stdout } = await run('nsd-checkzone', ['-p', 'example.com', join(folder, 'written')], {
    maxBuffer: 1 << 20,
  });
  const theirs = parse(stdout);
  assert.equal(hasErrors(theirs.diagnostics), false, theirs.diagnostics[0]?.message);
  assert.deepEqual(differences(parse(written).records, theirs.records), []);
});
