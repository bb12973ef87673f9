// The portable UDP socket of the DNS server: node:dgram, one socket for each listen address (RFC 1035 §4.2.1).
//   datagram → client filled → respond() writes into a free slot → send → the slot is free again
// Invariant: a reply buffer is not written again before the kernel has its bytes; when every slot waits, queries are
// dropped and counted, so that memory stays bounded. Bound to one address, replies leave from the address asked;
// 0.0.0.0 and :: are for hosts with one address a family, since dgram cannot choose the source.
import { createSocket, type Socket } from 'node:dgram';
import { type Client, newClient } from '../model/steering.ts';
import { fillAddress } from './client.ts';
import { listenFault } from './listen.ts';
import { NET, newNetCounters, type Respond } from './responder.ts';

export interface UdpOptions {
  /** IPv4 or IPv6; an IPv6 socket takes IPv6 only. */
  address: string;
  /** 0: any free one. */
  port: number;
  respond: Respond;
  /** Monotonic milliseconds, handed to `respond`. */
  now: () => number;
  /** A fault of the open socket that is no fault of one datagram. */
  onError: (error: Error) => void;
  /** Bumped at NET's indexes. */
  counters?: Float64Array;
  /** Bytes of one reply buffer: no reply can be longer. */
  replySize?: number;
  /** Replies that may wait to be sent. */
  slots?: number;
}

export interface UdpSocket {
  address(): { address: string; port: number };
  /** Stops at once; replies that still wait are lost, as datagrams may be. */
  close(): Promise<void>;
}

// What we ask for; the kernel gives at most net.core.rmem_max (and wmem_max).
const SOCKET_BUFFER = 4 << 20;

/** Opens the socket. Rejects with a GtmError (GTM_LISTEN_…) that says why not. */
export async function openUdp(options: UdpOptions): Promise<UdpSocket> {
  const six = options.address.includes(':');
  const socket = createSocket({
    type: six ? 'udp6' : 'udp4',
    ipv6Only: six,
    // Addresses are numbers already; the default would go through a resolver call and a tick for each reply.
    lookup: (host, _options, done) => done(null, host, 4),
  });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ address: options.address, port: options.port, exclusive: true }, () => {
        socket.removeListener('error', reject);
        resolve();
      });
    });
  } catch (e) {
    socket.close();
    throw listenFault(e, 'udp', options.address, options.port);
  }
  const { address, port } = socket.address();
  enlarge(socket);
  serve(socket, options);
  return {
    address: () => ({ address, port }),
    close: () => new Promise(resolve => socket.close(() => resolve())),
  };
}

function serve(socket: Socket, options: UdpOptions): void {
  const { respond, now } = options;
  const counters = options.counters ?? newNetCounters();
  const client: Client = newClient(false);
  const count = options.slots ?? 256;
  const size = options.replySize ?? 4096;
  const memory = new Uint8Array(count * size);
  const slots = Array.from({ length: count }, (_, i) => memory.subarray(i * size, (i + 1) * size));
  // A stack of free slots; each has its callback from the start, so that a reply makes no closure of ours.
  const free = Uint32Array.from({ length: count }, (_, i) => i);
  let left = count;
  const sent = slots.map((_, i) => (error: Error | null) => {
    free[left++] = i;
    if (error !== null) counters[NET.net_udp_send]++;
  });

  socket.on('error', options.onError);
  socket.on('message', (query, from) => {
    if (left === 0) {
      counters[NET.net_udp_busy]++;
      return;
    }
    fillAddress(client, from.address);
    client.port = from.port;
    const slot = free[left - 1];
    const length = respond(query, query.length, slots[slot], client, now());
    // To port 0 nothing can be sent, whatever the responder says.
    if (length === 0 || from.port === 0) return;
    left--;
    socket.send(slots[slot], 0, length, from.port, from.address, sent[slot]);
  });
}

function enlarge(socket: Socket): void {
  try {
    socket.setRecvBufferSize(SOCKET_BUFFER);
    socket.setSendBufferSize(SOCKET_BUFFER);
  } catch {
    // The default buffers do; a burst is then dropped earlier.
  }
}
