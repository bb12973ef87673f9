// Helpers of the socket tests: a responder that mirrors queries, and a raw TCP client.
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Respond } from '../../src/net/responder.ts';

export const now = () => Math.floor(performance.now());

/** A query of `length` bytes (12 at least) with this id, the rest filled with `fill`. */
export function query(id: number, length = 20, fill = 0): Buffer {
  const b = Buffer.alloc(length, fill);
  b.writeUInt16BE(id, 0);
  return b;
}

/** The query back with QR set; a query whose byte 12 is 0xff gets none. */
export const mirror: Respond = (q, length, out) => {
  if (length > 12 && q[12] === 0xff) return 0;
  out.set(q.subarray(0, length), 0);
  out[2] |= 0x80;
  return length;
};

export function framed(...messages: Buffer[]): Buffer {
  return Buffer.concat(messages.flatMap(m => [Buffer.from([m.length >> 8, m.length & 255]), m]));
}

/** A raw client: what comes in is cut into messages as it comes. */
export class RawClient {
  readonly socket: Socket;
  readonly messages: Buffer[] = [];
  #buffer = Buffer.alloc(0);
  #wake = () => {};
  ended = false;
  closed = false;

  constructor(port: number, host = '127.0.0.1', localPort?: number, localAddress?: string) {
    this.socket = connect({
      port,
      host,
      allowHalfOpen: true,
      ...(localPort === undefined ? {} : { localPort }),
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    this.socket.on('data', chunk => {
      this.#buffer = Buffer.concat([this.#buffer, chunk]);
      while (this.#buffer.length >= 2 && this.#buffer.length >= 2 + this.#buffer.readUInt16BE(0)) {
        const end = 2 + this.#buffer.readUInt16BE(0);
        this.messages.push(this.#buffer.subarray(2, end));
        this.#buffer = this.#buffer.subarray(end);
      }
      this.#wake();
    });
    this.socket.on('error', () => {});
    this.socket.on('end', () => {
      this.ended = true;
      this.#wake();
    });
    this.socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  connected(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.once('connect', resolve);
      this.socket.once('error', reject);
    });
  }

  /** Resolves once `condition` holds; rejects after `ms`. */
  async until(condition: () => boolean, what: string, ms = 5000): Promise<void> {
    const limit = performance.now() + ms;
    while (!condition()) {
      const left = limit - performance.now();
      if (left <= 0) throw new Error(`${what}: not within ${ms} ms`);
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, Math.min(left, 20));
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

export const sleep = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms));
