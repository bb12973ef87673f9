// gtm zone: check, print, diff and ls, as a user has them: exit codes, stdout, stderr.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type AdminServer, openAdmin } from '../../src/admin/server.ts';
import { silent } from '../../src/kit/log.ts';
import { FakeNode } from '../admin/fixture.ts';
import { gtm, inside, ROOT } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'gtm-zone-'));
const at = (name: string) => join(folder, name);
let admin: AdminServer;
let url = '';

const APEX = '$TTL 60\n@ SOA ns.x. host 1 2 3 4 5\n@ NS ns.x.\n';
const CLUSTER = `
cluster: test
sites: { fra: {} }
nodes: { fra-1: { site: fra, dns: { listen: [127.0.0.1:5300] } } }
vips:
  v: { site: fra, addresses: [192.0.2.1], services: [{ protocol: tcp, port: 80, real_servers: [{ address: 192.0.2.2, port: 80 }] }] }
pools: { web: { policy: weighted, members: [{ vip: v }] } }
zones: { example.com: named.zone, broken.example: broken.zone }
`;

before(async () => {
  admin = await openAdmin({ listen: { address: '127.0.0.1', port: 0 }, node: new FakeNode(), log: silent });
  url = `http://127.0.0.1:${admin.port}`;
  writeFileSync(at('gtm.yaml'), CLUSTER);
  writeFileSync(at('named.zone'), `${APEX}www POOL web\nb A 192.0.2.1\nB TXT x\n$INCLUDE sub/more\n`);
  mkdirSync(at('sub'));
  writeFileSync(at('sub/more'), 'more A 192.0.2.9\n');
  writeFileSync(at('broken.zone'), `${APEX}www A 192.0.2.300\nx POOL wbe\n`);
  writeFileSync(at('example.com.zone'), `${APEX}www POOL web\nb 30 A 192.0.2.1\nb TXT y\nnew A 192.0.2.7\n`);
  writeFileSync(at('warned.example.zone'), `${APEX}a_b A 192.0.2.1\n`);
  writeFileSync(at('away.zone'), `${APEX}$INCLUDE ../../etc/passwd\n`);
});
after(async () => {
  await admin.close();
  rmSync(folder, { recursive: true });
});

const zone = (...args: string[]) => inside(['zone', ...args], { GTM_CONFIG: at('gtm.yaml'), GTM_URL: url });

test('zone check: all zones, a zone by name, a file', async () => {
  const all = await zone('check');
  assert.equal(all.code, 1);
  assert.match(
    all.out,
    /broken\.zone:4:7: error: .*192\.0\.2\.300.*\[GTM-Z012\]\n {4}4 \| www A 192\.0\.2\.300\n/,
  );
  assert.match(all.out, /no pool «wbe»/);
  assert.match(all.out, /checked 2 zones, \d+ records: 2 errors\n$/);

  const named = await zone('check', 'EXAMPLE.com.');
  assert.deepEqual(named, { code: 0, out: 'checked 1 zone, 6 records: no faults\n', err: '' });
  const two = await zone('check', 'example.com', at('broken.zone'));
  assert.deepEqual([two.code, /checked 2 zones/.test(two.out)], [1, true]);

  const file = await zone('check', at('warned.example.zone'));
  assert.match(
    file.out,
    /warning: A at a_b\.warned\.example\..*\nchecked 1 zone.*1 warning|a_b\.warned\.example\./s,
  );
  assert.equal(file.code, 0);
  assert.equal((await zone('check', at('warned.example.zone'), '--strict')).code, 1);
  const as = await zone('check', at('warned.example.zone'), '--origin', 'other.example');
  assert.match(as.out, /a_b\.other\.example\./);
});

test('zone check: JSON, quiet, and what cannot be found', async () => {
  const json = JSON.parse((await zone('check', 'broken.example', '--json')).out);
  assert.deepEqual(
    [json.kind, json.ok, json.counts.zones, json.diagnostics.length],
    ['CheckReport', false, 1, 2],
  );
  assert.deepEqual(await zone('check', 'broken.example', '--quiet'), { code: 1, out: '', err: '' });
  const typo = await zone('check', 'exmaple.com');
  assert.equal(typo.code, 1);
  assert.match(
    typo.err,
    /neither a zone of .*nor a file is named «exmaple\.com»; did you mean «example\.com»\?/,
  );
  const origin = await zone('check', at('away.zone'), '--origin', 'a..b');
  assert.equal(origin.code, 2);
  assert.match(origin.err, /«a\.\.b» is not a zone name: empty label/);
});

test('zone check: a file includes nothing from beyond its folder', async () => {
  const away = await zone('check', at('away.zone'), '--origin', 'example.com');
  assert.equal(away.code, 1);
  assert.match(away.out, /GTM-Z023/);
  assert.ok(!away.out.includes('root:'));
});

test('zone check without a cluster file: pools are not known, and it says so', async () => {
  const none = await inside(['zone', 'check', at('example.com.zone'), '-c', at('none.yaml')]);
  assert.equal(none.code, 0);
  assert.match(none.err, /pools are not known/);
  assert.match(
    (await inside(['zone', 'check', 'x.y', '-c', at('none.yaml')])).err,
    /there is no file x\.y, and no cluster file/,
  );
});

test('zone print: canonical order; what has errors is not printed', async () => {
  const { code, out } = await zone('print', 'example.com');
  assert.equal(code, 0);
  assert.deepEqual(
    out.split('\n').map(l => l.replace(/ +/g, ' ')),
    [
      '$ORIGIN example.com.',
      '@ 60 IN SOA ns.x. host 1 2 3 4 5',
      '@ 60 IN NS ns.x.',
      'b 60 IN A 192.0.2.1',
      'B 60 IN TXT "x"',
      'more 60 IN A 192.0.2.9',
      'www 60 IN POOL web',
      '',
    ],
  );
  const json = JSON.parse((await zone('print', 'example.com', '--json')).out);
  assert.deepEqual(json.records[6 - 1], { name: 'www.example.com.', ttl: 60, type: 'POOL', data: 'web' });
  const bad = await zone('print', 'broken.example');
  assert.deepEqual([bad.code, bad.out], [1, '']);
  assert.match(bad.err, /GTM-Z012/);
});

test('zone print --static: what the node answers now', async () => {
  const { code, out } = await zone('print', 'example.com.', '--static');
  assert.equal(code, 0);
  assert.match(out, /^\$ORIGIN example\.com\.\nwww 10 IN A 127\.1\.0\.10\n/);
  assert.equal(JSON.parse((await zone('print', 'example.com', '--static', '--json')).out).kind, 'StaticZone');
  const none = await zone('print', 'example.net', '--static');
  assert.deepEqual([none.code, none.out], [1, '']);
  assert.match(none.err, /no zone is named «example\.net»/);
  // For other programs it is text.
  const text = await fetch(`${url}/v1/zones/example.com/static`);
  assert.match(text.headers.get('content-type') ?? '', /^text\/plain/);
  assert.match(await text.text(), /^\$ORIGIN/);
});

test('zone diff: created, updated, deleted; exit code 5 where it is asked for', async () => {
  const { code, out } = await zone('diff', 'example.com', at('example.com.zone'));
  assert.equal(code, 0);
  assert.equal(
    out,
    `~ b 60 → 30 A 192.0.2.1
~ b 60 TXT "x" → "y"
- more 60 A 192.0.2.9
+ new 60 A 192.0.2.7
1 created, 2 updated, 1 deleted
`,
  );
  assert.equal((await zone('diff', 'example.com', at('example.com.zone'), '--exit-code')).code, 5);
  assert.equal((await zone('diff', 'example.com', 'example.com', '--exit-code')).code, 0);
  // A file beside a zone is of that zone, whatever its name.
  assert.equal((await zone('diff', at('away.zone'), 'example.com')).code, 1);
  const json = JSON.parse((await zone('diff', at('example.com.zone'), 'example.com', '--json')).out);
  assert.deepEqual(
    [json.kind, json.zone, json.counts],
    ['ZoneDiff', 'example.com.', { created: 1, updated: 2, deleted: 1 }],
  );
  assert.deepEqual(json.changes[0], {
    action: 'updated',
    name: 'b.example.com.',
    type: 'A',
    old: { ttl: 30, data: '192.0.2.1' },
    new: { ttl: 60, data: '192.0.2.1' },
  });
  const other = await zone('diff', at('example.com.zone'), at('warned.example.zone'));
  assert.equal(other.code, 2);
  assert.match(other.err, /are not the same zone; .*--origin/);
});

test('zone ls: the zones of a node', async () => {
  const { code, out } = await zone('ls');
  assert.equal(code, 0);
  assert.match(
    out,
    /^ZONE +SERIAL +RECORDS +FILE\nexample\.com +2026112201 +13 +zones\/example\.com\.zone\n$/,
  );
  assert.equal(JSON.parse((await zone('ls', '--json')).out).kind, 'ZoneList');
});

test('as a command of its own: the sample zone', async () => {
  const ran = await gtm(['zone', 'check', join(ROOT, 'zones/example.com.zone')]);
  assert.deepEqual([ran.code, ran.out], [0, 'checked 1 zone, 13 records: no faults\n']);
});
