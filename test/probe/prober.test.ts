// The scheduler of probes, with real time and real sockets: on time, never twice at once, silent when removed.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { silent } from '../../src/kit/log.ts';
import { seeded } from '../../src/kit/rng.ts';
import { makeProbes, type Probes } from '../../src/probe/index.ts';
import type { Probe } from '../../src/probe/probe.ts';
import { type ProbeResult, Prober, type ProberOptions, type ProbeTarget } from '../../src/probe/prober.ts';
import { checkOf, closeServers, httpServer, sleep, tcpServer } from './servers.ts';

const clock = { mono: () => performance.now(), wall: () => Date.now() };
const probers: Prober[] = [];
afterEach(async () => {
  for (const p of probers.splice(0)) p.close();
  await closeServers();
});

interface Seen extends ProbeResult {
  id: string;
  at: number;
}

function start(probes: Probes, more: Partial<ProberOptions> = {}): { prober: Prober; seen: Seen[] } {
  const seen: Seen[] = [];
  const onResult = (id: string, result: ProbeResult) => seen.push({ id, at: performance.now(), ...result });
  const prober = new Prober({ probes, clock, rng: seeded(1), log: silent, onResult, ...more });
  probers.push(prober);
  return { prober, seen };
}

/** The registry with this function behind `tcp`. */
const only = (probe: Probe): Probes => ({ ...real, tcp: async () => probe });
const real = makeProbes(() => Promise.reject(new Error('not used')));

const target = (id: string, more: object = {}, port = 1): ProbeTarget => ({
  id,
  address: '127.0.0.1',
  port,
  check: checkOf({ tcp: {}, interval: '100ms', timeout: '50ms', jitter: '0%', ...more }),
});

async function until(condition: () => boolean, what: string, ms = 3000): Promise<void> {
  const limit = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > limit) assert.fail(`${what}: not within ${ms} ms`);
    await sleep(5);
  }
}

test('results come with words and time', async () => {
  const port = await httpServer((_q, r) => r.end());
  const { prober, seen } = start(real);
  prober.set([
    { id: 'a', address: '127.0.0.1', port, check: checkOf({ http: {} }) },
    { id: 'b', address: '127.0.0.1', port, check: checkOf({ http: { status: [204] } }) },
  ]);
  await until(() => seen.some(s => s.id === 'a') && seen.some(s => s.id === 'b'), 'first results');
  const a = seen.find(s => s.id === 'a');
  assert.match(a?.text ?? '', /^http 200 in \d+ ms$/);
  assert.ok(a?.ok && a.ms > 0);
  const b = seen.find(s => s.id === 'b');
  assert.deepEqual([b?.ok, b?.text], [false, 'http 200, wanted 204']);
});

test('a hanging server is reported within timeout + 50 ms', async () => {
  const port = await tcpServer(() => {});
  await (await real.http())(
    { address: '127.0.0.1', port, check: checkOf({ http: {} }) },
    AbortSignal.timeout(10),
  ).catch(() => {});
  const { prober, seen } = start(real);
  prober.set([
    { id: 'a', address: '127.0.0.1', port, check: checkOf({ http: {}, interval: '1s', timeout: '300ms' }) },
  ]);
  await until(() => seen.length > 0, 'a result');
  assert.deepEqual([seen[0].ok, seen[0].text], [false, 'no answer in 300ms']);
  assert.ok(seen[0].ms >= 299 && seen[0].ms < 350, `${seen[0].ms} ms`);
});

test('a probe that does not heed its signal fails in time all the same, and never runs twice at once', async () => {
  let running = 0;
  let most = 0;
  const deaf: Probe = async () => {
    running++;
    most = Math.max(most, running);
    await sleep(400);
    running--;
    return 'late';
  };
  const { prober, seen } = start(only(deaf));
  prober.set([target('a')]);
  await until(() => seen.length >= 8, 'eight results');
  assert.equal(most, 1);
  assert.ok(seen.every(s => !s.ok));
  const texts = new Set(seen.map(s => s.text));
  assert.deepEqual(texts, new Set(['no answer in 50ms', 'the last probe has not ended yet']));
});

test('the next probe comes interval after the start of the last, and a slow one delays its own next only', async () => {
  const starts: Record<string, number[]> = { quick: [], slow: [] };
  const { prober } = start(
    only(async ({ port }) => {
      starts[port === 1 ? 'quick' : 'slow'].push(performance.now());
      await sleep(port === 1 ? 1 : 150);
      return 'ok';
    }),
  );
  prober.set([target('quick'), target('slow', { timeout: '500ms', interval: '100ms' }, 2)]);
  await until(() => starts.quick.length >= 12, 'twelve starts');
  const gaps = (at: number[]) => at.slice(1).map((t, i) => t - at[i]);
  const mean = (all: number[]) => all.reduce((a, b) => a + b, 0) / all.length;
  assert.ok(mean(gaps(starts.quick)) > 97 && mean(gaps(starts.quick)) < 125, `${gaps(starts.quick)}`);
  assert.ok(mean(gaps(starts.slow)) > 147 && mean(gaps(starts.slow)) < 190, `${gaps(starts.slow)}`);
});

test('jitter spreads the intervals from interval to interval × (1 + jitter)', async () => {
  const starts: number[] = [];
  const { prober } = start(
    only(async () => {
      starts.push(performance.now());
      return 'ok';
    }),
  );
  prober.set([target('a', { interval: '50ms', timeout: '40ms', jitter: '100%' })]);
  await until(() => starts.length >= 31, 'thirty gaps', 6000);
  const gaps = starts.slice(1).map((t, i) => t - starts[i]);
  assert.ok(Math.min(...gaps) >= 48, `least ${Math.min(...gaps)}`);
  assert.ok(Math.min(...gaps) < 75 && Math.max(...gaps) > 80, `${Math.min(...gaps)} to ${Math.max(...gaps)}`);
  const mean = gaps.reduce((a, b) => a + b, 0) / gaps.length;
  assert.ok(mean > 60 && mean < 95, `mean ${mean}`);
});

test('first probes are spread over at most 200 ms, second ones over the whole interval', async () => {
  const starts = new Map<number, number[]>();
  const { prober } = start(
    only(async ({ port }) => {
      starts.set(port, [...(starts.get(port) ?? []), performance.now()]);
      return 'ok';
    }),
  );
  const began = performance.now();
  prober.set(Array.from({ length: 40 }, (_, i) => target(`t${i}`, { interval: '1s' }, i + 1)));
  const nth = (n: number) => [...starts.values()].flatMap(s => s[n] ?? []).sort((a, b) => a - b);
  await until(() => nth(1).length === 40, 'two probes of each');
  const [first, second] = [nth(0), nth(1)];
  assert.ok(first[39] - began < 260, `the last after ${first[39] - began} ms`);
  assert.ok(first[39] - first[0] > 100, 'not all at once');
  assert.ok(second[39] - second[0] > 600, 'not in step');
});

test('a removed target is aborted and silent from then on', async () => {
  const aborted: string[] = [];
  const { prober, seen } = start(
    only(({ port }, signal) => {
      signal.addEventListener('abort', () => aborted.push(`${port} ${(signal.reason as Error).message}`));
      return port === 1 ? sleep(30).then(() => 'ok') : new Promise(() => {});
    }),
  );
  prober.set([target('a'), target('b', { timeout: '10s', interval: '11s' }, 2)]);
  await until(() => seen.length > 1, 'results of a');
  prober.set([]);
  const count = seen.length;
  assert.ok(aborted.includes('2 no longer probed'));
  await sleep(250);
  assert.equal(seen.length, count);
});

test('set again: unchanged targets go on undisturbed, changed ones start anew', async () => {
  const starts: number[] = [];
  let aborts = 0;
  const { prober, seen } = start(
    only(async ({ port }, signal) => {
      starts.push(port);
      if (port === 1) signal.addEventListener('abort', () => aborts++);
      await sleep(20);
      return 'ok';
    }),
  );
  prober.set([target('a', {}, 1), target('b', {}, 2)]);
  await until(() => seen.length >= 2, 'first results');
  const before = starts.filter(p => p === 1).length;
  for (let i = 0; i < 20; i++) {
    prober.set([target('a', {}, 1), target('b', { interval: `${60 + i}ms` }, 3)]);
    await sleep(5);
  }
  await until(() => starts.includes(3), 'the changed one');
  // About 100 ms at an interval of 100 ms: one more start, two at most.
  assert.ok(starts.filter(p => p === 1).length - before <= 3);
  assert.equal(aborts, 0);
});

test('100 targets at 50 ms are on time', async () => {
  const port = await tcpServer(socket => socket.resume());
  // Half of them look at a real server; the others show the pace alone.
  const { prober, seen } = start(
    only(async (t, signal) => (t.port === 1 ? sleep(2).then(() => 'ok') : (await real.tcp())(t, signal))),
  );
  const pace = { interval: '50ms', timeout: '49ms' };
  prober.set(Array.from({ length: 100 }, (_, i) => target(`t${i}`, pace, i % 2 === 0 ? port : 1)));
  await sleep(300);
  const began = performance.now();
  const count = seen.length;
  // What a lone timer of this process gets through in the same time: on a full machine that is less than 30 rounds.
  let control = 0;
  const ticker = setInterval(() => control++, 50);
  await sleep(1500);
  clearInterval(ticker);
  const rounds = (performance.now() - began) / 50;
  const each = new Map<string, number>();
  for (const s of seen.slice(count)) each.set(s.id, (each.get(s.id) ?? 0) + 1);
  assert.equal(each.size, 100);
  const turns = [...each.values()];
  assert.ok(Math.max(...turns) <= rounds + 2, `most ${Math.max(...turns)} of ${rounds}`);
  assert.ok(Math.min(...turns) >= control * 0.7, `least ${Math.min(...turns)} of ${control}`);
  assert.ok(Math.max(...turns) - Math.min(...turns) <= 4, 'no target is favoured');
});

test('at most atOnce probes run, and all get their turn', async () => {
  let running = 0;
  let most = 0;
  const { prober, seen } = start(
    only(async () => {
      most = Math.max(most, ++running);
      await sleep(20);
      running--;
      return 'ok';
    }),
    { atOnce: 3 },
  );
  prober.set(Array.from({ length: 20 }, (_, i) => target(`t${i}`, { timeout: '90ms' })));
  await until(() => seen.length >= 60, 'sixty results');
  assert.equal(most, 3);
  const turns = new Map<string, number>();
  for (const s of seen) turns.set(s.id, (turns.get(s.id) ?? 0) + 1);
  assert.equal(turns.size, 20);
  // Jitter may put one before another now and then; nobody is passed over.
  assert.ok(Math.max(...turns.values()) - Math.min(...turns.values()) <= 2, 'first come, first served');
});

test('a process that stood still does not blame its targets', async () => {
  const port = await httpServer((_q, r) => setTimeout(() => r.end(), 20));
  const { prober, seen } = start(real);
  const check = checkOf({ http: {}, interval: '200ms', timeout: '100ms', jitter: '0%' });
  prober.set(Array.from({ length: 10 }, (_, i) => ({ id: `t${i}`, address: '127.0.0.1', port, check })));
  await until(() => seen.length >= 20, 'some rounds');
  for (let i = 0; i < 3; i++) {
    const end = performance.now() + 300;
    while (performance.now() < end);
    await sleep(100);
  }
  assert.deepEqual(
    seen.slice(10).filter(s => !s.ok),
    [],
  );
});

test('a probe that throws, rejects with nothing or cannot be loaded is a failure like any other', async () => {
  const bad: Probe = ({ port }) => {
    if (port === 1) throw new TypeError('thrown');
    return Promise.reject(port === 2 ? undefined : new Error('x'.repeat(1000)));
  };
  const probes = { ...only(bad), dns: () => Promise.reject(new Error('not loaded')) };
  const { prober, seen } = start(probes);
  const dns = { id: 'd', address: '127.0.0.1', port: 4, check: checkOf({ dns: { name: 'x' } }) };
  prober.set([target('a', {}, 1), target('b', {}, 2), target('c', {}, 3), dns]);
  await until(() => ['a', 'b', 'c', 'd'].every(id => seen.some(s => s.id === id)), 'all results');
  const text = (id: string) => seen.find(s => s.id === id)?.text;
  assert.deepEqual(
    [text('a'), text('b'), text('c')?.length, text('d')],
    ['thrown', 'undefined', 301, 'not loaded'],
  );
  assert.ok(seen.every(s => !s.ok));
});

test('a listener that throws is logged and stops nothing', async () => {
  const logged: string[] = [];
  let results = 0;
  const log = { ...silent, error: (_f: object, message: string) => logged.push(message) };
  const onResult = () => {
    results++;
    throw new Error('oops');
  };
  const { prober } = start(
    only(async () => 'ok'),
    { log, onResult },
  );
  prober.set([target('a', { interval: '50ms', timeout: '40ms' })]);
  await until(() => results >= 3, 'three results');
  assert.equal(logged[0], 'probe a: its result was not taken: oops');
});
