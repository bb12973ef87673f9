// Tunnels (ipvsadm -i): the packet inside another one to the server, which takes it out and finds the virtual address on itself.
//   ipip: IP in IP · gue: IP in UDP, source port by flow · gre: IP in GRE; each with IPv4 or IPv6 outside and inside
// Outer TTL and DF are the inner's, ECN by RFC 6040's full mode; the source is what the route says, or of a prefix by flow.
import { finish, sum } from '../../kit/checksum.ts';
import type { Core } from '../core.ts';
import { halves, type Packet, UDP } from '../packet/parse.ts';
import { changeHeader } from '../packet/rewrite.ts';
import type { Dest } from '../service.ts';
import { WHY } from '../verdict.ts';

export const IPIP = 0;
export const GUE = 1;
export const GRE = 2;
const PROTOCOL_GRE = 47;
const GUE_HEADER = 12;
/** Source ports of GUE, as Linux gives them to flows. */
const FIRST_PORT = 32_768;
const PORTS = 28_232;

/** Bytes that a tunnel to `dest` puts in front. */
export function tunnelOverhead(dest: Dest): number {
  const outer = dest.family === 4 ? 20 : 40;
  const type = dest.tunnelType;
  if (type === IPIP) return outer;
  if (type === GUE) return outer + GUE_HEADER;
  return outer + (dest.tunnel?.csum ? 8 : 4);
}

/** `p` in a tunnel to `dest`; its hop is taken already. */
export function tun(core: Core, p: Packet, dest: Dest, overhead: number, why: number): number {
  const { frame, view } = p;
  const inner = p.at;
  if (inner < overhead) return core.drop(WHY['no-headroom']);
  const v4 = p.family === 4;
  const ttl = p.ttl;
  const field = v4 ? frame[inner + 1] : ((frame[inner] << 4) | (frame[inner + 1] >> 4)) & 0xff;
  const df = v4 && core.sysctl.pmtu_disc !== 0 && p.df ? 0x4000 : 0;
  const family = p.family;
  const type = dest.tunnelType;
  const flow = type === GUE || dest.spread !== undefined ? flowHash(core.seed, p) : 0;
  // RFC 6040 §4.1: ECN goes outside, but a mark that is there already (CE) stays inside alone.
  const ecn = (field & 3) === 3 ? 2 : field & 3;
  const at = inner - overhead;
  p.at = at;
  const l4 = at + (dest.family === 4 ? 20 : 40);
  const inside = family === 4 ? 4 : 41;
  const protocol = type === IPIP ? inside : type === GUE ? UDP : PROTOCOL_GRE;
  const { route } = dest;
  if (dest.family === 4) {
    if (df === 0) core.id = (core.id + 1) & 0xffff;
    const first = ((0x4500 | (field & 0xfc) | ecn) << 16) | ((p.end - at) & 0xffff);
    const second = ((df === 0 ? core.id : 0) << 16) | df;
    const third = (ttl << 24) | (protocol << 16);
    const source = outerSource(dest, 0, flow, route.source[0]);
    const destination = dest.d[0];
    const total = halves(first) + halves(second) + halves(third) + halves(source) + halves(destination);
    view.setInt32(at, first);
    view.setInt32(at + 4, second);
    view.setInt32(at + 8, third | finish(total));
    view.setInt32(at + 12, source);
    view.setInt32(at + 16, destination);
  } else {
    view.setInt32(at, 0x60000000 | (((field & 0xfc) | ecn) << 20));
    view.setUint16(at + 4, p.end - l4);
    frame[at + 6] = protocol;
    frame[at + 7] = ttl;
    for (let i = 0; i < 4; i++) {
      view.setInt32(at + 8 + 4 * i, outerSource(dest, i, flow, route.source[i]));
      view.setInt32(at + 24 + 4 * i, dest.d[i]);
    }
  }
  if (type === GUE) writeGue(p, at, l4, inside, dest, flow);
  else if (type === GRE) writeGre(p, l4, family, dest);
  changeHeader(p, dest.family, protocol, l4);
  // Only IPv4 in IPv4 is cut again as the packet inside was.
  if (dest.family === 6 || family === 6) p.largest = 0;
  return core.transmit(p, route, why);
}

function writeGue(p: Packet, at: number, l4: number, inside: number, dest: Dest, flow: number): void {
  const { frame, view, end } = p;
  view.setUint16(l4, FIRST_PORT + ((flow >>> 8) % PORTS));
  view.setUint16(l4 + 2, dest.tunnel?.port ?? 0);
  view.setUint16(l4 + 4, end - l4);
  view.setUint16(l4 + 6, 0);
  // GUE, version 0: no optional fields, the protocol of what follows.
  frame[l4 + 8] = 0;
  frame[l4 + 9] = inside;
  view.setUint16(l4 + 10, 0);
  if (!dest.tunnel?.csum) return;
  const pseudo = dest.family === 4 ? sum(frame, at + 12, at + 20, 0) : sum(frame, at + 8, at + 40, 0);
  const check = finish(sum(frame, l4, end, pseudo + UDP + end - l4));
  view.setUint16(l4 + 6, check === 0 ? 0xffff : check);
}

function writeGre(p: Packet, l4: number, family: number, dest: Dest): void {
  const { frame, view, end } = p;
  const csum = dest.tunnel?.csum === true;
  view.setUint16(l4, csum ? 0x8000 : 0);
  view.setUint16(l4 + 2, family === 4 ? 0x0800 : 0x86dd);
  if (!csum) return;
  view.setInt32(l4 + 4, 0);
  view.setUint16(l4 + 4, finish(sum(frame, l4, end, 0)));
}

function outerSource(dest: Dest, i: number, flow: number, own: number): number {
  const spread = dest.spread;
  if (spread === undefined) return own;
  // One 32-bit hash fills the words behind the prefix, each in its own way.
  return (spread.words[i] & spread.mask[i]) | (Math.imul(flow, 0x9e3779b1 + 2 * i) & ~spread.mask[i]);
}

function flowHash(seed: number, p: Packet): number {
  let h = Math.imul(seed ^ p.s0 ^ p.s1, 0x9e3779b1) ^ p.s2 ^ p.s3;
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b) ^ p.d0 ^ p.d3;
  h = Math.imul(h ^ (h >>> 13) ^ ((p.sport << 16) | p.dport), 0xc2b2ae35);
  return (h ^ (h >>> 16)) | 0;
}
