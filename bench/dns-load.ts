// Load on one server, and what it costs: dnsperf on other processors, the server's CPU time from /proc, and beside the
// load a few questions of our own, whose answers are looked at and whose waits are measured.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../src/net/ask.ts';
import { type Load, truth } from './dns-zone.ts';

/** Questions at once: enough that the server never waits, few enough that no buffer overflows. */
const CLIENTS = 8;
const OUTSTANDING = 160;
/** Milliseconds between two questions of our own. */
const SAMPLE_PAUSE = 5;

export interface Loaded {
  completed: number;
  lost: number;
  seconds: number;
  /** User and system time of the server's processes. */
  cpuSeconds: number;
}

/** dnsperf for `seconds`, as fast as the two can, or at `rate` queries a second. */
export async function load(
  port: number,
  pid: number,
  questions: string,
  seconds: number,
  rate?: number,
): Promise<Loaded> {
  // The servers have the first processor, or the first two of at least four.
  const count = cpus().length;
  const threads = Math.min(4, Math.max(1, count - 2));
  const processors = count < 4 ? `${count - 1}` : `2-${count - 1}`;
  const limit = rate === undefined ? [] : ['-Q', `${Math.max(1, Math.round(rate))}`];
  const flags = ['-s', '127.0.0.1', '-p', `${port}`, '-d', questions, '-l', `${seconds}`, '-e', '-t', '1'];
  const size = ['-c', `${CLIENTS}`, '-q', `${OUTSTANDING}`, '-T', `${threads}`];
  const before = cpuSeconds(pid);
  const child = spawn('taskset', ['-c', processors, 'dnsperf', ...flags, ...size, ...limit], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let output = '';
  child.stdout.on('data', chunk => {
    output += chunk;
  });
  await new Promise<void>(resolve => child.once('close', () => resolve()));
  const figure = (name: string) =>
    Number(new RegExp(`${name}:\\s+([\\d.]+)`).exec(output)?.[1] ?? Number.NaN);
  return {
    completed: figure('Queries completed'),
    lost: figure('Queries lost'),
    seconds: figure('Run time \\(s\\)'),
    cpuSeconds: cpuSeconds(pid) - before,
  };
}

export interface Samples {
  /** Milliseconds, as they came; one that got no answer is Infinity. */
  waits: number[];
  /** What was wrong, in words. */
  wrong: string[];
}

/** Asks until `end` settles, one question after the other, and looks at every answer unless `blind`. */
export async function sample(
  port: number,
  what: Load,
  blind: boolean,
  end: Promise<unknown>,
): Promise<Samples> {
  const samples: Samples = { waits: [], wrong: [] };
  let over = false;
  const stop = () => {
    over = true;
  };
  void end.then(stop, stop);
  for (let n = 1; !over; n++) {
    const { name, rcode, addresses } = truth(what, n);
    const at = performance.now();
    try {
      const reply = await ask({ server: '127.0.0.1', port, name, type: 'A', timeout: 1000 });
      samples.waits.push(performance.now() - at);
      const said = reply.answers.filter(a => a.type === 'A').map(a => a.text);
      const right =
        reply.rcode === (rcode === 'NXDOMAIN' ? 3 : 0) &&
        reply.flags.aa &&
        said.length > 0 === addresses.length > 0 &&
        said.every(a => addresses.includes(a));
      if (!right && !blind) samples.wrong.push(`${name}: rcode ${reply.rcode} ${said.join(' ')}`);
    } catch {
      samples.waits.push(Number.POSITIVE_INFINITY);
    }
    await sleep(SAMPLE_PAUSE);
  }
  return samples;
}

/** The q-quantile of figures in any order. */
export function quantile(figures: readonly number[], q: number): number {
  const sorted = [...figures].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

export function median(figures: readonly number[]): number {
  return quantile(figures, 0.5);
}

/**
 * User and system time of a process and all its children, in seconds. Threads are summed, as only they are told to the
 * nanosecond (/proc/…/schedstat); a jiffy is too coarse for rounds of half a second.
 */
export function cpuSeconds(pid: number): number {
  const parents = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => {
      // The fields behind the name of the program, which may hold anything: state, parent, …
      const fields = read(`/proc/${name}/stat`)
        .replace(/^.*\) /s, '')
        .split(' ');
      return fields.length > 1 ? [{ pid: Number(name), parent: Number(fields[1]) }] : [];
    });
  const time = (of: number): number =>
    sum(threads(of).map(t => Number(read(`/proc/${of}/task/${t}/schedstat`).split(' ')[0]))) +
    sum(parents.filter(p => p.parent === of).map(p => time(p.pid)));
  return time(pid) / 1e9;
}

function sum(figures: readonly number[]): number {
  return figures.reduce((all, one) => all + one, 0);
}

function threads(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

// What has ended meanwhile says nothing.
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
