// Runs the real command as a child process, with nothing of this process's environment but PATH.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { main } from '../../src/cli/main.ts';

/** The repository's root, seen from dist/test/cli. */
export const ROOT = join(import.meta.dirname, '..', '..', '..');
const MAIN = join(ROOT, 'dist', 'src', 'main.js');

export interface Ran {
  code: number | null;
  out: string;
  err: string;
}

/** A child that runs `gtm` with these arguments in the repository's root. */
export function start(args: readonly string[], env: Record<string, string> = {}) {
  const all = { PATH: process.env['PATH'] ?? '', USER: 'anna', ...env };
  return spawn(process.execPath, [MAIN, ...args], { cwd: ROOT, env: all, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The same, to its end. */
export async function gtm(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const child = start(args, env);
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (d: string) => {
    out += d;
  });
  child.stderr.setEncoding('utf8').on('data', (d: string) => {
    err += d;
  });
  const code = await new Promise<number | null>(resolve => child.once('close', resolve));
  return { code, out, err };
}

/** The same in this process: for the many rows that need no process of their own. */
export async function inside(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const ran = { out: '', err: '' };
  const io = {
    out: (text: string) => {
      ran.out += text;
    },
    err: (text: string) => {
      ran.err += text;
    },
    outTty: false,
    errTty: false,
    env: { USER: 'anna', ...env },
  };
  return { code: await main(args, io), ...ran };
}
