// Changes of a packet in place: addresses, ports, TTL, with the checksums following (RFC 1624).
// Invariant: `p` says afterwards what the bytes say. A UDP datagram that came without a checksum leaves with one, as from the kernel.
import { delta16, delta32, finish, sum, update } from '../../kit/checksum.ts';
import { type Packet, TCP, UDP } from './parse.ts';

/** One hop less. The caller has made sure that it lives on. */
export function decrementTtl(p: Packet): void {
  const { view, at } = p;
  if (p.family === 6) {
    p.frame[at + 7]--;
    return;
  }
  view.setInt32(at + 8, hopTaken(view.getInt32(at + 8)));
}

/** IPv4's third word (TTL, protocol, and the checksum that covers them) with a hop less. */
export function hopTaken(word: number): number {
  const ttl = (word >>> 16) - 0x100;
  return (ttl << 16) | update(word & 0xffff, delta16(word >>> 16, ttl));
}

/** Destination address `a` (four words) and port. */
export function setDestination(p: Packet, a: Int32Array, port: number): void {
  const { view, at } = p;
  let delta: number;
  if (p.family === 4) {
    delta = delta32(p.d0, a[0]);
    view.setInt32(at + 16, a[0]);
    view.setUint16(at + 10, update(view.getUint16(at + 10), delta));
  } else {
    delta = delta32(p.d0, a[0]) + delta32(p.d1, a[1]) + delta32(p.d2, a[2]) + delta32(p.d3, a[3]);
    for (let i = 0; i < 4; i++) view.setInt32(at + 24 + 4 * i, a[i]);
  }
  p.d0 = a[0];
  p.d1 = a[1];
  p.d2 = a[2];
  p.d3 = a[3];
  view.setUint16(p.l4 + 2, port);
  changeTransport(p, delta + delta16(p.dport, port));
  p.dport = port;
}

/** Source address `a` (four words) and port. */
export function setSource(p: Packet, a: Int32Array, port: number): void {
  const { view, at } = p;
  let delta: number;
  if (p.family === 4) {
    delta = delta32(p.s0, a[0]);
    view.setInt32(at + 12, a[0]);
    view.setUint16(at + 10, update(view.getUint16(at + 10), delta));
  } else {
    delta = delta32(p.s0, a[0]) + delta32(p.s1, a[1]) + delta32(p.s2, a[2]) + delta32(p.s3, a[3]);
    for (let i = 0; i < 4; i++) view.setInt32(at + 8 + 4 * i, a[i]);
  }
  p.s0 = a[0];
  p.s1 = a[1];
  p.s2 = a[2];
  p.s3 = a[3];
  view.setUint16(p.l4, port);
  changeTransport(p, delta + delta16(p.sport, port));
  p.sport = port;
}

/** Both addresses (four words each) and ports at once; `more`: what else changed under the TCP or UDP checksum. */
export function setEnds(
  p: Packet,
  s: Int32Array,
  sport: number,
  d: Int32Array,
  dport: number,
  more: number,
): void {
  const { view, at, l4 } = p;
  let delta = delta32(p.s0, s[0]) + delta32(p.d0, d[0]);
  if (p.family === 4) {
    view.setInt32(at + 12, s[0]);
    view.setInt32(at + 16, d[0]);
    view.setUint16(at + 10, update(view.getUint16(at + 10), delta));
  } else {
    delta += delta32(p.s1, s[1]) + delta32(p.s2, s[2]) + delta32(p.s3, s[3]);
    delta += delta32(p.d1, d[1]) + delta32(p.d2, d[2]) + delta32(p.d3, d[3]);
    for (let i = 0; i < 4; i++) {
      view.setInt32(at + 8 + 4 * i, s[i]);
      view.setInt32(at + 24 + 4 * i, d[i]);
    }
  }
  p.s0 = s[0];
  p.s1 = s[1];
  p.s2 = s[2];
  p.s3 = s[3];
  p.d0 = d[0];
  p.d1 = d[1];
  p.d2 = d[2];
  p.d3 = d[3];
  view.setUint16(l4, sport);
  view.setUint16(l4 + 2, dport);
  changeTransport(p, delta + delta16(p.sport, sport) + delta16(p.dport, dport) + more);
  p.sport = sport;
  p.dport = dport;
}

/** The TCP or UDP checksum after what it covers changed by `delta`. */
export function changeTransport(p: Packet, delta: number): void {
  const { view } = p;
  if (p.protocol === TCP) {
    view.setUint16(p.l4 + 16, update(view.getUint16(p.l4 + 16), delta));
    return;
  }
  if (p.protocol !== UDP) return;
  const old = view.getUint16(p.l4 + 6);
  const now = old === 0 ? udpChecksum(p) : update(old, delta);
  view.setUint16(p.l4 + 6, now === 0 ? 0xffff : now);
}

// Over the whole datagram, with the field itself still 0.
function udpChecksum(p: Packet): number {
  const { frame, at, l4, end } = p;
  const start = p.family === 4 ? sum(frame, at + 12, at + 20, 0) : sum(frame, at + 8, at + 40, 0);
  return finish(sum(frame, l4, end, start + UDP + end - l4));
}

/** `p` is inside of another header now: it says so. */
export function changeHeader(p: Packet, family: number, protocol: number, l4: number): void {
  p.family = family;
  p.protocol = protocol;
  p.l4 = l4;
  p.whole = false;
}
