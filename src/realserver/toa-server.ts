// How a server learns its clients' addresses behind FullNAT: TCP_SAVE_SYN on the listening socket, TCP_SAVED_SYN on each
// connection (Linux 4.2), and toa.ts on what comes. Here a small HTTP server that says them, to try out and to copy from.
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { GtmError, reason } from '../kit/errors.ts';
import { formatEndpoint, parseEndpoint } from '../kit/ip.ts';
import { type Libc, openLibc } from '../nic/libc.ts';
import { type Client, clientOf } from './toa.ts';

const IPPROTO_TCP = 6;
const TCP_SAVE_SYN = 27;
const TCP_SAVED_SYN = 28;
/** IP and TCP headers at their longest, IPv6 extension headers left out. */
const LONGEST = 40 + 60;

/** The client behind a connection; undefined when its SYN told none. To be asked once: the kernel forgets what it gave. */
export function clientBehind(libc: Libc, fd: number): Client | undefined {
  const syn = new Uint8Array(LONGEST);
  try {
    return clientOf(syn.subarray(0, libc.getOptionBytes(fd, IPPROTO_TCP, TCP_SAVED_SYN, syn)));
  } catch {
    // The connection ended meanwhile, or its SYN came as a cookie.
    return undefined;
  }
}

/** Serves until SIGTERM or SIGINT. Rejects with GTM_USAGE, GTM_LISTEN, GTM_NIC. */
export async function serveToa(options: { listen: string; ready: (text: string) => void }): Promise<void> {
  const endpoint = parseEndpoint(options.listen);
  if (endpoint === undefined)
    throw new GtmError('GTM_USAGE', `--listen: «${options.listen}» is not ADDRESS:PORT`);
  const libc = await openLibc();
  const clients = new WeakMap<Socket, Client | undefined>();
  const server = createServer((request, response) => {
    const client = clients.get(request.socket);
    const { remoteAddress = '', remotePort = 0 } = request.socket;
    const peer = formatEndpoint(remoteAddress, remotePort);
    const from = client === undefined ? `${peer}, no TOA` : formatEndpoint(client.address, client.port);
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.end(`client ${from}, peer ${peer}\n`);
  });
  server.on('connection', socket => clients.set(socket, clientBehind(libc, descriptor(socket))));
  await new Promise<void>((resolve, reject) => {
    server.once('error', e => reject(new GtmError('GTM_LISTEN', `${options.listen}: ${reason(e)}`, e)));
    server.listen(endpoint.port, endpoint.address, resolve);
  });
  libc.setOption(descriptor(server), IPPROTO_TCP, TCP_SAVE_SYN, 1);
  options.ready(`says clients' addresses on ${options.listen}`);
  await new Promise(resolve => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  server.closeAllConnections();
  server.close();
}

// Node shows it nowhere else; it is there on Unix, and has been for as long as Node.
function descriptor(of: object): number {
  return (of as { _handle?: { fd?: number } })._handle?.fd ?? -1;
}
