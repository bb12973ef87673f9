// Where the inner packet begins: rows of bytes, and any bytes at all.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseIp } from '../../src/kit/ip.ts';
import { innerOffset, isFor } from '../../src/realserver/outer.ts';
import { udp } from '../lvs/build.ts';

const inner = udp({ from: '198.51.100.7:5000', to: '192.0.2.10:53', payload: new Uint8Array(9) });
const inner6 = udp({ from: '[2001:db8::7]:5000', to: '[2001:db8::10]:53' });
const outer = Array.from({ length: 20 }, (_, i) => (i === 0 ? 0x45 : 0));
const long = Array.from({ length: 24 }, (_, i) => (i === 0 ? 0x46 : 0));

for (const [name, wrapping, header, head, packet, want] of [
  ['IPIP', 'ip', true, outer, inner, 20],
  ['IPIP behind options', 'ip', true, long, inner, 24],
  ['6in6, whose outer header is not given', 'ip', false, [], inner6, 0],
  ['GRE', 'gre', true, [...outer, 0, 0, 8, 0], inner, 24],
  [
    'GRE with checksum, key and number',
    'gre',
    false,
    [0xb0, 0, 0x86, 0xdd, ...new Array(12).fill(1)],
    inner6,
    16,
  ],
  ['GRE that carries something else', 'gre', false, [0, 0, 0x65, 0x58], inner, -1],
  ['GRE with routing', 'gre', false, [0x40, 0, 8, 0], inner, -1],
  ['GRE of version 1', 'gre', false, [0, 1, 8, 0], inner, -1],
  ['GUE', 'gue', false, [0, 4, 0, 0], inner, 4],
  ['GUE with fields', 'gue', false, [2, 4, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8], inner, 12],
  ['GUE of version 1: the packet itself', 'gue', false, [], inner, 0],
  ['GUE, control', 'gue', false, [0x20, 4, 0, 0], inner, -1],
  ['GUE of a version to come', 'gue', false, [0x80, 4, 0, 0], inner, -1],
  ['no packet', 'ip', true, outer, new Uint8Array(0), -1],
  ['neither version', 'ip', false, [0x30], inner, -1],
] as const)
  it(name, () => {
    const bytes = Uint8Array.from([...head, ...packet]);
    assert.equal(innerOffset(wrapping, bytes, bytes.length, header), want);
    // One octet less, and it is not whole.
    if (want >= 0) assert.equal(innerOffset(wrapping, bytes, bytes.length - 1, header), -1);
  });

it('whom it is for', () => {
  const vips = ['192.0.2.10', '2001:db8::10'].map(a => parseIp(a) as Uint8Array);
  assert.deepEqual(
    [isFor(inner, 0, vips), isFor(inner6, 0, vips), isFor(inner, 0, vips.slice(1))],
    [true, true, false],
  );
});

it('never points outside of what came', () => {
  let seed = 1;
  const next = () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return seed >>> 16;
  };
  for (let round = 0; round < 50_000; round++) {
    const bytes = Uint8Array.from({ length: next() % 80 }, next);
    const at = innerOffset((['ip', 'gre', 'gue'] as const)[round % 3], bytes, bytes.length, round % 2 === 0);
    assert.ok(at === -1 || at + 20 <= bytes.length);
  }
});
