// One connection to one Redis, made anew whenever it is in doubt. A connection that does not answer within its time is
// thrown away whole, with whatever it still had under way: nothing waits for it, and nothing of it is sent again.
//   dial ─ready→ up ─ended · no answer→ down ─backoff→ dial
import type { Rng } from '../kit/rng.ts';
import { unit } from '../kit/rng.ts';

/** What the client library gives us, narrowed to what we use. Every promise may stay open for ever. */
export interface Connection {
  script(text: string, keys: string[], args: (string | number)[]): Promise<unknown>;
  /** MULTI … EXEC; rejects if any command failed. */
  transact(commands: (string | number)[][]): Promise<void>;
  subscribe(channels: string[]): Promise<void>;
  ping(): Promise<void>;
  close(): void;
}

export interface Listener {
  ready(): void;
  /** It is over, with the last error in words. */
  ended(why: string): void;
  message(channel: string, text: string): void;
}

export type Dial = (listener: Listener) => Connection;

/** Milliseconds: for the whole of TCP, TLS, HELLO and AUTH; for one answer; and the longest pause before the next try. */
const HANDSHAKE = 2000;
const ANSWER = 500;
const BACKOFF = 1000;

export interface LinkEvents {
  up(): void;
  down(why: string): void;
  message(channel: string, text: string): void;
}

export class Link {
  readonly #dial: Dial;
  readonly #rng: Rng;
  readonly #events: LinkEvents;
  #connection: Connection | undefined;
  #ready = false;
  #closed = false;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(dial: Dial, rng: Rng, events: LinkEvents) {
    this.#dial = dial;
    this.#rng = rng;
    this.#events = events;
  }

  get ready(): boolean {
    return this.#ready;
  }

  open(): void {
    if (this.#closed) return;
    const connection = this.#dial({
      ready: () => {
        if (connection !== this.#connection) return;
        clearTimeout(this.#timer);
        this.#ready = true;
        this.#events.up();
      },
      ended: why => this.#lose(connection, why),
      message: (channel, text) => {
        if (connection === this.#connection) this.#events.message(channel, text);
      },
    });
    this.#connection = connection;
    this.#timer = setTimeout(
      () => afterInput(() => !this.#ready && this.#lose(connection, `no handshake within ${HANDSHAKE} ms`)),
      HANDSHAKE,
    ).unref();
  }

  /** Asks for one thing and gives up after ANSWER ms, and on the connection with it. Rejects at once if not ready. */
  ask<T>(what: (c: Connection) => Promise<T>): Promise<T> {
    const connection = this.#connection;
    if (connection === undefined || !this.#ready) return Promise.reject(new Error('not connected'));
    return new Promise<T>((resolve, reject) => {
      let settled = false;
      const late = setTimeout(() => {
        afterInput(() => {
          if (settled) return;
          const why = `no answer within ${ANSWER} ms`;
          reject(new Error(why));
          this.#lose(connection, why);
        });
      }, ANSWER).unref();
      what(connection)
        .then(resolve, reject)
        .finally(() => {
          settled = true;
          clearTimeout(late);
        });
    });
  }

  /** The round trip went well: the next loss is met with a short pause again. */
  proven(): void {
    this.#failures = 0;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#ready = false;
    this.#connection?.close();
    this.#connection = undefined;
  }

  #lose(connection: Connection, why: string): void {
    if (this.#closed || connection !== this.#connection) return;
    clearTimeout(this.#timer);
    this.#connection = undefined;
    this.#ready = false;
    connection.close();
    const pause = Math.min(BACKOFF, 50 * 2 ** Math.min(this.#failures++, 10)) * (0.5 + unit(this.#rng) / 2);
    this.#timer = setTimeout(() => this.open(), pause).unref();
    this.#events.down(why);
  }
}

/**
 * Runs once what has already come in on sockets was read. After a pause of the whole process the timers are run first,
 * and answers that came long ago would be taken for missing.
 */
export function afterInput(run: () => void): void {
  setImmediate(() => setImmediate(run));
}
