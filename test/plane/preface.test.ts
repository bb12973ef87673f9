// The PROXY protocol's header in both versions, against the bytes of its text; and whatever else may stand there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatIp } from '../../src/kit/ip.ts';
import { type Ends, LONGEST, readPreface, writePreface } from '../../src/plane/proxy/preface.ts';

fc.configureGlobal({ seed: 20_260_102, numRuns: 300 });

const FOUR: Ends = { address: '192.0.2.7', port: 56324, toAddress: '198.51.100.1', toPort: 443 };
const SIX: Ends = { address: '2001:db8::7', port: 1, toAddress: '2001:db8::1', toPort: 65535 };
const MAGIC = '0d0a0d0a000d0a515549540a';
const hex = (...parts: string[]): Buffer => Buffer.from(parts.join('').replaceAll(' ', ''), 'hex');

const WRITTEN: [string, Buffer, Buffer][] = [
  [
    'v1, IPv4',
    writePreface('v1', 'tcp', FOUR),
    Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n'),
  ],
  ['v1, IPv6', writePreface('v1', 'tcp', SIX), Buffer.from('PROXY TCP6 2001:db8::7 2001:db8::1 1 65535\r\n')],
  [
    'v2, IPv4 and TCP',
    writePreface('v2', 'tcp', FOUR),
    hex(MAGIC, '21 11 000c', 'c0000207 c6336401 dc04 01bb'),
  ],
  [
    'v2, IPv6 and UDP',
    writePreface('v2', 'udp', SIX),
    hex(MAGIC, '21 22 0024', '20010db8000000000000000000000007 20010db8000000000000000000000001 0001 ffff'),
  ],
  [
    'v1, two families',
    writePreface('v1', 'tcp', { ...FOUR, toAddress: '::1' }),
    Buffer.from('PROXY UNKNOWN\r\n'),
  ],
  ['v2, two families', writePreface('v2', 'tcp', { ...FOUR, address: '::1' }), hex(MAGIC, '21 00 0000')],
  [
    'a zone is left out',
    writePreface('v1', 'tcp', { ...SIX, address: 'fe80::1%eth0' }),
    Buffer.from('PROXY TCP6 fe80::1 2001:db8::1 1 65535\r\n'),
  ],
];
for (const [what, bytes, expected] of WRITTEN)
  test(`written: ${what}`, () => assert.deepEqual(bytes, expected));

const longest = `PROXY TCP6 ${Array(8).fill('ffff').join(':')} ${Array(8).fill('ffff').join(':')} 65535 65535\r\n`;
const READ: [string, Buffer, ReturnType<typeof readPreface>][] = [
  [
    'v1 with data behind it',
    Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\nGET'),
    { length: 45, ends: FOUR },
  ],
  ['v1, nothing known', Buffer.from('PROXY UNKNOWN\r\n'), { length: 15 }],
  ['v1, nothing known, with addresses', Buffer.from('PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n'), { length: 35 }],
  ['v1, another protocol', Buffer.from('PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n'), 'bad'],
  ['v1, no port', Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n'), 'bad'],
  ['v1, port too high', Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n'), 'bad'],
  ['v1, leading zero', Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n'), 'bad'],
  ['v1, families mixed', Buffer.from('PROXY TCP4 1.2.3.4 ::1 1 2\r\n'), 'bad'],
  ['v1, two blanks', Buffer.from('PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n'), 'bad'],
  ['v1, a bare line feed', Buffer.from(`PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n${' '.repeat(100)}`), 'bad'],
  ['v1, no end in 107 bytes', Buffer.from('PROXY TCP4 '.padEnd(107, '1')), 'bad'],
  ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n'), 'bad'],
  ['the beginning of one', Buffer.from('P'), 'more'],
  ['a POST', Buffer.from('PO'), 'bad'],
  ['nothing but the beginning of v2', hex('0d0a0d'), 'more'],
  [
    'v2 with a TLV, and data behind it',
    hex(MAGIC, '21 11 0010 c0000207 c6336401 dc04 01bb 04 0001 00', '47'),
    { length: 32, ends: FOUR },
  ],
  ['v2, LOCAL', hex(MAGIC, '20 00 0000'), { length: 16 }],
  ['v2, LOCAL with addresses', hex(MAGIC, '20 11 000c c0000207 c6336401 dc04 01bb'), { length: 28 }],
  ['v2, a family of its own', hex(MAGIC, '21 00 0003 616263'), { length: 19 }],
  ['v2, a socket of a file system', hex(MAGIC, '21 31 00d8', '61'.repeat(216)), { length: 232 }],
  ['v2, another version', hex(MAGIC, '31 11 000c c0000207 c6336401 dc04 01bb'), 'bad'],
  ['v2, another command', hex(MAGIC, '22 11 000c c0000207 c6336401 dc04 01bb'), 'bad'],
  ['v2, another family', hex(MAGIC, '21 41 000c c0000207 c6336401 dc04 01bb'), 'bad'],
  ['v2, too short for its addresses', hex(MAGIC, '21 11 000b c0000207 c6336401 dc04 01'), 'bad'],
  ['v2, too long', hex(MAGIC, '21 11 0ff1'), 'bad'],
  ['v2, as long as may be', hex(MAGIC, '21 11 0ff0'), 'more'],
];
for (const [what, bytes, expected] of READ)
  test(`read: ${what}`, () => assert.deepEqual(readPreface(bytes), expected));

test('the longest header of version 1 is read, whatever comes in pieces', () => {
  assert.ok(longest.length <= 107);
  const bytes = Buffer.from(longest);
  for (let n = 1; n < bytes.length; n++) assert.equal(readPreface(bytes.subarray(0, n)), 'more', `${n}`);
  assert.equal((readPreface(bytes) as { length: number }).length, bytes.length);
});

const ip = fc.oneof(
  fc.tuple(...[4, 4].map(n => fc.uint8Array({ minLength: n, maxLength: n }))),
  fc.tuple(...[16, 16].map(n => fc.uint8Array({ minLength: n, maxLength: n }))),
);
const port = fc.integer({ min: 0, max: 65535 });

test('property: what is written is read again, and each beginning of it is not enough', () => {
  fc.assert(
    fc.property(
      ip,
      port,
      port,
      fc.constantFrom('v1' as const, 'v2' as const),
      ([a, b], from, to, version) => {
        const ends = { address: formatIp(a), port: from, toAddress: formatIp(b), toPort: to };
        const bytes = writePreface(version, 'tcp', ends);
        assert.deepEqual(readPreface(Buffer.concat([bytes, Buffer.from('more')])), {
          length: bytes.length,
          ends,
        });
        for (let n = 1; n < bytes.length; n++) assert.equal(readPreface(bytes.subarray(0, n)), 'more');
      },
    ),
  );
});

test('property: whatever comes is read, refused or waited for, and never beyond the bound', () => {
  const start = fc.constantFrom(
    hex(MAGIC),
    hex(MAGIC, '21 11'),
    Buffer.from('PROXY '),
    Buffer.from('PROXY TCP6 '),
    Buffer.alloc(0),
  );
  fc.assert(
    fc.property(start, fc.uint8Array({ minLength: 1, maxLength: 300 }), (head, tail) => {
      const bytes = Buffer.concat([head, tail]);
      const read = readPreface(bytes);
      if (read === 'more')
        assert.notEqual(readPreface(Buffer.concat([bytes, Buffer.alloc(LONGEST)])), 'more');
      else if (read !== 'bad') assert.ok(read.length <= bytes.length);
    }),
  );
});
