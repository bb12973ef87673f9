// The servers that are measured, one at a time, each with one worker on the first processor. Peers are Debian packages.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../src/net/ask.ts';
import { ORIGIN, VIPS, writeGdnsd, writeOurs, zoneText } from './dns-zone.ts';
import { prepareKnot, prepareNsd } from './peer-config.ts';

export interface ServerKind {
  name: string;
  /** The program that must stand on the path. */
  program: string;
  /** Debian's package of it. */
  debian?: string;
  /** Writes its files into `dir` and returns the command. */
  prepare(dir: string, port: number): string[];
}

const ROOT = join(import.meta.dirname, '..', '..');

function ours(name: string, io: 'dgram' | 'batch', workers = 1): ServerKind {
  return {
    name,
    program: 'node',
    prepare: (dir, port) => {
      const file = writeOurs(dir, port, io, workers);
      const main = join(ROOT, 'dist', 'src', 'main.js');
      return [process.execPath, main, 'serve', '--quiet', '--node', 'bench', '--config', file];
    },
  };
}

export const SERVERS = {
  echo: {
    name: 'bare echo on node:dgram',
    program: 'node',
    prepare: (_dir: string, port: number) => [
      process.execPath,
      join(import.meta.dirname, 'dns-echo.js'),
      `${port}`,
    ],
  },
  dgram: ours('switchyard, node:dgram', 'dgram'),
  batch: ours('switchyard, batches', 'batch'),
  batch2: ours('switchyard, batches, 2 workers', 'batch', 2),
  gdnsd: {
    name: 'gdnsd',
    program: 'gdnsd',
    debian: 'gdnsd',
    prepare: (dir: string, port: number) => {
      writeGdnsd(dir, port);
      return ['gdnsd', '-c', dir, 'start'];
    },
  },
  nsd: {
    name: 'NSD',
    program: 'nsd',
    debian: 'nsd',
    prepare: (dir: string, port: number) => {
      writeFileSync(join(dir, 'zone'), zoneText(VIPS.map(v => `pool 10 A ${v}`).join('\n')));
      return prepareNsd(dir, port, dir, [{ name: ORIGIN, file: 'zone' }]);
    },
  },
  knot: {
    name: 'Knot',
    program: 'knotd',
    debian: 'knot',
    prepare: (dir: string, port: number) => {
      writeFileSync(join(dir, 'zone'), zoneText(VIPS.map(v => `pool 10 A ${v}`).join('\n')));
      return prepareKnot(dir, port, dir, [{ name: ORIGIN, file: 'zone' }]);
    },
  },
} as const satisfies Record<string, ServerKind>;

export type ServerId = keyof typeof SERVERS;

/** Whether the program of a peer is there; as root it is fetched from Debian first. */
export function provide(kinds: readonly ServerKind[]): ServerKind[] {
  process.env['PATH'] = `${process.env['PATH']}:/usr/sbin:/sbin`;
  const missing = () => kinds.filter(k => !has(k.program));
  const wanted = missing().flatMap(k => ('debian' in k && k.debian !== undefined ? [k.debian] : []));
  if (wanted.length > 0 && process.getuid?.() === 0 && has('apt-get')) {
    process.stderr.write(`fetching ${wanted.join(' ')}\n`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
    const stdio: ['ignore', 'ignore', 'ignore'] = ['ignore', 'ignore', 'ignore'];
    try {
      execFileSync('apt-get', ['update', '-qq'], { env, stdio });
      execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...wanted], { env, stdio });
    } catch {
      // What is still missing is reported as not run.
    }
  }
  return missing();
}

function has(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export interface Running {
  id: ServerId;
  port: number;
  pid: number;
  stop(): Promise<void>;
}

/** Starts a server pinned to `processors` (a list as taskset has it) and waits for its first answer, 10 s at most. */
export async function start(id: ServerId, dir: string, port: number, processors: string): Promise<Running> {
  mkdirSync(dir, { recursive: true });
  const command = SERVERS[id].prepare(dir, port);
  const log = openSync(join(dir, 'log'), 'w');
  const child: ChildProcess = spawn('taskset', ['-c', processors, ...command], {
    stdio: ['ignore', log, log],
    // As one who runs it does: without the bench's own flags.
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  closeSync(log);
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'close');
    child.kill('SIGTERM');
    const enough = setTimeout(() => child.kill('SIGKILL'), 3000);
    await ended;
    clearTimeout(enough);
  };
  const question = { server: '127.0.0.1', port, name: `host1.${ORIGIN}`, type: 'A', timeout: 200 };
  for (let i = 0; i < 100 && child.exitCode === null; i++) {
    const there = await ask(question).then(
      () => true,
      () => false,
    );
    if (there) return { id, port, pid: child.pid as number, stop };
    await sleep(100);
  }
  await stop();
  throw new Error(`${SERVERS[id].name} does not answer; see ${join(dir, 'log')}`);
}
