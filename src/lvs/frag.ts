// Fragments are put together before anything is looked up (as the kernel's defragmentation does before IPVS), so that the later ones
// go where the first one goes; on the way out the whole is cut again, no larger than its fragments were.
// A fixed number of packets at a time, the oldest gives way; an overlap that is no mere repetition ends the packet (RFC 5722).
import { finish, sum } from '../kit/checksum.ts';
import { type Packet, setHalf } from './packet/parse.ts';

/** Packets that may be open at once. */
export const SLOTS = 16;
/** ms until an open one is forgotten: IPv4's and IPv6's reassembly time-outs in Linux. */
const LIFE4 = 30_000;
const LIFE6 = 60_000;
const HEADROOM = 64;
/** The unfragmented headers have at most so many bytes. */
const HEADERS = 256;
const START = HEADROOM + HEADERS;
const LONGEST = 65_535;

export const HELD = 0;
export const WHOLE = 1;
export const REFUSED = 2;

class Slot {
  readonly bytes = new Uint8Array(START + LONGEST + 1);
  readonly view = new DataView(this.bytes.buffer);
  /** A bit for each eight bytes of data that came. */
  readonly seen = new Uint8Array(1024);
  open = false;
  until = 0;
  born = 0;
  family = 4;
  protocol = 0;
  id = 0;
  readonly ends = new Int32Array(8);
  /** Header bytes, once the first fragment came; data bytes, once the last did; data bytes that came. */
  header = 0;
  total = 0;
  got = 0;
  largest = 0;
  /** The largest that came with DF. */
  largestDf = 0;
}

export class Reassembly {
  readonly #slots = Array.from({ length: SLOTS }, () => new Slot());
  #births = 0;
  /** The packet that became whole: its buffer with a view of it, where it begins, its length. Valid until the next add(). */
  frame: Uint8Array = this.#slots[0].bytes;
  view: DataView = this.#slots[0].view;
  at = 0;
  length = 0;
  largest = 0;

  /** Takes in a fragment: HELD, WHOLE (the fields say where), or REFUSED. */
  add(p: Packet, now: number): number {
    const slot = this.#slotOf(p, now);
    const data = p.family === 4 ? p.l4 : p.fragmentHeader + 8;
    const size = p.end - data;
    const from = p.fragmentAt;
    const header = p.family === 4 ? p.l4 - p.at : p.fragmentHeader - p.at;
    if (from + size + header > LONGEST || header > HEADERS || size <= 0 || (p.more && (size & 7) !== 0))
      return this.#refuse(slot);
    if (slot.total > 0 && (p.more ? from + size > slot.total : from + size !== slot.total))
      return this.#refuse(slot);
    const came = mark(slot.seen, from >> 3, (size + 7) >> 3);
    if (came === REPEATED) return same(slot, p, data, size) ? HELD : this.#refuse(slot);
    if (came === OVERLAPPING) return this.#refuse(slot);
    for (let i = 0; i < size; i++) slot.bytes[START + from + i] = p.frame[data + i];
    slot.got += size;
    if (!p.more) slot.total = from + size;
    const whole = p.end - p.at;
    if (whole > slot.largest) slot.largest = whole;
    if (p.df && whole > slot.largestDf) slot.largestDf = whole;
    if (from === 0) {
      slot.header = header;
      for (let i = 0; i < header; i++) slot.bytes[START - header + i] = p.frame[p.at + i];
      slot.protocol = p.family === 4 ? p.protocol : p.frame[p.fragmentHeader];
      // IPv6: what named the fragment header names what follows it instead.
      if (p.family === 6) slot.bytes[START - header + p.nextField - p.at] = slot.protocol;
    }
    if (slot.total === 0 || slot.header === 0 || slot.got < slot.total) return HELD;
    return this.#finish(slot);
  }

  /** Forgets those whose time is up. */
  sweep(now: number): void {
    for (const s of this.#slots) if (s.open && ((s.until - now) | 0) <= 0) s.open = false;
  }

  /** Packets that are open. */
  get open(): number {
    let n = 0;
    for (const s of this.#slots) if (s.open) n++;
    return n;
  }

  #finish(slot: Slot): number {
    slot.open = false;
    const { bytes, header, total } = slot;
    const at = START - header;
    if (slot.family === 4) {
      setHalf(bytes, at + 2, header + total);
      setHalf(bytes, at + 6, slot.largestDf === slot.largest ? 0x4000 : 0);
      setHalf(bytes, at + 10, 0);
      setHalf(bytes, at + 10, finish(sum(bytes, at, at + header, 0)));
    } else setHalf(bytes, at + 4, header - 40 + total);
    this.frame = bytes;
    this.view = slot.view;
    this.at = at;
    this.length = header + total;
    this.largest = slot.largest;
    return WHOLE;
  }

  #refuse(slot: Slot): number {
    slot.open = false;
    return REFUSED;
  }

  #slotOf(p: Packet, now: number): Slot {
    let free: Slot | undefined;
    let oldest = this.#slots[0];
    for (let i = 0; i < SLOTS; i++) {
      const s = this.#slots[i];
      if (s.open && ((s.until - now) | 0) <= 0) s.open = false;
      if (!s.open) free = s;
      else if (matches(s, p)) return s;
      if (s.born < oldest.born) oldest = s;
    }
    const slot = free ?? oldest;
    slot.open = true;
    slot.until = now + (p.family === 4 ? LIFE4 : LIFE6);
    slot.born = ++this.#births;
    slot.family = p.family;
    slot.protocol = p.family === 4 ? p.protocol : 0;
    slot.id = p.id;
    const { ends } = slot;
    ends[0] = p.s0;
    ends[1] = p.s1;
    ends[2] = p.s2;
    ends[3] = p.s3;
    ends[4] = p.d0;
    ends[5] = p.d1;
    ends[6] = p.d2;
    ends[7] = p.d3;
    slot.header = 0;
    slot.total = 0;
    slot.got = 0;
    slot.largest = 0;
    slot.largestDf = 0;
    slot.seen.fill(0);
    return slot;
  }
}

const FRESH = 0;
const REPEATED = 1;
const OVERLAPPING = 2;

function mark(seen: Uint8Array, from: number, count: number): number {
  let already = 0;
  for (let i = from; i < from + count; i++) if (seen[i >> 3] & (1 << (i & 7))) already++;
  if (already > 0) return already === count ? REPEATED : OVERLAPPING;
  for (let i = from; i < from + count; i++) seen[i >> 3] |= 1 << (i & 7);
  return FRESH;
}

function same(slot: Slot, p: Packet, data: number, size: number): boolean {
  for (let i = 0; i < size; i++) if (slot.bytes[START + p.fragmentAt + i] !== p.frame[data + i]) return false;
  return true;
}

function matches(s: Slot, p: Packet): boolean {
  const { ends } = s;
  return (
    s.id === p.id &&
    s.family === p.family &&
    (p.family === 6 || s.protocol === p.protocol) &&
    ends[0] === p.s0 &&
    ends[4] === p.d0 &&
    ends[1] === p.s1 &&
    ends[2] === p.s2 &&
    ends[3] === p.s3 &&
    ends[5] === p.d1 &&
    ends[6] === p.d2 &&
    ends[7] === p.d3
  );
}

/** Whether `p` is a fragment; IPv6's fragment that is the whole packet (RFC 6946) is one too: its header goes. */
export function isFragment(p: Packet): boolean {
  return p.more || p.fragmentAt > 0 || (p.family === 6 && p.fragmentHeader > 0);
}
