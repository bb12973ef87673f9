// A running answer worker under attack, over UDP and over TCP, with a client that behaves in a process of its own.
// What is held: no fault, no restart, nothing in the log, no reply that may not be, bounded memory, and that client served:
// its p99 is at most twice what it is beside a harmless load of the same rate, the machine's own delays taken off.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { after, afterEach, before, test } from 'node:test';
import { Answers, type AnswersOptions } from '../../src/daemon/answers.ts';
import { shareSettings } from '../../src/dns/settings.ts';
import type { Log } from '../../src/kit/log.ts';
import { generation } from '../net/generations.ts';

interface Attack {
  sent: number;
  replies: number;
  wrong: string[];
}

interface Control {
  asked: number;
  lost: number;
  cut: number;
  /** Milliseconds, as it came and without what the machine added. */
  p99: number;
  own: number;
}

const ROUNDS = 3;
const ROUND_MS = 700;
/** What is left of the machine's own delays, ms. */
const NOISE = 0.25;
const ATTEMPTS = 5;
const MEMORY = 96 << 20;

const zone = generation(1, '192.0.2');
const running: Answers[] = [];
let echo: ChildProcess;
let echoPort: number;
before(async () => {
  echo = spawn(process.execPath, [join(import.meta.dirname, 'echo.js')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(echo.stdout as Readable, 'data')) as [Buffer];
  echoPort = Number(line);
});
after(() => echo.kill());
afterEach(async () => {
  for (const a of running.splice(0)) await a.close();
});

async function start(io: 'auto' | 'dgram'): Promise<{ answers: Answers; port: number; told: string[] }> {
  const told: string[] = [];
  const tell = (_: object, text: string) => void told.push(text);
  const log: Log = { error: tell, warn: tell, info: () => {}, debug: () => {} };
  const options: AnswersOptions = {
    listen: [{ address: '127.0.0.1', port: 0 }],
    io,
    tcp: { connections: 60, perSource: 50, idle: 500 },
    udpSize: 1232,
    settings: shareSettings(
      { ecs: true, nsid: 'n', chaos: { version: 'v' }, tcp_idle: 1000 },
      new Uint8Array(20),
    ),
    snapshot: zone.snapshot,
    state: zone.state,
    log,
    onFault: why => void told.push(why),
  };
  const answers = await Answers.start(options);
  running.push(answers);
  return { answers, port: answers.endpoints()[0].port, told };
}

async function child<T>(script: string, ...args: (string | number)[]): Promise<T> {
  const file = join(import.meta.dirname, `${script}.js`);
  const process_ = spawn(process.execPath, [file, ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  process_.stdout.on('data', chunk => {
    output += chunk;
  });
  await once(process_, 'close');
  return JSON.parse(output) as T;
}

type Transport = 'udp' | 'tcp';
/** Messages, and connections, a millisecond. */
const RATE = { udp: 4, tcp: 0.3 };

async function round(
  port: number,
  transport: Transport,
  kind: string,
  seed: number,
): Promise<[Control, Attack]> {
  const attack = child<Attack>(`${transport}-attacker`, port, ROUND_MS + 300, RATE[transport], kind, seed);
  const control = child<Control>('control', port, ROUND_MS, transport, echoPort);
  return [await control, await attack];
}

/** Attacks in turn with a harmless load; the control client's p99 beside each, in the quietest round. */
async function compare(
  port: number,
  transport: Transport,
  seed: number,
): Promise<{ calm: number; attacked: number }> {
  const p99 = { harmless: [] as number[], hostile: [] as number[] };
  for (let i = 0; i < ROUNDS; i++)
    for (const kind of ['harmless', 'hostile'] as const) {
      const [control, attack] = await round(port, transport, kind, seed + i);
      assert.deepEqual(attack.wrong, []);
      assert.ok(attack.sent > ROUND_MS * RATE[transport] && attack.replies > 0, JSON.stringify(attack));
      assert.deepEqual([control.lost, control.cut], [0, 0], `${kind}: ${JSON.stringify(control)}`);
      assert.ok(control.asked > 30, JSON.stringify(control));
      p99[kind].push(control.own);
    }
  return { calm: Math.min(...p99.harmless), attacked: Math.min(...p99.hostile) };
}

/** What holds after any attack. */
function unharmed(answers: Answers, told: readonly string[], transport: Transport): void {
  const c = answers.counters();
  assert.deepEqual([c.internal_errors, told], [0, []]);
  const met = [c[`${transport}_formerr`], c[`${transport}_refused`]];
  if (transport === 'udp') met.push(c.dropped_response, c.dropped_short);
  else met.push(c.net_tcp_length, c.net_tcp_evicted, c.net_tcp_late);
  assert.ok(Math.min(...met) > 0, `the attack met everything: ${met}`);
}

for (const transport of ['udp', 'tcp'] as const)
  test(`${transport}: whatever comes, the workers go on, and who behaves is served in time`, async t => {
    const { answers, port, told } = await start('auto');
    // Buffers and pools are as large as they get before memory is looked at.
    await round(port, transport, 'hostile', 99);
    const before = process.memoryUsage().rss;
    let figures = { calm: 0, attacked: Number.POSITIVE_INFINITY };
    for (let i = 0; i < ATTEMPTS && figures.attacked > 2 * figures.calm + NOISE; i++)
      figures = await compare(port, transport, 1000 * i);
    const [attacked, calm] = [figures.attacked.toFixed(2), figures.calm.toFixed(2)];
    t.diagnostic(`p99 ${attacked} ms under attack, ${calm} ms beside harmless load`);
    assert.ok(
      figures.attacked <= 2 * figures.calm + NOISE,
      `p99 ${attacked} ms, beside harmless load ${calm} ms`,
    );
    const grown = process.memoryUsage().rss - before;
    assert.ok(grown < MEMORY, `grew by ${grown >> 20} MiB`);
    unharmed(answers, told, transport);
  });

test('udp by node:dgram: whatever comes, the worker goes on, and says nothing that it may not', async () => {
  const { answers, port, told } = await start('dgram');
  const [control, attack] = await round(port, 'udp', 'hostile', 7);
  assert.deepEqual([attack.wrong, control.lost], [[], 0]);
  assert.ok(attack.replies > attack.sent / 4, JSON.stringify(attack));
  unharmed(answers, told, 'udp');
});
