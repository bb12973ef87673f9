// A TCP service's listening socket and the connections it has let in.
// With acceptProxyProtocol only the named front ends are let in, and each has to tell first whom it is for.
// Invariant: no more connections than maxConnections; who comes beyond that gets RST and is counted.
import { createServer, type Server, type Socket } from 'node:net';
import { formatEndpoint } from '../../kit/ip.ts';
import type { ConnectionRow } from '../../model/service.ts';
import { Connection } from './connection.ts';
import { SERVICE } from './counters.ts';
import { Greeting } from './greeting.ts';
import { LEG_OPTIONS, reset } from './leg.ts';
import { listenFault } from './listen.ts';
import type { Listener, Warn } from './listener.ts';
import type { Ends } from './preface.ts';
import type { Service } from './service.ts';

const BACKLOG = 4096;

export class TcpListener implements Listener {
  readonly #service: Service;
  readonly #warn: Warn;
  readonly #connections = new Set<Connection>();
  readonly #greetings = new Set<Greeting>();
  readonly #onEnd = (c: Connection): void => {
    this.#connections.delete(c);
  };
  #server: Server | undefined;

  constructor(service: Service, warn: Warn) {
    this.#service = service;
    this.#warn = warn;
  }

  get open(): number {
    return this.#connections.size + this.#greetings.size;
  }

  listen(): Promise<string | undefined> {
    const { key, address, port } = this.#service.spec;
    // Not read until the real server's leg is up: what a client sends before that waits in the kernel.
    const server = createServer({ ...LEG_OPTIONS, pauseOnConnect: true });
    server.on('connection', socket => this.#accept(socket));
    return new Promise(resolve => {
      server.once('error', e => resolve(listenFault(formatEndpoint(address, port), e)));
      server.listen({ host: address, port, ipv6Only: true, backlog: BACKLOG, exclusive: true }, () => {
        server.removeAllListeners('error');
        server.on('error', e => this.#warn(key, `accept failed: ${e.message}`));
        this.#server = server;
        resolve(undefined);
      });
    });
  }

  stop(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  cut(): void {
    for (const g of this.#greetings) g.cut();
    for (const c of this.#connections) c.cut();
  }

  list(out: ConnectionRow[], limit: number, now: number): void {
    for (const c of this.#connections) {
      if (out.length >= limit) return;
      const row = c.row(now);
      if (row !== undefined) out.push(row);
    }
  }

  #accept(socket: Socket): void {
    const trusts = this.#service.trusts(socket.remoteAddress ?? '');
    if (this.open >= this.#service.spec.maxConnections || trusts === false) {
      this.#refuse();
      socket.on('error', ignore);
      reset(socket);
    } else if (trusts === undefined) this.#begin(socket, endsOf(socket));
    else {
      const greeting = new Greeting(
        socket,
        ends => {
          this.#greetings.delete(greeting);
          this.#begin(socket, ends ?? endsOf(socket));
        },
        () => {
          this.#greetings.delete(greeting);
          this.#refuse();
        },
      );
      this.#greetings.add(greeting);
    }
  }

  #begin(socket: Socket, ends: Ends): void {
    const connection = new Connection(this.#service, socket, ends, this.#onEnd);
    this.#connections.add(connection);
    connection.open();
  }

  #refuse(): void {
    this.#service.counters[SERVICE.refused]++;
  }
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): Ends {
  return {
    address: remoteAddress ?? '',
    port: remotePort ?? 0,
    toAddress: localAddress ?? '',
    toPort: localPort ?? 0,
  };
}

// A socket that is being reset has nothing more to say.
function ignore(): void {}
