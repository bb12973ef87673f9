// Real servers for the probes to look at: each answers well, badly, late or not at all.
import { once } from 'node:events';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttps, type ServerOptions } from 'node:https';
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from 'node:net';
import { createServer as createTls, type TlsOptions } from 'node:tls';
import { type CheckConfig, check } from '../../src/model/probe.ts';

const opened: { server: Server; sockets: Set<Socket> }[] = [];

async function listen(server: Server, host: string): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', socket => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  opened.push({ server, sockets });
  server.listen(0, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Connections open now, over all servers. */
export function openConnections(): number {
  return opened.reduce((n, o) => n + o.sockets.size, 0);
}

export const httpServer = (handler: RequestListener, host = '127.0.0.1') => listen(createHttp(handler), host);
export const httpsServer = (options: ServerOptions, handler: RequestListener) =>
  listen(createHttps(options, handler), '127.0.0.1');
export const tlsServer = (options: TlsOptions) =>
  listen(
    createTls(options, s => s.on('error', () => {})),
    '127.0.0.1',
  );
export const tcpServer = (handler: (socket: Socket) => void) => listen(createTcp(handler), '127.0.0.1');

/** A port on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createTcp();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export async function closeServers(): Promise<void> {
  await Promise.all(
    opened.splice(0).map(({ server, sockets }) => {
      for (const s of sockets) s.destroy();
      return new Promise(resolve => server.close(resolve));
    }),
  );
}

/** A check as the cluster file would give it, defaults filled in. */
export const checkOf = (text: object): CheckConfig => check.parse(text);

export const sleep = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms));
