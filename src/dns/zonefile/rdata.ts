// Rdata from text: tokens of the lexer → uncompressed wire rdata, field by field as the table of RR types lists them,
// or the generic form `\# LENGTH HEX` (RFC 3597 §5) for any type. The kinds of field/ are handed their words.
// For the types that zones are made of, nothing is allocated for a record without a fault.
import { GtmError } from '../../kit/errors.ts';
import { parseIp } from '../../kit/ip.ts';
import { nearest } from '../../kit/suggest.ts';
import { KINDS } from '../field/index.ts';
import type { Words } from '../field/kind.ts';
import { MAX_NAME, nameFault, ROOT, scanEscape, scanName } from '../name.ts';
import { checkRdata, isAlnum, MAX_RDATA } from '../rdata.ts';
import { type Field, TYPE, typeCode, typeOf, typeText } from '../rr.ts';
import { type Fault, show } from './faults.ts';
import { Lexer } from './lex.ts';
import { scanTime } from './time.ts';
import { scanIPv4, scanIPv6 } from './words.ts';

/** A fault of the token with that index; the count of the entry's tokens stands for the place behind the last. */
export interface ScanFault {
  fault: Fault;
  token: number;
  message: string;
  help?: string | undefined;
}

const SIZE: Partial<Record<Field['kind'], 1 | 2 | 4>> = { u8: 1, u16: 2, u32: 4 };

export class RdataScanner implements Words {
  /** The rdata of the last scan, from 0. */
  readonly out = new Uint8Array(MAX_RDATA + 1 + MAX_NAME);
  /** Why the last scan returned -1. */
  fault: ScanFault | undefined;
  #lex = new Lexer('');
  #token = 0;
  #length = 0;
  #origin: Uint8Array = ROOT;

  /**
   * Scans the tokens from `from` to the end of the lexer's entry as rdata of `type`, names under `origin` (wire).
   * Returns the octets written to `out`, or -1 with `fault`.
   */
  scan(lex: Lexer, from: number, type: number, origin: Uint8Array): number {
    this.#lex = lex;
    this.#token = from;
    this.#length = 0;
    this.#origin = origin;
    this.fault = undefined;
    if (isGeneric(lex, from)) return this.#generic(type) ? this.#length : -1;
    const row = typeOf(type);
    if (row === undefined) {
      this.fail('generic', `${typeText(type)} takes the generic form: \\# LENGTH HEX`, from);
      return -1;
    }
    for (const field of row.fields) if (!this.#field(field, row.mnemonic)) return -1;
    if (this.#token < lex.count) {
      const fields = row.fields.length === 1 ? 'one field' : `${row.fields.length} fields`;
      this.fail('extra', `${row.mnemonic} takes ${fields}: ${show(lex.text(this.#token))} is too much`);
      return -1;
    }
    return this.#length;
  }

  #field(field: Field, mnemonic: string): boolean {
    const lex = this.#lex;
    const i = this.#token;
    if (i >= lex.count)
      return field.optional === true || this.fail('missing', `${mnemonic} without its ${field.name}`);
    if (lex.quoted[i] === 1 && !MAY_BE_QUOTED.has(field.kind))
      return this.fail('quoted', `the ${field.name} of ${mnemonic} is not written in quotes`);
    switch (field.kind) {
      case 'u8':
      case 'u16':
      case 'u32':
        return this.number(field.name, mnemonic, SIZE[field.kind] as 1 | 2 | 4, field.words);
      case 'time':
        return this.#time(field, mnemonic);
      case 'ip4':
        return this.#address(4, mnemonic);
      case 'ip6':
        return this.#address(16, mnemonic);
      case 'name':
        return this.name(field.name);
      case 'string':
      case 'tag':
        return this.#string(field, mnemonic);
      case 'strings':
        while (this.#token < lex.count) if (!this.#string(field, mnemonic)) return false;
        return true;
      case 'text':
        return this.#octets(MAX_RDATA - this.#length) && this.next();
      case 'hex':
        return this.#digits('hex');
      case 'base64':
        return this.#digits('base64');
      case 'type': {
        const code = typeCode(lex.text(i));
        if (code === undefined) return this.fail('type', `${show(lex.text(i))} is not a record type`);
        return this.put(code, 2) && this.next();
      }
      default:
        return this.#unquoted(field, mnemonic) && KINDS[field.kind].scan(this, field, mnemonic);
    }
  }

  number(what: string, mnemonic: string, size: 1 | 2 | 4, words?: ReadonlyMap<string, number>): boolean {
    const { bytes, start, end } = this.#lex;
    const bound = size === 1 ? 0xff : size === 2 ? 0xffff : 0xffffffff;
    let value = 0;
    for (let i = start[this.#token]; i < end[this.#token]; i++) {
      const digit = bytes[i] - 0x30;
      if (digit < 0 || digit > 9) value = Number.POSITIVE_INFINITY;
      else value = value * 10 + digit;
    }
    if (value <= bound) return this.put(value, size) && this.next();
    const known = words?.get(this.word.toUpperCase());
    if (known !== undefined) return this.put(known, size) && this.next();
    const near = words === undefined ? undefined : nearest(this.word, words.keys());
    const or = words === undefined ? '' : `, or such as ${[...words.keys()][0]}`;
    const message = `${show(this.word)} is no ${what} of ${mnemonic}: a number from 0 to ${bound}${or}`;
    return this.fail(
      'number',
      message,
      this.#token,
      near === undefined ? undefined : `did you mean ${near}?`,
    );
  }

  // No field behind these kinds may be quoted either.
  #unquoted(field: Field, mnemonic: string): boolean {
    if (MAY_BE_QUOTED.has(field.kind)) return true;
    const { quoted, count } = this.#lex;
    for (let i = this.#token; i < count; i++)
      if (quoted[i] === 1) return this.fail('quoted', `${mnemonic} has no text in quotes here`, i);
    return true;
  }

  #time(field: Field, mnemonic: string): boolean {
    const { bytes, start, end } = this.#lex;
    const value = scanTime(bytes, start[this.#token], end[this.#token]);
    if (value >= 0 && value <= 0xffffffff) return this.put(value, 4) && this.next();
    const text = show(this.#lex.text(this.#token));
    const wanted = 'seconds from 0 to 4294967295, or such as 1h30m';
    return this.fail('number', `${text} is no ${field.name} of ${mnemonic}: ${wanted}`);
  }

  #address(size: 4 | 16, mnemonic: string): boolean {
    const { bytes, start, end } = this.#lex;
    const scan = size === 4 ? scanIPv4 : scanIPv6;
    if (scan(bytes, start[this.#token], end[this.#token], this.out, this.#length)) {
      this.#length += size;
      return this.next();
    }
    const text = this.#lex.text(this.#token);
    const other = size === 4 ? TYPE.AAAA : TYPE.A;
    const swapped = mnemonic === (size === 4 ? 'A' : 'AAAA') && parseIp(text) !== undefined;
    const help = swapped ? `the type for ${text} is ${typeText(other)}` : undefined;
    const what = size === 4 ? 'an IPv4 address' : 'an IPv6 address';
    return this.fail('address', `address ${show(text)} is not ${what}${badOctet(text)}`, this.#token, help);
  }

  name(what: string): boolean {
    const { bytes, start, end } = this.#lex;
    const i = this.#token;
    const n = scanName(bytes, start[i], end[i], this.#origin, this.out, this.#length);
    if (n < 0) return this.fail('name', `the ${what} ${show(this.word)} is no name: ${nameFault(n)}`);
    this.#length += n;
    return this.#length <= MAX_RDATA ? this.next() : this.#tooLong();
  }

  #string(field: Field, mnemonic: string): boolean {
    const at = this.#length++;
    const help = field.kind === 'strings' ? 'write it as several strings: "…" "…"' : undefined;
    if (!this.#octets(255, 0, help)) return false;
    const length = this.#length - at - 1;
    this.out[at] = length;
    if (field.kind === 'tag' && length === 0)
      return this.fail('string', `the ${field.name} of ${mnemonic} is empty`);
    if (field.alnum && !this.out.subarray(at + 1, this.#length).every(isAlnum)) {
      const text = show(this.#lex.text(this.#token));
      return this.fail('string', `the ${field.name} ${text} of ${mnemonic} is not letters and digits alone`);
    }
    if (this.#length > MAX_RDATA) return this.#tooLong();
    return this.next();
  }

  octets(skip = 0): Uint8Array | undefined {
    const from = this.#length;
    if (!this.#octets(MAX_RDATA - from, skip)) return undefined;
    const octets = this.out.slice(from, this.#length);
    this.#length = from;
    return octets;
  }

  // The octets that the token means, at most `most`.
  #octets(most: number, skip = 0, help?: string): boolean {
    const { bytes, start, end } = this.#lex;
    const limit = this.#length + most;
    const stop = end[this.#token];
    for (let i = start[this.#token] + skip; i < stop; i++) {
      let byte = bytes[i];
      if (byte === 0x5c) {
        const escaped = scanEscape(bytes, i, stop);
        if (escaped < 0)
          return this.fail(
            'string',
            `${show(this.#lex.text(this.#token))} has a bad escape: \\DDD is 000 to 255`,
          );
        byte = escaped & 0xff;
        i += escaped >> 8;
      }
      if (this.#length >= limit) {
        if (most !== 255) return this.#tooLong();
        return this.fail('string', `a string is over 255 octets`, this.#token, help);
      }
      this.out[this.#length++] = byte;
    }
    return true;
  }

  // The rest of the entry as hexadecimal or base64, which blanks may divide.
  #digits(kind: 'hex' | 'base64'): boolean {
    const lex = this.#lex;
    const first = this.#token;
    let text = '';
    const shape = kind === 'hex' ? /^[0-9a-fA-F]+$/ : /^[0-9a-zA-Z+/]+={0,2}$/;
    for (; this.#token < lex.count; this.#token++) {
      const word = lex.text(this.#token);
      if (!shape.test(word) || text.endsWith('='))
        return this.fail('data', `${show(word)} is not ${kind === 'hex' ? 'hexadecimal' : 'base64'}`);
      text += word;
      if (text.length > 2 * MAX_RDATA + 4) return this.#tooLong(first);
    }
    if (text.length % (kind === 'hex' ? 2 : 4) !== 0)
      return this.fail(
        'data',
        `the ${kind === 'hex' ? 'hexadecimal' : 'base64'} text ends within an octet`,
        first,
      );
    const bytes = Buffer.from(text, kind);
    if (this.#length + bytes.length > MAX_RDATA) return this.#tooLong(first);
    this.out.set(bytes, this.#length);
    this.#length += bytes.length;
    return true;
  }

  #generic(type: number): boolean {
    const lex = this.#lex;
    const first = this.#token++;
    if (this.#token >= lex.count) return this.fail('generic', '\\# without its length');
    const text = lex.text(this.#token);
    const length = /^\d{1,9}$/.test(text) ? Number(text) : -1;
    if (length < 0 || length > MAX_RDATA)
      return this.fail('generic', `${show(text)} is no length of record data: from 0 to ${MAX_RDATA}`);
    this.#token++;
    if (this.#token < lex.count && !this.#digits('hex')) return false;
    if (this.#length !== length)
      return this.fail('generic', `\\# says ${length} octets, and ${this.#length} follow`, first + 1);
    if (!checkRdata(type, this.out, 0, length))
      return this.fail('generic', `these ${length} octets are no ${typeText(type)}`, first);
    return true;
  }

  get more(): boolean {
    return this.#token < this.#lex.count;
  }

  get at(): number {
    return this.#token;
  }

  get word(): string {
    return this.#lex.text(this.#token);
  }

  get isQuoted(): boolean {
    return this.#lex.quoted[this.#token] === 1;
  }

  get joined(): boolean {
    const { start, end, quoted, count } = this.#lex;
    const next = this.#token + 1;
    return next < count && start[next] - quoted[next] === end[next - 1] + quoted[next - 1];
  }

  put(value: number, size: number): true {
    for (let i = size - 1; i >= 0; i--) this.out[this.#length++] = (value / 256 ** i) & 0xff;
    return true;
  }

  putOctets(octets: Uint8Array): boolean {
    if (this.#length + octets.length > MAX_RDATA) return this.#tooLong();
    this.out.set(octets, this.#length);
    this.#length += octets.length;
    return true;
  }

  next(): true {
    this.#token++;
    return true;
  }

  #tooLong(token = Math.min(this.#token, this.#lex.count - 1)): false {
    return this.fail('long', `record data over ${MAX_RDATA} octets`, token);
  }

  fail(fault: Fault, message: string, token = this.#token, help?: string): false {
    this.fault = { fault, token, message, help };
    return false;
  }
}

// What is wrong with one part of a dotted quad, where that is all.
function badOctet(text: string): string {
  if (!/^\d{1,9}(\.\d{1,9}){3}$/.test(text)) return '';
  const part = text.split('.').find(octet => Number(octet) > 255 || /^0\d/.test(octet));
  if (part === undefined) return '';
  return Number(part) > 255 ? `: ${part} is over 255` : `: ${part} has a leading zero`;
}

const MAY_BE_QUOTED = new Set<Field['kind']>(['string', 'strings', 'text', 'subaddress', 'service']);

/** Whether token i is the unquoted `\#` that begins the generic form. */
function isGeneric(lex: Lexer, i: number): boolean {
  if (i >= lex.count || lex.quoted[i] === 1) return false;
  const start = lex.start[i];
  return lex.end[i] - start === 2 && lex.bytes[start] === 0x5c && lex.bytes[start + 1] === 0x23;
}

/** Wire rdata of its text in one line, such as `10 mail` for MX. Throws GTM_RDATA with what is wrong. */
export function parseRdata(type: number, text: string, origin: Uint8Array = ROOT): Uint8Array {
  const lex = new Lexer(text);
  const scanner = new RdataScanner();
  lex.next();
  const length = lex.fault === undefined ? scanner.scan(lex, 0, type, origin) : -1;
  if (length >= 0 && !lex.next()) return scanner.out.slice(0, length);
  const why = scanner.fault?.message ?? 'a quote or a parenthesis is not closed, or there is a second line';
  throw new GtmError('GTM_RDATA', `${typeText(type)}: ${why}`);
}
