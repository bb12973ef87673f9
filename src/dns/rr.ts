// The table of RR types: each type lists its fields once, and rdata.ts derives from it wire decode, wire encode, text
// parse and text print; the answer path derives which names in rdata may be compressed and which want addresses.
// A new type is a row here.

/**
 * Field kinds. u8 u16 u32: numbers · time: u32 written as a TTL (`1h30m`) · ip4 ip6 · name: a domain name ·
 * string: one character-string · strings: one or more, to the end · text: the rest as one quoted text, no length octet ·
 * tag: a character-string written bare (CAA) · hex: the rest, in hex · base64: the rest · type: an RR type's mnemonic.
 */
export type FieldKind =
  | 'u8'
  | 'u16'
  | 'u32'
  | 'time'
  | 'ip4'
  | 'ip6'
  | 'name'
  | 'string'
  | 'strings'
  | 'text'
  | 'tag'
  | 'hex'
  | 'base64'
  | 'type';

export interface Field {
  kind: FieldKind;
  name: string;
  /** The name may be compressed in messages: only in the types of RFC 1035 (RFC 3597 §4). */
  compress?: boolean;
  /** Addresses of this name belong in the additional section (RFC 1035 §3.3, RFC 2782). */
  additional?: boolean;
  /** Letters and digits only (the tag of CAA, RFC 8659 §4.1). */
  alnum?: boolean;
}

export interface RRType {
  code: number;
  mnemonic: string;
  fields: readonly Field[];
  /** Where it is defined. */
  source: string;
}

const u8 = (name: string): Field => ({ kind: 'u8', name });
const u16 = (name: string): Field => ({ kind: 'u16', name });
const u32 = (name: string): Field => ({ kind: 'u32', name });
const time = (name: string): Field => ({ kind: 'time', name });
const name = (name: string, more: { compress?: boolean; additional?: boolean } = {}): Field => ({
  kind: 'name',
  name,
  ...more,
});
const old = { compress: true };

export const TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  DNAME: 39,
  OPT: 41,
  DS: 43,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
  CAA: 257,
  POOL: 65400,
} as const;

export const CLASS = { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 } as const;

const ROWS: readonly [number, string, readonly Field[], string][] = [
  [TYPE.A, 'A', [{ kind: 'ip4', name: 'address' }], 'RFC 1035 §3.4.1'],
  [TYPE.NS, 'NS', [name('nameserver', { compress: true, additional: true })], 'RFC 1035 §3.3.11'],
  [TYPE.CNAME, 'CNAME', [name('target', old)], 'RFC 1035 §3.3.1'],
  [
    TYPE.SOA,
    'SOA',
    [
      name('mname', old),
      name('rname', old),
      u32('serial'),
      time('refresh'),
      time('retry'),
      time('expire'),
      time('minimum'),
    ],
    'RFC 1035 §3.3.13',
  ],
  [TYPE.PTR, 'PTR', [name('target', old)], 'RFC 1035 §3.3.12'],
  [
    TYPE.HINFO,
    'HINFO',
    [
      { kind: 'string', name: 'cpu' },
      { kind: 'string', name: 'os' },
    ],
    'RFC 1035 §3.3.2',
  ],
  [
    TYPE.MX,
    'MX',
    [u16('preference'), name('exchange', { compress: true, additional: true })],
    'RFC 1035 §3.3.9',
  ],
  [TYPE.TXT, 'TXT', [{ kind: 'strings', name: 'text' }], 'RFC 1035 §3.3.14'],
  [TYPE.AAAA, 'AAAA', [{ kind: 'ip6', name: 'address' }], 'RFC 3596 §2.2'],
  [
    TYPE.SRV,
    'SRV',
    [u16('priority'), u16('weight'), u16('port'), name('target', { additional: true })],
    'RFC 2782',
  ],
  [TYPE.DNAME, 'DNAME', [name('target')], 'RFC 6672 §2.1'],
  [
    TYPE.DS,
    'DS',
    [u16('key tag'), u8('algorithm'), u8('digest type'), { kind: 'hex', name: 'digest' }],
    'RFC 4034 §5',
  ],
  [
    TYPE.CAA,
    'CAA',
    [u8('flags'), { kind: 'tag', name: 'tag', alnum: true }, { kind: 'text', name: 'value' }],
    'RFC 8659 §4',
  ],
  // The pool of VIPs that answers for a name: private-use type, rdata is one character-string, the pool's name.
  [TYPE.POOL, 'POOL', [{ kind: 'tag', name: 'pool' }], 'docs: README, «A pool in a zone»'],
];

export const RR_TYPES: readonly RRType[] = ROWS.map(([code, mnemonic, fields, source]) => ({
  code,
  mnemonic,
  fields,
  source,
}));

const byCode = new Map(RR_TYPES.map(t => [t.code, t]));
const byMnemonic = new Map(RR_TYPES.map(t => [t.mnemonic, t]));
// Known by name in questions, but never data.
const META: Record<string, number> = { OPT: TYPE.OPT, IXFR: TYPE.IXFR, AXFR: TYPE.AXFR, ANY: TYPE.ANY };

/** The row of a type code; undefined for types known only as RFC 3597 bytes. */
export function typeOf(code: number): RRType | undefined {
  return byCode.get(code);
}

/** The row of a mnemonic (any case). */
export function typeNamed(mnemonic: string): RRType | undefined {
  return byMnemonic.get(mnemonic.toUpperCase());
}

/** Code of `MX`, `TYPE65400`, `ANY` …; undefined if it is no type. */
export function typeCode(text: string): number | undefined {
  const upper = text.toUpperCase();
  const known = byMnemonic.get(upper)?.code ?? META[upper];
  if (known !== undefined) return known;
  const m = /^TYPE(\d{1,5})$/.exec(upper);
  return m !== null && Number(m[1]) <= 65535 ? Number(m[1]) : undefined;
}

/** Whether records of this type can never be zone data: 0, OPT and the question and meta types (RFC 6895 §3.1). */
export function isMeta(code: number): boolean {
  return code === 0 || code === TYPE.OPT || (code >= 128 && code <= 255);
}

/** `MX`, `ANY`, or `TYPEnnn` for what has no name here. */
export function typeText(code: number): string {
  return byCode.get(code)?.mnemonic ?? Object.keys(META).find(k => META[k] === code) ?? `TYPE${code}`;
}

/** Mnemonics of all rows, for «did you mean». */
export function mnemonics(): string[] {
  return RR_TYPES.map(t => t.mnemonic);
}
