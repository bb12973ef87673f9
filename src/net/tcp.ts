// DNS over TCP (RFC 1035 §4.2.2, RFC 7766, RFC 9210): accepts, and keeps the connections within bounds.
//   accept → over the limit: the longest idle one goes → Connection (frames in, replies out) → sweep closes what is late
// Invariant: `connections` is in the order of last progress, the oldest first; so both the sweep and the eviction
// look at its head only. Progress is a message begun, a message answered, or waiting replies taken by the client.
import { createServer, type Server, type Socket } from 'node:net';
import { newClient } from './client.ts';
import { listenFault } from './listen.ts';
import { NET, newNetCounters, type Respond } from './responder.ts';
import { MAX_MESSAGE, TcpConnection, type TcpShared } from './tcp-connection.ts';

export interface TcpLimits {
  /** At most as many connections at once. */
  connections: number;
  /** At most as many of one source, an IPv4 address or an IPv6 /64; default: as many as there may be. */
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
  readonly #connections = new Set<TcpConnection>();
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
        if (this.#connections.delete(c)) this.#connections.add(c);
      },
      gone: c => this.#connections.delete(c),
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
    return this.#connections.size;
  }

  close(drain: number): Promise<void> {
    clearInterval(this.#sweeper);
    for (const c of this.#connections) c.finish();
    const cut = setTimeout(() => {
      for (const c of this.#connections) c.destroy();
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
    if (this.#connections.size >= this.#options.connections) this.#evict();
    this.#connections.add(new TcpConnection(socket, this.#shared));
  }

  // The longest idle one; if nobody near the head is idle, the one longest without progress (RFC 7766 §6.2.3).
  #evict(): void {
    let victim: TcpConnection | undefined;
    let looked = 0;
    for (const c of this.#connections) {
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
    for (const c of this.#connections) {
      if (c.since > limit) break;
      this.#counters[NET.net_tcp_late]++;
      c.destroy();
    }
  }
}
