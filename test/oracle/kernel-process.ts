// The process that a kernel under test is, and its scratch folder: neither outlives ours, however that ends.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SOURCES = join(import.meta.dirname, '..', '..', '..', 'test', 'oracle');

/** Makes a library out of a C source of this room, to be put in front of the C library's; its path. */
export function library(name: string, folder: string): string {
  const path = join(folder, `${name}.so`);
  execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', path, join(SOURCES, `${name}.c`)]);
  return path;
}

export class KernelProcess {
  /** Shared with the kernel; removed by close(). */
  readonly folder: string;
  /** The last of what it printed. */
  said = '';
  #child: ChildProcess | undefined;
  readonly #clean = () => {
    this.end();
    rmSync(this.folder, { recursive: true, force: true });
  };
  // One that is told to end takes its kernels along: `exit` is not told of a signal by itself.
  readonly #signal = () => process.exit(130);

  constructor(name: string) {
    this.folder = mkdtempSync(join(tmpdir(), `${name}-`));
    process.on('exit', this.#clean);
    process.on('SIGINT', this.#signal);
    process.on('SIGTERM', this.#signal);
  }

  /** Boots Debian's user-mode-linux on this machine's files, read-only, with `init`, behind these libraries; resolves when it has ended. */
  start(init: string, libraries: readonly string[] = [], env: Record<string, string> = {}): Promise<void> {
    const words = [
      ...['root=/dev/root', 'rootfstype=hostfs', 'rootflags=/', 'ro', `init=${init}`],
      ...['mem=768M', 'con=null', 'con0=fd:0,fd:1', 'quiet', `uml_dir=${this.folder}/`],
    ];
    const preload = [library('xstate', this.folder), ...libraries].join(':');
    return this.run('linux.uml', words, { env: { ...env, LD_PRELOAD: preload } });
  }

  /** Runs the program that the kernel is, or that holds it; resolves when it has ended. `hear`: what it prints, as it comes. */
  run(
    program: string,
    words: readonly string[],
    { env = {}, hear }: { env?: Record<string, string>; hear?: (text: string) => void } = {},
  ): Promise<void> {
    const child = spawn(program, words, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
      detached: true,
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        this.said = (this.said + chunk.toString()).slice(-4000);
        hear?.(chunk.toString());
      });
    return new Promise(resolve => child.once('exit', () => resolve()));
  }

  /** Ends it with all its threads, which are processes of its group. */
  end(): void {
    const child = this.#child;
    if (child?.exitCode === null && child.signalCode === null && child.pid !== undefined)
      process.kill(-child.pid, 'SIGKILL');
  }

  close(): void {
    process.off('exit', this.#clean);
    process.off('SIGINT', this.#signal);
    process.off('SIGTERM', this.#signal);
    this.#clean();
  }
}
