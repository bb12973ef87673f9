// Address prefixes such as 192.0.2.0/24 and 2001:db8::/32 (RFC 4632 §3.1, RFC 4291 §2.3), and a short list of them.
import { parseIp } from './ip.ts';

export interface Prefix {
  /** 4 or 16 octets; those behind the prefix are 0. */
  address: Uint8Array;
  bits: number;
}

/** A prefix, or an address alone as one of its whole length; undefined if it is none or has bits set behind its length. */
export function parsePrefix(text: string): Prefix | undefined {
  const [head, tail, ...more] = text.split('/');
  const address = parseIp(head);
  if (address === undefined || more.length > 0) return undefined;
  if (tail !== undefined && !/^(0|[1-9]\d{0,2})$/.test(tail)) return undefined;
  const bits = tail === undefined ? address.length * 8 : Number(tail);
  if (bits > address.length * 8 || !clearBehind(address, 0, address.length, bits)) return undefined;
  return { address, bits };
}

/** Whether all bits from `bits` on are 0 in the `length` octets at `at`. */
export function clearBehind(bytes: Uint8Array, at: number, length: number, bits: number): boolean {
  const whole = bits >> 3;
  if (whole >= length) return true;
  if ((bytes[at + whole] & (0xff >> (bits & 7))) !== 0) return false;
  for (let i = whole + 1; i < length; i++) if (bytes[at + i] !== 0) return false;
  return true;
}

/** A list of prefixes, looked through one by one. */
export class Prefixes {
  readonly #rows: readonly Prefix[];

  constructor(rows: readonly Prefix[]) {
    this.#rows = rows;
  }

  /** Whether one of them holds the address: `family` 4 or 6, its octets from 0 on. */
  has(family: number, address: Uint8Array): boolean {
    const length = family === 4 ? 4 : 16;
    for (let i = 0; i < this.#rows.length; i++) {
      const row = this.#rows[i];
      if (row.address.length === length && holds(row, address)) return true;
    }
    return false;
  }
}

function holds(prefix: Prefix, address: Uint8Array): boolean {
  const whole = prefix.bits >> 3;
  for (let i = 0; i < whole; i++) if (prefix.address[i] !== address[i]) return false;
  const rest = prefix.bits & 7;
  return rest === 0 || ((prefix.address[whole] ^ address[whole]) & (0xff00 >> rest) & 0xff) === 0;
}
