// A small HTTP real server that says its name: what the sample cluster forwards to. `/healthz` is what its checks ask.
import { createServer, type Server } from 'node:http';
import { GtmError, reason } from '../kit/errors.ts';
import { parseEndpoint } from '../kit/ip.ts';

/** A real server that can be stopped and started again; stopping cuts its open connections, as a crash would. */
export class DemoServer {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  #server: Server | undefined;

  constructor(name: string, address: string, port: number) {
    this.name = name;
    this.address = address;
    this.port = port;
  }

  get running(): boolean {
    return this.#server !== undefined;
  }

  /** Listens; rejects with GTM_LISTEN when the address cannot be had. */
  async start(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer((request, response) => {
      const healthy = request.url === '/healthz';
      const from = `${request.socket.remoteAddress}:${request.socket.remotePort}`;
      response.writeHead(200, { 'content-type': 'text/plain', 'x-real-server': this.name });
      response.end(healthy ? 'ok\n' : `${this.name} at ${this.address}:${this.port}, asked by ${from}\n`);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', e =>
        reject(new GtmError('GTM_LISTEN', `real server ${this.name}: ${reason(e)}`, e)),
      );
      // Thousands of clients may connect in one burst.
      server.listen({ port: this.port, host: this.address, backlog: 4096 }, resolve);
    });
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise(resolve => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }
}

/** `gtm real-server`: one such server until SIGTERM or SIGINT. Returns the exit code. */
export async function runRealServer(options: { name: string; listen: string }): Promise<number> {
  const endpoint = parseEndpoint(options.listen);
  if (endpoint === undefined) throw new GtmError('GTM_USAGE', `«${options.listen}» is not ADDRESS:PORT`);
  const server = new DemoServer(options.name, endpoint.address, endpoint.port);
  await server.start();
  process.stderr.write(`${options.name} listens on ${options.listen}\n`);
  await new Promise(resolve => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  await server.stop();
  return 0;
}
