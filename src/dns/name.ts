// Domain names as wire bytes: length-prefixed labels up to the root's 0 (RFC 1035 §3.1). Labels are bytes; text and
// its escapes exist only at the edges (§5.1). Comparison ignores ASCII case (RFC 4343).

export const MAX_NAME = 255;
export const MAX_LABEL = 63;
export const MAX_LABELS = 127;
export const ROOT = new Uint8Array([0]);

/** ASCII lower case of one byte. */
export function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

/** Bytes that the uncompressed name at `offset` takes, its root 0 included. */
export function nameLength(bytes: Uint8Array, offset = 0): number {
  let at = offset;
  while (bytes[at] !== 0) at += 1 + bytes[at];
  return at + 1 - offset;
}

/** Labels without the root. */
export function labelCount(bytes: Uint8Array, offset = 0): number {
  let n = 0;
  for (let at = offset; bytes[at] !== 0; at += 1 + bytes[at]) n++;
  return n;
}

/** Whether two uncompressed names are the same, whatever their case. */
export function sameName(a: Uint8Array, b: Uint8Array, aOffset = 0, bOffset = 0): boolean {
  const length = nameLength(a, aOffset);
  if (length !== nameLength(b, bOffset)) return false;
  // Length bytes are at most 63 and so untouched by `lower`.
  for (let i = 0; i < length; i++) if (lower(a[aOffset + i]) !== lower(b[bOffset + i])) return false;
  return true;
}

/** Whether `name` is `ancestor` or stands below it. */
export function isUnder(name: Uint8Array, ancestor: Uint8Array): boolean {
  let skip = labelCount(name) - labelCount(ancestor);
  if (skip < 0) return false;
  let at = 0;
  for (; skip > 0; skip--) at += 1 + name[at];
  return sameName(name, ancestor, at, 0);
}

/** What is wrong with a name's text. */
export type NameFault =
  | 'empty label'
  | 'label over 63 octets'
  | 'name over 255 octets'
  | 'bad escape'
  | 'empty name';

/**
 * Wire bytes of a name's text with RFC 1035 escapes (`\.`, `\065`). Without a final dot `origin` (wire) is appended;
 * `@` alone is the origin. Text outside ASCII is taken as UTF-8 octets. Returns the fault as a string where there is one.
 */
export function parseName(text: string, origin: Uint8Array = ROOT): Uint8Array | NameFault {
  if (text === '') return 'empty name';
  if (text === '@') return origin;
  if (text === '.') return ROOT;
  const raw = Buffer.from(text, 'utf8');
  const out: number[] = [0];
  let length = 0;
  let start = 0;
  let absolute = false;
  for (let i = 0; i < raw.length; i++) {
    let byte = raw[i];
    if (byte === 0x2e) {
      if (out.length - 1 === start) return 'empty label';
      out[start] = out.length - 1 - start;
      if (i === raw.length - 1) {
        absolute = true;
        break;
      }
      start = out.length;
      out.push(0);
      continue;
    }
    if (byte === 0x5c) {
      if (i + 1 >= raw.length) return 'bad escape';
      if (digit(raw[i + 1])) {
        if (!(digit(raw[i + 2]) && digit(raw[i + 3]))) return 'bad escape';
        byte = (raw[i + 1] - 48) * 100 + (raw[i + 2] - 48) * 10 + raw[i + 3] - 48;
        if (byte > 255) return 'bad escape';
        i += 3;
      } else {
        byte = raw[i + 1];
        i += 1;
      }
    }
    out.push(byte);
    length = out.length - 1 - start;
    if (length > MAX_LABEL) return 'label over 63 octets';
  }
  if (!absolute) out[start] = out.length - 1 - start;
  const tail = absolute ? ROOT : origin;
  if (out.length + tail.length > MAX_NAME) return 'name over 255 octets';
  const wire = new Uint8Array(out.length + tail.length);
  wire.set(out);
  wire.set(tail, out.length);
  return wire;
}

function digit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 48 && byte <= 57;
}

/** The text of an uncompressed wire name, absolute (with the final dot), escaped so that parseName gives the same bytes. */
export function formatName(bytes: Uint8Array, offset = 0): string {
  if (bytes[offset] === 0) return '.';
  let text = '';
  for (let at = offset; bytes[at] !== 0; at += 1 + bytes[at]) {
    for (let i = 1; i <= bytes[at]; i++) text += escapeByte(bytes[at + i]);
    text += '.';
  }
  return text;
}

function escapeByte(byte: number): string {
  // The characters that mean something in a master file, and whatever does not print.
  if (byte <= 0x20 || byte >= 0x7f) return `\\${String(byte).padStart(3, '0')}`;
  const c = String.fromCharCode(byte);
  return '."\\;()@$'.includes(c) ? `\\${c}` : c;
}
