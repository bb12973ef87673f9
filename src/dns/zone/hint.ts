// What the answer path must know of a type's rdata, derived from the table of types (rr.ts): which names it may compress
// (RFC 3597 §4: those of RFC 1035 alone) and whose addresses it adds. One byte, kept beside each RRset.
import { lower } from '../name.ts';
import { fieldEnd } from '../rdata.ts';
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

/** Rdata with its names in lower case, as a key: two records of one key are one (RFC 2181 §5, RFC 4343 §3). */
export function rdataKey(type: number, rdata: Uint8Array): string {
  const key = Buffer.from(rdata);
  let at = 0;
  for (const field of typeOf(type)?.fields ?? []) {
    const end = fieldEnd(field, rdata, at, rdata.length);
    if (end < 0) break;
    if (field.kind === 'name') for (let i = at; i < end; i++) key[i] = lower(key[i]);
    at = end;
  }
  return key.toString('latin1');
}
