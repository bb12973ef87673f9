// A packet as the core sees it: where its headers are and who speaks to whom, read once into one reused object.
//   parse (ipv4 | ipv6 + extension headers) → transport (ports, TCP flags) → the hooks
// Invariant: OK means that every header that the core touches lies inside frame[at, end).
import { fold, sum } from '../../kit/checksum.ts';

export const TCP = 6;
export const UDP = 17;
export const ICMP = 1;
export const ICMP6 = 58;

/** parse() results. */
export const OK = 0;
export const NOT_IP = 1;

/** TCP flag bits. */
export const FIN = 1;
export const SYN = 2;
export const RST = 4;
export const ACK = 16;

const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const DESTINATION = 60;
const EXTENSIONS = 8;

/** Addresses are four big-endian words, IPv4 in the first and 0 in the others. Offsets are absolute in `frame`. */
export class Packet {
  frame: Uint8Array = new Uint8Array(0);
  /** The frame's bytes as words: what is read and written for every packet goes in one step. */
  view: DataView = new DataView(this.frame.buffer);
  at = 0;
  end = 0;
  family = 4;
  protocol = 0;
  /** Where the transport header begins. */
  l4 = 0;
  s0 = 0;
  s1 = 0;
  s2 = 0;
  s3 = 0;
  d0 = 0;
  d1 = 0;
  d2 = 0;
  d3 = 0;
  sport = 0;
  dport = 0;
  /** Ports (and for TCP the fixed header) are there. */
  whole = false;
  tcpFlags = 0;
  /** Fragment: byte offset of this one, more to come, where IPv6's fragment header is (0: none), its identification. */
  fragmentAt = 0;
  more = false;
  fragmentHeader = 0;
  /** The field that names it as next header. */
  nextField = 0;
  id = 0;
  /** After reassembly: bytes of the largest fragment that came, headers included; 0 = came whole. */
  largest = 0;
  /** Addresses were swapped: what an ICMP error quotes, seen from its receiver. */
  inverse = false;

  /** The frame that `own` views: made when it came for the first time. */
  #known: Uint8Array = this.frame;
  #own: DataView = this.view;

  /** Takes up another frame, with a view of its buffer if there is one already. Few frames come: most are in one large piece of memory. */
  see(frame: Uint8Array, view: DataView | undefined): void {
    this.frame = frame;
    if (view === undefined && this.#known !== frame) {
      this.#known = frame;
      this.#own = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    }
    this.view = view ?? this.#own;
  }

  /** The DF bit of IPv4. */
  get df(): boolean {
    return this.family === 4 && (this.frame[this.at + 6] & 0x40) !== 0;
  }

  /** TTL or hop limit. */
  get ttl(): number {
    return this.frame[this.at + (this.family === 4 ? 8 : 7)];
  }
}

/** Big-endian word at `at`, signed. */
export function word(b: Uint8Array, at: number): number {
  return (b[at] << 24) | (b[at + 1] << 16) | (b[at + 2] << 8) | b[at + 3];
}

/** Writes a big-endian word. */
export function setWord(b: Uint8Array, at: number, value: number): void {
  b[at] = value >>> 24;
  b[at + 1] = value >>> 16;
  b[at + 2] = value >>> 8;
  b[at + 3] = value;
}

/** Big-endian 16 bits at `at`. */
export function half(b: Uint8Array, at: number): number {
  return (b[at] << 8) | b[at + 1];
}

/** Writes big-endian 16 bits. */
export function setHalf(b: Uint8Array, at: number, value: number): void {
  b[at] = value >>> 8;
  b[at + 1] = value;
}

/** Reads frame[at, at + length) into `p`. NOT_IP: no header of an IP version, a cut one, or a wrong IPv4 checksum. `view`: of the frame. */
export function parse(p: Packet, frame: Uint8Array, at: number, length: number, view?: DataView): number {
  const size = at + length > frame.length ? frame.length - at : length;
  if (p.frame !== frame) p.see(frame, view);
  p.at = at;
  p.largest = 0;
  p.inverse = false;
  if (size < 20) return NOT_IP;
  const version = frame[at] >> 4;
  if (version === 4) {
    const first = p.view.getInt32(at);
    const header = (first >>> 22) & 0x3c;
    const total = first & 0xffff;
    if (header < 20 || total < header || total > size) return NOT_IP;
    p.end = at + total;
    return readV4(p, header) === 0xffff ? OK : NOT_IP;
  }
  if (version !== 6 || size < 40) return NOT_IP;
  const total = 40 + half(frame, at + 4);
  if (total > size) return NOT_IP;
  p.end = at + total;
  return readV6(p);
}

/**
 * Reads the packet that an ICMP error quotes at [at, end), which may be cut behind its ports, as its receiver sees it:
 * source and destination swapped if `inverse`. NOT_IP also where the ports are not there. `view`: of the frame.
 */
export function parseQuote(
  p: Packet,
  frame: Uint8Array,
  at: number,
  end: number,
  inverse: boolean,
  view?: DataView,
): number {
  if (p.frame !== frame) p.see(frame, view);
  p.at = at;
  p.end = end;
  p.largest = 0;
  p.inverse = false;
  if (end - at < 20) return NOT_IP;
  const version = frame[at] >> 4;
  if (version === 4) {
    const header = (frame[at] & 15) << 2;
    if (header < 20 || at + header > end) return NOT_IP;
    readV4(p, header);
  } else if (version !== 6 || end - at < 40 || readV6(p) !== OK) return NOT_IP;
  if (p.fragmentAt > 0) return NOT_IP;
  if ((p.protocol === TCP || p.protocol === UDP) && p.l4 + 4 <= end) {
    p.sport = half(frame, p.l4);
    p.dport = half(frame, p.l4 + 2);
  }
  if (inverse) swap(p);
  return OK;
}

// The header's sum, folded: 0xffff if its checksum is right. What was read for the fields is not read again for the sum.
function readV4(p: Packet, header: number): number {
  const { frame, view, at } = p;
  const first = view.getInt32(at);
  const second = view.getInt32(at + 4);
  const third = view.getInt32(at + 8);
  const source = view.getInt32(at + 12);
  const destination = view.getInt32(at + 16);
  p.family = 4;
  p.protocol = (third >>> 16) & 0xff;
  p.l4 = at + header;
  p.s0 = source;
  p.d0 = destination;
  p.s1 = p.s2 = p.s3 = p.d1 = p.d2 = p.d3 = 0;
  p.fragmentAt = (second & 0x1fff) << 3;
  p.more = (second & 0x2000) !== 0;
  p.fragmentHeader = 0;
  p.id = second >>> 16;
  transport(p);
  const total = halves(first) + halves(second) + halves(third) + halves(source) + halves(destination);
  return fold(header === 20 ? total : sum(frame, at + 20, at + header, total));
}

/** The two 16-bit halves of a word, for a checksum's sum. */
export function halves(w: number): number {
  return (w >>> 16) + (w & 0xffff);
}

function readV6(p: Packet): number {
  const { frame, view, at, end } = p;
  p.family = 6;
  p.s0 = view.getInt32(at + 8);
  p.s1 = view.getInt32(at + 12);
  p.s2 = view.getInt32(at + 16);
  p.s3 = view.getInt32(at + 20);
  p.d0 = view.getInt32(at + 24);
  p.d1 = view.getInt32(at + 28);
  p.d2 = view.getInt32(at + 32);
  p.d3 = view.getInt32(at + 36);
  p.fragmentAt = 0;
  p.more = false;
  p.fragmentHeader = 0;
  p.id = 0;
  let next = frame[at + 6];
  let l4 = at + 40;
  let field = at + 6;
  for (let i = 0; i < EXTENSIONS; i++) {
    if (next !== HOP_BY_HOP && next !== ROUTING && next !== DESTINATION && next !== AUTHENTICATION) {
      if (next !== FRAGMENT) break;
      if (l4 + 8 > end || p.fragmentHeader !== 0) return NOT_IP;
      p.fragmentHeader = l4;
      p.nextField = field;
      p.fragmentAt = half(frame, l4 + 2) & 0xfff8;
      p.more = (frame[l4 + 3] & 1) !== 0;
      p.id = word(frame, l4 + 4);
      next = frame[l4];
      field = l4;
      l4 += 8;
      // What stands behind the header of a later fragment is data.
      if (p.fragmentAt > 0) break;
      continue;
    }
    if (l4 + 8 > end) return NOT_IP;
    const size = next === AUTHENTICATION ? (frame[l4 + 1] + 2) << 2 : (frame[l4 + 1] + 1) << 3;
    next = frame[l4];
    field = l4;
    l4 += size;
    if (l4 > end) return NOT_IP;
  }
  p.protocol = next;
  p.l4 = l4;
  transport(p);
  return OK;
}

function transport(p: Packet): void {
  const { frame, l4, end } = p;
  p.sport = 0;
  p.dport = 0;
  p.tcpFlags = 0;
  p.whole = false;
  if (p.fragmentAt > 0) return;
  if (p.protocol === TCP ? l4 + 20 > end : p.protocol !== UDP || l4 + 8 > end) return;
  p.whole = true;
  const ports = p.view.getInt32(l4);
  p.sport = ports >>> 16;
  p.dport = ports & 0xffff;
  if (p.protocol === TCP) p.tcpFlags = frame[l4 + 13];
}

function swap(p: Packet): void {
  p.inverse = true;
  let t = p.s0;
  p.s0 = p.d0;
  p.d0 = t;
  t = p.s1;
  p.s1 = p.d1;
  p.d1 = t;
  t = p.s2;
  p.s2 = p.d2;
  p.d2 = t;
  t = p.s3;
  p.s3 = p.d3;
  p.d3 = t;
  t = p.sport;
  p.sport = p.dport;
  p.dport = t;
}
