// The rarer types: each form of text and its print, the vectors of RFC 9460, and what is refused on the wire.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRdata } from '../../src/dns/rdata.ts';
import { printRdata, printRfc3597 } from '../../src/dns/rdata-text.ts';
import { RR_TYPES, typeCode, typeNamed, typeText } from '../../src/dns/rr.ts';
import { parseRdata } from '../../src/dns/zonefile/rdata.ts';
import { EVERY } from './every-type.ts';
import { ORIGIN } from './zonefile-helper.ts';

const code = (mnemonic: string) => typeNamed(mnemonic)?.code as number;
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const hex = (data: Uint8Array) => Buffer.from(data).toString('hex');

test('each form of each type prints as it should, and reads back', () => {
  for (const [mnemonic, text, printed = text] of EVERY) {
    const type = code(mnemonic);
    const rdata = parseRdata(type, text, ORIGIN);
    assert.ok(checkRdata(type, rdata), `${mnemonic} ${text}`);
    assert.equal(printRdata(type, rdata), printed);
    assert.deepEqual(parseRdata(type, printed), rdata);
  }
  const there = new Set(EVERY.map(e => e[0]));
  for (const { mnemonic } of RR_TYPES)
    assert.ok(there.has(mnemonic) || ['NS', 'SOA'].includes(mnemonic), `${mnemonic} has no form here`);
});

test('no two types have one code or one mnemonic', () => {
  assert.equal(new Set(RR_TYPES.map(t => t.code)).size, RR_TYPES.length);
  assert.equal(new Set(RR_TYPES.map(t => t.mnemonic)).size, RR_TYPES.length);
  for (const t of RR_TYPES) assert.deepEqual([typeCode(t.mnemonic), typeText(t.code)], [t.code, t.mnemonic]);
  // NULL has a name, and no fields: any octets, in the generic form (RFC 1035 §3.3.10).
  assert.deepEqual([typeCode('null'), typeText(10), typeNamed('NULL')], [10, 'NULL', undefined]);
  assert.equal(printRdata(10, parseRdata(10, '\\# 2 abcd')), '\\# 2 abcd');
});

// What the RFCs show beside their text.
const WIRE: [string, string, string][] = [
  // RFC 1876 §4: as its own example loc.conf has it.
  ['LOC', '42 21 54 N 71 06 18 W -24m 30m', '00 33 16 13 8917 2dd0 70be 15f0 0098 8d20'],
  // RFC 3123 §5.
  ['APL', '1:192.168.32.0/21 !1:192.168.38.0/28', '0001 15 03 c0a820 0001 1c 83 c0a826'],
  // RFC 4034 §4.3.
  [
    'NSEC',
    'host.example.com. A MX RRSIG NSEC TYPE1234',
    '04686f7374076578616d706c6503636f6d00 0006 400100000003 041b 000000000000000000000000000000000000000000000000000020',
  ],
  // RFC 7043 §3.2, §4.2.
  ['EUI48', '00-00-5e-00-53-2a', '00005e00532a'],
  ['EUI64', '00-00-5e-ef-10-00-00-2a', '00005eef1000002a'],
  // RFC 9460 appendix D.1 and D.2.
  ['HTTPS', '0 foo.example.com.', '0000 03666f6f076578616d706c6503636f6d00'],
  ['SVCB', '1 .', '0001 00'],
  ['SVCB', '16 foo.example.com. port=53', '0010 03666f6f076578616d706c6503636f6d00 0003 0002 0035'],
  ['SVCB', '1 foo.example.com. key667=hello', '0001 03666f6f076578616d706c6503636f6d00 029b 0005 68656c6c6f'],
  [
    'SVCB',
    '1 foo.example.com. key667="hello\\210qoo"',
    '0001 03666f6f076578616d706c6503636f6d00 029b 0009 68656c6c6fd2716f6f',
  ],
  [
    'SVCB',
    '1 foo.example.com. ipv6hint="2001:db8::1,2001:db8::53:1"',
    '0001 03666f6f076578616d706c6503636f6d00 0006 0020 20010db8000000000000000000000001 20010db8000000000000000000530001',
  ],
  [
    'SVCB',
    '16 foo.example.org. (alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1)',
    '0010 03666f6f076578616d706c65036f726700 0000 0004 0001 0004 0001 0009 02 6832 05 68332d3139 0004 0004 c0000201',
  ],
  [
    'SVCB',
    '16 foo.example.org. alpn="f\\\\\\\\oo\\\\,bar,h2"',
    '0010 03666f6f076578616d706c65036f726700 0001 000c 08 665c6f6f2c626172 02 6832',
  ],
];

test('the octets that the RFCs show', () => {
  for (const [mnemonic, text, expected] of WIRE)
    assert.equal(hex(parseRdata(code(mnemonic), text)), expected.replaceAll(' ', ''), text);
});

const name = '0161 00';
// mnemonic, octets that are none of its rdata, and why
const BAD: [string, string, string][] = [
  ['NSEC', `${name} 00 00`, 'an empty window'],
  ['NSEC', `${name} 00 02 4000`, 'zeros at the end of a window'],
  ['NSEC', `${name} 01 01 40 00 01 40`, 'windows out of order'],
  ['NSEC', `${name} 00 01 40 00 01 40`, 'a window twice'],
  ['NSEC', `${name} 00 21 ${'ff'.repeat(33)}`, 'a window over 32 octets'],
  ['NSEC', `${name} 00 04 40`, 'a window cut short'],
  ['NXT', `${name} ${'01'.repeat(17)}`, 'a bitmap over 16 octets'],
  ['NXT', `${name} 8001`, 'the bit of another format'],
  ['NXT', `${name} 4000`, 'zeros at its end'],
  ['WKS', 'c0000201 06 0100', 'zeros at its end'],
  ['NSEC3', '01 00 0000 00 00', 'an empty hash'],
  ['NSEC3', '01 00 0000 02 aa', 'a salt cut short'],
  ['LOC', `01 ${'12'.repeat(3)} ${'80000000'.repeat(3)}`, 'another version'],
  ['LOC', `00 a21212 ${'80000000'.repeat(3)}`, 'a mantissa over 9'],
  ['LOC', `00 121212 ${'ffffffff'.repeat(3)}`, 'a latitude over 90 degrees'],
  ['LOC', `00 121212 ${'80000000'.repeat(2)}`, 'cut short'],
  ['APL', '0003 08 01 0a', 'another family'],
  ['APL', '0001 21 01 0a', 'a prefix over 32'],
  ['APL', '0001 08 02 0a00', 'zeros at its end'],
  ['APL', '0001 08 05 0a01010101', 'too long an address'],
  ['APL', '0001 08 02 0a', 'cut short'],
  ['IPSECKEY', '0a 04 02', 'gateway type 4'],
  ['IPSECKEY', '0a 01 02 c00002', 'a gateway cut short'],
  ['AMTRELAY', '0a 04', 'relay type 4'],
  ['AMTRELAY', '0a 83 c00c', 'a pointer'],
  ['HIP', '00 02 0001 aa', 'no identity tag'],
  ['HIP', '01 02 0000 aa', 'no key'],
  ['HIP', '01 02 0002 aabb', 'cut short'],
  ['EUI48', '0000000000', 'five octets'],
  ['EUI64', '0000000000', 'five octets'],
  ['NID', '000a 00', 'three octets'],
  ['NSAP', '', 'nothing'],
  ['ISDN', '0161 02', 'a subaddress cut short'],
  ['RRSIG', '0001 08 02 00000e10 00000000', 'cut short'],
  ['SVCB', '0001 00 0001', 'a parameter cut short'],
  ['SVCB', '0001 00 0003 0002 0035 0003 0002 0035', 'a parameter twice'],
  ['SVCB', '0001 00 0003 0002 0035 0001 0003 026832', 'parameters out of order'],
  ['SVCB', '0001 00 0003 0001 35', 'a port of one octet'],
  ['SVCB', '0001 00 0001 0000', 'no alpn'],
  ['SVCB', '0001 00 0001 0001 00', 'an empty alpn'],
  ['SVCB', '0001 00 0001 0002 0268', 'an alpn cut short'],
  ['SVCB', '0001 00 0002 0001 00', 'a value where none is'],
  ['SVCB', '0001 00 0004 0003 c00002', 'an address cut short'],
  ['SVCB', '0001 00 0005 0000', 'an empty ech'],
  ['SVCB', '0001 00 0006 0004 c0000201', 'an address of the wrong family'],
  ['SVCB', '0001 00 0000 0002 0003', 'a mandatory parameter that is not there'],
  ['SVCB', '0001 00 0000 0002 0000', 'mandatory of itself'],
  ['SVCB', '0001 00 0000 0004 0003 0003 0003 0002 0035', 'mandatory twice'],
];

test('octets that are no rdata of their type are refused, and printed in the generic form', () => {
  for (const [mnemonic, octets, why] of BAD) {
    const rdata = bytes(octets);
    assert.equal(checkRdata(code(mnemonic), rdata), false, `${mnemonic}: ${why}`);
    assert.equal(printRdata(code(mnemonic), rdata), printRfc3597(rdata));
  }
});
