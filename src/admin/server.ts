// The admin API's socket (the door to @hono/node-server): bounds in size and time, and a close that leaves nothing open.
import { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { GtmError, reason } from '../kit/errors.ts';
import { formatEndpoint } from '../kit/ip.ts';
import type { Log } from '../kit/log.ts';
import { adminApp } from './app.ts';
import type { AdminNode } from './node.ts';

/** Milliseconds each, but for the header size (bytes). */
const BOUNDS = {
  maxHeaderSize: 8 * 1024,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
};
const MAX_CONNECTIONS = 256;

export interface AdminServer {
  /** The port it got: the one asked for, or any where that was 0. */
  port: number;
  /** Stops listening and ends every connection, streams of events too. */
  close(): Promise<void>;
}

/** Serves the API of `node` at `listen`. Throws GTM_LISTEN when the socket cannot be opened. */
export async function openAdmin(options: {
  listen: { address: string; port: number };
  node: AdminNode;
  log: Log;
}): Promise<AdminServer> {
  const { listen, node, log } = options;
  const app = adminApp(node, { address: listen.address, log });
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    serverOptions: BOUNDS,
  });
  if (server instanceof Server) server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    const failed = (e: Error) => reject(cannotListen(listen, e));
    server.once('error', failed);
    server.listen(listen.port, listen.address, () => {
      server.off('error', failed);
      resolve();
    });
  });
  server.on('error', e => log.error({}, `admin: socket: ${reason(e)}`));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>(resolve => {
      server.close(() => resolve());
      if (server instanceof Server) server.closeAllConnections();
    });
  return { port, close };
}

function cannotListen(listen: { address: string; port: number }, e: Error & { code?: string }): GtmError {
  const at = formatEndpoint(listen.address, listen.port);
  const hint =
    e.code === 'EADDRINUSE' ? ' (is another gtm running? its address is nodes.NAME.admin.listen)' : '';
  return new GtmError('GTM_LISTEN', `admin: cannot listen at ${at}${hint}`, e);
}
