// The command as a user has it: a child process for each row, its exit code, and parts of stdout and stderr.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type AdminServer, openAdmin } from '../../src/admin/server.ts';
import { COMMANDS } from '../../src/cli/commands.ts';
import { silent } from '../../src/kit/log.ts';
import { FakeNode } from '../admin/fixture.ts';
import { gtm, inside, ROOT, start } from './run.ts';

const node = new FakeNode();
const folder = mkdtempSync(join(tmpdir(), 'gtm-cli-'));
let admin: AdminServer;
let URL_ = '';
const mute = createServer(() => {});
const stranger = createHttp((_, reply) => reply.end('<html>hello</html>'));
const at = (s: { address(): unknown }) => `http://127.0.0.1:${(s.address() as AddressInfo).port}`;

before(async () => {
  admin = await openAdmin({ listen: { address: '127.0.0.1', port: 0 }, node, log: silent });
  URL_ = `http://127.0.0.1:${admin.port}`;
  for (const s of [mute, stranger]) await once(s.listen(0, '127.0.0.1'), 'listening');
  writeFileSync(
    join(folder, 'bad.yaml'),
    'cluster: x\nsites: { a: {}, b: { regoin: eu } }\nnodes: {}\nvips: {}\nzones: {}\n',
  );
});
after(async () => {
  await admin.close();
  mute.close();
  stranger.close();
  rmSync(folder, { recursive: true });
});

type Row = [line: string, code: number, out: RegExp, err: RegExp];
const NONE = /^$/;

/** Rows run two at a time: there are two cores. */
async function runRows(rows: readonly Row[], env: () => Record<string, string>, run = gtm): Promise<void> {
  const left = [...rows];
  const worker = async () => {
    for (let row = left.shift(); row !== undefined; row = left.shift()) {
      const [line, code, out, err] = row;
      const args = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(m => m[1] ?? m[2]);
      const ran = await run(args, env());
      assert.equal(ran.code, code, `gtm ${line}: ${ran.err}${ran.out}`);
      assert.match(ran.out, out, `gtm ${line}`);
      assert.match(ran.err, err, `gtm ${line}`);
    }
  };
  await Promise.all([worker(), worker()]);
}

test('wrong command lines: exit 2, nothing on stdout, and what was meant', () =>
  runRows(
    [
      ['', 2, NONE, /^gtm: a DNS-plus-L4[\s\S]*Commands:/],
      ['statsu', 2, NONE, /unknown command «statsu»; did you mean «status»\?/],
      ['frobnicate', 2, NONE, /unknown command «frobnicate»; see gtm --help/],
      ['vip', 2, NONE, /«vip» needs a verb: drain, ready, maint, weight/],
      ['vip drian web-fra', 2, NONE, /no verb «drian».*did you mean «drain»\?/],
      ['demo stpo web-fra-1', 2, NONE, /«stpo»; did you mean «stop»\?/],
      ['status --jsn', 2, NONE, /unknown flag --jsn; did you mean --json\?/],
      ['status -z', 2, NONE, /unknown flag -z\n/],
      ['status --json=yes', 2, NONE, /--json takes no value/],
      ['status --url', 2, NONE, /--url needs a value: --url URL/],
      ['status --url ftp://x', 2, NONE, /«ftp:\/\/x» is not a URL/],
      ['status --timeout 5', 2, NONE, /--timeout: «5» is not a duration/],
      ['status --tcp', 2, NONE, /status takes no --tcp/],
      ['status more', 2, NONE, /one argument too many: «more»/],
      ['vip drain web-fra', 2, NONE, /vip drain: --reason is missing/],
      ['vip drain --reason x', 2, NONE, /NAME is missing; see gtm vip drain --help/],
      ['vip drain web-fra --reason --for 30m', 2, NONE, /--reason needs a value/],
      ['vip drain web-fra --reason x --for 30', 2, NONE, /--for: «30» is not a duration/],
      ['vip weight web-fra half --reason x', 2, NONE, /«half» is not a percentage/],
      ['vip weight web-fra 2000% --reason x', 2, NONE, /0% to 1000%/],
      ['dig', 2, NONE, /NAME is missing/],
      ['dig @127.0.0.1', 2, NONE, /NAME is missing/],
      ['dig a.example MXX', 2, NONE, /«MXX» is not an RR type; did you mean MX\?/],
      ['dig @127.0.0.1:x a.example', 2, NONE, /is not @ADDRESS:PORT/],
      ['dig a.example --from 192.0.2.1', 2, NONE, /--from .*needs --explain/],
      ['dig a.example --explain --from here', 2, NONE, /«here» is not an IPv4 or IPv6 address/],
      ['dig a.example -c /nonexistent', 2, NONE, /which server\?.*ENOENT/],
      ['dig a.example --node fra-2', 2, NONE, /no node «fra-2»; did you mean «fra-1»\?/],
      [
        'serve --log-level dbug',
        2,
        NONE,
        /«dbug» is none of error, warn, info, debug; did you mean «debug»\?/,
      ],
      ['real-server --name x --listen here', 2, NONE, /«here» is not ADDRESS:PORT/],
      ['help statsu', 2, NONE, /did you mean «status»/],
    ],
    () => ({}),
    inside,
  ));

test('as a process of its own: the same codes and streams', () =>
  runRows(
    [
      ['', 2, NONE, /^gtm: a DNS-plus-L4/],
      ['statsu', 2, NONE, /did you mean «status»/],
      ['--help', 0, /^gtm: a DNS-plus-L4/, NONE],
      ['status --help', 0, /^gtm status \[flags\]/, NONE],
      ['--version', 0, /^gtm \d+\.\d+\.\d+\n$/, NONE],
    ],
    () => ({}),
  ));

test('nobody there, or somebody else: exits 3 and 4, with what to try', () =>
  runRows(
    [
      [
        'status --url http://127.0.0.1:1',
        3,
        NONE,
        /cannot reach http:\/\/127.0.0.1:1 \(.*\); start a node with «gtm demo»/,
      ],
      ['demo stop x --url http://127.0.0.1:1', 3, NONE, /cannot reach/],
      [`status --url ${at(stranger)}`, 3, NONE, /is not a gtm node \(HTTP 200\)/],
      [`status --url ${at(mute)} --timeout 200ms`, 4, NONE, /no reply from .* in 200 ms.*may or may not/],
      [`vip drain web-fra --reason x --url ${at(mute)} --timeout 200ms`, 4, NONE, /look at the node’s log/],
      ['dig @127.0.0.1:1 a.example --timeout 1s', 3, NONE, /no answer from 127.0.0.1:1: .*ECONNREFUSED/],
    ],
    () => ({}),
  ));

test('talking to a node', async () => {
  await runRows(
    [
      ['status', 0, /^fra-1 {2}site fra {2}ready[\s\S]*web-fra-2/, NONE],
      ['status -q', 0, NONE, NONE],
      ['status --json', 0, /^\{"apiVersion":"v1","kind":"NodeStatus".*\}\n$/, NONE],
      [
        'vip drain web-fra --reason "kernel upgrade" --for 30m',
        0,
        /^vip\/web-fra: drain, until 2026-11-22 12:30:00Z \(30m\), by anna: kernel upgrade\n$/,
        /take it back: gtm vip ready web-fra/,
      ],
      ['vip maint web-fra --reason x --by bo', 0, /^vip\/web-fra: maint, by bo: x\n$/, /take it back/],
      ['vip ready web-fra', 0, /^vip\/web-fra: ready, by anna: back in service\n$/, NONE],
      ['vip weight web-fra 50 --reason x', 0, /^vip\/web-fra: weight 50%, by anna: x\n$/, /take it back/],
      [
        'site drain fra --reason x --json',
        0,
        /^\{"apiVersion":"v1","kind":"Override","target":"site\/fra","state":"drain"/,
        NONE,
      ],
      ['site maint fra --reason x -q', 0, NONE, NONE],
      ['vip drain web-fr --reason x', 1, NONE, /no such target: vip\/web-fr/],
      ['vip drain ../status --reason x', 1, NONE, /no such target: vip\/\.\.\/status/],
      [
        'demo stop web-fra-1',
        0,
        /^web-fra-1 at 127.1.1.1:9001 \(site fra\) is stopped\n$/,
        /see what it does: gtm status/,
      ],
      ['demo start web-fra-1 --json', 0, /"kind":"DemoServer".*"running":true/, NONE],
      ['demo stop nobody', 1, NONE, /«nobody»/],
      [
        'dig api.example.com --explain --from 198.51.100.7',
        0,
        /^api.example.com A from 198.51.100.7\n 1 zone {6}example.com, serial 2026112201\n 2 pool api {2}weighted, 1 answer\n 3 answer/,
        NONE,
      ],
      [
        'dig api.example.com --explain --from 198.51.100.7 --json',
        0,
        /^\{"apiVersion":"v1","kind":"DnsAnswer","explanation":\{/,
        NONE,
      ],
    ],
    () => ({ GTM_URL: URL_ }),
  );
  const reasons = node.said.map(o => `${o.target} ${o.state} ${o.weight ?? ''} ${o.for ?? ''}`).sort();
  assert.deepEqual(reasons, [
    'site/fra drain  ',
    'site/fra maint  ',
    'vip/web-fra drain  1800000',
    'vip/web-fra maint  ',
    'vip/web-fra ready  ',
    'vip/web-fra ready 0.5 ',
  ]);
});

test('a node that is not ready: exit 1, so that a health check sees it', async () => {
  node.current = { ...node.current, ready: false };
  await runRows(
    [
      ['status -q', 1, NONE, NONE],
      ['status', 1, /not ready/, NONE],
    ],
    () => ({ GTM_URL: `${URL_}/` }),
  );
  node.current = { ...node.current, ready: true };
});

test('check: faults on stdout, exit 1; the sample has none', () =>
  runRows(
    [
      ['check', 0, /^checked 2 files, 1 zone, \d+ records: no faults\n$/, NONE],
      ['check --strict -q', 0, NONE, NONE],
      [
        'check --json',
        0,
        /^\{"apiVersion":"v1","kind":"CheckReport","ok":true,"counts":\{"files":2,"zones":1,/,
        NONE,
      ],
      [
        `check -c ${folder}/bad.yaml`,
        1,
        /bad\.yaml:2:22: error: .*«regoin»[\s\S]*\^{6}[\s\S]*checked 1 file, 0 zones, 0 records: \d+ error/,
        NONE,
      ],
      [`check -c ${folder}/bad.yaml --json`, 1, /"ok":false.*"line":2,"col":22/, NONE],
      [`check -c ${folder}/none.yaml -q`, 1, NONE, NONE],
    ],
    () => ({}),
  ));

test('help of every command, by flag and by word, on stdout, with its usage, flags and examples', async () => {
  await runRows(
    [
      ['--help', 0, /Global flags:[\s\S]*Exit codes:/, NONE],
      ['help', 0, /Global flags:/, NONE],
      ['vip --help', 0, /gtm vip drain NAME --reason TEXT/, NONE],
      ['help site', 0, /gtm site weight NAME PERCENT/, NONE],
      ['help vip drain', 0, /^gtm vip drain NAME --reason TEXT \[flags\]\n/, NONE],
      ['--version', 0, /^gtm \d+\.\d+\.\d+\n$/, NONE],
      ['--version --json', 0, /"kind":"Version","version":"\d/, NONE],
      ...COMMANDS.map((c): Row => {
        const line = c.path.join(' ');
        return [
          `${line} -h`,
          0,
          new RegExp(`^gtm ${line}[\\s\\S]*Examples:\n {2}gtm ${line}[\\s\\S]*Exit codes:`),
          NONE,
        ];
      }),
    ],
    () => ({}),
    inside,
  );
});

test('--watch goes on until Ctrl-C, one object each time', async () => {
  const child = start(['status', '--watch', '--json'], { GTM_URL: URL_ });
  const [first] = await once(child.stdout, 'data');
  assert.equal(JSON.parse(String(first).split('\n')[0]).kind, 'NodeStatus');
  child.kill('SIGINT');
  const [code] = await once(child, 'close');
  assert.equal(code, 130);
});

test('a reader that has had enough ends it quietly', async () => {
  const child = start(['help', '--markdown']);
  child.stdout.destroy();
  let err = '';
  child.stderr.on('data', d => {
    err += d;
  });
  const [code] = await once(child, 'close');
  assert.equal(code, 0);
  assert.equal(err, '');
});

test('the command’s file begins as the system wants it', async () => {
  const { readFileSync } = await import('node:fs');
  assert.match(readFileSync(join(ROOT, 'dist', 'src', 'main.js'), 'utf8'), /^#!\/usr\/bin\/env node\n/);
});
