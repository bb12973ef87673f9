// Rdata as text, the way a master file writes it (RFC 1035 §5.1), derived from the table of RR types. What has no row,
// or does not decode as its row says, is written in the generic form (RFC 3597 §5), so that every rdata prints.
import { formatIp } from '../kit/ip.ts';
import { KINDS } from './field/index.ts';
import { bare, base64, hex, number, quote } from './field/octets.ts';
import { formatName, ROOT, relativeName } from './name.ts';
import { checkRdata, fieldEnd } from './rdata.ts';
import { type Field, typeOf, typeText } from './rr.ts';

/** The text of uncompressed rdata; names under `origin` (wire) are written relative to it, but for the root. */
export function printRdata(type: number, rdata: Uint8Array, origin: Uint8Array = ROOT): string {
  const row = typeOf(type);
  if (row === undefined || !checkRdata(type, rdata)) return printRfc3597(rdata);
  let text = '';
  let at = 0;
  for (const field of row.fields) {
    const end = fieldEnd(field, rdata, at, rdata.length);
    const word = printField(field, rdata, at, end, origin);
    // An optional field that is missing has no text.
    if (word !== '') text += text === '' ? word : ` ${word}`;
    at = end;
  }
  return text;
}

/** The generic form of any rdata: `\# 4 c0000201`. */
export function printRfc3597(rdata: Uint8Array): string {
  return rdata.length === 0 ? '\\# 0' : `\\# ${rdata.length} ${hex(rdata, 0, rdata.length)}`;
}

function printField(field: Field, bytes: Uint8Array, at: number, end: number, origin: Uint8Array): string {
  switch (field.kind) {
    case 'u8':
    case 'u16':
    case 'u32':
    case 'time':
      return String(number(bytes, at, end));
    case 'type':
      return typeText(number(bytes, at, end));
    case 'ip4':
    case 'ip6':
      return formatIp(bytes, at, end - at);
    case 'name':
      return relativeName(bytes, origin, at);
    case 'string':
      return quote(bytes, at + 1, end);
    case 'tag':
      return bare(bytes, at + 1, end);
    case 'strings': {
      const strings: string[] = [];
      for (let i = at; i < end; i += 1 + bytes[i]) strings.push(quote(bytes, i + 1, i + 1 + bytes[i]));
      return strings.join(' ');
    }
    case 'text':
      return quote(bytes, at, end);
    case 'hex':
      return hex(bytes, at, end);
    case 'base64':
      return base64(bytes, at, end);
    default:
      return KINDS[field.kind].print(bytes, at, end, origin);
  }
}

/** One record as text, its names absolute: `www.example.com. 300 IN A 192.0.2.1`. */
export function printRecord(owner: Uint8Array, ttl: number, type: number, rdata: Uint8Array): string {
  return `${formatName(owner)} ${ttl} IN ${typeText(type)} ${printRdata(type, rdata)}`;
}
