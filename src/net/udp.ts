// The portable UDP socket of the DNS server: node:dgram, one socket for each listen address (RFC 1035 §4.2.1).
//   datagram → client filled → the cache, else respond(), writes into a free slot → send → the slot is free again
// Invariant: when every slot waits to be sent (udp-replies.ts), queries are dropped and counted, so that memory stays
// bounded; of ours, nothing is made per query. Bound to one address, replies leave from the address asked;
// 0.0.0.0 and :: are for hosts with one address a family, since dgram cannot choose the source.
import { createSocket, type Socket } from 'node:dgram';
import { LONGEST_KEPT, type PacketCache } from '../dns/packet-cache.ts';
import { type Client, newClient } from '../model/steering.ts';
import { fillAddress } from './client.ts';
import { listenFault } from './listen.ts';
import { NET, newNetCounters, type Respond } from './responder.ts';
import { Replies } from './udp-replies.ts';

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
  /** Asked before the responder, to which it must have been given. */
  cache?: PacketCache | undefined;
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

/** Answers what comes to the socket; `options` but for the address, which is the socket's. */
export function serve(
  socket: Pick<Socket, 'on' | 'send'>,
  options: Omit<UdpOptions, 'address' | 'port'>,
): void {
  const { respond, now, cache } = options;
  const counters = options.counters ?? newNetCounters();
  const client: Client = newClient(false);
  const replies = new Replies(options.slots ?? 256, options.replySize ?? 4096, () => {
    counters[NET.net_udp_send]++;
  });
  const { packets, step, out, sent } = replies;

  socket.on('error', options.onError);
  socket.on('message', (query, from) => {
    const slot = replies.next();
    if (slot < 0) {
      counters[NET.net_udp_busy]++;
      return;
    }
    fillAddress(client, from.address);
    client.port = from.port;
    let length = 0;
    if (cache !== undefined) {
      // The cache makes a query the reply to it, in the place from which that is sent.
      copy(query, out[slot]);
      const hash = cache.hash(packets, slot * step, query.length);
      length = cache.recall(hash, packets, slot * step, query.length, client);
    }
    // Only who thinks about a reply looks at the clock.
    if (length === 0) length = respond(query, query.length, out[slot], client, now());
    // To port 0 nothing can be sent, whatever the responder says.
    if (length === 0 || from.port === 0) return;
    // A view of the right length is sent as it is; with an offset and a length, dgram would make one.
    socket.send(replies.take(slot, length), from.port, from.address, sent[slot]);
  });
}

// Of what is too long to be kept the cache reads nothing.
function copy(query: Uint8Array, to: Uint8Array): void {
  const { length } = query;
  if (length > LONGEST_KEPT) return;
  for (let i = 0; i < length; i++) to[i] = query[i];
}

function enlarge(socket: Socket): void {
  try {
    socket.setRecvBufferSize(SOCKET_BUFFER);
    socket.setSendBufferSize(SOCKET_BUFFER);
  } catch {
    // The default buffers do; a burst is then dropped earlier.
  }
}
