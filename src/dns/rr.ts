// The table of RR types: each type lists its fields once, and rdata.ts derives from it wire decode, wire encode, text
// parse and text print; the answer path derives which names in rdata may be compressed and which want addresses.
// A new type is a row here.
import type { KINDS } from './field/index.ts';

/**
 * Field kinds. u8 u16 u32: numbers · time: u32 written as a TTL (`1h30m`) · ip4 ip6 · name: a domain name ·
 * string: one character-string · strings: one or more, to the end · text: the rest as one quoted text, no length octet ·
 * tag: a character-string written bare (CAA) · hex: the rest, in hex · base64: the rest · type: an RR type's mnemonic.
 * The others have a file in field/.
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
  | 'type'
  | keyof typeof KINDS;

export interface Field {
  kind: FieldKind;
  name: string;
  /** The name may be compressed in messages: only in the types of RFC 1035 (RFC 3597 §4). */
  compress?: boolean;
  /** Addresses of this name belong in the additional section (RFC 1035 §3.3, RFC 2782). */
  additional?: boolean;
  /** Letters and digits only (the tag of CAA, RFC 8659 §4.1). */
  alnum?: boolean;
  /** The last field of its type, which may be missing: no octets. */
  optional?: boolean;
  /** Words that stand for numbers, in capitals; they are read, and not written. */
  words?: ReadonlyMap<string, number>;
}

export interface RRType {
  code: number;
  mnemonic: string;
  fields: readonly Field[];
  /** Where it is defined. */
  source: string;
}

type More = Omit<Field, 'kind' | 'name'>;
const as = (kind: FieldKind) => (name: string, more?: More) => ({ kind, name, ...more });
const u8 = as('u8');
const u16 = as('u16');
const u32 = as('u32');
const time = as('time');
const date = as('date');
const ip4 = as('ip4');
const ip6 = as('ip6');
const name = as('name');
const string = as('string');
const strings = as('strings');
const text = as('text');
const tag = as('tag');
const hex = as('hex');
const base64 = as('base64');
const type = as('type');
const types = as('types');
const of = (kind: keyof typeof KINDS, name: string, more?: More): Field => ({ kind, name, ...more });
const old = { compress: true };
const host = { additional: true };
const optional = { optional: true };

/** DNSSEC algorithms (RFC 4034 appendix A.1 and its registry), those in use first. */
const ALGORITHMS: ReadonlyMap<string, number> = new Map([
  ['ECDSAP256SHA256', 13],
  ['ECDSAP384SHA384', 14],
  ['ED25519', 15],
  ['ED448', 16],
  ['RSASHA256', 8],
  ['RSASHA512', 10],
  ['RSASHA1', 5],
  ['RSASHA1-NSEC3-SHA1', 7],
  ['DSA', 3],
  ['DSA-NSEC3-SHA1', 6],
  ['RSAMD5', 1],
  ['DH', 2],
  ['ECC-GOST', 12],
  ['INDIRECT', 252],
  ['PRIVATEDNS', 253],
  ['PRIVATEOID', 254],
]);
/** RFC 4398 §2.1. */
const CERTIFICATES: ReadonlyMap<string, number> = new Map([
  ['PKIX', 1],
  ['SPKI', 2],
  ['PGP', 3],
  ['IPKIX', 4],
  ['ISPKI', 5],
  ['IPGP', 6],
  ['ACPKIX', 7],
  ['IACPKIX', 8],
  ['URI', 253],
  ['OID', 254],
]);
const PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ['TCP', 6],
  ['UDP', 17],
]);
const algorithm = u8('algorithm', { words: ALGORITHMS });

const signature: Field[] = [
  type('type covered'),
  algorithm,
  u8('labels'),
  time('original TTL'),
  date('expiration'),
  date('inception'),
  u16('key tag'),
  name('signer'),
  base64('signature'),
];
const digest: Field[] = [u16('key tag'), algorithm, u8('digest type'), hex('digest')];
const key: Field[] = [u16('flags'), u8('protocol'), algorithm, base64('key')];
const association: Field[] = [u8('usage'), u8('selector'), u8('matching type'), hex('association data')];
const hashing: Field[] = [u8('hash algorithm'), u8('flags'), u16('iterations'), of('salt', 'salt')];
const binding: Field[] = [u16('priority'), name('target', host), of('service', 'parameter', optional)];

export const TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  NULL: 10,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  KEY: 25,
  AAAA: 28,
  SRV: 33,
  DNAME: 39,
  OPT: 41,
  DS: 43,
  SSHFP: 44,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  TLSA: 52,
  SMIMEA: 53,
  CDS: 59,
  CDNSKEY: 60,
  ZONEMD: 63,
  SVCB: 64,
  HTTPS: 65,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
  CAA: 257,
  DLV: 32769,
  POOL: 65400,
} as const;

export const CLASS = { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 } as const;

export const RR_TYPES: readonly RRType[] = [
  row(TYPE.A, 'A', 'RFC 1035 §3.4.1', ip4('address')),
  row(TYPE.NS, 'NS', 'RFC 1035 §3.3.11', name('nameserver', { ...old, ...host })),
  row(3, 'MD', 'RFC 1035 §3.3.4', name('mail agent', old)),
  row(4, 'MF', 'RFC 1035 §3.3.5', name('mail agent', old)),
  row(TYPE.CNAME, 'CNAME', 'RFC 1035 §3.3.1', name('target', old)),
  row(
    TYPE.SOA,
    'SOA',
    'RFC 1035 §3.3.13',
    name('mname', old),
    name('rname', old),
    u32('serial'),
    time('refresh'),
    time('retry'),
    time('expire'),
    time('minimum'),
  ),
  row(7, 'MB', 'RFC 1035 §3.3.3', name('host', old)),
  row(8, 'MG', 'RFC 1035 §3.3.6', name('mailbox', old)),
  row(9, 'MR', 'RFC 1035 §3.3.8', name('mailbox', old)),
  row(
    11,
    'WKS',
    'RFC 1035 §3.4.2',
    ip4('address'),
    u8('protocol', { words: PROTOCOLS }),
    of('ports', 'port', optional),
  ),
  row(TYPE.PTR, 'PTR', 'RFC 1035 §3.3.12', name('target', old)),
  row(TYPE.HINFO, 'HINFO', 'RFC 1035 §3.3.2', string('cpu'), string('os')),
  row(14, 'MINFO', 'RFC 1035 §3.3.7', name('responsible mailbox', old), name('error mailbox', old)),
  row(TYPE.MX, 'MX', 'RFC 1035 §3.3.9', u16('preference'), name('exchange', { ...old, ...host })),
  row(TYPE.TXT, 'TXT', 'RFC 1035 §3.3.14', strings('text')),
  row(17, 'RP', 'RFC 1183 §2.2', name('mailbox'), name('text name')),
  row(18, 'AFSDB', 'RFC 1183 §1', u16('subtype'), name('host', host)),
  row(19, 'X25', 'RFC 1183 §3.1', string('address')),
  row(20, 'ISDN', 'RFC 1183 §3.2', string('address'), of('subaddress', 'subaddress', optional)),
  row(21, 'RT', 'RFC 1183 §3.3', u16('preference'), name('host', host)),
  row(22, 'NSAP', 'RFC 1706 §5', of('nsap', 'address')),
  row(24, 'SIG', 'RFC 2535 §4.1', ...signature),
  row(TYPE.KEY, 'KEY', 'RFC 2535 §3.1', u16('flags'), u8('protocol'), algorithm, base64('key', optional)),
  row(26, 'PX', 'RFC 2163 §4', u16('preference'), name('RFC 822 name'), name('X.400 name')),
  row(TYPE.AAAA, 'AAAA', 'RFC 3596 §2.2', ip6('address')),
  row(29, 'LOC', 'RFC 1876 §2', of('loc', 'latitude')),
  row(30, 'NXT', 'RFC 2535 §5.2', name('next name'), of('oldTypes', 'type', optional)),
  row(TYPE.SRV, 'SRV', 'RFC 2782', u16('priority'), u16('weight'), u16('port'), name('target', host)),
  row(
    35,
    'NAPTR',
    'RFC 3403 §4.1',
    u16('order'),
    u16('preference'),
    string('flags'),
    string('services'),
    string('regexp'),
    name('replacement'),
  ),
  row(36, 'KX', 'RFC 2230 §3.1', u16('preference'), name('exchanger', host)),
  row(
    37,
    'CERT',
    'RFC 4398 §2',
    u16('type', { words: CERTIFICATES }),
    u16('key tag'),
    algorithm,
    base64('certificate'),
  ),
  row(TYPE.DNAME, 'DNAME', 'RFC 6672 §2.1', name('target')),
  row(42, 'APL', 'RFC 3123 §4', of('apl', 'prefix', optional)),
  row(TYPE.DS, 'DS', 'RFC 4034 §5', ...digest),
  row(TYPE.SSHFP, 'SSHFP', 'RFC 4255 §3.1', u8('algorithm'), u8('fingerprint type'), hex('fingerprint')),
  row(
    45,
    'IPSECKEY',
    'RFC 4025 §2',
    u8('precedence'),
    of('gateway', 'gateway type'),
    base64('key', optional),
  ),
  row(TYPE.RRSIG, 'RRSIG', 'RFC 4034 §3', ...signature),
  row(TYPE.NSEC, 'NSEC', 'RFC 4034 §4', name('next name'), types('type', optional)),
  row(TYPE.DNSKEY, 'DNSKEY', 'RFC 4034 §2', ...key),
  row(49, 'DHCID', 'RFC 4701 §3', base64('digest')),
  row(50, 'NSEC3', 'RFC 5155 §3', ...hashing, of('hash32', 'next hash'), types('type', optional)),
  row(51, 'NSEC3PARAM', 'RFC 5155 §4', ...hashing),
  row(TYPE.TLSA, 'TLSA', 'RFC 6698 §2', ...association),
  row(TYPE.SMIMEA, 'SMIMEA', 'RFC 8162 §2', ...association),
  row(55, 'HIP', 'RFC 8005 §5', of('hip', 'algorithm'), of('names', 'rendezvous server', optional)),
  row(56, 'NINFO', 'draft-reid-dnsext-zs', strings('text')),
  row(58, 'TALINK', 'draft-wijngaards-dnsop-trust-history', name('previous name'), name('next name')),
  row(TYPE.CDS, 'CDS', 'RFC 7344 §3.1', ...digest),
  row(TYPE.CDNSKEY, 'CDNSKEY', 'RFC 7344 §3.2', ...key),
  row(61, 'OPENPGPKEY', 'RFC 7929 §2', base64('key')),
  row(62, 'CSYNC', 'RFC 7477 §2.1', u32('serial'), u16('flags'), types('type', optional)),
  row(TYPE.ZONEMD, 'ZONEMD', 'RFC 8976 §2', u32('serial'), u8('scheme'), u8('hash algorithm'), hex('digest')),
  row(TYPE.SVCB, 'SVCB', 'RFC 9460 §2', ...binding),
  row(TYPE.HTTPS, 'HTTPS', 'RFC 9460 §9', ...binding),
  row(99, 'SPF', 'RFC 4408 §3.1.1', strings('text')),
  row(104, 'NID', 'RFC 6742 §2.1', u16('preference'), of('ilnp', 'node identifier')),
  row(105, 'L32', 'RFC 6742 §2.2', u16('preference'), ip4('locator')),
  row(106, 'L64', 'RFC 6742 §2.3', u16('preference'), of('ilnp', 'locator')),
  row(107, 'LP', 'RFC 6742 §2.4', u16('preference'), name('pointer')),
  row(108, 'EUI48', 'RFC 7043 §3', of('eui48', 'address')),
  row(109, 'EUI64', 'RFC 7043 §4', of('eui64', 'address')),
  row(256, 'URI', 'RFC 7553 §4', u16('priority'), u16('weight'), text('target')),
  row(TYPE.CAA, 'CAA', 'RFC 8659 §4', u8('flags'), tag('tag', { alnum: true }), text('value')),
  row(258, 'AVC', 'Cisco, IANA registry', strings('text')),
  row(260, 'AMTRELAY', 'RFC 8777 §4', u8('precedence'), of('relay', 'discovery')),
  row(261, 'RESINFO', 'RFC 9606 §4', strings('text')),
  row(262, 'WALLET', 'IANA registry', strings('text')),
  row(32768, 'TA', 'IANA registry', ...digest),
  row(TYPE.DLV, 'DLV', 'RFC 4431 §2', ...digest),
  // The pool of VIPs that answers for a name: private-use type, rdata is one character-string, the pool's name.
  row(TYPE.POOL, 'POOL', 'docs: README, «A pool in a zone»', tag('pool')),
];

const byCode = new Map(RR_TYPES.map(t => [t.code, t]));
const byMnemonic = new Map(RR_TYPES.map(t => [t.mnemonic, t]));
// Known by name, without fields: those of questions, which are never data, and NULL, whose data has no text of its own.
const NAMED: Record<string, number> = {
  NULL: TYPE.NULL,
  OPT: TYPE.OPT,
  IXFR: TYPE.IXFR,
  AXFR: TYPE.AXFR,
  ANY: TYPE.ANY,
};

function row(code: number, mnemonic: string, source: string, ...fields: readonly Field[]): RRType {
  return { code, mnemonic, fields, source };
}

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
  const known = byMnemonic.get(upper)?.code ?? NAMED[upper];
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
  return byCode.get(code)?.mnemonic ?? Object.keys(NAMED).find(k => NAMED[k] === code) ?? `TYPE${code}`;
}

/** Mnemonics of all rows, for «did you mean». */
export function mnemonics(): string[] {
  return RR_TYPES.map(t => t.mnemonic);
}
