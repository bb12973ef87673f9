// Octets as text and back, as master files write them: hexadecimal, base64, base32hex, strings and their escapes.

/** The number in bytes[at..end), at most 6 octets. */
export function number(bytes: Uint8Array, at: number, end: number): number {
  let value = 0;
  for (let i = at; i < end; i++) value = value * 256 + bytes[i];
  return value;
}

function view(bytes: Uint8Array, at: number, end: number): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, end - at);
}

export function hex(bytes: Uint8Array, at: number, end: number): string {
  return view(bytes, at, end).toString('hex');
}

export function base64(bytes: Uint8Array, at: number, end: number): string {
  return view(bytes, at, end).toString('base64');
}

/** The octets of hexadecimal text; undefined if it is none. */
export function parseHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

/** The octets of base64 text (RFC 4648 §4); undefined if it is none. */
export function parseBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !/^[0-9a-zA-Z+/]*={0,2}$/.test(text)) return undefined;
  return Uint8Array.from(Buffer.from(text, 'base64'));
}

const DIGITS = '0123456789abcdefghijklmnopqrstuv';

/** Base32 with the extended hex alphabet and without padding (RFC 4648 §7, RFC 5155 §3.3). */
export function base32hex(bytes: Uint8Array, at: number, end: number): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (let i = at; i < end; i++) {
    value = (value << 8) | bytes[i];
    for (bits += 8; bits >= 5; bits -= 5) text += DIGITS[(value >> (bits - 5)) & 31];
    value &= 31;
  }
  return bits === 0 ? text : text + DIGITS[(value << (5 - bits)) & 31];
}

/** The octets of base32hex text in any case; undefined if it is none, or if bits are left over that are not 0. */
export function parseBase32hex(text: string): Uint8Array | undefined {
  const out: number[] = [];
  let bits = 0;
  let value = 0;
  for (const c of text.toLowerCase()) {
    const digit = DIGITS.indexOf(c);
    if (digit < 0) return undefined;
    value = (value << 5) | digit;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out.push((value >> bits) & 255);
      value &= (1 << bits) - 1;
    }
  }
  return value === 0 && bits < 5 ? Uint8Array.from(out) : undefined;
}

/** A string in quotes. */
export function quote(bytes: Uint8Array, at: number, end: number): string {
  let text = '"';
  for (let i = at; i < end; i++) text += QUOTED[bytes[i]];
  return `${text}"`;
}

/** A string without quotes; it must not be empty. */
export function bare(bytes: Uint8Array, at: number, end: number): string {
  let text = '';
  for (let i = at; i < end; i++) text += BARE[bytes[i]];
  return text;
}

const escapes = (special: string) =>
  Array.from({ length: 256 }, (_, byte) => {
    if (byte < 0x20 || byte >= 0x7f) return `\\${String(byte).padStart(3, '0')}`;
    const c = String.fromCharCode(byte);
    return special.includes(c) ? `\\${c}` : c;
  });
const QUOTED = escapes('"\\');
const BARE = escapes(' "\\;()');
