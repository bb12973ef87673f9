// What the answer path must know of a type's rdata, derived from the table of types (rr.ts): which names it may compress
// (RFC 3597 §4: those of RFC 1035 alone) and whose addresses it adds. One byte, kept beside each RRset.
import { Labels } from '../labels.ts';
import { type FieldKind, typeOf } from '../rr.ts';
import { HINT } from './layout.ts';

const FIXED: Partial<Record<FieldKind, number>> = {
  u8: 1,
  u16: 2,
  u32: 4,
  time: 4,
  ip4: 4,
  ip6: 16,
  type: 2,
};

/** The hint of a type (layout.ts, HINT); 0: its rdata is copied as it stands. */
export function hintOf(type: number): number {
  const fields = typeOf(type)?.fields ?? [];
  let prefix = 0;
  for (const field of fields) {
    const size = FIXED[field.kind];
    if (size === undefined) break;
    prefix += size;
  }
  const first = fields.findIndex(f => f.kind === 'name');
  // A name behind something of no fixed length is out of the hint's reach, and no type of RFC 1035 has one.
  if (first < 0 || prefix > HINT.prefix || fields.slice(0, first).some(f => FIXED[f.kind] === undefined))
    return 0;
  let names = 0;
  while (fields[first + names]?.kind === 'name' && fields[first + names].compress === true) names++;
  const additional = fields[first].additional === true ? HINT.additional : 0;
  return names === 0 && additional === 0 ? 0 : names | (prefix << HINT.prefixShift) | additional;
}

/** Whether the names that a hint speaks of really stand in this rdata. */
export function fitsHint(hint: number, rdata: Uint8Array): boolean {
  const name = new Labels();
  let at = (hint >> HINT.prefixShift) & HINT.prefix;
  const names = Math.max(hint & HINT.names, (hint & HINT.additional) !== 0 ? 1 : 0);
  for (let i = 0; i < names; i++) {
    at = name.read(rdata, at, rdata.length);
    if (at < 0) return false;
  }
  return true;
}

/** Rdata with its names in lower case, as a key: two records with the same key are one (RFC 2181 §5, RFC 4343 §3). */
export function rdataKey(type: number, rdata: Uint8Array): string {
  const folded = rdata.slice();
  let at = 0;
  for (const field of typeOf(type)?.fields ?? []) {
    const size = FIXED[field.kind];
    if (size !== undefined) at += size;
    else if (field.kind === 'string') at += 1 + rdata[at];
    else if (field.kind === 'name') at = foldName(folded, at);
    else break;
    if (at < 0 || at >= rdata.length) break;
  }
  return Buffer.from(folded.buffer, folded.byteOffset, folded.length).toString('latin1');
}

function foldName(bytes: Uint8Array, offset: number): number {
  const name = new Labels();
  const end = name.read(bytes, offset, bytes.length);
  if (end >= 0) bytes.set(name.folded.subarray(0, name.length), offset);
  return end;
}
