// The count of records that were dropped, the last one in words, and the log line about it, at most one for each cause
// and subject in ten seconds. A record that lies in a Redis is met again with each poll; it counts once.
import type { Log } from '../kit/log.ts';
import type { Drops } from '../model/records.ts';

const QUIET_MS = 10_000;
const REMEMBERED = 4096;

export class DropBook {
  readonly counts: Drops = { forged: 0, replayed: 0, oversized: 0, malformed: 0 };
  last: string | undefined;
  readonly #log: Log;
  readonly #mono: () => number;
  /** Where and what → the record that was counted last. */
  readonly #met = new Map<string, string>();
  readonly #said = new Map<string, number>();

  constructor(log: Log, mono: () => number) {
    this.#log = log;
    this.#mono = mono;
  }

  /** `subject` such as `report of nyc-1`; `where` the URL without credentials; `mark` tells one record from another: without it each counts. */
  drop(cause: keyof Drops, subject: string, where: string, why: string, mark?: string): void {
    const key = `${where} ${subject}`;
    if (mark !== undefined) {
      const met = `${cause} ${mark}`;
      if (this.#met.get(key) === met) return;
      if (this.#met.size >= REMEMBERED) this.#met.clear();
      this.#met.set(key, met);
    }
    this.counts[cause]++;
    this.last = `${subject} from ${where}: ${cause}: ${why}`;
    const now = this.#mono();
    const line = `${cause} ${key}`;
    if (now - (this.#said.get(line) ?? -Infinity) < QUIET_MS) return;
    if (this.#said.size >= REMEMBERED) this.#said.clear();
    this.#said.set(line, now);
    this.#log.warn({ cause, count: this.counts[cause] }, `record dropped: ${this.last}`);
  }

  /** The record is no longer there: if it comes again it counts again. */
  forget(subject: string, where: string): void {
    this.#met.delete(`${where} ${subject}`);
  }
}
