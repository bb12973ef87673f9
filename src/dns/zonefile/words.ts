// The words of a record that nearly every line has, read from octets without a string between: types and classes by a
// number made of their letters, and addresses. kit/ip.ts is the reference for the addresses (a test holds both together).
import { RR_TYPES } from '../rr.ts';

/** A number for a word of at most five letters and digits, whatever its case; -1 for any other. */
export function wordKey(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > 5) return -1;
  let key = 0;
  for (let i = start; i < end; i++) {
    const c = bytes[i];
    if (c >= 0x30 && c <= 0x39) key = key * 37 + c - 0x2f;
    else if ((c | 0x20) >= 0x61 && (c | 0x20) <= 0x7a) key = key * 37 + (c | 0x20) - 0x56;
    else return -1;
  }
  return key;
}

const key = (word: string) => wordKey(Buffer.from(word), 0, word.length);
const TYPES = new Map(RR_TYPES.filter(t => t.mnemonic.length <= 5).map(t => [key(t.mnemonic), t.code]));
const CLASSES = new Set(['IN', 'CH', 'HS', 'CS'].map(key));
const IN = key('IN');

/** The code of a type of the table by its word's key; undefined for a word that may yet be a type (`TYPE257`). */
export function typeByKey(wordKey: number): number | undefined {
  return TYPES.get(wordKey);
}

/** Whether the word of that key is a class's mnemonic. */
export function isClassKey(wordKey: number): boolean {
  return CLASSES.has(wordKey);
}

/** Whether the word of that key is IN. */
export function isInKey(wordKey: number): boolean {
  return wordKey === IN;
}

/** Writes the 4 octets of a dotted quad to `out`; false if the text is none. */
export function scanIPv4(
  text: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  outOffset: number,
): boolean {
  let part = 0;
  let digits = 0;
  let value = 0;
  for (let i = start; i < end; i++) {
    const c = text[i];
    if (c === 0x2e) {
      if (digits === 0 || part === 3) return false;
      out[outOffset + part++] = value;
      digits = value = 0;
      continue;
    }
    // Leading zeros are refused: some read them as octal.
    if (c < 0x30 || c > 0x39 || (digits > 0 && value === 0)) return false;
    value = value * 10 + c - 0x30;
    digits++;
    if (value > 255) return false;
  }
  out[outOffset + 3] = value;
  return part === 3 && digits > 0;
}

/** Writes the 16 octets of an IPv6 address to `out`; false if the text is none. */
export function scanIPv6(
  text: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  outOffset: number,
): boolean {
  let n = 0;
  let gap = -1;
  let i = start;
  if (text[i] === 0x3a) {
    if (i + 1 >= end || text[i + 1] !== 0x3a) return false;
    gap = 0;
    i += 2;
  }
  while (i < end) {
    let value = 0;
    const group = i;
    for (; i < end && hexDigit(text[i]) >= 0; i++) value = value * 16 + hexDigit(text[i]);
    if (i < end && text[i] === 0x2e) {
      if (n > 12 || !scanIPv4(text, group, end, out, outOffset + n)) return false;
      n += 4;
      break;
    }
    if (i === group || i - group > 4 || n > 14) return false;
    out[outOffset + n++] = value >> 8;
    out[outOffset + n++] = value & 255;
    if (i === end) break;
    if (text[i] !== 0x3a || ++i === end) return false;
    if (text[i] === 0x3a) {
      if (gap >= 0) return false;
      gap = n;
      i++;
    }
  }
  if (gap < 0) return n === 16;
  if (n > 14) return false;
  out.copyWithin(outOffset + gap + 16 - n, outOffset + gap, outOffset + n);
  out.fill(0, outOffset + gap, outOffset + gap + 16 - n);
  return true;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const c = byte | 0x20;
  return c >= 0x61 && c <= 0x66 ? c - 0x57 : -1;
}
