// The last events of a node, in a ring: what `/v1/events` shows. Numbers grow by one and are never used again in a process.
import type { Clock } from '../kit/clock.ts';
import type { Log } from '../kit/log.ts';
import type { Event } from '../model/status.ts';

const KEPT = 1000;

export class Events {
  readonly #kept: Event[] = [];
  readonly #listeners = new Set<(e: Event) => void>();
  readonly #clock: Clock;
  readonly #log: Log;
  #next = 1;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Keeps a fact, logs it at `level`, and tells the listeners. */
  add(level: 'debug' | 'info' | 'warn' | 'error', kind: string, subject: string, message: string): void {
    const event = {
      id: this.#next++,
      at: new Date(this.#clock.wall()).toISOString(),
      kind,
      subject,
      message,
    };
    this.#kept.push(event);
    if (this.#kept.length > KEPT) this.#kept.shift();
    this.#log[level]({ kind, subject }, `${subject}: ${message}`);
    for (const listener of this.#listeners) listener(event);
  }

  /** Events with a number over `after`, oldest first; those that fell out of the ring are gone. */
  after(after: number): Event[] {
    return this.#kept.filter(e => e.id > after);
  }

  /** Calls `listener` for each event to come; the function returned ends it. */
  listen(listener: (e: Event) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
