// DNS over TCP (RFC 1035 §4.2.2, RFC 7766, RFC 9210): accepts, and keeps the connections within bounds.
//   accept → over its source's limit: turned away; over the whole limit: another one goes → Connection (frames in,
//   replies out) → sweep closes what is late
// Invariant: both lines of connections are in the order of last progress, the oldest first; so the sweep and the eviction
// look at their heads only. Progress is a message begun, a message answered, or waiting replies taken by the client.
// A connection is a newcomer until it was answered once: a flood of those makes room for itself, not at others' cost.
import { createServer, type Server, type Socket } from 'node:net';
import { newClient } from '../model/steering.ts';
import { listenFault } from './listen.ts';
import { NET, newNetCounters, type Respond } from './responder.ts';
import { MAX_MESSAGE, TcpConnection, type TcpShared } from './tcp-connection.ts';

export interface TcpLimits {
  /** At most as many connections at once. */
  connections: number;
  /** At most as many of one source, an IPv4 address or an IPv6 /64; default: any number. */
  perSource?: number;
  /** Milliseconds without progress after which a connection is closed; also the time that one message may take to come in. */
  idle: number;
}

export interface TcpOptions extends TcpLimits {
  address: string;
  /** 0: any free one. */
  port: number;
  respond: Respond;
  /** Monotonic milliseconds. */
  now: () => number;
  onError: (error: Error) => void;
  counters?: Float64Array;
}

export interface TcpListener {
  address(): { address: string; port: number };
  /** Connections open now. */
  count(): number;
  /** Takes no more; what is being answered may drain for `drain` ms, then everything is cut. */
  close(drain: number): Promise<void>;
}

// How far from the head an idle connection is looked for before a busy one is evicted.
const EVICTION_LOOK = 64;

/** Opens the listener. Rejects with a GtmError (GTM_LISTEN_…) that says why not. */
export async function openTcp(options: TcpOptions): Promise<TcpListener> {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    const refuse = (e: Error) => reject(listenFault(e, 'tcp', options.address, options.port));
    server.once('error', refuse);
    server.listen({ host: options.address, port: options.port, ipv6Only: true, exclusive: true }, () => {
      server.removeListener('error', refuse);
      resolve();
    });
  });
  return new Listener(server, options);
}

class Listener implements TcpListener {
  readonly #server: Server;
  readonly #options: TcpOptions;
  readonly #newcomers = new Set<TcpConnection>();
  readonly #known = new Set<TcpConnection>();
  readonly #sources = new Map<string, number>();
  readonly #counters: Float64Array;
  readonly #shared: TcpShared;
  readonly #sweeper: NodeJS.Timeout;
  readonly #local: { address: string; port: number };

  constructor(server: Server, options: TcpOptions) {
    this.#server = server;
    this.#options = options;
    this.#counters = options.counters ?? newNetCounters();
    this.#local = server.address() as { address: string; port: number };
    this.#shared = {
      respond: options.respond,
      now: options.now,
      client: newClient(true),
      out: new Uint8Array(MAX_MESSAGE),
      counters: this.#counters,
      progress: c => {
        c.since = options.now();
        const line = c.answered ? this.#known : this.#newcomers;
        if (this.#newcomers.delete(c) || this.#known.delete(c)) line.add(c);
      },
      gone: c => this.#gone(c),
    };
    server.on('error', options.onError);
    server.on('connection', socket => this.#accept(socket));
    const period = Math.min(1000, Math.max(20, options.idle / 8));
    this.#sweeper = setInterval(() => this.#sweep(), period).unref();
  }

  address(): { address: string; port: number } {
    return { address: this.#local.address, port: this.#local.port };
  }

  count(): number {
    return this.#newcomers.size + this.#known.size;
  }

  close(drain: number): Promise<void> {
    clearInterval(this.#sweeper);
    for (const c of this.#all()) c.finish();
    const cut = setTimeout(() => {
      for (const c of this.#all()) c.destroy();
    }, drain);
    return new Promise(resolve => {
      this.#server.close(() => {
        clearTimeout(cut);
        resolve();
      });
    });
  }

  #accept(socket: Socket): void {
    this.#counters[NET.net_tcp_accepted]++;
    const { connections, perSource = Number.POSITIVE_INFINITY } = this.#options;
    const connection = new TcpConnection(socket, this.#shared);
    const open = this.#sources.get(connection.source) ?? 0;
    if (open >= perSource) {
      this.#counters[NET.net_tcp_source]++;
      // Not in the books yet: a plain end of the socket, whose other half is cut too.
      socket.destroy();
      return;
    }
    if (this.count() >= connections) this.#evict();
    this.#sources.set(connection.source, (this.#sources.get(connection.source) ?? 0) + 1);
    this.#newcomers.add(connection);
  }

  #gone(c: TcpConnection): void {
    if (!this.#newcomers.delete(c) && !this.#known.delete(c)) return;
    const left = (this.#sources.get(c.source) ?? 1) - 1;
    if (left === 0) this.#sources.delete(c.source);
    else this.#sources.set(c.source, left);
  }

  #all(): TcpConnection[] {
    return [...this.#newcomers, ...this.#known];
  }

  // Newcomers may take half of the room from the others, no more. In its line the longest idle one goes; if nobody near
  // the head is idle, the one longest without progress (RFC 7766 §6.2.3).
  #evict(): void {
    const crowd = this.#newcomers.size > this.#options.connections / 2 || this.#known.size === 0;
    let victim: TcpConnection | undefined;
    let looked = 0;
    for (const c of crowd ? this.#newcomers : this.#known) {
      victim ??= c;
      if (c.idle) {
        victim = c;
        break;
      }
      if (++looked === EVICTION_LOOK) break;
    }
    if (victim === undefined) return;
    this.#counters[NET.net_tcp_evicted]++;
    victim.destroy();
  }

  #sweep(): void {
    const limit = this.#options.now() - this.#options.idle;
    for (const line of [this.#newcomers, this.#known])
      for (const c of line) {
        if (c.since > limit) break;
        this.#counters[NET.net_tcp_late]++;
        c.destroy();
      }
  }
}
