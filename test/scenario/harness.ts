// What the scenario tests share: the real `gtm` as a process, and the real clients (dig, curl) that ask it.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NodeStatus } from '../../src/model/status.ts';

export const ROOT = join(import.meta.dirname, '..', '..', '..');
const GTM = join(ROOT, 'dist', 'src', 'main.js');

/** A process and what it has said so far. */
export class Process {
  readonly child: ChildProcess;
  output = '';
  readonly exited: Promise<number | null>;

  constructor(
    command: string,
    args: readonly string[],
    options: { cwd?: string; env?: Record<string, string> } = {},
  ) {
    this.child = spawn(command, args, {
      cwd: options.cwd ?? ROOT,
      env: { ...process.env, NO_COLOR: '1', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (d: Buffer) => {
      this.output += d;
    });
    this.child.stderr?.on('data', (d: Buffer) => {
      this.output += d;
    });
    this.exited = new Promise(resolve => this.child.once('exit', code => resolve(code)));
  }

  /** Resolves once the output matches; rejects, with the output, when it has not within `ms`. */
  async says(pattern: RegExp, ms = 10_000): Promise<void> {
    await until(
      () => pattern.test(this.output),
      ms,
      () => `no ${pattern} in:\n${this.output}`,
    );
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    return this.exited;
  }
}

/** `gtm ARGS` in the background. */
export function gtm(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Process {
  return new Process(process.execPath, [GTM, ...args], options);
}

/** `gtm ARGS` to its end. */
export async function run(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
) {
  return command(process.execPath, [GTM, ...args], options);
}

/** Any command to its end: exit code and both outputs. */
export function command(
  file: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
) {
  return new Promise<{ code: number; stdout: string; stderr: string }>(resolve => {
    const settings = {
      cwd: options.cwd ?? ROOT,
      env: { ...process.env, NO_COLOR: '1', ...options.env },
      timeout: 60_000,
      maxBuffer: 1 << 26,
    };
    execFile(file, [...args], settings, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
  });
}

/** Waits until `condition` holds, asking every `step` ms; returns the ms it took, rejects with `why()` after `ms`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  ms: number,
  why: () => string,
  step = 20,
): Promise<number> {
  const start = performance.now();
  for (;;) {
    if (await condition()) return performance.now() - start;
    if (performance.now() - start > ms) throw new Error(`after ${ms} ms: ${why()}`);
    await new Promise(resolve => setTimeout(resolve, step));
  }
}

/** A free TCP port of 127.0.0.1, as of now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** A copy of the sample's `zones/` in a folder of its own, with texts replaced in gtm.yaml; `remove` deletes it. */
export function sample(replace: (yaml: string) => string = y => y) {
  const dir = mkdtempSync(join(tmpdir(), 'gtm-'));
  cpSync(join(ROOT, 'zones'), dir, { recursive: true });
  const config = join(dir, 'gtm.yaml');
  writeFileSync(
    config,
    replace(readFileSync(config, 'utf8').replace('state_dir: .gtm', `state_dir: ${dir}/state`)),
  );
  return { dir, config, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/** The A (or other) rdata that the real dig prints, in order. */
export async function dig(
  port: number,
  name: string,
  type = 'A',
  more: readonly string[] = [],
): Promise<string[]> {
  const { stdout } = await command('dig', [
    '@127.0.0.1',
    '-p',
    String(port),
    '+short',
    '+tries=1',
    '+time=1',
    ...more,
    name,
    type,
  ]);
  return stdout.split('\n').filter(line => line !== '' && !line.startsWith(';'));
}

/** dig's whole output. */
export async function digFull(
  port: number,
  name: string,
  type = 'A',
  more: readonly string[] = [],
): Promise<string> {
  return (
    await command('dig', ['@127.0.0.1', '-p', String(port), '+tries=1', '+time=1', ...more, name, type])
  ).stdout;
}

/** How often each answer came in `count` digs of a name, all by one dig process. */
export async function shares(port: number, name: string, count: number): Promise<Record<string, number>> {
  const answers = await dig(port, name, 'A', Array.from({ length: count - 1 }, () => [name, 'A']).flat());
  const seen: Record<string, number> = {};
  for (const a of answers) seen[a] = (seen[a] ?? 0) + 1;
  return seen;
}

export async function status(url: string): Promise<NodeStatus> {
  const response = await fetch(`${url}/v1/status`, { signal: AbortSignal.timeout(2000) });
  return (await response.json()) as NodeStatus;
}

/** One member of a pool as a node tells it. */
export async function member(url: string, pool: string, vip: string) {
  const found = (await status(url)).pools.find(p => p.name === pool)?.members.find(m => m.vip === vip);
  if (found === undefined) throw new Error(`no ${vip} in ${pool}`);
  return found;
}
