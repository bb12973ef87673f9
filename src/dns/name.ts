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

/**
 * Offset behind the uncompressed name at `offset` that must lie before `end`; -1 if it is not one (a pointer, a label
 * over 63, a name over 255, or bytes that run out).
 */
export function nameEnd(bytes: Uint8Array, offset: number, end: number): number {
  let at = offset;
  while (at < end && at - offset < MAX_NAME) {
    const length = bytes[at];
    if (length === 0) return at + 1;
    if (length > MAX_LABEL) return -1;
    at += 1 + length;
  }
  return -1;
}

/** Whether two uncompressed names are the same, whatever their case. */
export function sameName(a: Uint8Array, b: Uint8Array, aOffset = 0, bOffset = 0): boolean {
  // As long as the octets are the same, so is where the labels end.
  for (let x = aOffset, y = bOffset; ; ) {
    const length = a[x];
    if (length !== b[y]) return false;
    if (length === 0) return true;
    for (const end = x + length; x < end; ) if (lower(a[++x]) !== lower(b[++y])) return false;
    x++;
    y++;
  }
}

/** Whether the name at `offset` is `ancestor` or stands below it. */
export function isUnder(name: Uint8Array, ancestor: Uint8Array, offset = 0): boolean {
  const tail = offset + nameLength(name, offset) - nameLength(ancestor);
  let at = offset;
  while (at < tail) at += 1 + name[at];
  return at === tail && sameName(name, ancestor, at, 0);
}

/** What is wrong with a name's text. */
export type NameFault =
  | 'empty label'
  | 'label over 63 octets'
  | 'name over 255 octets'
  | 'bad escape'
  | 'empty name';

const FAULTS: readonly NameFault[] = [
  'empty name',
  'empty label',
  'label over 63 octets',
  'name over 255 octets',
  'bad escape',
];

/** The fault behind a negative result of scanName. */
export function nameFault(result: number): NameFault {
  return FAULTS[-result - 1];
}

/**
 * Writes the wire bytes of the name whose text is text[start..end) to `out` (at least 255 bytes) and returns their
 * count; a negative number is a fault, see nameFault. Escapes, `@` and `origin` as in parseName.
 */
export function scanName(
  text: Uint8Array,
  start: number,
  end: number,
  origin: Uint8Array,
  out: Uint8Array,
  outOffset = 0,
): number {
  if (start === end) return -1;
  if (end - start === 1 && text[start] === 0x40) {
    out.set(origin, outOffset);
    return origin.length;
  }
  if (end - start === 1 && text[start] === 0x2e) {
    out[outOffset] = 0;
    return 1;
  }
  let label = 0;
  let n = 1;
  for (let i = start; i < end; i++) {
    let byte = text[i];
    if (byte === 0x2e) {
      if (n - 1 === label) return -2;
      out[outOffset + label] = n - 1 - label;
      label = n++;
      if (i < end - 1) continue;
      out[outOffset + label] = 0;
      return n > MAX_NAME ? -4 : n;
    }
    if (byte === 0x5c) {
      const escaped = scanEscape(text, i, end);
      if (escaped < 0) return -5;
      byte = escaped & 0xff;
      i += escaped >> 8;
    }
    if (n - label > MAX_LABEL) return -3;
    if (n >= MAX_NAME) return -4;
    out[outOffset + n++] = byte;
  }
  out[outOffset + label] = n - 1 - label;
  if (n + origin.length > MAX_NAME) return -4;
  out.set(origin, outOffset + n);
  return n + origin.length;
}

/**
 * The escape whose backslash stands at `at` (`\.`, `\065`; RFC 1035 §5.1): the octet it means, plus 256 times the
 * bytes that follow the backslash; -1 if it is no escape.
 */
export function scanEscape(text: Uint8Array, at: number, end: number): number {
  if (at + 1 >= end) return -1;
  const c = text[at + 1];
  if (!isDigit(c)) return c | (1 << 8);
  if (at + 3 >= end || !isDigit(text[at + 2]) || !isDigit(text[at + 3])) return -1;
  const value = (c - 48) * 100 + (text[at + 2] - 48) * 10 + text[at + 3] - 48;
  return value > 255 ? -1 : value | (3 << 8);
}

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57;
}

/**
 * Wire bytes of a name's text with RFC 1035 escapes (`\.`, `\065`). Without a final dot `origin` (wire) is appended;
 * `@` alone is the origin. Text outside ASCII is taken as UTF-8 octets. Returns the fault as a string where there is one.
 */
export function parseName(text: string, origin: Uint8Array = ROOT): Uint8Array | NameFault {
  const raw = Buffer.from(text, 'utf8');
  const out = new Uint8Array(MAX_NAME);
  const length = scanName(raw, 0, raw.length, origin, out);
  return length < 0 ? nameFault(length) : out.slice(0, length);
}

/** The text of an uncompressed wire name, absolute (with the final dot), escaped so that parseName gives the same bytes. */
export function formatName(bytes: Uint8Array, offset = 0): string {
  return bytes[offset] === 0 ? '.' : `${labels(bytes, offset, offset + nameLength(bytes, offset) - 1)}.`;
}

/**
 * The text of an uncompressed wire name as it reads under `origin`: `@` for the origin, `www` below it, absolute
 * elsewhere. Where the case of the origin's part differs the name is absolute, so that parseName gives the same bytes.
 */
export function relativeName(bytes: Uint8Array, origin: Uint8Array, offset = 0): string {
  const end = offset + nameLength(bytes, offset);
  const tail = end - origin.length;
  if (tail < offset || origin.length === 1) return formatName(bytes, offset);
  for (let i = 0; i < origin.length; i++) if (bytes[tail + i] !== origin[i]) return formatName(bytes, offset);
  if (tail === offset) return '@';
  // The same bytes could also stand inside a label: the tail must begin where a label does.
  let at = offset;
  while (at < tail) at += 1 + bytes[at];
  return at === tail ? labels(bytes, offset, tail) : formatName(bytes, offset);
}

// The labels from `offset` to `end` with dots between them.
function labels(bytes: Uint8Array, offset: number, end: number): string {
  let text = '';
  for (let at = offset; at < end; at += 1 + bytes[at]) {
    if (at > offset) text += '.';
    for (let i = 1; i <= bytes[at]; i++) text += NAME_TEXT[bytes[at + i]];
  }
  return text;
}

// How each octet of a label is written: escaped where it means something in a master file or does not print.
const NAME_TEXT: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  if (byte <= 0x20 || byte >= 0x7f) return `\\${String(byte).padStart(3, '0')}`;
  const c = String.fromCharCode(byte);
  return '."\\;()@$'.includes(c) ? `\\${c}` : c;
});
