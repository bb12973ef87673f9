// What is sent to knock at a VIP on one server, octet by octet, and what the answers say.
//   segment · datagram → IP packet → wrapped (GRE, GUE) if it goes through a tunnel     answer → readAnswer
// Invariant: outside, a tunnelled packet looks as lvs/forward/tun makes it, but for what the kernel fills in.
import { finish, sum } from '../kit/checksum.ts';
import { makePacket } from '../lvs/packet/make.ts';
import {
  ACK,
  half,
  OK,
  Packet,
  parse,
  RST,
  SYN,
  setHalf,
  setWord,
  TCP,
  UDP,
  word,
} from '../lvs/packet/parse.ts';

const WINDOW = 0xffff;
/** The option: 1460 and 1440. */
const MSS = { 4: [2, 4, 5, 180], 6: [2, 4, 5, 160] } as const;
const [IPV4, IPV6, GRE] = [4, 41, 47];

/** Both ends, addresses as 4 or 16 octets. */
export interface Ends {
  source: Uint8Array;
  sourcePort: number;
  destination: Uint8Array;
  destinationPort: number;
}

/** A SYN, or with `reset` what ends a connection that is half open. `sequence`: its number. */
export function segment(ends: Ends, sequence: number, reset = false): Uint8Array {
  // Filters may drop a SYN that does not say how large segments may be.
  const header = reset ? 20 : 24;
  const b = new Uint8Array(header);
  setHalf(b, 0, ends.sourcePort);
  setHalf(b, 2, ends.destinationPort);
  setWord(b, 4, sequence);
  b[12] = (header / 4) << 4;
  b[13] = reset ? RST : SYN;
  setHalf(b, 14, WINDOW);
  if (!reset) b.set(ends.source.length === 4 ? MSS[4] : MSS[6], 20);
  return makePacket(ends.source, ends.destination, TCP, b);
}

/** A UDP datagram. */
export function datagram(ends: Ends, payload: Uint8Array): Uint8Array {
  const b = new Uint8Array(8 + payload.length);
  setHalf(b, 0, ends.sourcePort);
  setHalf(b, 2, ends.destinationPort);
  setHalf(b, 4, b.length);
  b.set(payload, 8);
  return makePacket(ends.source, ends.destination, UDP, b);
}

/** What stands behind the outer IP header, and its protocol number; for GUE what stands in a datagram to the tunnel's port. */
export function wrapped(
  type: 'ipip' | 'gue' | 'gre',
  checksum: boolean,
  inner: Uint8Array,
): { protocol: number; payload: Uint8Array } {
  const v4 = inner[0] >> 4 === 4;
  if (type === 'ipip') return { protocol: v4 ? IPV4 : IPV6, payload: inner };
  if (type === 'gue')
    return { protocol: UDP, payload: Uint8Array.from([0, v4 ? IPV4 : IPV6, 0, 0, ...inner]) };
  const header = checksum ? 8 : 4;
  const b = new Uint8Array(header + inner.length);
  b.set(inner, header);
  setHalf(b, 0, checksum ? 0x8000 : 0);
  setHalf(b, 2, v4 ? 0x0800 : 0x86dd);
  if (checksum) setHalf(b, 4, finish(sum(b, 0, b.length, 0)));
  return { protocol: GRE, payload: b };
}

export interface Answer extends Ends {
  protocol: 'tcp' | 'udp';
  /** TCP: what it says to a SYN with the number that it acknowledges; a datagram is always `open`. */
  says: 'open' | 'refused' | 'else';
  acknowledges: number;
}

/** Reads an IP packet; undefined: it is no whole packet of TCP or UDP. */
export function readAnswer(bytes: Uint8Array, length: number): Answer | undefined {
  const p = new Packet();
  if (parse(p, bytes, 0, length) !== OK || !p.whole || (p.protocol !== TCP && p.protocol !== UDP))
    return undefined;
  const size = p.family === 4 ? 4 : 16;
  const from = p.at + (p.family === 4 ? 12 : 8);
  const flags = p.tcpFlags & (SYN | ACK | RST);
  return {
    protocol: p.protocol === TCP ? 'tcp' : 'udp',
    source: bytes.slice(from, from + size),
    sourcePort: half(bytes, p.l4),
    destination: bytes.slice(from + size, from + 2 * size),
    destinationPort: half(bytes, p.l4 + 2),
    says: p.protocol === UDP || flags === (SYN | ACK) ? 'open' : flags === (RST | ACK) ? 'refused' : 'else',
    acknowledges: p.protocol === TCP ? word(bytes, p.l4 + 8) >>> 0 : 0,
  };
}
