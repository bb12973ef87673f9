// The sample cluster as the README shows it: one command, then real servers stop and start, and the answers follow.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import {
  command,
  dig,
  digFull,
  gtm,
  member,
  type Process,
  run,
  sample,
  shares,
  status,
  until,
} from './harness.ts';
import { holdReadme } from './readme.ts';

const FRA = 'http://127.0.0.1:8053';
const NYC = 'http://127.0.0.1:8054';
// The sample's checks: fall (or rise) × (interval + jitter) + time-out + 500 ms.
const BOUND = 2 * 1100 + 500 + 500;

let demo: Process;
let files: ReturnType<typeof sample>;
let startup = 0;

before(async () => {
  files = sample();
  const start = performance.now();
  demo = gtm(['demo', '-c', files.config]);
  await demo.says(/try/i, 10_000);
  startup = performance.now() - start;
});

after(async () => {
  await demo.end();
  files.remove();
});

test('it is up within 5 s and says what is up and three commands to try', () => {
  assert.ok(startup < 5000, `took ${startup} ms`);
  for (const text of [
    '127.0.0.1:5300',
    '127.0.0.1:5301',
    '127.1.0.10:8080',
    '127.2.0.10:8080',
    '127.0.0.1:8053',
    '127.0.0.1:8054',
  ]) {
    assert.ok(demo.output.includes(text), `${text} is missing in:\n${demo.output}`);
  }
  for (const text of ['dig @127.0.0.1 -p 5300', 'curl http://127.1.0.10:8080/', 'demo stop web-fra-1']) {
    assert.ok(demo.output.includes(text), `${text} is missing in:\n${demo.output}`);
  }
});

test('the README shows what it prints at its start', () => {
  const said = demo.output.slice(demo.output.indexOf('Switchyard is up'));
  holdReadme('demo', said, files.dir);
});

test('www answers both VIPs, with a TTL of 10 at most, on either site, over UDP and TCP', async () => {
  for (const port of [5300, 5301]) {
    for (const more of [[], ['+tcp']]) {
      const text = await digFull(port, 'www.example.com', 'A', more);
      assert.match(text, /status: NOERROR/);
      assert.match(text, /flags: qr aa/);
      const rows = [...text.matchAll(/^www\.example\.com\.\s+(\d+)\s+IN\s+A\s+(\S+)$/gm)];
      assert.deepEqual(rows.map(r => r[2]).sort(), ['127.1.0.10', '127.2.0.10']);
      for (const r of rows) assert.ok(Number(r[1]) <= 10);
    }
  }
});

test('api answers one VIP, by weight', async () => {
  const seen = await shares(5300, 'api.example.com', 200);
  // 60 : 40 of 200; four standard deviations are 28.
  assert.equal(seen['127.1.0.10'] + seen['127.2.0.10'], 200);
  assert.ok(Math.abs(seen['127.1.0.10'] - 120) < 28, JSON.stringify(seen));
});

test('names that are aliases, or under a wildcard, end at the pool as well', async () => {
  for (const name of ['shop.example.com', 'x.y.apps.example.com']) {
    const answer = await dig(5300, name);
    assert.equal(answer[0], 'www.example.com.');
    assert.equal(answer.length, 3);
  }
});

test('curl through the VIP names the real server that answered, both in turn', async () => {
  const names = new Set<string>();
  for (let i = 0; i < 6; i++) {
    const { stdout, code } = await command('curl', ['-s', '--max-time', '3', 'http://127.1.0.10:8080/']);
    assert.equal(code, 0);
    names.add(stdout.split(' ')[0]);
  }
  assert.deepEqual([...names].sort(), ['web-fra-1', 'web-fra-2']);
});

test('2,000 connections are open at once through the sample without an error', async () => {
  const faults: string[] = [];
  const sockets = Array.from({ length: 2000 }, () => {
    const socket = connect({ host: '127.1.0.10', port: 8080 });
    socket.on('error', e => faults.push(e.message));
    return socket;
  });
  await Promise.all(sockets.map(s => once(s, 'connect')));
  const heads = sockets.map(
    s =>
      new Promise<string>(resolve => {
        s.once('data', d => resolve(d.toString('latin1', 0, 15)));
        s.once('close', () => resolve('closed'));
      }),
  );
  // Asked only once all are open, so that they are open together.
  for (const s of sockets) s.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const seen = await Promise.all(heads);
  for (const s of sockets) s.destroy();
  assert.deepEqual(faults, []);
  assert.equal(seen.filter(h => h === 'HTTP/1.1 200 OK').length, 2000);
});

test('a stopped real server halves its site; both stopped take the VIP out; started, it comes back: each in time', async () => {
  const weight = async () => (await member(FRA, 'api', 'web-fra')).effective;
  const there = async () => (await dig(5300, 'www.example.com')).includes('127.1.0.10');
  assert.equal(await weight(), 60);

  assert.equal((await run(['demo', 'stop', 'web-fra-1'])).code, 0);
  const halved = await until(
    async () => (await weight()) === 30,
    BOUND,
    () => 'the weight was not halved',
  );
  const { stdout } = await run(['status']);
  assert.match(stdout, /web-fra\s+.*\b30\b/);
  holdReadme('status', stdout, files.dir);
  // 30 : 40 of 200 is 86; four standard deviations are 28.
  const seen = await shares(5300, 'api.example.com', 200);
  assert.ok(Math.abs(seen['127.1.0.10'] - 86) < 28, JSON.stringify(seen));

  assert.equal((await run(['demo', 'stop', 'web-fra-2'])).code, 0);
  const gone = await until(
    async () => !(await there()),
    BOUND,
    () => 'the VIP is still answered',
  );
  assert.deepEqual(await dig(5300, 'api.example.com'), ['127.2.0.10']);
  await until(
    async () => !(await dig(5301, 'www.example.com')).includes('127.1.0.10'),
    500,
    () => 'nyc still answers it',
  );

  assert.equal((await run(['demo', 'start', 'web-fra-1'])).code, 0);
  assert.equal((await run(['demo', 'start', 'web-fra-2'])).code, 0);
  const back = await until(
    async () => (await weight()) === 60 && (await there()),
    BOUND,
    () => 'it did not come back',
  );
  process.stdout.write(
    `# halved after ${halved | 0} ms, gone after ${gone | 0} ms, back after ${back | 0} ms (bound ${BOUND} ms)\n`,
  );
});

test('a drained VIP leaves the answers at both sites, says who and why, and comes back', async () => {
  const drained = await run([
    'vip',
    'drain',
    'web-nyc',
    '--reason',
    'kernel upgrade',
    '--for',
    '10m',
    '--by',
    'anna',
  ]);
  assert.equal(drained.code, 0, drained.stderr);
  for (const port of [5300, 5301]) {
    await until(
      async () => !(await dig(port, 'www.example.com')).includes('127.2.0.10'),
      1000,
      () => 'still answered',
    );
  }
  const m = await member(NYC, 'web', 'web-nyc');
  assert.equal(m.state, 'drain');
  assert.equal(m.real, 'up');
  assert.match(m.why, /anna/);
  assert.match(m.why, /kernel upgrade/);
  assert.equal((await run(['vip', 'ready', 'web-nyc', '--reason', 'done'])).code, 0);
  await until(
    async () => (await dig(5301, 'www.example.com')).includes('127.2.0.10'),
    1000,
    () => 'not back',
  );
});

test('a weight of 50% is seen in the effective weight until it is taken back', async () => {
  assert.equal((await run(['vip', 'weight', 'web-fra', '50%', '--reason', 'canary'])).code, 0);
  await until(
    async () => (await member(NYC, 'api', 'web-fra')).effective === 30,
    1000,
    () => 'not 30',
  );
  assert.equal((await run(['vip', 'ready', 'web-fra', '--reason', 'done'])).code, 0);
  await until(
    async () => (await member(NYC, 'api', 'web-fra')).effective === 60,
    1000,
    () => 'not 60',
  );
});

test('dig --explain tells zone, pool, members and pick', async () => {
  const { stdout, code } = await run(['dig', 'www.example.com', '--explain']);
  assert.equal(code, 0);
  for (const word of ['example.com', 'pool', 'weighted', 'web-fra', 'web-nyc'])
    assert.ok(stdout.includes(word), stdout);
});

test('a changed file reloads everything or nothing; a fault keeps the old answers and is said', async () => {
  const { readFileSync, writeFileSync } = await import('node:fs');
  const zone = `${files.dir}/example.com.zone`;
  const old = readFileSync(zone, 'utf8');
  writeFileSync(zone, old.replace('192.0.2.25', '192.0.2.26'));
  await until(
    async () => (await dig(5300, 'mail.example.com'))[0] === '192.0.2.26',
    3000,
    () => 'not reloaded',
  );
  writeFileSync(zone, old.replace('192.0.2.25', '192.0.2.300'));
  await until(
    async () => (await status(FRA)).config.error !== undefined,
    3000,
    () => 'the fault is not said',
  );
  assert.match((await status(FRA)).config.error ?? '', /example\.com\.zone:\d+:\d+: error/);
  assert.deepEqual(await dig(5300, 'mail.example.com'), ['192.0.2.26']);
  writeFileSync(zone, old);
  await until(
    async () => (await dig(5300, 'mail.example.com'))[0] === '192.0.2.25',
    3000,
    () => 'not mended',
  );
  demo.child.kill('SIGHUP');
  await until(
    async () => (await status(FRA)).config.error === undefined,
    3000,
    () => 'the fault is still said',
  );
});

test('the page, the metrics and the health paths answer at both nodes', async () => {
  for (const url of [FRA, NYC]) {
    const get = async (path: string) => {
      const response = await fetch(url + path);
      return { status: response.status, text: await response.text() };
    };
    assert.equal((await get('/livez')).status, 200);
    assert.equal((await get('/readyz')).status, 200);
    const page = await get('/');
    assert.equal(page.status, 200);
    assert.match(page.text, /web-fra/);
    const metrics = await get('/metrics');
    assert.equal(metrics.status, 200);
    assert.match(metrics.text, /^gtm_dns_queries_total\{.*rcode="noerror".*\} [1-9]/m);
    assert.match(metrics.text, /^gtm_member_effective_weight\{.*member="web-fra".*\} 60$/m);
    assert.ok(metrics.text.endsWith('# EOF\n'));
  }
});

test('gtm check names all faults of the cluster file and its zones in one run, as the README shows', async () => {
  const { readFileSync, writeFileSync } = await import('node:fs');
  const broken = sample(y =>
    y
      .replace('all_down: all, members: [{ vip: web-fra', 'al_down: all, members: [{ vip: web-fre')
      .replace('timeout: 500ms', 'timeout: 2s'),
  );
  const zone = `${broken.dir}/example.com.zone`;
  writeFileSync(
    zone,
    readFileSync(zone, 'utf8').replace('192.0.2.25', '192.0.2.300').replace('POOL api', 'POOL apy'),
  );
  const { code, stdout, stderr } = await run(['check', '-c', broken.config]);
  broken.remove();
  assert.equal(code, 1);
  holdReadme('check', stdout + stderr, broken.dir);
});
