// Rdata between text, wire and values: a row for each type of the table, what is refused, and properties over all.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  checkRdata,
  compareRdata,
  decodeRdata,
  decompressName,
  decompressRdata,
  encodeRdata,
  poolOf,
} from '../../src/dns/rdata.ts';
import { printRdata, printRecord, printRfc3597 } from '../../src/dns/rdata-text.ts';
import { RR_TYPES, TYPE, typeOf, typeText } from '../../src/dns/rr.ts';
import { parseRdata } from '../../src/dns/zonefile/rdata.ts';
import { GtmError } from '../../src/kit/errors.ts';
import { rdataOf } from './arbitrary.ts';
import { ORIGIN, wire } from './zonefile-helper.ts';

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const hex = (data: Uint8Array) => Buffer.from(data).toString('hex');
const refused = (type: number, text: string, what: RegExp) =>
  assert.throws(
    () => parseRdata(type, text, ORIGIN),
    e => e instanceof GtmError && e.code === 'GTM_RDATA' && what.test(e.message),
    text,
  );

// type, text as an operator writes it, wire, text as it is printed
const ROWS: [number, string, string, string][] = [
  [TYPE.A, '192.0.2.1', 'c0000201', '192.0.2.1'],
  [TYPE.AAAA, '2001:DB8:0:0::1', '20010db8000000000000000000000001', '2001:db8::1'],
  [TYPE.AAAA, '::ffff:192.0.2.1', '00000000000000000000ffffc0000201', '::ffff:192.0.2.1'],
  [TYPE.NS, 'ns1', '036e7331 076578616d706c6503636f6d00', 'ns1.example.com.'],
  [TYPE.CNAME, 'a\\.b.c.', '03612e62 0163 00', 'a\\.b.c.'],
  [TYPE.DNAME, '.', '00', '.'],
  [TYPE.PTR, '@', '076578616d706c6503636f6d00', 'example.com.'],
  [TYPE.MX, '10 mail.', '000a 046d61696c00', '10 mail.'],
  [TYPE.SRV, '1 2 443 .', '0001 0002 01bb 00', '1 2 443 .'],
  [TYPE.HINFO, '"PC AT" Linux', '0550432041540 54c696e7578', '"PC AT" "Linux"'],
  [TYPE.TXT, '"a;b" c\\;d "" \\"q\\032', '03613b62 03633b64 00 03227120', '"a;b" "c;d" "" "\\"q "'],
  [TYPE.TXT, '"\\000\\255\\\\"', '0300ff5c', '"\\000\\255\\\\"'],
  [TYPE.TXT, 'é', '02c3a9', '"\\195\\169"'],
  [
    TYPE.CAA,
    '128 issue "ca.example; a=b"',
    '80 056973737565 63612e6578616d706c653b20613d62',
    '128 issue "ca.example; a=b"',
  ],
  [TYPE.CAA, '0 issue ""', '00 056973737565', '0 issue ""'],
  [
    TYPE.DS,
    '60485 5 1 2BB183AF 5F22588179A53B0A98631FAD1A292118',
    'ec45 05 01 2bb183af5f22588179a53b0a98631fad1a292118',
    '60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118',
  ],
  [TYPE.POOL, 'web', '03776562', 'web'],
  [
    TYPE.SOA,
    'a. b. 4294967295 1h 15m 1w2d 60',
    '016100 016200 ffffffff 00000e10 00000384 000bdd80 0000003c',
    'a. b. 4294967295 3600 900 777600 60',
  ],
  [TYPE.A, '\\# 4 C000 0201', 'c0000201', '192.0.2.1'],
  [TYPE.POOL, '\\# 4 03776562', '03776562', 'web'],
  [731, '\\# 6 abcd ( ef01 2345 )', 'abcdef012345', '\\# 6 abcdef012345'],
  [62347, '\\# 0', '', '\\# 0'],
];

test('each type: text to wire and back (RFC 1035 §3.3, §5.1; RFC 3597 §5)', () => {
  for (const [type, text, expected, printed] of ROWS) {
    const rdata = parseRdata(type, text, ORIGIN);
    assert.equal(hex(rdata), expected.replaceAll(' ', ''), text);
    assert.equal(printRdata(type, rdata), printed);
    assert.equal(hex(parseRdata(type, printed)), hex(rdata));
  }
});

test('names print relative to an origin', () => {
  assert.equal(printRdata(TYPE.MX, parseRdata(TYPE.MX, '10 mail', ORIGIN), ORIGIN), '10 mail');
  assert.equal(printRdata(TYPE.MX, parseRdata(TYPE.MX, '10 @', ORIGIN), ORIGIN), '10 @');
  assert.equal(
    printRecord(wire('www.example.com.'), 300, TYPE.A, bytes('c0000201')),
    'www.example.com. 300 IN A 192.0.2.1',
  );
});

test('text that is no rdata is refused, and says why', () => {
  for (const [type, text, what] of [
    [TYPE.A, '192.0.2.300', /«192\.0\.2\.300» is not an IPv4 address: 300 is over 255/],
    [TYPE.A, '192.0.02.3', /02 has a leading zero/],
    [TYPE.AAAA, '1:2:3', /not an IPv6 address/],
    [TYPE.TXT, `"${'x'.repeat(256)}"`, /over 255 octets/],
    [TYPE.TXT, '"\\256"', /bad escape/],
    [TYPE.TXT, '"\\12"', /bad escape/],
    [TYPE.TXT, '', /without its text/],
    [TYPE.SRV, '1 2 65536 a', /no port of SRV: a number from 0 to 65535/],
    [TYPE.CAA, '0 is-sue "x"', /not letters and digits alone/],
    [TYPE.DS, '1 8 2 abc', /ends within an octet/],
    [TYPE.DS, '1 8 2 xyz', /not hexadecimal/],
    [TYPE.A, '\\# 5 c000020100', /no A/],
    [TYPE.A, '\\# 4 c00002', /says 4 octets, and 3 follow/],
    [TYPE.MX, '\\# 4 000ac00c', /no MX/],
    [731, '\\# 65536', /from 0 to 65535/],
    [731, '\\#', /without its length/],
    [731, 'abcd', /generic form/],
  ] as [number, string, RegExp][])
    refused(type, text, what);
});

test('wire that is no rdata of its type is refused, and printed in the generic form', () => {
  for (const [type, data] of [
    [TYPE.A, 'c00002'],
    [TYPE.A, 'c000020100'],
    [TYPE.NS, '03777777'],
    [TYPE.NS, 'c00c'],
    [TYPE.NS, `${'3f'}${'61'.repeat(63)}`.repeat(4)],
    [TYPE.MX, '000a'],
    [TYPE.TXT, ''],
    [TYPE.TXT, '0561'],
    [TYPE.HINFO, '0161'],
    [TYPE.CAA, '0000'],
    [TYPE.CAA, '00012d'],
    [TYPE.DS, '00010802'],
    [TYPE.POOL, '00'],
  ] as [number, string][]) {
    assert.equal(checkRdata(type, bytes(data)), false, `${typeText(type)} ${data}`);
    assert.equal(decodeRdata(type, bytes(data)), undefined);
    assert.equal(printRdata(type, bytes(data)), printRfc3597(bytes(data)));
  }
});

test('decode and encode are each other’s inverse, and so are print and scan', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...RR_TYPES).chain(t => fc.tuple(fc.constant(t.code), rdataOf(t.code))),
      ([type, rdata]) => {
        assert.ok(checkRdata(type, rdata));
        const values = decodeRdata(type, rdata);
        assert.ok(values !== undefined && values.length === typeOf(type)?.fields.length);
        assert.deepEqual(encodeRdata(type, values), rdata);
        assert.deepEqual(parseRdata(type, printRdata(type, rdata)), rdata);
        assert.equal(compareRdata(type, rdata, rdata), 0);
      },
    ),
    { numRuns: 6000, seed: 1 },
  );
});

test('any octets under any type print, and scan back to themselves where they are valid', () => {
  const types = fc.oneof(fc.constantFrom(...RR_TYPES.map(t => t.code)), fc.constant(731));
  fc.assert(
    fc.property(types, fc.uint8Array({ maxLength: 40 }), (type, rdata) => {
      const text = printRdata(type, rdata);
      if (checkRdata(type, rdata)) assert.deepEqual(parseRdata(type, text), rdata);
      else assert.equal(text, printRfc3597(rdata));
    }),
    { numRuns: 8000, seed: 2 },
  );
});

test('values that do not fit are refused', () => {
  for (const [type, values] of [
    [TYPE.MX, [65536, wire('a.')]],
    [TYPE.MX, [1.5, wire('a.')]],
    [TYPE.MX, [1]],
    [TYPE.A, [bytes('c00002')]],
    [TYPE.TXT, [[]]],
    [TYPE.TXT, [[new Uint8Array(256)]]],
    [TYPE.POOL, ['web' as unknown as Uint8Array]],
    [731, []],
  ] as [number, Parameters<typeof encodeRdata>[1]][])
    assert.throws(
      () => encodeRdata(type, values),
      e => e instanceof GtmError && e.code === 'GTM_RDATA',
    );
});

test('two rdata are the same whatever the case of their names, but not of their strings (RFC 4034 §6.2)', () => {
  const same = (type: number, a: string, b: string) =>
    compareRdata(type, parseRdata(type, a), parseRdata(type, b)) === 0;
  assert.ok(same(TYPE.MX, '10 Mail.', '10 mail.'));
  assert.ok(!same(TYPE.MX, '10 mail.', '11 mail.'));
  assert.ok(!same(TYPE.TXT, 'A', 'a'));
  assert.ok(!same(TYPE.SOA, 'a. b. 65 0 0 0 0', 'a. b. 97 0 0 0 0'));
  assert.ok(!same(TYPE.TXT, 'a', 'a b'));
});

test('the pool of a POOL record', () => {
  assert.equal(poolOf(parseRdata(TYPE.POOL, 'web-eu')), 'web-eu');
});

test('names in a message’s rdata are decompressed (RFC 1035 §4.1.4)', () => {
  //                0: example.com.                4 octets    17: mail + pointer to 0
  const message = bytes('076578616d706c6503636f6d00 00000000 000a 046d61696cc000 0161');
  assert.equal(
    hex(decompressRdata(message, 17, 9, TYPE.MX) as Uint8Array),
    '000a046d61696c076578616d706c6503636f6d00',
  );
  assert.deepEqual(decompressName(message, 19)?.end, 26);
  // An unknown type is copied as it is (RFC 3597 §4).
  assert.equal(hex(decompressRdata(message, 24, 2, 731) as Uint8Array), 'c000');
});

test('pointers that loop, point forward or leave the rdata are refused', () => {
  for (const [data, at, length, type] of [
    ['c000', 0, 2, TYPE.NS],
    ['0161c000', 0, 4, TYPE.NS],
    ['c002c000', 0, 2, TYPE.NS],
    ['c002c000', 2, 2, TYPE.NS],
    ['00c0', 1, 1, TYPE.NS],
    ['00016161', 1, 2, TYPE.NS],
    ['004061', 1, 2, TYPE.NS],
    ['00c000ff', 1, 3, TYPE.NS],
    ['00c00000', 1, 4, TYPE.NS],
    ['c0000201', 0, 5, TYPE.A],
  ] as [string, number, number, number][])
    assert.equal(decompressRdata(bytes(data), at, length, type), undefined, data);
});

test('random messages never hang or throw in decompression, and give valid rdata', () => {
  const types = fc.constantFrom(...RR_TYPES.map(t => t.code));
  const octet = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constant(0xc0), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(
      types,
      fc.array(octet, { maxLength: 60 }),
      fc.nat(60),
      fc.nat(60),
      (type, data, offset, length) => {
        const rdata = decompressRdata(Uint8Array.from(data), offset, length, type);
        if (rdata !== undefined) assert.ok(checkRdata(type, rdata));
      },
    ),
    { numRuns: 8000, seed: 3 },
  );
});
