// `gtm events`, `gtm lvs save` and `gtm lvs ls` against a real admin server: once, following, and over a node that goes away and
// comes back.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { type AdminServer, openAdmin } from '../../src/admin/server.ts';
import { silent } from '../../src/kit/log.ts';
import { FakeNode } from '../admin/fixture.ts';
import { inside, start } from './run.ts';

const node = new FakeNode();
let admin: AdminServer;
let env: Record<string, string> = {};

before(async () => {
  for (const [i, subject] of ['vip web-fra', 'vip web-nyc'].entries())
    node.log.push({
      id: i + 1,
      at: `2026-11-22T02:00:0${i}.000Z`,
      kind: 'vip',
      subject,
      message: 'up → down: \u001b[2Jgone',
    });
  admin = await openAdmin({ listen: { address: '127.0.0.1', port: 0 }, node, log: silent });
  env = { GTM_URL: `http://127.0.0.1:${admin.port}` };
});
after(() => admin.close());

function tell(id: number): void {
  const event = { id, at: '2026-11-22T02:00:09.000Z', kind: 'probe', subject: `target ${id}`, message: 'up' };
  node.log.push(event);
  for (const listener of node.listeners) listener(event);
}

test('events: those kept, as lines without control characters, or as JSON', async () => {
  const { code, out } = await inside(['events'], env);
  assert.equal(code, 0);
  assert.equal(
    out,
    '2026-11-22T02:00:00.000Z     1 vip      vip web-fra: up → down:  [2Jgone\n' +
      '2026-11-22T02:00:01.000Z     2 vip      vip web-nyc: up → down:  [2Jgone\n',
  );
  const json = await inside(['events', '--json', '--after', '1'], env);
  assert.deepEqual(
    json.out
      .trimEnd()
      .split('\n')
      .map(l => JSON.parse(l).id),
    [2],
  );
});

test('events: what is wrong', async () => {
  assert.deepEqual(await inside(['events', '--after', 'x'], env), {
    code: 2,
    out: '',
    err: 'gtm: --after: «x» is not the number of an event\n',
  });
  const nobody = { GTM_URL: 'http://127.0.0.1:1' };
  for (const args of [['events'], ['events', '-f']]) assert.equal((await inside(args, nobody)).code, 3);
});

test('events -f: what was, what comes, again after the node was away, and Ctrl-C', {
  timeout: 30_000,
}, async t => {
  const child = start(['events', '-f', '--json'], env);
  t.after(() => child.kill('SIGKILL'));
  const ids: number[] = [];
  let text = '';
  let wake = () => {};
  child.stdout.setEncoding('utf8').on('data', (d: string) => {
    text += d;
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    ids.push(...lines.map(l => (JSON.parse(l) as { id: number }).id));
    wake();
  });
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (d: string) => {
    err += d;
  });
  const seen = async (n: number): Promise<void> => {
    while (ids.length < n)
      await new Promise<void>(resolve => {
        wake = resolve;
      });
  };
  await seen(2);
  tell(3);
  await seen(3);
  const { port } = admin;
  await admin.close();
  tell(4);
  admin = await openAdmin({ listen: { address: '127.0.0.1', port }, node, log: silent });
  await seen(4);
  tell(5);
  await seen(5);
  child.kill('SIGINT');
  const [code] = await once(child, 'close');
  assert.deepEqual([code, ids], [130, [1, 2, 3, 4, 5]]);
  assert.equal(err, 'the stream ended; trying again\n');
});

test('lvs save: the rules of a running node, with the weights of now', async () => {
  const { code, out } = await inside(['lvs', 'save'], env);
  assert.deepEqual(
    [code, out.split('\n')],
    [
      0,
      [
        '-A -t 127.1.0.10:8080 -s wrr',
        '-a -t 127.1.0.10:8080 -r 127.1.1.1:9001 -m -w 100',
        '-a -t 127.1.0.10:8080 -r 127.1.1.2:9001 -m -w 0',
        '',
      ],
    ],
  );
});

test('lvs ls: each table, one at a time, and JSON', async () => {
  const first = async (...args: string[]) => (await inside(['lvs', 'ls', ...args], env)).out.split('\n')[0];
  assert.equal(await first('-n'), 'Prot LocalAddress:Port Scheduler Flags');
  assert.match(await first('--stats'), /Conns {3}InPkts {2}OutPkts {2}InBytes OutBytes$/);
  assert.match(await first('--rate'), /CPS {4}InPPS {3}OutPPS {4}InBPS {3}OutBPS$/);
  assert.equal(await first('--conns', '-n'), 'IPVS connection entries');
  const { code, err } = await inside(['lvs', 'ls', '--stats', '--rate'], env);
  assert.deepEqual([code, err], [2, 'gtm: one of --stats, --rate at a time\n']);
  const services = JSON.parse(await first('--json'));
  assert.deepEqual([services.kind, services.items[0].scheduler], ['ServiceList', 'wrr']);
  const rows = JSON.parse(await first('--json', '--conns'));
  assert.deepEqual([rows.kind, rows.items.length], ['ConnectionList', 3]);
});
