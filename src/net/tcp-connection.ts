// One DNS-over-TCP connection: two bytes of length before each message (RFC 1035 §4.2.2), several messages in flight,
// replies in the order of the queries (RFC 7766 §6.2.1.1 allows any).
//   chunk → (rest of a message begun earlier) → whole messages in place → respond() → length + reply → socket
// Invariant: while more than WRITE_BOUND bytes wait to be read by the client nothing more is answered nor read, so a
// connection holds at most one chunk, one message begun, WRITE_BOUND and one reply.
import type { Socket } from 'node:net';
import { type Client, newClient } from '../model/steering.ts';
import { fillAddress } from './client.ts';
import { NET, type Respond } from './responder.ts';

export const MAX_MESSAGE = 65_535;
const HEADER = 12;
const WRITE_BOUND = 65_536;
const FIRST_PART = 512;

/** What the connections of one listener share. */
export interface TcpShared {
  respond: Respond;
  now: () => number;
  client: Client;
  /** MAX_MESSAGE bytes, for one reply at a time. */
  out: Uint8Array;
  counters: Float64Array;
  /** The connection got on: it goes to the end of the line. */
  progress: (connection: TcpConnection) => void;
  gone: (connection: TcpConnection) => void;
}

export class TcpConnection {
  /** Monotonic ms of the last progress. */
  since: number;
  /** A query of it was answered, or passed over in silence. */
  answered = false;
  /** What it counts for: the IPv4 address, or the /64 of the IPv6 one. */
  readonly source: string;
  readonly #socket: Socket;
  readonly #shared: TcpShared;
  readonly #address = newClient(true);
  // A message that has begun: its bytes so far, length prefix included; grows with what really came.
  #part: Buffer | undefined;
  #have = 0;
  // What is left of a chunk while the client does not read its replies.
  #held: Buffer | undefined;
  #ended = false;
  #finishing = false;

  constructor(socket: Socket, shared: TcpShared) {
    this.#socket = socket;
    this.#shared = shared;
    this.since = shared.now();
    // A client that is gone already has no address any more; its queries have nowhere to come from either.
    fillAddress(this.#address, socket.remoteAddress ?? '0.0.0.0');
    this.#address.port = socket.remotePort ?? 0;
    const { family, address } = this.#address;
    this.source = Buffer.from(address.subarray(0, family === 4 ? 4 : 8)).toString('latin1');
    socket.on('data', chunk => this.#read(chunk));
    socket.on('drain', () => this.#drained());
    socket.on('end', () => this.#half());
    // The close event follows and does what is to be done.
    socket.on('error', () => {});
    socket.on('close', () => shared.gone(this));
  }

  /** Nothing begun, nothing waiting. */
  get idle(): boolean {
    return this.#part === undefined && this.#held === undefined && this.#socket.writableLength === 0;
  }

  /** Says goodbye once what was asked is answered and sent. */
  finish(): void {
    this.#finishing = true;
    if (this.#held === undefined) this.#socket.end();
  }

  /** Cuts the connection; it is out of the listener's books at once. */
  destroy(): void {
    this.#shared.gone(this);
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    if (this.#finishing || this.#socket.destroyed) return;
    this.#socket.cork();
    const rest = this.#answer(chunk);
    this.#socket.uncork();
    if (rest !== undefined) {
      this.#held = rest;
      this.#socket.pause();
    }
  }

  // Answers the whole messages of a chunk; returns what must wait until the client has read its replies.
  #answer(chunk: Buffer): Buffer | undefined {
    let at = this.#part === undefined ? 0 : this.#complete(chunk);
    while (at < chunk.length && !this.#socket.destroyed) {
      if (this.#socket.writableLength > WRITE_BOUND) return chunk.subarray(at);
      const left = chunk.length - at;
      const length = left < 2 ? -1 : chunk.readUInt16BE(at);
      if (length >= 0 && length < HEADER) {
        this.#refuse();
        return undefined;
      }
      if (length < 0 || left < 2 + length) {
        this.#begin(chunk, at);
        return undefined;
      }
      this.#reply(chunk.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
    return undefined;
  }

  #begin(chunk: Buffer, at: number): void {
    this.#have = chunk.length - at;
    this.#part = Buffer.allocUnsafeSlow(Math.max(FIRST_PART, this.#have));
    chunk.copy(this.#part, 0, at);
    // Once a message: dribbled bytes do not put the end of its time off.
    this.#shared.progress(this);
  }

  // Adds to the message begun; answers it when it is whole. Returns where the chunk goes on.
  #complete(chunk: Buffer): number {
    let at = 0;
    for (; this.#have < 2 && at < chunk.length; at++) this.#add(chunk, at, at + 1);
    if (this.#have < 2) return at;
    const length = (this.#part as Buffer).readUInt16BE(0);
    if (length < HEADER) {
      this.#refuse();
      return chunk.length;
    }
    const end = Math.min(chunk.length, at + 2 + length - this.#have);
    this.#add(chunk, at, end);
    if (this.#have === 2 + length) {
      const message = (this.#part as Buffer).subarray(2, this.#have);
      this.#part = undefined;
      this.#reply(message);
    }
    return end;
  }

  #add(chunk: Buffer, from: number, to: number): void {
    let part = this.#part as Buffer;
    if (this.#have + to - from > part.length) {
      const bigger = Buffer.allocUnsafeSlow(Math.max(part.length * 2, this.#have + to - from));
      part.copy(bigger, 0, 0, this.#have);
      part = this.#part = bigger;
    }
    chunk.copy(part, this.#have, from, to);
    this.#have += to - from;
  }

  #reply(message: Buffer): void {
    const { respond, client, out, now } = this.#shared;
    client.family = this.#address.family;
    client.address.set(this.#address.address);
    client.port = this.#address.port;
    const length = respond(message, message.length, out, client, now());
    this.answered = true;
    this.#shared.progress(this);
    if (length === 0) return;
    // The one copy: `out` is for the next reply, and the socket may keep these bytes for long.
    const framed = Buffer.allocUnsafe(2 + length);
    framed.writeUInt16BE(length, 0);
    framed.set(out.subarray(0, length), 2);
    this.#socket.write(framed);
  }

  #refuse(): void {
    this.#shared.counters[NET.net_tcp_length]++;
    this.destroy();
  }

  // All replies are with the kernel: go on with what was held back.
  #drained(): void {
    this.#shared.progress(this);
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    this.#socket.cork();
    this.#held = this.#answer(held);
    this.#socket.uncork();
    if (this.#held !== undefined) return;
    if (this.#finishing || this.#ended) this.#socket.end();
    else this.#socket.resume();
  }

  // The client asks nothing more but reads on (RFC 7766 §6.2.4 leaves that open; resolvers that half-close exist).
  #half(): void {
    this.#ended = true;
    if (this.#held === undefined) this.#socket.end();
  }
}
