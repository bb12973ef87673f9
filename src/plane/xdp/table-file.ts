// The connection tables of the workers over a restart: one file each in the state folder, taken away once it was read.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reason } from '../../kit/errors.ts';
import type { Log } from '../../kit/log.ts';

/** Older ones tell nothing: the clients have given up. Milliseconds. */
const AGE = 15 * 60_000;

function nameOf(index: number, workers: number): string {
  return `xdp-connections-${index + 1}-of-${workers}`;
}

/** Keeps the table of worker `index` of `workers`. A folder that cannot be written is told, and that is all. */
export function writeTable(
  folder: string,
  index: number,
  workers: number,
  table: Uint8Array,
  log: Log,
): void {
  const path = join(folder, nameOf(index, workers));
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.new`, table, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch (e) {
    log.warn(
      { err: reason(e), path },
      `xdp plane: open connections cannot be kept over a restart: ${reason(e)}`,
    );
  }
}

/** The tables that a run with as many workers left, and takes all files away. What is there and cannot be read is told. */
export function readTables(
  folder: string,
  workers: number,
  now: number,
  log: Log,
): (Uint8Array | undefined)[] {
  const tables: (Uint8Array | undefined)[] = Array.from({ length: workers }, (_, i) => {
    const path = join(folder, nameOf(i, workers));
    try {
      return now - statSync(path).mtimeMs > AGE ? undefined : new Uint8Array(readFileSync(path));
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code !== 'ENOENT')
        log.warn({ err: reason(e), path }, `xdp plane: open connections are not taken up: ${reason(e)}`);
      return undefined;
    }
  });
  try {
    for (const name of readdirSync(folder))
      if (name.startsWith('xdp-connections-')) rmSync(join(folder, name), { force: true, recursive: true });
  } catch {
    // No such folder yet.
  }
  return tables;
}
