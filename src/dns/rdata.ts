// Rdata on the wire, derived from the table of RR types (rr.ts):
//   bytes ─checkRdata─→ yes or no      bytes ─decodeRdata─→ values ─encodeRdata─→ bytes
//   a message's rdata ─decompressRdata─→ uncompressed bytes      (text: rdata-text.ts prints, zonefile/rdata.ts scans)
// Invariant: what checkRdata accepts, each of the others takes. Names are uncompressed (RFC 3597 §4) but in messages.
import { GtmError } from '../kit/errors.ts';
import { KINDS } from './field/index.ts';
import { lower, MAX_LABEL, MAX_NAME, nameEnd } from './name.ts';
import { type Field, type RRType, typeOf } from './rr.ts';

export const MAX_RDATA = 65535;

/** Numbers for u8 u16 u32 time date type; the character-strings of `strings`; the plain octets of all other kinds. */
export type FieldValue = number | Uint8Array | Uint8Array[];

/** Octets of the field kinds that are numbers. */
const NUMBER_SIZE: Partial<Record<Field['kind'], number>> = {
  u8: 1,
  u16: 2,
  u32: 4,
  time: 4,
  date: 4,
  type: 2,
};

/** Offset behind the field at `at`, which must end by `end`; -1 if the octets are not such a field. */
export function fieldEnd(field: Field, bytes: Uint8Array, at: number, end: number): number {
  switch (field.kind) {
    case 'u8':
      return within(at + 1, end);
    case 'u16':
    case 'type':
      return within(at + 2, end);
    case 'u32':
    case 'time':
    case 'ip4':
      return within(at + 4, end);
    case 'ip6':
      return within(at + 16, end);
    case 'name':
      return nameEnd(bytes, at, end);
    case 'string':
      return at < end ? within(at + 1 + bytes[at], end) : -1;
    case 'tag':
      return tagEnd(field, bytes, at, end);
    case 'strings':
      return stringsEnd(bytes, at, end);
    case 'text':
      return end;
    case 'hex':
    case 'base64':
      return at < end || field.optional ? end : -1;
    default:
      return KINDS[field.kind].end(bytes, at, end);
  }
}

function within(at: number, end: number): number {
  return at <= end ? at : -1;
}

// An empty tag could not be written bare, and means nothing.
function tagEnd(field: Field, bytes: Uint8Array, at: number, end: number): number {
  if (at >= end || bytes[at] === 0) return -1;
  const stop = within(at + 1 + bytes[at], end);
  if (field.alnum) for (let i = at + 1; i < stop; i++) if (!isAlnum(bytes[i])) return -1;
  return stop;
}

/** ASCII letter or digit. */
export function isAlnum(byte: number): boolean {
  const c = lower(byte);
  return (c >= 0x61 && c <= 0x7a) || (c >= 0x30 && c <= 0x39);
}

function stringsEnd(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return -1;
  let at = start;
  while (at < end) at += 1 + bytes[at];
  return within(at, end);
}

/** Whether `length` octets at `offset` are rdata of that type. Types without a row take anything (RFC 3597). */
export function checkRdata(type: number, bytes: Uint8Array, offset = 0, length = bytes.length): boolean {
  const row = typeOf(type);
  const end = offset + length;
  if (row === undefined) return true;
  let at = offset;
  for (let i = 0; i < row.fields.length && at >= 0; i++) at = fieldEnd(row.fields[i], bytes, at, end);
  return at === end;
}

/** The values of uncompressed rdata, one a field of the type's row; undefined if it is malformed or has no row. Octets are views. */
export function decodeRdata(
  type: number,
  bytes: Uint8Array,
  offset = 0,
  length = bytes.length,
): FieldValue[] | undefined {
  const row = typeOf(type);
  if (row === undefined || !checkRdata(type, bytes, offset, length)) return undefined;
  let at = offset;
  return row.fields.map(field => {
    const start = at;
    at = fieldEnd(field, bytes, at, offset + length);
    return decodeField(field, bytes, start, at);
  });
}

function decodeField(field: Field, bytes: Uint8Array, start: number, end: number): FieldValue {
  if (NUMBER_SIZE[field.kind] !== undefined) {
    let value = 0;
    for (let i = start; i < end; i++) value = value * 256 + bytes[i];
    return value;
  }
  if (field.kind === 'string' || field.kind === 'tag') return bytes.subarray(start + 1, end);
  if (field.kind !== 'strings') return bytes.subarray(start, end);
  const strings: Uint8Array[] = [];
  for (let at = start; at < end; at += 1 + bytes[at])
    strings.push(bytes.subarray(at + 1, at + 1 + bytes[at]));
  return strings;
}

/** Uncompressed rdata of a type's values, as decodeRdata gives them. Throws GTM_RDATA if they do not fit the type. */
export function encodeRdata(type: number, values: readonly FieldValue[]): Uint8Array {
  const row = typeOf(type);
  if (row === undefined) throw new GtmError('GTM_RDATA', `TYPE${type} has no fields to encode`);
  if (values.length !== row.fields.length)
    throw new GtmError('GTM_RDATA', `${row.mnemonic} has ${row.fields.length} fields, not ${values.length}`);
  const out: number[] = [];
  row.fields.forEach((field, i) => {
    if (!encodeField(field, values[i], out))
      throw new GtmError('GTM_RDATA', `${row.mnemonic}: the ${field.name} does not fit its field`);
  });
  const bytes = Uint8Array.from(out);
  if (bytes.length > MAX_RDATA || !checkRdata(type, bytes))
    throw new GtmError('GTM_RDATA', `${row.mnemonic}: the values make no rdata of this type`);
  return bytes;
}

function encodeField(field: Field, value: FieldValue, out: number[]): boolean {
  const size = NUMBER_SIZE[field.kind];
  if (size !== undefined) {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value >= 256 ** size)
      return false;
    for (let i = size - 1; i >= 0; i--) out.push(Math.floor(value / 256 ** i) % 256);
    return true;
  }
  if (field.kind === 'strings')
    return Array.isArray(value) && value.length > 0 && value.every(s => pushString(s, out));
  if (!(value instanceof Uint8Array)) return false;
  if (field.kind === 'string' || field.kind === 'tag') return pushString(value, out);
  for (const byte of value) out.push(byte);
  return true;
}

function pushString(string: Uint8Array, out: number[]): boolean {
  if (string.length > 255) return false;
  out.push(string.length, ...string);
  return true;
}

/** Order of two rdata of one type, names without regard to case (RFC 4034 §6.2, §6.3): 0 if they are the same. */
export function compareRdata(type: number, a: Uint8Array, b: Uint8Array): number {
  const fields = typeOf(type)?.fields;
  const shorter = Math.min(a.length, b.length);
  let at = 0;
  for (let f = 0; at < shorter; f++) {
    // What no field covers (no row, or malformed) is compared as plain octets.
    const field = fields?.[f];
    const end = field === undefined ? -1 : fieldEnd(field, a, at, a.length);
    const stop = end < 0 ? shorter : Math.min(end, shorter);
    const fold = end >= 0 && field?.kind === 'name';
    for (; at < stop; at++) {
      const d = fold ? lower(a[at]) - lower(b[at]) : a[at] - b[at];
      if (d !== 0) return d;
    }
  }
  return a.length - b.length;
}

/** Offset in valid rdata of the name whose addresses belong in the additional section (NS, MX, SRV); -1 without one. */
export function additionalOffset(row: RRType, bytes: Uint8Array, offset: number, length: number): number {
  let at = offset;
  for (const field of row.fields) {
    if (field.additional) return at;
    at = fieldEnd(field, bytes, at, offset + length);
    if (at < 0) return -1;
  }
  return -1;
}

/** The pool's name in valid POOL rdata. */
export function poolOf(rdata: Uint8Array): string {
  return Buffer.from(rdata.buffer, rdata.byteOffset + 1, rdata[0]).toString('utf8');
}

/**
 * The uncompressed rdata of a record in a message: `rdlength` octets at `offset`, whose names may point backwards into
 * the message. Undefined if it is malformed or a name loops. A type without a row is copied (RFC 3597 §4).
 */
export function decompressRdata(
  message: Uint8Array,
  offset: number,
  rdlength: number,
  type: number,
): Uint8Array | undefined {
  const end = offset + rdlength;
  const row = typeOf(type);
  if (end > message.length) return undefined;
  if (row === undefined) return message.slice(offset, end);
  const parts: Uint8Array[] = [];
  let at = offset;
  for (const field of row.fields) {
    let next = 0;
    if (field.kind === 'name') {
      const name = decompressName(message, at, end);
      if (name === undefined) return undefined;
      parts.push(name.wire);
      next = name.end;
    } else {
      next = fieldEnd(field, message, at, end);
      if (next < 0) return undefined;
      parts.push(message.subarray(at, next));
    }
    at = next;
  }
  return at === end ? Uint8Array.from(Buffer.concat(parts)) : undefined;
}

/**
 * The name at `offset` of a message as uncompressed bytes, and the offset behind it where it stands (by `limit`).
 * Each pointer must point before the labels that it ends (RFC 1035 §4.1.4), so a chain of them ends; undefined if not.
 */
export function decompressName(
  message: Uint8Array,
  offset: number,
  limit = message.length,
): { wire: Uint8Array; end: number } | undefined {
  const out = new Uint8Array(MAX_NAME);
  let n = 0;
  let at = offset;
  let start = offset;
  let end = -1;
  for (;;) {
    const bound = end < 0 ? limit : message.length;
    if (at >= bound) return undefined;
    const length = message[at];
    if (length >= 0xc0) {
      if (at + 2 > bound) return undefined;
      const target = ((length & 0x3f) << 8) | message[at + 1];
      if (target >= start) return undefined;
      if (end < 0) end = at + 2;
      at = target;
      start = target;
      continue;
    }
    if (length > MAX_LABEL || n + 1 + length > MAX_NAME || at + 1 + length > bound) return undefined;
    for (let i = 0; i <= length; i++) out[n++] = message[at + i];
    at += 1 + length;
    if (length === 0) return { wire: out.slice(0, n), end: end < 0 ? at : end };
  }
}
