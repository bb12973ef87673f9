// The table of service parameters (RFC 9460 §14.3.2, RFC 9461 §5, RFC 9540 §4): how each value is read, checked and written.
import { formatIp, parseIPv4, parseIPv6 } from '../../kit/ip.ts';
import { base64, number, parseBase64, quote } from './octets.ts';

export interface ServiceParam {
  name: string;
  /** What a value is, for faults. */
  wants: string;
  /** The wire value of a value's octets, escapes read; undefined if it is none. */
  parse(octets: Uint8Array): Uint8Array | undefined;
  valid(bytes: Uint8Array, at: number, end: number): boolean;
  print(bytes: Uint8Array, at: number, end: number): string;
}

export const MANDATORY = 0;

const ascii = (octets: Uint8Array) => Buffer.from(octets).toString('latin1');
const nothing: Pick<ServiceParam, 'wants' | 'parse' | 'valid' | 'print'> = {
  wants: 'it takes none',
  parse: octets => octets,
  valid: (_, at, end) => at === end,
  print: () => '',
};

const TABLE: readonly [number, ServiceParam][] = [
  [
    MANDATORY,
    {
      name: 'mandatory',
      wants: 'other parameters, each once, with commas between',
      parse: octets => joined(ascii(octets), name => two(keyNumber(name))),
      valid(bytes, at, end) {
        if (at === end || (end - at) % 2 !== 0) return false;
        // Ascending, each once, and never itself.
        for (let i = at, last = 0; i < end; i += 2) {
          const key = number(bytes, i, i + 2);
          if (key <= last) return false;
          last = key;
        }
        return true;
      },
      print: (bytes, at, end) => each(at, end, 2, i => keyText(number(bytes, i, i + 2))),
    },
  ],
  [
    1,
    {
      name: 'alpn',
      wants: 'protocols of 1 to 255 octets such as h2, with commas between; a comma within one is \\,',
      parse: parseList,
      valid(bytes, at, end) {
        let i = at;
        while (i < end && bytes[i] > 0) i += 1 + bytes[i];
        return i === end && at < end;
      },
      print: printList,
    },
  ],
  [2, { name: 'no-default-alpn', ...nothing }],
  [
    3,
    {
      name: 'port',
      wants: 'a number from 0 to 65535',
      parse: octets => (/^\d{1,5}$/.test(ascii(octets)) ? two(Number(ascii(octets))) : undefined),
      valid: (_, at, end) => end - at === 2,
      print: (bytes, at, end) => String(number(bytes, at, end)),
    },
  ],
  [4, { name: 'ipv4hint', wants: 'IPv4 addresses, with commas between', ...addresses(4, parseIPv4) }],
  [
    5,
    {
      name: 'ech',
      wants: 'base64',
      parse: octets => parseBase64(ascii(octets)),
      valid: (_, at, end) => at < end,
      print: base64,
    },
  ],
  [6, { name: 'ipv6hint', wants: 'IPv6 addresses, with commas between', ...addresses(16, parseIPv6) }],
  [
    7,
    {
      name: 'dohpath',
      wants: 'a URI template such as /dns-query{?dns}',
      parse: octets => octets,
      valid: (_, at, end) => at < end,
      print: quote,
    },
  ],
  [8, { name: 'ohttp', ...nothing }],
];

/** By key; what is not here is taken as it stands. */
export const PARAMS: ReadonlyMap<number, ServiceParam> = new Map(TABLE);
const BY_NAME = new Map(TABLE.map(([key, { name }]) => [name, key]));

/** `alpn`, or `key667` for what has no name here. */
export function keyText(key: number): string {
  return PARAMS.get(key)?.name ?? `key${key}`;
}

/** The key of `alpn` or `key667`, in any case; undefined if it is none. */
export function keyNumber(text: string): number | undefined {
  const name = text.toLowerCase();
  const m = /^key(0|[1-9]\d{0,4})$/.exec(name);
  if (m !== null) return Number(m[1]) <= 65535 ? Number(m[1]) : undefined;
  return BY_NAME.get(name);
}

function two(value: number | undefined): Uint8Array | undefined {
  return value === undefined || value > 65535 ? undefined : Uint8Array.of(value >> 8, value & 255);
}

function addresses(size: number, parse: (text: string) => Uint8Array | undefined) {
  return {
    parse: (octets: Uint8Array) => joined(ascii(octets), parse, false),
    valid: (_: Uint8Array, at: number, end: number) => end > at && (end - at) % size === 0,
    print: (bytes: Uint8Array, at: number, end: number) => each(at, end, size, i => formatIp(bytes, i, size)),
  };
}

// The parts of a comma-separated text as octets behind one another, sorted if that is the rule.
function joined(
  text: string,
  parse: (part: string) => Uint8Array | undefined,
  sorted = true,
): Uint8Array | undefined {
  const parts: Uint8Array[] = [];
  for (const part of text.split(',')) {
    const octets = parse(part);
    if (octets === undefined) return undefined;
    parts.push(octets);
  }
  if (sorted) parts.sort(Buffer.compare);
  return Uint8Array.from(Buffer.concat(parts));
}

function each(at: number, end: number, step: number, text: (i: number) => string): string {
  const parts: string[] = [];
  for (let i = at; i < end; i += step) parts.push(text(i));
  return parts.join(',');
}

const COMMA = 0x2c;
const BACKSLASH = 0x5c;

// A list of strings with a length octet each; within one, a comma and a backslash are escaped (RFC 9460 appendix A.1).
function parseList(octets: Uint8Array): Uint8Array | undefined {
  const out: number[] = [0];
  let length = 0;
  for (let i = 0; i < octets.length; i++) {
    if (octets[i] === COMMA) {
      length = out.push(0) - 1;
      continue;
    }
    if (octets[i] === BACKSLASH && octets[++i] !== COMMA && octets[i] !== BACKSLASH) return undefined;
    out.push(octets[i]);
    if (++out[length] > 255) return undefined;
  }
  return Uint8Array.from(out);
}

function printList(bytes: Uint8Array, start: number, end: number): string {
  const out: number[] = [];
  for (let at = start; at < end; at += 1 + bytes[at]) {
    if (at > start) out.push(COMMA);
    for (let i = at + 1; i <= at + bytes[at]; i++) {
      if (bytes[i] === COMMA || bytes[i] === BACKSLASH) out.push(BACKSLASH);
      out.push(bytes[i]);
    }
  }
  return quote(Uint8Array.from(out), 0, out.length);
}
