// TCP options for FullNAT: the client's address in an option (TOA), timestamps blanked, the MSS lowered, SACK blocks shifted.
// Invariant: sequence numbers are not touched by an option that is put in; every function leaves the TCP checksum right if it was, but
// those that return by what its sum changed: several of them meet in one packet, which is put right once.
import { delta16, delta32, fold, update } from '../../kit/checksum.ts';
import { half, halves, type Packet } from '../packet/parse.ts';
import { changeTransport } from '../packet/rewrite.ts';

const END = 0;
const NOP = 1;
const NOPS = (NOP << 8) | NOP;
const MSS = 2;
const SACK = 5;
const TIMESTAMP = 8;
/** A TCP header has at most so many bytes. */
const LONGEST = 60;

/** Bytes of the option for a family: kind, length, port, address. */
export function toaSize(family: number): number {
  return family === 4 ? 8 : 20;
}

/**
 * Puts the client's address and port into `p`, first of its options, by moving the headers before them towards the front. Left out
 * where the header or the link (`mtu`) has no room for it. Returned is by what the TCP checksum's sum changed.
 */
export function insertToa(p: Packet, kind: number, mtu: number, port: number, a: Int32Array): number {
  const { frame, view } = p;
  const size = toaSize(p.family);
  const header = (frame[p.l4 + 12] >> 4) << 2;
  if (header + size > LONGEST || p.at < size || p.end - p.at + size > mtu) return 0;
  const length = p.end - p.l4;
  const at = p.at - size;
  const l4 = p.l4 - size;
  // Headers are whole words: ten moves, quicker than a call of copyWithin().
  for (let i = p.at; i < p.l4 + 20; i += 4) view.setInt32(i - size, view.getInt32(i));
  p.at = at;
  p.l4 = l4;
  const option = l4 + 20;
  frame[option] = kind;
  frame[option + 1] = size;
  view.setUint16(option + 2, port);
  for (let i = 0; i < (size - 4) >> 2; i++) view.setInt32(option + 4 + 4 * i, a[i]);
  const flags = view.getUint16(l4 + 12);
  const longer = flags + ((size >> 2) << 12);
  view.setUint16(l4 + 12, longer);
  let added = ((kind << 8) | size) + port;
  for (let i = 0; i < (size - 4) >> 2; i++) added += halves(a[i]);
  const field = p.family === 4 ? at + 2 : at + 4;
  const total = view.getUint16(field);
  view.setUint16(field, total + size);
  if (p.family === 4) view.setUint16(at + 10, update(view.getUint16(at + 10), delta16(total, total + size)));
  return fold(added) + delta16(flags, longer) + delta16(length, length + size);
}

/** Overwrites the timestamp option with NOPs. Returned is by what the TCP checksum's sum changed. */
export function removeTimestamp(p: Packet): number {
  const at = findOption(p, TIMESTAMP, 10);
  if (at === 0) return 0;
  const { frame, view } = p;
  // In whole half words of the header, as the checksum sees them: at an odd place the first and the last are shared with neighbours.
  const odd = (at - p.l4) & 1;
  let before = 0;
  for (let i = at - odd; i < at + 10; i += 2) before += view.getUint16(i);
  let after = 4 * NOPS;
  if (odd === 0) after += NOPS;
  else after += (frame[at - 1] << 8) + NOP + (NOP << 8) + frame[at + 10];
  view.setInt32(at, (NOPS << 16) | NOPS);
  view.setInt32(at + 4, (NOPS << 16) | NOPS);
  view.setUint16(at + 8, NOPS);
  return (~fold(before) & 0xffff) + fold(after);
}

/** Lowers the MSS option by `by`, but not below 64. */
export function lowerMss(p: Packet, by: number): void {
  const at = findOption(p, MSS, 4);
  if (at === 0) return;
  const mss = half(p.frame, at + 2);
  if (mss < 64 + by) return;
  setByte(p, at + 2, (mss - by) >> 8);
  setByte(p, at + 3, (mss - by) & 0xff);
}

/** Takes `delta` from both edges of every SACK block. */
export function shiftSack(p: Packet, delta: number): void {
  const at = findOption(p, SACK, 10);
  if (at === 0) return;
  for (let edge = at + 2; edge + 4 <= at + p.frame[at + 1]; edge += 4) {
    const now = (p.view.getInt32(edge) - delta) | 0;
    for (let i = 0; i < 4; i++) setByte(p, edge + i, (now >>> (24 - 8 * i)) & 0xff);
  }
}

/**
 * Adds `delta` to the 32-bit number at `at` (sequence or acknowledgement; even offset in the header). Returned is by what the TCP
 * checksum's sum changed.
 */
export function shiftNumber(p: Packet, at: number, delta: number): number {
  const old = p.view.getInt32(at);
  const now = (old + delta) | 0;
  p.view.setInt32(at, now);
  return delta32(old, now);
}

// Options may stand at odd offsets: one byte at a time, in the half word that the checksum sees.
function setByte(p: Packet, at: number, value: number): void {
  const { frame } = p;
  const even = at - ((at - p.l4) & 1);
  const old = half(frame, even);
  frame[at] = value;
  changeTransport(p, delta16(old, half(frame, even)));
}

/** Where the first option of `kind` with at least `size` bytes begins; 0 = there is none. */
function findOption(p: Packet, kind: number, size: number): number {
  const { frame, l4 } = p;
  const header = l4 + ((frame[l4 + 12] >> 4) << 2);
  // A header that goes on behind the packet says nothing that can be trusted.
  const end = header <= p.end ? header : l4;
  for (let at = l4 + 20; at < end; ) {
    const k = frame[at];
    if (k === END) return 0;
    if (k === NOP) {
      at++;
      continue;
    }
    if (at + 2 > end) return 0;
    const length = frame[at + 1];
    if (length < 2 || at + length > end) return 0;
    if (k === kind) return length >= size ? at : 0;
    at += length;
  }
  return 0;
}
