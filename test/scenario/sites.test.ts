// Two sites as two processes, each with a real Redis, and real servers that are processes of their own: what dies, is
// cut off or comes back, and what the other site's DNS answers then.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { dig, freePort, gtm, member, Process, run, sample, status, until } from './harness.ts';

const SECRET = 'a secret of two sites that is long enough';
const env = { GTM_SECRET: SECRET };
let files: ReturnType<typeof sample>;
let ports: Record<'fraDns' | 'nycDns' | 'fraAdmin' | 'nycAdmin' | 'redisA' | 'redisB', number>;
let redisA: Process;
let redisB: Process;
let fra: Process;
let nyc: Process;
const servers: Record<string, Process> = {};
const url = (site: 'fra' | 'nyc') => `http://127.0.0.1:${site === 'fra' ? ports.fraAdmin : ports.nycAdmin}`;

function redis(port: number): Process {
  const dir = `${files.dir}/redis-${port}`;
  mkdirSync(dir, { recursive: true });
  const quiet = ['--save', '', '--appendonly', 'no', '--bind', '127.0.0.1', '--dir', dir];
  return new Process('redis-server', ['--port', String(port), ...quiet]);
}

function realServer(name: string, listen: string): Process {
  const p = gtm(['real-server', '--name', name, '--listen', listen]);
  servers[name] = p;
  return p;
}

before(async () => {
  ports = {
    fraDns: await freePort(),
    nycDns: await freePort(),
    fraAdmin: await freePort(),
    nycAdmin: await freePort(),
    redisA: await freePort(),
    redisB: await freePort(),
  };
  files = sample(y =>
    y
      .replace(
        '{ redis: [] }',
        `{ redis: ["redis://127.0.0.1:${ports.redisA}", "redis://127.0.0.1:${ports.redisB}"], secret: "\${env:GTM_SECRET}" }`,
      )
      .replace('127.0.0.1:5300', `127.0.0.1:${ports.fraDns}`)
      .replace('127.0.0.1:5301', `127.0.0.1:${ports.nycDns}`)
      .replace('127.0.0.1:8053', `127.0.0.1:${ports.fraAdmin}`)
      .replace('127.0.0.1:8054', `127.0.0.1:${ports.nycAdmin}`)
      .replaceAll('127.1.', '127.11.')
      .replaceAll('127.2.', '127.12.'),
  );
  redisA = redis(ports.redisA);
  redisB = redis(ports.redisB);
  await Promise.all([redisA.says(/ready to accept/i), redisB.says(/ready to accept/i)]);
  realServer('web-fra-1', '127.11.1.1:9001');
  realServer('web-fra-2', '127.11.1.2:9001');
  realServer('web-nyc-1', '127.12.1.1:9001');
  realServer('web-nyc-2', '127.12.1.2:9001');
  await Promise.all(Object.values(servers).map(s => s.says(/listens/)));
  fra = gtm(['serve', '--node', 'fra-1', '-c', files.config], { env });
  nyc = gtm(['serve', '--node', 'nyc-1', '-c', files.config], { env });
  for (const site of ['fra', 'nyc'] as const) {
    const up = async () => (await fetch(`${url(site)}/readyz`)).status === 200;
    await until(
      () => up().catch(() => false),
      8000,
      () => `${site} is not ready:\n${fra.output}\n${nyc.output}`,
    );
  }
  await until(
    async () => (await member(url('nyc'), 'api', 'web-fra')).effective === 60,
    5000,
    () => 'no report from fra',
  );
});

after(async () => {
  for (const p of [fra, nyc, ...Object.values(servers)]) await p?.end();
  for (const p of [redisA, redisB]) await p?.end('SIGKILL');
  files.remove();
});

const answeredAt = async (port: number) => (await dig(port, 'www.example.com')).sort().join(' ');
const BOTH = '127.11.0.10 127.12.0.10';
const NYC_ONLY = '127.12.0.10';

test('a real server dies at one site: the other site changes its answer within 500 ms of the verdict', async () => {
  assert.equal(await answeredAt(ports.nycDns), BOTH);
  await servers['web-fra-1'].end('SIGKILL');
  await servers['web-fra-2'].end('SIGKILL');
  const own = async () => (await status(url('fra'))).vips.find(v => v.name === 'web-fra')?.capacity === 0;
  await until(own, 4000, () => 'no verdict at fra', 5);
  const took = await until(
    async () => (await answeredAt(ports.nycDns)) === NYC_ONLY,
    500,
    () => 'nyc still answers fra',
    5,
  );
  process.stdout.write(`# nyc followed ${took | 0} ms after fra's verdict was seen\n`);
  await Promise.all([
    realServer('web-fra-1', '127.11.1.1:9001').says(/listens/),
    realServer('web-fra-2', '127.11.1.2:9001').says(/listens/),
  ]);
  await until(
    async () => (await answeredAt(ports.nycDns)) === BOTH,
    5000,
    () => 'fra did not come back at nyc',
  );
});

test('either Redis is killed: nothing changes, and news still travels', async () => {
  for (const which of ['A', 'B'] as const) {
    const victim = which === 'A' ? redisA : redisB;
    await victim.end('SIGKILL');
    await until(
      async () => (await status(url('nyc'))).coordinator.mode === 'degraded',
      3000,
      () => 'not degraded',
    );
    assert.equal(await answeredAt(ports.nycDns), BOTH);
    assert.equal(
      (await run(['vip', 'weight', 'web-fra', '50%', '--reason', `without ${which}`, '--url', url('fra')]))
        .code,
      0,
    );
    await until(
      async () => (await member(url('nyc'), 'api', 'web-fra')).effective === 30,
      1500,
      () => 'no news',
    );
    assert.equal((await run(['vip', 'ready', 'web-fra', '--reason', 'on', '--url', url('fra')])).code, 0);
    await until(
      async () => (await member(url('nyc'), 'api', 'web-fra')).effective === 60,
      1500,
      () => 'no news',
    );
    if (which === 'A') redisA = redis(ports.redisA);
    else redisB = redis(ports.redisB);
    await until(
      async () => (await status(url('nyc'))).coordinator.mode === 'connected',
      5000,
      () => 'not connected again',
    );
  }
});

test('both are killed: each goes on from what it knows and says so; they are back: it converges without a restart', async () => {
  await redisA.end('SIGKILL');
  await redisB.end('SIGKILL');
  await until(
    async () => (await status(url('nyc'))).coordinator.mode === 'cut-off',
    3000,
    () => 'not cut off',
  );
  // Past the lifetime of the records: fra's report is expired at nyc, and its VIP is still seen to answer.
  await until(
    async () => (await status(url('nyc'))).peers.every(p => !p.fresh),
    8000,
    () => 'peers still fresh',
  );
  assert.equal(await answeredAt(ports.nycDns), BOTH);
  const { stdout } = await run(['status', '--url', url('nyc')]);
  assert.match(stdout, /cut-off/);
  assert.ok((await member(url('nyc'), 'api', 'web-fra')).stale);

  // What nyc sees by itself still counts: the real servers of fra die, and its own probes of the VIP tell.
  await servers['web-fra-1'].end('SIGKILL');
  await servers['web-fra-2'].end('SIGKILL');
  await until(
    async () => (await answeredAt(ports.nycDns)) === NYC_ONLY,
    6000,
    () => 'nyc does not see it by itself',
  );
  await Promise.all([
    realServer('web-fra-1', '127.11.1.1:9001').says(/listens/),
    realServer('web-fra-2', '127.11.1.2:9001').says(/listens/),
  ]);

  redisA = redis(ports.redisA);
  redisB = redis(ports.redisB);
  await until(
    async () => (await status(url('nyc'))).coordinator.mode === 'connected',
    6000,
    () => 'not connected again',
  );
  await until(
    async () => (await status(url('nyc'))).peers.every(p => p.fresh),
    3000,
    () => 'peers not fresh again',
  );
  await until(
    async () => (await answeredAt(ports.nycDns)) === BOTH,
    5000,
    () => 'fra is not back',
  );
});

test('an override outlives the node that said it', async () => {
  assert.equal(
    (await run(['vip', 'drain', 'web-nyc', '--reason', 'rack work', '--url', url('fra')])).code,
    0,
  );
  await until(
    async () => (await answeredAt(ports.nycDns)) === '127.11.0.10',
    1500,
    () => 'not drained at nyc',
  );
  await fra.end();
  fra = gtm(['serve', '--node', 'fra-1', '-c', files.config], { env });
  await until(
    async () => (await answeredAt(ports.fraDns).catch(() => '')) === '127.11.0.10',
    8000,
    () => `fra: ${fra.output}`,
  );
  assert.equal((await run(['vip', 'ready', 'web-nyc', '--reason', 'done', '--url', url('nyc')])).code, 0);
  await until(
    async () => (await answeredAt(ports.fraDns)) === BOTH,
    1500,
    () => 'not back at fra',
  );
});

test('a forged and an oversized record are dropped, counted and named', async () => {
  const { execFileSync } = await import('node:child_process');
  const cli = (args: string[], input = '') =>
    execFileSync('redis-cli', ['-p', String(ports.redisA), ...args], { encoding: 'utf8', input });
  const keys = cli(['--scan', '--pattern', '*']).split('\n').filter(Boolean);
  const key = keys.find(k => k.includes('fra-1') && cli(['type', k]).trim() === 'hash');
  assert.ok(key, `no record of fra-1 among ${keys.join(' ')}`);
  const before = (await status(url('nyc'))).coordinator.drops;
  // Whoever can write to Redis but has no secret. The node's next heartbeat mends its record, so the lie is told again
  // and again until a reader has met it, so closely that one who reads right behind the heartbeat meets it too.
  const lie = (field: string, text: string) =>
    cli(['-r', '150', '-i', '0.002', '-x', 'hset', key, field], text);
  const drops = async () => (await status(url('nyc'))).coordinator.drops;
  const forged = async () => {
    for (const field of ['body', 'mac']) lie(field, '9'.repeat(12));
    return (await drops()).forged + (await drops()).malformed > before.forged + before.malformed;
  };
  await until(forged, 6000, () => 'forged not counted', 100);
  const oversized = async () => {
    lie('body', 'x'.repeat(300_000));
    return (await drops()).oversized > before.oversized;
  };
  await until(oversized, 6000, () => 'oversized not counted', 100);
  assert.match((await status(url('nyc'))).coordinator.lastDrop ?? '', /fra-1/);
  assert.equal(await answeredAt(ports.nycDns), BOTH);
});
