// `gtm lvs save` and `gtm lvs restore`: from the cluster file, from a node, from a file and stdin, and what they end with.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { EXIT } from '../../src/cli/exit.ts';
import { inside, ROOT, start } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'gtm-rules-'));
after(() => rmSync(folder, { recursive: true }));
const RULES = `-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:8080 -m -w 3 -x 100 -y 50
`;
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const GOOD = file('rules.txt', RULES);
const BAD = file('bad.txt', `${RULES}-A -f 7 -s rr\n`);

it('save -c: the services of a node of the cluster file', async () => {
  const { code, out, err } = await inside(['lvs', 'save', '-c', 'zones/gtm.yaml', '--node', 'nyc-1']);
  assert.deepEqual([code, err], [EXIT.ok, '']);
  assert.deepEqual(out.split('\n'), [
    '-A -t 127.2.0.10:8080 -s wrr',
    '-a -t 127.2.0.10:8080 -r 127.2.1.1:9001 -m -w 100',
    '-a -t 127.2.0.10:8080 -r 127.2.1.2:9001 -m -w 100',
    '',
  ]);
});

it('restore: YAML that is a cluster file’s vips; save gives the rules back', async () => {
  const { code, out } = await inside(['lvs', 'restore', GOOD, '--site', 'nyc']);
  assert.equal(code, EXIT.ok);
  assert.equal(
    out,
    `vips:
  vip-192-0-2-10:
    site: nyc
    addresses: [192.0.2.10]
    services:
      - protocol: tcp
        port: 80
        scheduler: wlc
        forward: nat
        thresholds: { upper: 100, lower: 50 }
        real_servers:
          - { address: 10.0.0.1, port: 8080, weight: 3 }
`,
  );
  const sample = readFileSync(join(ROOT, 'zones', 'gtm.yaml'), 'utf8');
  const head = sample.slice(0, sample.indexOf('vips:\n'));
  const config = file('gtm.yaml', `${head}${out}zones: {}\n`);
  const saved = await inside(['lvs', 'save', '-c', config, '--node', 'nyc-1']);
  assert.deepEqual([saved.code, saved.out], [EXIT.ok, RULES]);
});

it('restore from stdin', async () => {
  const child = start(['lvs', 'restore', '-', '--check']);
  // The runner of the commands gives no stdin: an empty one has no rules, and no fault.
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (d: string) => {
    err += d;
  });
  const code = await new Promise(resolve => child.once('close', resolve));
  assert.deepEqual([code, err], [EXIT.ok, 'checked rules: 0 services, 0 servers: no faults\n']);
});

it('what is refused has its place; --check prints no services', async () => {
  const bad = await inside(['lvs', 'restore', BAD]);
  assert.deepEqual([bad.code, bad.out], [EXIT.refused, '']);
  assert.equal(
    bad.err,
    `${BAD}:3:7: error: -f 7: no services by firewall mark here [GTM-R002]\n    3 | -A -f 7 -s rr\n      |       ^\n`,
  );
  const good = await inside(['lvs', 'restore', GOOD, '--check']);
  assert.deepEqual(
    [good.code, good.out, good.err],
    [EXIT.ok, '', 'checked rules: 1 service, 1 server: no faults\n'],
  );
  const body = JSON.parse((await inside(['lvs', 'restore', BAD, '--json'])).out);
  assert.deepEqual([body.ok, body.services, body.diagnostics[0].code], [false, [], 'GTM-R002']);
  assert.equal((await inside(['lvs', 'restore', join(folder, 'none')])).code, EXIT.usage);
  assert.equal((await inside(['lvs', 'restore', GOOD, '--site', 'a b'])).code, EXIT.usage);
});
