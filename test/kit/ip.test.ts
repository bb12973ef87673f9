// Addresses between text and bytes: what is one, what is none, and the printed form of RFC 5952.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatEndpoint, formatIp, parseEndpoint, parseIPv4, parseIPv6, parseIp } from '../../src/kit/ip.ts';

// RFC 5952 §1 to §5: every spelling on the left is printed as on the right.
const SPELLINGS: [string, string][] = [
  ['2001:0db8:0000:0000:0001:0000:0000:0001', '2001:db8::1:0:0:1'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:DB8::1', '2001:db8::1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:db8::0:1', '2001:db8::1'],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
  ['2001:db8:aaaa:bbbb:cccc:dddd:eeee:1', '2001:db8:aaaa:bbbb:cccc:dddd:eeee:1'],
  ['0:0:0:0:0:0:0:0', '::'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['1:0:0:0:0:0:0:0', '1::'],
  ['1::2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
  ['0:0:0:0:0:FFFF:C000:0201', '::ffff:192.0.2.1'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ['192.0.2.1', '192.0.2.1'],
];

const NONE = [
  '',
  ' ',
  '1',
  '1.2.3',
  '1.2.3.4.5',
  '1.2.3.256',
  '01.2.3.4',
  '1.2.3.04',
  '1.2.3.4 ',
  '1.2.3.-4',
  '0x1.2.3.4',
  '1.2.3.',
  '١.2.3.4',
  ':',
  ':::',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1::2::3',
  '1:2:3:4:5:6:7::8:9',
  '12345::',
  'g::',
  '::1%eth0',
  '[::1]',
  ':1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:',
  '1.2.3.4::',
  '::1.2.3',
  '::1.2.3.4:5',
  '1::2:3:4:5:6:7:8',
];

describe('addresses', () => {
  for (const [text, printed] of SPELLINGS)
    it(`${text} is printed as ${printed}`, () => {
      const bytes = parseIp(text);
      assert.ok(bytes);
      assert.equal(formatIp(bytes), printed);
    });

  it('what is no address is refused', () => {
    for (const text of NONE) assert.equal(parseIp(text), undefined, text);
  });

  it('property: parse(format(bytes)) = bytes, and the same text from the middle of a buffer', () => {
    const bytes = (length: number) =>
      fc.array(fc.oneof(fc.constant(0), fc.nat(255)), { minLength: length, maxLength: length });
    fc.assert(
      fc.property(fc.oneof(bytes(4), bytes(16)), list => {
        const address = Uint8Array.from(list);
        const text = formatIp(address);
        assert.deepEqual(parseIp(text), address);
        assert.equal(address.length === 4 ? parseIPv6(text) : parseIPv4(text), undefined);
        const buffer = new Uint8Array(40).fill(7);
        buffer.set(address, 9);
        assert.equal(formatIp(buffer, 9, address.length), text);
      }),
      { seed: 1, numRuns: 2000 },
    );
  });

  it('property: any text is an address or undefined, never thrown at', () => {
    const text = fc.string({
      unit: fc.constantFrom('0', '1', '255', 'f', ':', '::', '.', ' ', 'x'),
      maxLength: 14,
    });
    fc.assert(
      fc.property(text, t => {
        const bytes = parseIp(t);
        if (bytes !== undefined) assert.deepEqual(parseIp(formatIp(bytes)), bytes);
      }),
      { seed: 2, numRuns: 5000 },
    );
  });

  it('endpoints: address and port, IPv6 in brackets', () => {
    assert.deepEqual(parseEndpoint('127.0.0.1:53'), { address: '127.0.0.1', port: 53 });
    assert.deepEqual(parseEndpoint('[::1]:65535'), { address: '::1', port: 65535 });
    for (const bad of [
      '127.0.0.1',
      '::1:53',
      '[127.0.0.1]:53',
      '[::1]',
      '127.0.0.1:65536',
      '127.0.0.1:',
      'localhost:53',
      ':53',
      '127.0.0.1:5e1',
    ])
      assert.equal(parseEndpoint(bad), undefined, bad);
    assert.equal(formatEndpoint('::1', 53), '[::1]:53');
    assert.equal(formatEndpoint('192.0.2.1', 53), '192.0.2.1:53');
  });
});
