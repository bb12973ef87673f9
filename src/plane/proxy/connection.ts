// One TCP connection: the client's leg and the real server's, spliced.
//   connecting ──server up──→ open ──first FIN──→ closing ──second FIN──→ closed
//       └ refused, unreachable, timed out: the next server; none left: RST        any RST or time-out: RST on both legs
// Invariant: of what one leg sent at most one read (64 KiB) waits in each of the two sockets; then that leg is not read
// until the other has taken it. A FIN is passed on only after all that came before it.
import { connect, type Socket } from 'node:net';
import { formatEndpoint } from '../../kit/ip.ts';
import type { ConnectionRow } from '../../model/service.ts';
import { SERVER, SERVICE } from './counters.ts';
import { adopt, LEG_OPTIONS, type Leg, type Owner, reset } from './leg.ts';
import { LOCAL_ERRORS } from './listen.ts';
import { type Ends, writePreface } from './preface.ts';
import type { RealServer } from './real-server.ts';
import type { Service } from './service.ts';

const NONE: readonly RealServer[] = [];
/** What a connection counts as in each state, and what LVS calls that. */
const STANDING = { connecting: 'connecting', open: 'active', closing: 'inactive' } as const;
const NAMES = { connecting: 'SYN_RECV', open: 'ESTABLISHED', closing: 'FIN_WAIT', closed: 'CLOSE' } as const;
// The two legs as bits, for what is known of each.
const CLIENT = 1;
const UPSTREAM = 2;

export class Connection implements Owner {
  readonly #service: Service;
  readonly #client: Leg;
  readonly #ends: Ends;
  readonly #onEnd: (c: Connection) => void;
  #upstream: Leg | undefined;
  /** The server that is charged with this connection. */
  #server: RealServer | undefined;
  #tried = NONE;
  /** Whether the client's persistence template counts this connection. */
  #held = false;
  #state: 'connecting' | 'open' | 'closing' | 'closed' = 'connecting';
  /** Legs that were idle for their whole time-out since the last byte went either way. */
  #quiet = 0;

  /** When a byte went either way, or the state changed; monotonic milliseconds. */
  #last = performance.now();

  /** Takes over an accepted socket that is not read yet. `onEnd` is called once, when both legs are closed. */
  constructor(service: Service, client: Socket, ends: Ends, onEnd: (c: Connection) => void) {
    this.#service = service;
    this.#ends = ends;
    this.#onEnd = onEnd;
    this.#client = adopt(client, this);
  }

  /** Looks for a real server that was not tried yet, and connects to it; with none left the client gets RST. */
  open(): void {
    const now = performance.now();
    const { address, port } = this.#ends;
    const server = this.#service.choose(address, port, this.#tried, now);
    if (server === undefined) {
      this.#refuse();
      return;
    }
    if (!this.#held) this.#service.use(address, 1, now);
    this.#held = true;
    this.#server = server;
    this.#service.move(server, undefined, 'connecting');
    this.#upstream = adopt(connect({ ...LEG_OPTIONS, host: server.address, port: server.port }), this);
    this.#upstream.setTimeout(this.#service.spec.timeouts.connect);
  }

  /** RST on both legs. */
  cut(): void {
    reset(this.#client);
    if (this.#upstream !== undefined) reset(this.#upstream);
  }

  /** As `ipvsadm -Lnc` shows it; undefined while it has no real server. */
  row(now: number): ConnectionRow | undefined {
    const { spec } = this.#service;
    if (this.#server === undefined) return undefined;
    const { connect, tcp, tcp_fin } = spec.timeouts;
    const lasts = { connecting: connect, open: tcp, closing: tcp_fin, closed: 0 }[this.#state];
    return {
      protocol: 'tcp',
      state: NAMES[this.#state],
      expires: Math.max(0, this.#last + lasts - now),
      client: formatEndpoint(this.#ends.address, this.#ends.port),
      virtual: formatEndpoint(spec.address, spec.port),
      server: this.#server.key,
    };
  }

  connected(leg: Leg): void {
    if (leg !== this.#upstream || this.#server === undefined || this.#state !== 'connecting') return;
    this.#state = 'open';
    this.#service.move(this.#server, 'connecting', 'active');
    this.#server.counters[SERVER.connections]++;
    this.#service.counters[SERVICE.connections]++;
    this.#setTimeouts(this.#service.spec.timeouts.tcp);
    const { proxyProtocol } = this.#service.spec;
    if (proxyProtocol !== undefined) leg.write(writePreface(proxyProtocol, 'tcp', this.#ends));
    this.#client.resume();
  }

  data(from: Leg, chunk: Buffer): void {
    const to = this.#other(from);
    if (to === undefined || to.destroyed || this.#server === undefined) return;
    const inward = from === this.#client;
    this.#service.counters[inward ? SERVICE.inBytes : SERVICE.outBytes] += chunk.length;
    this.#server.counters[inward ? SERVER.inBytes : SERVER.outBytes] += chunk.length;
    this.#quiet = 0;
    this.#last = performance.now();
    to.write(chunk);
    if (to.writableLength > 0) from.pause();
  }

  drained(to: Leg): void {
    const from = this.#other(to);
    if (from === undefined || to.writableLength > 0) return;
    this.#quiet = 0;
    if (!from.readableEnded) from.resume();
    else if (!to.writableEnded) to.end();
  }

  // FIN waits until all before it was taken (drained() sends it then): a leg that is still sending can be reset.
  ended(from: Leg): void {
    const to = this.#other(from);
    if (to === undefined || this.#server === undefined) return;
    if (this.#state === 'open') {
      this.#state = 'closing';
      this.#service.move(this.#server, 'active', 'inactive');
      this.#setTimeouts(this.#service.spec.timeouts.tcp_fin);
    }
    if (!to.destroyed && to.writableLength === 0) to.end();
  }

  // Bytes that still trickle out of one leg keep only that leg from being idle: so both must be, for a whole time-out.
  idle(leg: Leg): void {
    if (this.#state === 'connecting') {
      if (leg === this.#upstream) this.#next();
      return;
    }
    this.#quiet |= leg === this.#client ? CLIENT : UPSTREAM;
    if (this.#client.destroyed) this.#quiet |= CLIENT;
    if (this.#upstream?.destroyed !== false) this.#quiet |= UPSTREAM;
    if (this.#quiet === (CLIENT | UPSTREAM)) this.cut();
  }

  failed(leg: Leg, code: string): void {
    if (leg === this.#client || (leg === this.#upstream && this.#state !== 'connecting')) this.cut();
    else if (leg === this.#upstream) {
      if (LOCAL_ERRORS.has(code)) this.#refuse();
      else this.#next();
    }
  }

  closed(): void {
    if (this.#state === 'closed' || !this.#client.destroyed || this.#upstream?.destroyed === false) return;
    if (this.#server !== undefined) this.#service.move(this.#server, STANDING[this.#state], undefined);
    if (this.#held) this.#service.use(this.#ends.address, -1, performance.now());
    this.#state = 'closed';
    this.#onEnd(this);
  }

  // The server could not be reached: it is not this client's any more, and the next one is tried.
  #next(): void {
    const server = this.#server as RealServer;
    const leg = this.#upstream as Leg;
    // The client is gone: this leg was only waiting to be reset.
    if (this.#client.destroyed) {
      leg.destroy();
      return;
    }
    this.#server = undefined;
    this.#upstream = undefined;
    leg.destroy();
    server.counters[SERVER.failed]++;
    this.#service.move(server, 'connecting', undefined);
    this.#tried = [...this.#tried, server];
    this.open();
  }

  #refuse(): void {
    this.#service.counters[SERVICE.refused]++;
    this.cut();
  }

  #other(leg: Leg): Leg | undefined {
    if (leg === this.#client) return this.#upstream;
    return leg === this.#upstream ? this.#client : undefined;
  }

  #setTimeouts(ms: number): void {
    this.#quiet = 0;
    this.#last = performance.now();
    this.#client.setTimeout(ms);
    this.#upstream?.setTimeout(ms);
  }
}
