// A UDP service's socket and its flows: each client address and port has a connected socket to its real server, whose
// replies go back from the VIP's socket. With the flag `ops` each datagram is scheduled anew (LVS's one-packet scheduling),
// and a flow is a client and a server.
// Invariant: no more flows than maxConnections; the one used longest ago makes room, and is counted as refused.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { formatEndpoint } from '../../kit/ip.ts';
import type { ConnectionRow } from '../../model/service.ts';
import { SERVER, SERVICE } from './counters.ts';
import { Flow } from './flow.ts';
import { listenFault } from './listen.ts';
import type { Listener, Warn } from './listener.ts';
import { writePreface } from './preface.ts';
import type { RealServer } from './real-server.ts';
import type { Service } from './service.ts';

const NONE: readonly RealServer[] = [];
/** Bytes that may wait in the VIP's socket before replies are dropped. */
const SEND_QUEUE = 4 << 20;
/** Expired flows are looked for this often, milliseconds: four times in a time-out, within these bounds. */
const SWEEP = { least: 25, most: 1000 };

export class UdpListener implements Listener {
  readonly #service: Service;
  readonly #warn: Warn;
  /** In the order of use: the first is the one used longest ago. */
  readonly #flows = new Map<string, Flow>();
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(service: Service, warn: Warn) {
    this.#service = service;
    this.#warn = warn;
  }

  get open(): number {
    return this.#flows.size;
  }

  listen(): Promise<string | undefined> {
    const { key, address, port } = this.#service.spec;
    const v6 = address.includes(':');
    const socket = createSocket({ type: v6 ? 'udp6' : 'udp4', ipv6Only: v6, lookup: literal });
    socket.on('message', (data, from) => this.#take(data, from));
    return new Promise(resolve => {
      socket.once('error', e => {
        socket.close();
        resolve(listenFault(formatEndpoint(address, port), e));
      });
      socket.bind({ address, port, exclusive: true }, () => {
        socket.removeAllListeners('error');
        socket.on('error', e => this.#warn(key, `receive failed: ${e.message}`));
        this.#socket = socket;
        this.#sweep();
        resolve(undefined);
      });
    });
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#socket = undefined;
    this.cut();
  }

  cut(): void {
    for (const flow of this.#flows.values()) this.#end(flow);
  }

  list(out: ConnectionRow[], limit: number, now: number): void {
    const { spec } = this.#service;
    for (const flow of this.#flows.values()) {
      if (out.length >= limit) return;
      out.push({
        protocol: 'udp',
        state: 'UDP',
        expires: Math.max(0, flow.last + spec.timeouts.udp - now),
        client: formatEndpoint(flow.address, flow.port),
        virtual: formatEndpoint(spec.address, spec.port),
        server: flow.server.key,
      });
    }
  }

  /** A datagram from a real server, back to the client. */
  reply(flow: Flow, data: Buffer): void {
    this.#touch(flow);
    this.#service.counters[SERVICE.outBytes] += data.length;
    this.#service.counters[SERVICE.outPackets]++;
    flow.server.counters[SERVER.outBytes] += data.length;
    flow.server.counters[SERVER.outPackets]++;
    if (this.#socket !== undefined && this.#socket.getSendQueueSize() < SEND_QUEUE)
      this.#socket.send(data, flow.port, flow.address);
  }

  /** The real server of a flow refused or could not be reached: the next datagrams go to another one. */
  failed(flow: Flow, local: boolean): void {
    const { server } = flow;
    if (!local) {
      server.counters[SERVER.failed]++;
      flow.tried = [...flow.tried, server];
    }
    const next = local || this.#ops ? undefined : this.#choose(flow.address, flow.port, flow.tried);
    if (next === undefined) {
      this.#service.counters[SERVICE.refused]++;
      this.#end(flow);
      return;
    }
    this.#service.move(server, 'inactive', undefined);
    this.#service.move(next, undefined, 'inactive');
    this.#count(next);
    flow.attach(next);
  }

  get #ops(): boolean {
    return this.#service.spec.flags.includes('ops');
  }

  #take(data: Buffer, from: RemoteInfo): void {
    const anew = this.#ops ? this.#choose(from.address, from.port, NONE) : undefined;
    const client = `${from.address} ${from.port}`;
    const key = anew === undefined ? client : `${client} ${anew.key}`;
    let flow = this.#flows.get(key);
    // A flow of a server that was removed is scheduled anew: else a client that never pauses would be lost for good.
    if (flow !== undefined && flow.server.at < 0) {
      this.#end(flow);
      flow = undefined;
    }
    const server = flow?.server ?? anew ?? this.#choose(from.address, from.port, NONE);
    if (server === undefined) {
      this.#service.counters[SERVICE.refused]++;
      return;
    }
    if (flow === undefined || anew !== undefined) this.#count(server);
    flow ??= this.#begin(key, from, server);
    this.#touch(flow);
    this.#service.counters[SERVICE.inBytes] += data.length;
    this.#service.counters[SERVICE.inPackets]++;
    server.counters[SERVER.inBytes] += data.length;
    server.counters[SERVER.inPackets]++;
    flow.send(data);
  }

  #choose(address: string, port: number, tried: readonly RealServer[]): RealServer | undefined {
    return this.#service.choose(address, port, tried, performance.now());
  }

  #begin(key: string, from: RemoteInfo, server: RealServer): Flow {
    for (const [, oldest] of this.#flows) {
      if (this.#flows.size < this.#service.spec.maxConnections) break;
      this.#service.counters[SERVICE.refused]++;
      this.#end(oldest);
    }
    const flow = new Flow(this, key, from.address, from.port, server, this.#prefaceOf(from));
    this.#flows.set(key, flow);
    this.#service.move(server, undefined, 'inactive');
    this.#service.use(from.address, 1, performance.now());
    return flow;
  }

  #prefaceOf({ address, port }: RemoteInfo): Buffer | undefined {
    const { proxyProtocol, address: toAddress, port: toPort } = this.#service.spec;
    return proxyProtocol && writePreface(proxyProtocol, 'udp', { address, port, toAddress, toPort });
  }

  #count(server: RealServer): void {
    this.#service.counters[SERVICE.connections]++;
    server.counters[SERVER.connections]++;
  }

  #touch(flow: Flow): void {
    flow.last = performance.now();
    this.#flows.delete(flow.key);
    this.#flows.set(flow.key, flow);
  }

  #end(flow: Flow): void {
    flow.close();
    this.#flows.delete(flow.key);
    this.#service.move(flow.server, 'inactive', undefined);
    this.#service.use(flow.address, -1, performance.now());
  }

  #sweep(): void {
    const { udp } = this.#service.spec.timeouts;
    const now = performance.now();
    for (const flow of this.#flows.values()) {
      if (flow.last + udp > now) break;
      this.#end(flow);
    }
    const pause = Math.min(SWEEP.most, Math.max(SWEEP.least, udp / 4));
    this.#timer = setTimeout(() => this.#sweep(), pause).unref();
  }
}

// A lookup for what is an address already; without it every reply would wait a turn of the loop.
function literal(
  address: string,
  _options: unknown,
  done: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  done(null, address, address.includes(':') ? 6 : 4);
}
