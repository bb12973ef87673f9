// The words of a line read from octets: the same verdicts as the text readers that they stand in for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RR_TYPES } from '../../src/dns/rr.ts';
import { scanTime } from '../../src/dns/zonefile/time.ts';
import { isClassKey, isInKey, scanIPv4, scanIPv6, typeByKey, wordKey } from '../../src/dns/zonefile/words.ts';
import { formatIp, parseIPv4, parseIPv6 } from '../../src/kit/ip.ts';

function scanned(scan: typeof scanIPv4, size: number, text: string): Uint8Array | undefined {
  const bytes = Buffer.from(`<${text}>`);
  const out = new Uint8Array(size + 8);
  return scan(bytes, 1, bytes.length - 1, out, 3) ? out.slice(3, 3 + size) : undefined;
}

const ADDRESSES = [
  [
    '0.0.0.0',
    '255.255.255.255',
    '1.2.3',
    '1.2.3.4.5',
    '1..2.3',
    '.1.2.3',
    '1.2.3.',
    '256.1.1.1',
    '01.2.3.4',
    '00.1.1.1',
  ],
  [
    '::',
    '::1',
    '1::',
    '1::2',
    ':1',
    '1:',
    ':::',
    '1:::2',
    '1::2::3',
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7',
    '12345::',
  ],
  [
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
    '1::3:4:5:6:7:8',
    '::1.2.3.4',
    '1::1.2.3.4',
    '::1.2.3.256',
  ],
  [
    '1:2:3:4:5:6:1.2.3.4',
    '1:2:3:4:5:6:7:1.2.3.4',
    '1.2.3.4::',
    'fe80::1%lo',
    'ABCD:ef01::',
    '::g',
    '',
    ':',
    '1.2.3.4:1',
  ],
].flat();

test('addresses: as kit/ip.ts reads them', () => {
  const mutated = fc
    .tuple(fc.constantFrom(...ADDRESSES), fc.nat(20), fc.constantFrom(...'0159af:.::g'))
    .map(([text, at, c]) => text.slice(0, at) + c + text.slice(at));
  const random = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(b => formatIp(b));
  const any = fc.oneof(fc.constantFrom(...ADDRESSES), mutated, random);
  fc.assert(
    fc.property(any, text => {
      assert.deepEqual(scanned(scanIPv4, 4, text), parseIPv4(text), text);
      assert.deepEqual(scanned(scanIPv6, 16, text), parseIPv6(text), text);
    }),
    { numRuns: 5000, seed: 1, examples: ADDRESSES.map(a => [a] as [string]) },
  );
});

test('types and classes by key, in any case', () => {
  const key = (text: string) => wordKey(Buffer.from(text), 0, text.length);
  const short = RR_TYPES.filter(t => t.mnemonic.length <= 5);
  for (const t of short) {
    assert.equal(typeByKey(key(t.mnemonic)), t.code);
    assert.equal(typeByKey(key(t.mnemonic.toLowerCase())), t.code);
    assert.ok(!isClassKey(key(t.mnemonic)));
  }
  assert.ok(isInKey(key('In')) && isClassKey(key('hs')));
  for (const text of ['TYPE65', 'a-b', 'MX\\', '0A']) assert.equal(typeByKey(key(text)), undefined, text);
});

test('times: units in any case, sums, and what is none', () => {
  const time = (text: string) => scanTime(Buffer.from(text), 0, text.length);
  assert.deepEqual(
    ['0', '3600', '1h30m', '1W2d3H4M5s', '0s', '90m'].map(time),
    [0, 3600, 5400, 788645, 0, 5400],
  );
  assert.deepEqual(['', 'h', '1h30', '1y', '-1', '1.5h', '1 h', 'h1'].map(time), Array(8).fill(-1));
  assert.ok(time('9'.repeat(400)) > 0xffffffff && time(`${'9'.repeat(400)}w9w`) <= Number.MAX_SAFE_INTEGER);
});
