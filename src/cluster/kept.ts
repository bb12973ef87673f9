// The records that outlive their writer: overrides, and the last epoch of each node. Signed, kept by every node (in
// memory and in `state_dir/NODE.kept`) and by every Redis; whoever has a newer one puts it back where it is missing.
// Invariant: merging is commutative, associative and idempotent, so that all copies end alike whatever the order.
import { join } from 'node:path';
import { reason } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';
import { parseOverride } from './body.ts';
import { readWhole, writeWhole } from './disk.ts';
import { compareMarks, frame, type Sealed, type Sealer, unframe } from './record.ts';

/** Most kept records altogether, here and in a Redis. */
export const KEPT_RECORDS = 1024;

/** Below 0: `a` gives way to `b`. By mark, then node name, then body, so that no two different ones are equal. */
export function compareKept(a: Sealed, b: Sealed): number {
  return compareMarks(a, b) || order(a.node, b.node) || order(a.body, b.body);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The field under which a record is kept: `override/vip/web-fra`, `epoch/fra-1`; undefined if it is none to keep. */
export function fieldOf(s: Sealed): string | undefined {
  if (s.kind === 'epoch') return s.body === '' && s.sequence === 0 ? `epoch/${s.node}` : undefined;
  if (s.kind !== 'override') return undefined;
  const o = parseOverride(s);
  return o === undefined ? undefined : `override/${o.target}`;
}

export class Kept {
  readonly #records = new Map<string, Sealed>();
  readonly #path: string | undefined;
  readonly #log: Log;

  /** Without `stateDir` nothing is put on disk. */
  constructor(stateDir: string | undefined, node: string, log: Log) {
    this.#path = stateDir === undefined ? undefined : join(stateDir, `${node}.kept`);
    this.#log = log;
  }

  /** Takes a verified record if it is newer than ours; true if it was. Not saved yet. */
  merge(s: Sealed): boolean {
    const field = fieldOf(s);
    if (field === undefined) return false;
    const ours = this.#records.get(field);
    if (ours === undefined ? this.#records.size >= KEPT_RECORDS : compareKept(ours, s) >= 0) return false;
    this.#records.set(field, s);
    return true;
  }

  get(field: string): Sealed | undefined {
    return this.#records.get(field);
  }

  entries(): IterableIterator<[string, Sealed]> {
    return this.#records.entries();
  }

  get full(): boolean {
    return this.#records.size >= KEPT_RECORDS;
  }

  /** Reads the file. Our own records are signed anew, for the secret may have changed; others' must fit. */
  load(node: string, sealer: Sealer): void {
    if (this.#path === undefined) return;
    let text: string | undefined;
    try {
      text = readWhole(this.#path);
    } catch (e) {
      this.#log.error({ path: this.#path }, `overrides: not read from disk: ${reason(e)}`);
    }
    let lost = 0;
    for (const line of (text ?? '').split('\n')) {
      if (line === '') continue;
      let s = unframe(line);
      if (typeof s !== 'string' && s.node === node)
        s = sealer.seal(s.kind, node, s.epoch, s.sequence, s.body);
      if (typeof s === 'string' || fieldOf(s) === undefined || !sealer.fits(s)) lost++;
      else this.merge(s);
    }
    if (lost > 0)
      this.#log.warn(
        { path: this.#path, lost },
        `overrides: ${lost} on disk left out: damaged, or signed by another node with another secret`,
      );
  }

  /** Puts all on disk, one record a line. A failure is said in the log; the other copies stand. */
  save(): void {
    if (this.#path === undefined) return;
    try {
      writeWhole(this.#path, [...this.#records.values()].map(s => `${frame(s)}\n`).join(''));
    } catch (e) {
      this.#log.error({ path: this.#path }, `overrides: not saved: ${reason(e)}`);
    }
  }
}
