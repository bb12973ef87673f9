// One node by itself, as an operator meets it: schedules, reloads by SIGHUP, faults at start, a clean end, a warm start.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { DemoServer } from '../../src/daemon/demo-server.ts';
import { dig, freePort, gtm, member, type Process, run, sample, status, until } from './harness.ts';

let files: ReturnType<typeof sample>;
let node: Process;
let dnsPort: number;
let adminPort: number;
let url: string;
const servers = [
  new DemoServer('web-fra-1', '127.21.1.1', 9001),
  new DemoServer('web-fra-2', '127.21.1.2', 9001),
  new DemoServer('web-nyc-1', '127.22.1.1', 9001),
];

/** Asks the VIP over a connection of `agent`: the name of the real server. */
function ask(agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.21.0.10', port: 8080, agent, timeout: 2000 }, response => {
      response.setEncoding('utf8');
      let text = '';
      response.on('data', d => {
        text += d;
      });
      response.on('end', () => resolve(text));
    });
    request.on('timeout', () => request.destroy(new Error('time-out')));
    request.on('error', reject);
  });
}

const start = async () => {
  node = gtm(['serve', '--node', 'fra-1', '-c', files.config]);
  const up = async () => (await fetch(`${url}/readyz`)).status === 200;
  return until(
    () => up().catch(() => false),
    8000,
    () => `not ready:\n${node.output}`,
  );
};

before(async () => {
  dnsPort = await freePort();
  adminPort = await freePort();
  url = `http://127.0.0.1:${adminPort}`;
  files = sample(y =>
    y
      .replace('127.0.0.1:5300', `127.0.0.1:${dnsPort}`)
      .replace('127.0.0.1:8053', `127.0.0.1:${adminPort}`)
      .replaceAll('ttl: 10s', 'ttl: 1s')
      .replaceAll('127.1.', '127.21.')
      .replaceAll('127.2.', '127.22.')
      // Both directors here: the VIPs of both sites are this node's.
      .replace('web-nyc:\n    site: nyc', 'web-nyc:\n    site: nyc\n    directors: [fra-1]')
      .replace(
        /schedules:[\s\S]*$/,
        'schedules:\n  always: { cron: "* * * * *", for: 2m, vip: web-nyc, weight: 50% }\n  never: { cron: "0 0 29 2 *", for: 1m, site: fra, weight: 0% }\n',
      ),
  );
  await Promise.all(servers.map(s => s.start()));
  await start();
});

after(async () => {
  await node.end();
  await Promise.all(servers.map(s => s.stop()));
  files.remove();
});

test('an active schedule multiplies the weight, one that is not does nothing; half of the real servers are there', async () => {
  // 40 × 50 % by schedule × 50 % of the real servers (web-nyc-2 does not run).
  await until(
    async () => (await member(url, 'api', 'web-nyc')).effective === 10,
    4000,
    () => 'not 10',
  );
  assert.equal((await member(url, 'api', 'web-fra')).effective, 60);
  const { schedules } = await status(url);
  assert.deepEqual(
    schedules.map(s => [s.name, s.active]),
    [
      ['always', true],
      ['never', false],
    ],
  );
  assert.match((await member(url, 'api', 'web-nyc')).why, /always/);
});

test('SIGHUP reloads pools, VIPs and zones together; a fault anywhere keeps all of the old', async () => {
  const yaml = readFileSync(files.config, 'utf8');
  const zone = `${files.dir}/example.com.zone`;
  const text = readFileSync(zone, 'utf8');
  const generation = (await status(url)).generation;

  writeFileSync(files.config, yaml.replace('api: { policy: weighted', 'api: { policy: failover'));
  writeFileSync(zone, `${text}\nnew 10 IN POOL nosuch\n`);
  node.child.kill('SIGHUP');
  await until(
    async () => (await status(url)).config.error !== undefined,
    3000,
    () => 'no fault said',
  );
  assert.match((await status(url)).config.error ?? '', /nosuch/);
  assert.equal((await status(url)).pools.find(p => p.name === 'api')?.policy, 'weighted');
  assert.equal((await status(url)).generation, generation);

  writeFileSync(zone, `${text}\nnew 10 IN POOL api\n`);
  node.child.kill('SIGHUP');
  await until(
    async () => (await status(url)).pools.find(p => p.name === 'api')?.policy === 'failover',
    3000,
    () => 'not applied',
  );
  assert.deepEqual(await dig(dnsPort, 'new.example.com'), ['127.21.0.10']);
  const after = await status(url);
  assert.equal(after.config.error, undefined);
  assert.equal(after.generation, generation + 1);
});

test('a drained VIP takes new connections for one TTL more, then none; open ones go on; ready takes it back', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const open = () => ask(agent);
  const fresh = () =>
    ask(new Agent({ keepAlive: false })).then(
      name => name,
      (e: NodeJS.ErrnoException) => e.code ?? e.message,
    );
  assert.match(await open(), /^web-fra-/);
  const say = (...words: string[]) => run(['vip', ...words, '--reason', 'test', '--url', url]);
  assert.equal((await say('drain', 'web-fra')).code, 0);
  assert.match(await fresh(), /^web-fra-/);
  const refused = async () => ['ECONNREFUSED', 'ECONNRESET'].includes(await fresh());
  const took = await until(refused, 4000, () => 'still accepts', 50);
  assert.ok(took > 300, `refused after ${took} ms`);
  assert.match(await open(), /^web-fra-/);
  assert.equal((await say('ready', 'web-fra')).code, 0);
  await until(
    async () => (await fresh()).startsWith('web-fra-'),
    1000,
    () => 'not taken back',
    50,
  );
  assert.equal((await say('maint', 'web-fra')).code, 0);
  await until(refused, 1000, () => 'maint still accepts', 50);
  assert.match(await open(), /^web-fra-/);
  agent.destroy();
  assert.equal((await say('ready', 'web-fra')).code, 0);
  await until(
    async () => (await fresh()).startsWith('web-fra-'),
    1000,
    () => 'not taken back',
    50,
  );
});

test('a restart is warm: verdicts are taken up, and it answers at once', async () => {
  await node.end();
  const took = await start();
  assert.deepEqual((await dig(dnsPort, 'www.example.com')).sort(), ['127.21.0.10', '127.22.0.10']);
  process.stdout.write(`# ready again after ${took | 0} ms\n`);
});

test('SIGTERM ends it with 0, and quickly', async () => {
  const begun = performance.now();
  assert.equal(await node.end('SIGTERM'), 0);
  assert.ok(performance.now() - begun < 2000);
  await start();
});

test('a port that is taken is named, with what to do, and the exit code is not 0', async () => {
  const other = await freePort();
  const blocker = createServer();
  await new Promise<void>(resolve => blocker.listen(other, '127.0.0.1', resolve));
  const yaml = readFileSync(files.config, 'utf8');
  const second = `${files.dir}/second.yaml`;
  writeFileSync(
    second,
    yaml
      .replace(`127.0.0.1:${dnsPort}`, `127.0.0.1:${other}`)
      .replace(`127.0.0.1:${adminPort}`, `127.0.0.1:${await freePort()}`),
  );
  const { code, stderr } = await run(['serve', '--node', 'fra-1', '-c', second]);
  blocker.close();
  assert.notEqual(code, 0);
  assert.match(stderr, new RegExp(`127\\.0\\.0\\.1:${other}`));
});

test('an unknown node is a usage fault that names the known ones', async () => {
  const { code, stderr } = await run(['serve', '--node', 'fra-2', '-c', files.config]);
  assert.equal(code, 2);
  assert.match(stderr, /fra-1/);
});
