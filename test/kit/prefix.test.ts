// Address prefixes: what is one, and what it holds, against a count of bits one by one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseIp } from '../../src/kit/ip.ts';
import { Prefixes, parsePrefix } from '../../src/kit/prefix.ts';

const family = (address: Uint8Array) => (address.length === 4 ? 4 : 6);

test('what is a prefix, and what is none', () => {
  for (const [text, bits] of [
    ['192.0.2.0/24', 24],
    ['192.0.2.7', 32],
    ['0.0.0.0/0', 0],
    ['10.128.0.0/9', 9],
    ['2001:db8::/32', 32],
    ['::1', 128],
    ['::/0', 0],
  ] as const)
    assert.equal(parsePrefix(text)?.bits, bits, text);
  for (const text of [
    '',
    '10.0.0.1/8',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0/8',
    '2001:db8::/129',
    '2001:db8::1/32',
    'x/8',
  ])
    assert.equal(parsePrefix(text), undefined, text);
});

test('a prefix holds the addresses that have its bits, and no other family', () => {
  const size = fc.constantFrom(4, 16);
  const pair = size.chain(n =>
    fc.tuple(fc.uint8Array({ minLength: n, maxLength: n }), fc.nat(n * 8), fc.nat(n * 8 - 1), fc.boolean()),
  );
  fc.assert(
    fc.property(pair, ([address, bits, flipped, same]) => {
      const cut = address.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i))));
      const prefixes = new Prefixes([{ address: cut, bits }]);
      const asked = address.slice();
      if (!same) asked[flipped >> 3] ^= 0x80 >> (flipped & 7);
      assert.equal(prefixes.has(family(asked), asked), same || flipped >= bits);
      const other = new Uint8Array(16);
      other.set(asked.subarray(0, 4));
      assert.equal(prefixes.has(family(asked) === 4 ? 6 : 4, other), false);
    }),
    { seed: 1, numRuns: 500 },
  );
  const some = new Prefixes(['10.0.0.0/8', '2001:db8::/32'].flatMap(t => parsePrefix(t) ?? []));
  for (const [text, held] of [
    ['10.1.2.3', true],
    ['11.1.2.3', false],
    ['2001:db8:1::1', true],
    ['2001:db9::1', false],
  ] as const) {
    const address = parseIp(text) as Uint8Array;
    assert.equal(some.has(family(address), address), held, text);
  }
});
