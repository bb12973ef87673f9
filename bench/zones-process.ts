// A server from its start to its first right answers, and what it and its children take: processor time, memory.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../src/net/ask.ts';

/** Clock ticks of /proc/PID/stat a second: sysconf(_SC_CLK_TCK), 100 on every Linux in use. */
const TICKS = 100;
const POLL_MS = 20;

export interface Started {
  /** Seconds from the start to the first time that every question was answered right. */
  seconds: number;
  /** Seconds of the processor till then, with its children. */
  cpu: number;
  pid: number;
  stop(): Promise<void>;
}

/** Starts `command` and waits for the answers, `patience` seconds at most; its output goes to `dir`/log. */
export async function startAndAsk(
  command: readonly string[],
  dir: string,
  port: number,
  questions: readonly { name: string; address: string }[],
  patience: number,
): Promise<Started> {
  const log = openSync(join(dir, 'log'), 'w');
  const env = { ...process.env, NODE_OPTIONS: '' };
  const began = performance.now();
  const child = spawn(command[0], command.slice(1), { stdio: ['ignore', log, log], env });
  closeSync(log);
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'close');
    child.kill('SIGTERM');
    const enough = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(enough);
  };
  const pid = child.pid as number;
  const left = [...questions];
  while (performance.now() - began < patience * 1000 && child.exitCode === null) {
    const [{ name, address }] = left;
    const question = { server: '127.0.0.1', port, name, type: 'A', timeout: 500 };
    const right = await ask(question).then(
      reply => reply.answers[0]?.text === address,
      () => false,
    );
    if (right) left.shift();
    else await sleep(POLL_MS);
    if (left.length === 0) return { seconds: (performance.now() - began) / 1000, cpu: cpuOf(pid), pid, stop };
  }
  await stop();
  throw new Error(`${command[0]} does not answer in ${patience} s; see ${join(dir, 'log')}`);
}

/** Seconds of user and system time of a process and its descendants, living or waited for. */
export function cpuOf(pid: number): number {
  const ticks = family(pid).map(p =>
    statOf(p)
      .slice(11, 15)
      .reduce((sum, n) => sum + Number(n), 0),
  );
  return ticks.reduce((sum, n) => sum + n, 0) / TICKS;
}

/** Megabytes of memory of a process and its descendants; what several share is counted once. */
export function memoryOf(pid: number): number {
  const kilobytes = family(pid).map(p => {
    const text = read(`/proc/${p}/smaps_rollup`);
    return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0);
  });
  return kilobytes.reduce((sum, n) => sum + n, 0) / 1000;
}

function family(pid: number): number[] {
  const found = [pid];
  const all = readdirSync('/proc').filter(p => /^\d+$/.test(p));
  const parents = new Map(all.map(p => [Number(p), Number(statOf(Number(p))[1] ?? 0)]));
  for (const one of found) for (const [p, parent] of parents) if (parent === one) found.push(p);
  return found;
}

// The fields behind the name: state, parent, …
function statOf(pid: number): string[] {
  const text = read(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

// Empty for a process that has gone.
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
