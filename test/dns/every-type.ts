// A zone with every type of the table, each in several forms: what an operator writes, and what is printed.
// The types that other programs do not know come to them in the generic form (RFC 3597 §5).
import { printRecord, printRfc3597 } from '../../src/dns/rdata-text.ts';
import type { RecordList } from '../../src/dns/records.ts';
import { typeNamed, typeText } from '../../src/dns/rr.ts';
import { wire } from './zonefile-helper.ts';

const SHA1 = 'd2abde240d7cd3ee6b4b28c54df034b97983a1d1';
const SHA256 = `${SHA1}6e8a410e4561cb106618e971`;
const SHA384 = `${SHA256}c68090d90a7aed716bc459f9340e3d7c`;
const KEY = 'AwEAAaetidLzsKWUt4swWR8yu0wPHPiUi8LUsAD0QPWU+wzt89epO6tHzkMBVDkC';
const SIGNED = '20301231235959 20260101000000 60485 example.com.';

/** Type, text, and the print where it differs. Names are relative to example.com. */
export const EVERY: readonly (readonly [string, string, string?])[] = [
  ['A', '192.0.2.1'],
  ['MD', 'mail.example.net.'],
  ['MF', 'mail.example.net.'],
  ['CNAME', 'www.example.net.'],
  ['MB', 'host', 'host.example.com.'],
  ['MG', 'box.example.net.'],
  ['MR', 'box.example.net.'],
  ['WKS', '192.0.2.1 tcp smtp 80 8', '192.0.2.1 6 8 25 80'],
  ['WKS', '192.0.2.1 17 domain 1023', '192.0.2.1 17 53 1023'],
  ['PTR', '@', 'example.com.'],
  ['HINFO', 'PC "Lin ux"', '"PC" "Lin ux"'],
  ['MINFO', 'a.example.net. b', 'a.example.net. b.example.com.'],
  ['MX', '10 .'],
  ['TXT', 'a "b c" "" \\"\\000\\;', '"a" "b c" "" "\\"\\000;"'],
  ['RP', 'anna.example.net. .'],
  ['AFSDB', '1 afs.example.net.'],
  ['X25', '311061700956', '"311061700956"'],
  ['ISDN', '"150862028003217" "004"'],
  ['ISDN', '"150862028003217"'],
  ['RT', '10 relay.example.net.'],
  [
    'NSAP',
    '0x47.0005.80.005a00.0000.0001.e133.ffffff000161.00',
    '0x47000580005a0000000001e133ffffff00016100',
  ],
  ['SIG', `MX 5 3 86400 ${SIGNED} ${KEY}`],
  ['KEY', `256 3 5 ${KEY}`],
  ['PX', '10 ab.net2.it. o-ab.prmd-net2.admdb.c-it.'],
  ['AAAA', '2001:DB8:0::1', '2001:db8::1'],
  [
    'LOC',
    '52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m',
    '52 22 23.000 N 4 53 32.000 E -2m 0m 10000m 10m',
  ],
  ['LOC', '42 21 54 N 71 06 18 W -24m 30m', '42 21 54.000 N 71 6 18.000 W -24m 30m 10000m 10m'],
  ['LOC', '90 S 180 W 42849672.95m', '90 0 0.000 S 180 0 0.000 W 42849672.95m 1m 10000m 10m'],
  ['LOC', '0 N 0 E 0 0.05m 90000000.00m 12345m', '0 0 0.000 N 0 0 0.000 E 0m 0.05m 90000000m 10000m'],
  ['LOC', '1 2 3.4 S 5 6 7.891 W -100000.00 1 2.34 5', '1 2 3.400 S 5 6 7.891 W -100000m 1m 2m 5m'],
  ['NXT', 'a.example.net. A MX KEY NXT', 'a.example.net. A MX KEY NXT'],
  ['SRV', '1 2 443 www.example.net.'],
  ['NAPTR', '100 50 "s" "http+I2L+I2C+I2R" "" _http._tcp.example.net.'],
  [
    'NAPTR',
    '100 10 u E2U+sip "!^.*$!sip:info@example.com!" .',
    '100 10 "u" "E2U+sip" "!^.*$!sip:info@example.com!" .',
  ],
  ['KX', '10 kx.example.net.'],
  ['CERT', `PKIX 1 RSASHA256 ${KEY}`, `1 1 8 ${KEY}`],
  ['CERT', `65534 0 0 ${KEY}`],
  ['DNAME', 'other.example.net.'],
  [
    'APL',
    '1:192.168.32.0/21 !1:192.168.38.0/28 2:ff00::/8',
    '1:192.168.32.0/21 !1:192.168.38.0/28 2:ff00::/8',
  ],
  ['APL', '1:0.0.0.0/0 2:2001:db8::1/128', '1:0.0.0.0/0 2:2001:db8::1/128'],
  ['APL', ''],
  ['DS', `60485 RSASHA256 2 ${SHA256}`, `60485 8 2 ${SHA256}`],
  ['SSHFP', `4 2 ${SHA256.toUpperCase()}`, `4 2 ${SHA256}`],
  ['SSHFP', `1 1 ${SHA1.slice(0, 20)} ${SHA1.slice(20)}`, `1 1 ${SHA1}`],
  ['IPSECKEY', `10 1 2 192.0.2.38 ${KEY}`],
  ['IPSECKEY', `10 0 2 . ${KEY}`],
  ['IPSECKEY', `10 2 2 2001:db8:0:8002::2000:1 ${KEY}`],
  ['IPSECKEY', `10 3 2 gateway.example.net. ${KEY}`],
  ['RRSIG', `A 8 3 86400 ${SIGNED} ${KEY}`],
  ['RRSIG', `TYPE1234 13 2 86400 ${SIGNED} ${KEY}`],
  ['NSEC', 'host.example.com. A MX RRSIG NSEC TYPE1234', 'host.example.com. A MX RRSIG NSEC TYPE1234'],
  ['NSEC', 'host.example.com. CAA TYPE65535 A A', 'host.example.com. A CAA TYPE65535'],
  ['DNSKEY', `257 3 RSASHA256 ${KEY.slice(0, 20)} ${KEY.slice(20)}`, `257 3 8 ${KEY}`],
  ['DHCID', 'AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA='],
  [
    'NSEC3',
    '1 1 12 AABBCCDD 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR MX RRSIG',
    '1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX RRSIG',
  ],
  ['NSEC3', '1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr'],
  ['NSEC3PARAM', '1 0 12 AABBCCDD', '1 0 12 aabbccdd'],
  ['NSEC3PARAM', '1 0 0 -'],
  ['TLSA', `3 1 1 ${SHA256}`],
  ['SMIMEA', `3 1 1 ${SHA256}`],
  ['HIP', `2 200100107b1a74df365639cc39f1d578 ${KEY} rvs1.example.net. rvs2.example.net.`],
  ['HIP', `2 200100107b1a74df365639cc39f1d578 ${KEY}`],
  ['NINFO', '"a" "b"'],
  ['TALINK', '. next.example.net.'],
  ['CDS', `60485 5 1 ${SHA1}`],
  ['CDS', '0 0 0 00'],
  ['CDNSKEY', `257 3 8 ${KEY}`],
  ['CDNSKEY', '0 3 0 AA=='],
  ['OPENPGPKEY', KEY],
  ['CSYNC', '66 3 A NS AAAA'],
  ['ZONEMD', `2018031500 1 1 ${SHA384}`],
  ['SVCB', '0 foo.example.net.'],
  ['SVCB', '16 foo.example.net. port=53'],
  ['SVCB', '1 foo.example.net. key667=hello\\210qoo', '1 foo.example.net. key667="hello\\210qoo"'],
  [
    'SVCB',
    '1 foo.example.net. ipv6hint="2001:db8::1,2001:db8::53:1"',
    '1 foo.example.net. ipv6hint=2001:db8::1,2001:db8::53:1',
  ],
  [
    'SVCB',
    '16 foo.example.org. (alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1)',
    '16 foo.example.org. mandatory=alpn,ipv4hint alpn="h2,h3-19" ipv4hint=192.0.2.1',
  ],
  [
    'SVCB',
    '16 foo.example.org. alpn="f\\\\\\\\oo\\\\,bar,h2"',
    '16 foo.example.org. alpn="f\\\\\\\\oo\\\\,bar,h2"',
  ],
  [
    'SVCB',
    '16 foo.example.org. alpn=f\\\\\\092oo\\092,bar,h2',
    '16 foo.example.org. alpn="f\\\\\\\\oo\\\\,bar,h2"',
  ],
  [
    'HTTPS',
    '1 . alpn=h2 no-default-alpn ech=AEj+DQBEAQAgACAdd+scUi0IYFsXnUIU7ko2Nd9+F8M26pAGZVpz/KrWPgAEAAEAAWQVZWNoLXNpdGVzLmV4YW1wbGUubmV0AAA=',
    '1 . alpn="h2" no-default-alpn ech=AEj+DQBEAQAgACAdd+scUi0IYFsXnUIU7ko2Nd9+F8M26pAGZVpz/KrWPgAEAAEAAWQVZWNoLXNpdGVzLmV4YW1wbGUubmV0AAA=',
  ],
  ['HTTPS', '0 pool.example.net.'],
  ['SPF', '"v=spf1 -all"'],
  ['NID', '10 14:4fff:FF20:ee64', '10 0014:4fff:ff20:ee64'],
  ['L32', '10 10.1.2.0'],
  ['L64', '10 2001:0DB8:1140:1000', '10 2001:0db8:1140:1000'],
  ['LP', '10 l64-subnet.example.net.'],
  ['EUI48', '00-00-5E-00-53-2a', '00-00-5e-00-53-2a'],
  ['EUI64', '00-00-5e-ef-10-00-00-2a'],
  ['URI', '10 1 "ftp://ftp1.example.com/public"'],
  ['CAA', '128 issue "ca.example; a=b"'],
  ['AVC', '"app-name:WOLFGANG|app-class:OAM"'],
  ['AMTRELAY', '10 0 1 203.0.113.15'],
  ['AMTRELAY', '10 0 2 2001:db8::15'],
  ['AMTRELAY', '128 1 3 amtrelays.example.net.'],
  ['AMTRELAY', '10 1 0 .'],
  ['RESINFO', '"qnamemin" "exterr=15,16"'],
  ['WALLET', '"BTC" "wallet"'],
  ['TA', `60485 8 2 ${SHA256}`],
  ['DLV', `60485 8 2 ${SHA256}`],
  ['POOL', 'web'],
];

const APEX = `@ 60 IN SOA ns1.example.com. host.example.com. 1 2 3 4 5
@ 60 IN NS ns1.example.com.
ns1 60 IN A 192.0.2.1
`;

/** The zone as an operator might write it: one owner a record, so that each is found again. */
export function everyZone(): string {
  return `$TTL 60\n${APEX}${EVERY.map(([type, text], i) => `t${i} ${type} ${text}\n`).join('')}`;
}

/** Mnemonics that another program does not read. */
const UNKNOWN = {
  nsd: ['HIP', 'NINFO', 'TALINK', 'AMTRELAY', 'RESINFO', 'WALLET', 'TA', 'POOL'],
  knot: [
    ...[
      'MD',
      'MF',
      'MB',
      'MG',
      'MR',
      'WKS',
      'ISDN',
      'NSAP',
      'SIG',
      'PX',
      'NXT',
      'HIP',
      'NINFO',
      'TALINK',
      'AVC',
    ],
    ...['AMTRELAY', 'RESINFO', 'WALLET', 'TA', 'DLV', 'POOL', 'X25'],
  ],
  bind: ['POOL'],
} as const;
export type Program = keyof typeof UNKNOWN;

/** Our print of records for another program. */
export function printedFor(program: Program, records: RecordList): string {
  const unknown: ReadonlySet<number> = new Set(UNKNOWN[program].map(m => typeNamed(m)?.code as number));
  const lines = Array.from({ length: records.count }, (_, i) => {
    const [owner, rdata, type] = [records.ownerBytes(i), records.rdataBytes(i), records.type[i]];
    const line = printRecord(owner, records.ttl[i], type, rdata);
    if (!unknown.has(type)) return line;
    return line.replace(/ IN .*/, ` IN TYPE${type} ${printRfc3597(rdata)}`);
  });
  return `$ORIGIN .\n${lines.join('\n')}\n`;
}

/** `owner type hex` of each record, sorted, owners in lower case: what two programs must agree on. */
function contents(records: RecordList): string[] {
  return Array.from({ length: records.count }, (_, i) => {
    const owner = Buffer.from(records.ownerBytes(i)).toString('latin1').toLowerCase();
    const rdata = Buffer.from(records.rdataBytes(i)).toString('hex');
    return `${JSON.stringify(owner)} ${typeText(records.type[i])} ${rdata}`;
  }).sort();
}

/** What stands in one of them alone: nothing, if the two agree. */
export function differences(ours: RecordList, theirs: RecordList): string[] {
  const [a, b] = [contents(ours), contents(theirs)];
  return [
    ...a.filter(l => !b.includes(l)).map(l => `ours: ${l}`),
    ...b.filter(l => !a.includes(l)).map(l => `theirs: ${l}`),
  ];
}

export const EVERY_ORIGIN = wire('example.com.');
