// What an ipvs plane remembers over a restart: which services in the kernel are its own, and until when destinations
// that go may keep their connections. It is written before the kernel is told, so that whatever a crash leaves is known.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reason } from '../../kit/errors.ts';
import type { Log } from '../../kit/log.ts';

export interface Memory {
  /** Keys of services. */
  services: ReadonlySet<string>;
  /** By `service destination`, ms by the wall clock. */
  draining: ReadonlyMap<string, number>;
}

interface Saved {
  services: string[];
  draining: [string, number][];
}

export class Ledger {
  readonly #folder: string;
  readonly #file: string;
  readonly #log: Log;
  #written = '';

  /** A file for each network namespace, as each has tables of its own: `name` tells them apart. */
  constructor(folder: string, name: string, log: Log) {
    this.#folder = folder;
    this.#file = join(folder, `ipvs-${name}.json`);
    this.#log = log;
  }

  /** What was written last; nothing when there is no file, or one that is not ours. */
  read(): Memory {
    try {
      const saved = JSON.parse(readFileSync(this.#file, 'utf8')) as Saved;
      return { services: new Set(saved.services), draining: new Map(saved.draining) };
    } catch (e) {
      if ((e as { code?: unknown }).code !== 'ENOENT')
        this.#log.warn(
          { err: reason(e) },
          `${this.#file}: not readable; services of earlier runs that the cluster file lacks are left in the kernel`,
        );
      return { services: new Set(), draining: new Map() };
    }
  }

  /** Throws what the file system throws. */
  write({ services, draining }: Memory): void {
    const saved: Saved = { services: [...services].sort(), draining: [...draining] };
    const text = JSON.stringify(saved);
    if (text === this.#written) return;
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    writeFileSync(`${this.#file}.new`, text, { mode: 0o600 });
    renameSync(`${this.#file}.new`, this.#file);
    this.#written = text;
  }
}
