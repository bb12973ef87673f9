// Sockets for batched UDP: bound through the C library, plain descriptors that may be handed to a worker.
// Several workers share an address by SO_REUSEPORT: the kernel gives each client to one of them. The first one is bound
// alone, so that an address which another program has is a fault here too and not a share of its queries.
// Invariant: whoever opened them closes them, after the worker that reads them has ended.
import type { GtmError } from '../kit/errors.ts';
import { AF, IP, IPV6, PMTUDISC_PROBE, SO, SOCK_DGRAM, SOCKADDR, SOL } from '../nic/layout.ts';
import type { Libc } from '../nic/libc.ts';
import { readSockaddr, sockaddr } from '../nic/sockaddr.ts';
import { listenFault } from './listen.ts';

export interface BatchSocket {
  fd: number;
  address: string;
  port: number;
}

/** `alone`: nobody else may have the address; `first`: and then others of ours may join; `join`: be one of those. */
export type Sharing = 'alone' | 'first' | 'join';

/** Milliseconds that a call waits which is to receive. */
export const PATIENCE_MS = 5;
// struct timeval: seconds and microseconds, 64 bits each.
const PATIENCE = new Uint8Array(Uint32Array.of(0, 0, PATIENCE_MS * 1000, 0).buffer);
// What we ask for; the kernel gives at most net.core.rmem_max (and wmem_max).
const SOCKET_BUFFER = 4 << 20;

/** Opens one. IPv4 or IPv6, port 0: any free one. Throws a GtmError (GTM_LISTEN_…) that says why not. */
export function openBatchSocket(libc: Libc, address: string, port: number, sharing: Sharing): BatchSocket {
  let fd: number | undefined;
  try {
    const six = address.includes(':');
    fd = libc.socket(six ? AF.INET6 : AF.INET, SOCK_DGRAM, 0);
    if (six) libc.setOption(fd, SOL.IPV6, IPV6.V6ONLY, 1);
    if (sharing === 'join') libc.setOption(fd, SOL.SOCKET, SO.REUSEPORT, 1);
    for (const buffer of [SO.RCVBUF, SO.SNDBUF]) libc.setOption(fd, SOL.SOCKET, buffer, SOCKET_BUFFER);
    libc.setOptionBytes(fd, SOL.SOCKET, SO.RCVTIMEO, PATIENCE);
    // Only a wildcard has a choice of addresses to reply from.
    if (address === '0.0.0.0') libc.setOption(fd, SOL.IP, IP.PKTINFO, 1);
    if (six && isAny(address)) libc.setOption(fd, SOL.IPV6, IPV6.RECVPKTINFO, 1);
    libc.bind(fd, sockaddr(address, port));
    if (sharing === 'first') libc.setOption(fd, SOL.SOCKET, SO.REUSEPORT, 1);
    const name = new Uint8Array(SOCKADDR.in6.size);
    libc.getName(fd, name);
    return { fd, address, port: readSockaddr(name).port };
  } catch (e) {
    if (fd !== undefined) libc.close(fd);
    throw listenFault((e as GtmError).cause ?? e, 'udp', address, port);
  }
}

/** What every path takes, IPv6's least MTU of 1280 less its headers, has no need to be cut. */
const WHOLE = 1232;

/**
 * Where no reply is longer than every path takes: IPv4 datagrams go out with DF (RFC 9715 §3.1), and an ICMP error with a
 * small MTU, which anybody may send, makes no fragments of them. The kernel then looks for no MTU and makes up no id.
 */
export function sendWhole(libc: Libc, sockets: readonly BatchSocket[], replySize: number): void {
  if (replySize > WHOLE) return;
  for (const { fd, address } of sockets)
    if (!address.includes(':')) libc.setOption(fd, SOL.IP, IP.MTU_DISCOVER, PMTUDISC_PROBE);
}

function isAny(address: string): boolean {
  const bytes = sockaddr(address, 0);
  return bytes.subarray(SOCKADDR.in6.address, SOCKADDR.in6.address + 16).every(b => b === 0);
}
