// What handle() says of a packet, why, and what goes out: codes, so that the packet path makes no object and no string.
// Invariant: every verdict has a reason; REASON names them all, and a Director counts each.
import { Route } from './config.ts';

/** Nothing goes out. */
export const DROP = 0;
/** The host's own stack goes on with the packet that `out` describes (as it came, but for replies to the host's own connections). */
export const HOST = 1;
/** The packet that `out` describes leaves by `out.route`. */
export const TRANSMIT = 2;
/** `out` describes an ICMP message of the director itself; the packet that came is gone. */
export const REPLY = 3;
export type Verdict = typeof DROP | typeof HOST | typeof TRANSMIT | typeof REPLY;

export const VERDICT = ['drop', 'host', 'transmit', 'reply'] as const;

/** Reason codes by name. The order is not part of the contract, the names are. */
export const REASON = [
  'none',
  // transmit
  'forwarded', // an existing connection, from the client
  'scheduled', // a new connection, from the client
  'answered', // from the real server to the client
  'icmp-in', // an ICMP error that belongs to a connection, from the client's side
  'icmp-out', // the same, from the real server's side
  'hooked', // a hook of the lists said so
  // host
  'not-ip', // no IP header, a cut one, or a wrong IPv4 checksum: the host's stack judges it
  'other-protocol', // neither TCP, UDP nor an ICMP error of theirs
  'no-service', // no service has this address and port
  'no-connection', // TCP without SYN (or with RST), and no connection that it belongs to
  'not-ours', // to elsewhere, and no answer of a real server
  'local-server', // the real server is this host
  // drop
  'cut', // the header of the protocol is cut
  'held', // a fragment that waits for the others
  'fragment', // a fragment that fits in nowhere, or no room to hold it
  'no-server', // no server available, where no ICMP message may be sent
  'server-gone', // the connection's server was removed
  'shed', // a new connection that drop_packet refuses
  'full', // no room for a new connection
  'no-port', // FullNAT: no local address and port is free
  'no-route', // no way to the real server
  'no-headroom', // no room in front of the packet for the outer header
  'too-big', // over the MTU, where no ICMP message may be sent
  'ttl', // it lived out its hops, where no ICMP message may be sent
  'checksum', // an ICMP error with a wrong checksum
  'tunnel-error', // an ICMP error about the director's own tunnel packet: taken in
  'denied', // the access list
  'limited', // the per-source limit
  // reply
  'port-unreachable', // the service has no server
  'frag-needed', // over the MTU (IPv4 with DF, or IPv6: packet too big)
  'time-exceeded', // lived out its hops
  'stray', // nat_icmp_send: a real server's packet without a connection
  'mtu-relayed', // an error about the director's tunnel packet, told on to the client
] as const;
export type ReasonName = (typeof REASON)[number];

/** The code of each reason. */
export const WHY = Object.fromEntries(REASON.map((name, code) => [name, code])) as Readonly<
  Record<ReasonName, number>
>;

/** What goes out; one object per Director, overwritten by every handle(). Addresses are four big-endian words (IPv4 in the first). */
export class Out {
  /** The buffer that holds the packet: the caller's frame, or the director's own (a message of its own, a packet put together from fragments). */
  frame: Uint8Array = new Uint8Array(0);
  /** Where the IP packet begins; may lie before where it came in (outer headers). */
  offset = 0;
  /** Bytes of the IP packet, outer headers included. */
  length = 0;
  /** 4 or 6: what the packet is on the wire. */
  family = 4;
  /** The way: its hop is the address whose MAC the frame wants, its interface as the route seam numbers it. */
  route: Route = new Route();
  /** > 0: the packet is longer than this, and is to be cut into fragments of at most so many bytes (packet/fragment.ts). */
  fragment = 0;
  /** Index of REASON. */
  reason = 0;
  /** A hook wrote into the packet; hooks that do so set it. */
  changed = false;
}
