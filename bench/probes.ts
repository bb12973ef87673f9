// How well one process keeps its pace as it probes many targets: `npm run bench -- probes [--targets 2000] [--interval 1000]
// [--seconds 10] [--kind tcp,http] [--json]`. The targets are servers of its own, in a child process, on loopback.
// Lateness is what a probe begins after its moment, the start of the one before plus the interval. CPU is that of this
// process with its probe thread, user and system: on loopback the kernel's part holds the server's TCP as well.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { systemClock } from '../src/daemon/clock.ts';
import { Probing } from '../src/daemon/probing.ts';
import { silent } from '../src/kit/log.ts';
import { check } from '../src/model/probe.ts';

/** Where the servers listen: so many addresses that no pair of them runs out of ports. */
const ADDRESSES = Array.from({ length: 50 }, (_, i) => `127.20.0.${i + 1}`);
/** Until the first round is spread over the interval and the code is compiled, ms. */
const WARM_UP = 4000;

interface Figures {
  kind: string;
  targets: number;
  intervalMs: number;
  probes: number;
  missing: number;
  failed: number;
  /** Milliseconds. */
  lateness: { p50: number; p99: number; max: number };
  cpuMicrosPerProbe: { user: number; system: number };
  /** Of one core, percent. */
  cpu: number;
  rssMiB: number;
}

/** Runs the bench; resolves to the exit code: 1 when probes failed. */
export async function run(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      targets: { type: 'string', default: '2000' },
      interval: { type: 'string', default: '1000' },
      seconds: { type: 'string', default: '10' },
      kind: { type: 'string', default: 'tcp,http' },
      json: { type: 'boolean', default: false },
    },
  });
  const servers = fork(new URL('./probes-servers.js', import.meta.url), ADDRESSES);
  try {
    const [{ port }] = (await once(servers, 'message')) as [{ port: number }];
    const figures: Figures[] = [];
    for (const kind of values.kind.split(','))
      figures.push(
        await measure(kind, port, Number(values.targets), Number(values.interval), Number(values.seconds)),
      );
    process.stdout.write(
      values.json ? `${JSON.stringify({ bench: 'probes', figures })}\n` : tableOf(figures),
    );
    return figures.some(f => f.failed > 0) ? 1 : 0;
  } finally {
    await end(servers);
  }
}

async function measure(
  kind: string,
  port: number,
  count: number,
  interval: number,
  seconds: number,
): Promise<Figures> {
  const late: number[] = [];
  let measuring = false;
  let failed = 0;
  const text = { [kind]: {}, interval: `${interval}ms`, timeout: `${interval / 2}ms`, jitter: '0%' };
  const probing = new Probing({
    clock: systemClock,
    log: silent,
    onResult: (_id, result) => {
      if (!measuring) return;
      late.push(result.late);
      if (!result.ok) failed++;
    },
    onPace: () => {},
  });
  const targets = Array.from({ length: count }, (_, i) => ({
    id: `t${i}`,
    address: ADDRESSES[i % ADDRESSES.length],
    port,
    check: check.parse(text),
  }));
  await probing.load(targets);
  probing.set(targets);
  await sleep(WARM_UP);
  measuring = true;
  const cpu = process.cpuUsage();
  const began = performance.now();
  await sleep(seconds * 1000);
  const spent = process.cpuUsage(cpu);
  const elapsed = performance.now() - began;
  measuring = false;
  const rss = process.memoryUsage.rss();
  await probing.close();
  late.sort((a, b) => a - b);
  const at = (part: number) =>
    Math.round(late[Math.min(late.length - 1, Math.floor(late.length * part))] * 10) / 10;
  return {
    kind,
    targets: count,
    intervalMs: interval,
    probes: late.length,
    // What should have begun in that time, and was not: of probes that are all behind, lateness alone would not tell.
    missing: Math.max(0, Math.round((count * elapsed) / interval) - late.length),
    failed,
    lateness: { p50: at(0.5), p99: at(0.99), max: at(1) },
    cpuMicrosPerProbe: {
      user: Math.round(spent.user / late.length),
      system: Math.round(spent.system / late.length),
    },
    cpu: Math.round((spent.user + spent.system) / elapsed / 10),
    rssMiB: Math.round(rss / 2 ** 20),
  };
}

async function end(servers: ChildProcess): Promise<void> {
  const gone = once(servers, 'exit');
  servers.kill();
  await gone;
}

function tableOf(figures: readonly Figures[]): string {
  const heads = [
    'kind',
    'targets',
    'probes',
    'missing',
    'failed',
    'late p50',
    'p99',
    'max ms',
    'user µs',
    'system',
    'cpu %',
    'rss MiB',
  ];
  const rows = figures.map(f => [
    f.kind,
    f.targets,
    f.probes,
    f.missing,
    f.failed,
    f.lateness.p50,
    f.lateness.p99,
    f.lateness.max,
    f.cpuMicrosPerProbe.user,
    f.cpuMicrosPerProbe.system,
    f.cpu,
    f.rssMiB,
  ]);
  return [heads, ...rows].map(row => `${row.map(c => String(c).padStart(9)).join('')}\n`).join('');
}
