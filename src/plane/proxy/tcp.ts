// A TCP service's listening socket and the connections it has let in.
// Invariant: no more connections than maxConnections; who comes beyond that gets RST and is counted.
import { createServer, type Server, type Socket } from 'node:net';
import { formatEndpoint } from '../../kit/ip.ts';
import { Connection } from './connection.ts';
import { SERVICE } from './counters.ts';
import { LEG_OPTIONS, reset } from './leg.ts';
import { listenFault } from './listen.ts';
import type { Listener, Warn } from './listener.ts';
import type { Service } from './service.ts';

const BACKLOG = 4096;

export class TcpListener implements Listener {
  readonly #service: Service;
  readonly #warn: Warn;
  readonly #connections = new Set<Connection>();
  readonly #onEnd = (c: Connection): void => {
    this.#connections.delete(c);
  };
  #server: Server | undefined;

  constructor(service: Service, warn: Warn) {
    this.#service = service;
    this.#warn = warn;
  }

  get open(): number {
    return this.#connections.size;
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
    for (const c of this.#connections) c.cut();
  }

  #accept(socket: Socket): void {
    if (this.#connections.size >= this.#service.spec.maxConnections) {
      this.#service.counters[SERVICE.refused]++;
      socket.on('error', ignore);
      reset(socket);
      return;
    }
    const connection = new Connection(this.#service, socket, this.#onEnd);
    this.#connections.add(connection);
    connection.open();
  }
}

// A socket that is being reset has nothing more to say.
function ignore(): void {}
