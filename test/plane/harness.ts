// Real sockets on loopback for the plane's tests: real servers that say their name, clients, and specs in few words.
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { silent } from '../../src/kit/log.ts';
import type { Plane, RealServerCounters, ServiceCounters, ServiceSpec } from '../../src/model/service.ts';
import { wasReset } from '../../src/plane/proxy/leg.ts';
import { openProxyPlane } from '../../src/plane/proxy.ts';
import { plainServer, plainService } from '../specs.ts';

/** What a test opened, ended in the reverse order. */
export class Stage {
  readonly #ends: (() => unknown)[] = [];
  readonly plane: Plane;

  constructor(onFault?: (reason: string) => void) {
    this.plane = openProxyPlane({ log: silent, ...(onFault === undefined ? {} : { onFault }) });
    this.#ends.push(() => this.plane.close());
  }

  /** A TCP server on a free port; `serve` gets each connection. Every socket of it is destroyed at the end. */
  async tcp(serve: (socket: Socket) => void, address = '127.12.1.1'): Promise<Endpoint> {
    const sockets = new Set<Socket>();
    const server = createServer({ allowHalfOpen: true }, socket => {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
      serve(socket);
    });
    server.listen({ host: address, port: 0, backlog: 4096 });
    await once(server, 'listening');
    const stop = () => {
      server.close();
      for (const s of sockets) s.destroy();
    };
    this.#ends.push(stop);
    return { address, port: portOf(server), stop };
  }

  /** A TCP server that says `name` to each connection, and sends back what it gets. */
  named(name: string, address?: string): Promise<Endpoint> {
    return this.tcp(socket => {
      socket.write(`${name}\n`);
      socket.pipe(socket);
    }, address);
  }

  /** A UDP server that answers each datagram with `name:` and its text. */
  async udp(name: string, address = '127.12.1.1', port = 0): Promise<Endpoint> {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    socket.on('message', (data, from) => socket.send(`${name}:${data}`, from.port, from.address));
    socket.bind(port, address);
    await once(socket, 'listening');
    let open = true;
    const stop = () => {
      if (open) socket.close();
      open = false;
    };
    this.#ends.push(stop);
    return { address, port: socket.address().port, stop };
  }

  /** A TCP client of `to`, from the address `from` if it matters. */
  client(to: { address: string; port: number }, from?: string): Socket {
    const socket = connect({
      host: to.address,
      port: to.port,
      allowHalfOpen: true,
      ...(from === undefined ? {} : { localAddress: from }),
    });
    socket.on('error', () => {});
    this.#ends.push(() => socket.destroy());
    return socket;
  }

  async udpClient(address = '127.0.0.1'): Promise<UdpSocket> {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    socket.bind(0, address);
    await once(socket, 'listening');
    this.#ends.push(() => socket.close());
    return socket;
  }

  /** The counters of the only service. */
  get service(): ServiceCounters {
    return this.plane.counters()[0];
  }

  /** The counters of a real server of the only service. */
  server(at: number): RealServerCounters {
    return this.service.realServers[at];
  }

  async end(): Promise<void> {
    for (const end of this.#ends.reverse()) await end();
  }
}

export interface Endpoint {
  address: string;
  port: number;
  stop(): void;
}

function portOf(server: Server): number {
  const address = server.address();
  return address === null || typeof address === 'string' ? 0 : address.port;
}

/** A port that nobody has on `address` now. */
export async function freePort(address: string): Promise<number> {
  const server = createServer().listen(0, address);
  await once(server, 'listening');
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return port;
}

export type Wish = Partial<Omit<ServiceSpec, 'timeouts' | 'realServers'>> & {
  timeouts?: Partial<ServiceSpec['timeouts']>;
};

/** A service on a free port (or `wish.port`) of 127.12.0.1, with these real servers: `[endpoint, weight]`, weight 1 by default. */
export async function service(
  servers: readonly ({ address: string; port: number } | [{ address: string; port: number }, number])[],
  wish: Wish = {},
): Promise<ServiceSpec> {
  const address = wish.address ?? '127.12.0.1';
  const port = wish.port ?? (await freePort(address));
  return {
    ...plainService(address, port, wish.protocol),
    scheduler: 'rr',
    maxConnections: 10_000,
    ...wish,
    timeouts: { connect: 1000, tcp: 60_000, tcp_fin: 60_000, udp: 60_000, ...wish.timeouts },
    realServers: servers.map(s => {
      const [to, weight] = Array.isArray(s) ? s : [s, 1];
      return plainServer(to.address, to.port, weight);
    }),
  };
}

/** The spec with other weights, in the order of its real servers. */
export function weighted(spec: ServiceSpec, ...weights: number[]): ServiceSpec {
  return { ...spec, realServers: spec.realServers.map((rs, i) => ({ ...rs, weight: weights[i] })) };
}

/** What a socket receives until it ends, and how it ended: `fin`, or the code of its error (`ECONNRESET`). */
export function collect(socket: Socket): Promise<{ text: string; end: string }> {
  return new Promise(resolve => {
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', d => {
      text += d;
    });
    socket.once('end', () => resolve({ text, end: wasReset(socket) ? 'ECONNRESET' : 'fin' }));
    socket.once('error', (e: NodeJS.ErrnoException) => resolve({ text, end: e.code ?? e.message }));
  });
}

/** The first line that a socket receives; the code of its error, or `fin`, if there is none. */
export function firstLine(socket: Socket): Promise<string> {
  return new Promise(resolve => {
    let text = '';
    const take = (d: Buffer) => {
      text += d.toString('latin1');
      if (!text.includes('\n')) return;
      socket.off('data', take);
      resolve(text.slice(0, text.indexOf('\n')));
    };
    socket.on('data', take);
    socket.once('end', () => resolve('fin'));
    socket.once('error', (e: NodeJS.ErrnoException) => resolve(e.code ?? e.message));
  });
}

/** Sends a datagram and gives the answer to it, or undefined after `ms`. */
export async function ask(
  client: UdpSocket,
  to: { address: string; port: number },
  text: string,
  ms = 1000,
): Promise<string | undefined> {
  const answer = once(client, 'message').then(([data]) => String(data));
  client.send(text, to.port, to.address);
  return Promise.race([answer, sleep(ms, undefined, { ref: false })]);
}

/** Waits until `done` holds; fails after `ms` with what `what` says. */
export async function until(done: () => boolean, what: () => string, ms = 3000): Promise<void> {
  const end = performance.now() + ms;
  while (!done()) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what()}`);
    await sleep(5);
  }
}
