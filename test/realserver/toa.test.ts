// TOA out of the headers of a SYN: as bytes, and out of a kernel that saved them for a listening socket.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { clientOf } from '../../src/realserver/toa.ts';

const CLIENT4 = [0x9c, 0x40, 198, 51, 100, 7];
const CLIENT6 = [0x9c, 0x40, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];

/** A SYN with these options, behind an IP header of either version. */
function syn(options: readonly number[], version: 4 | 6 = 4): Uint8Array {
  const words = Math.ceil(options.length / 4);
  const ip = new Uint8Array(version === 4 ? 20 : 40);
  ip[0] = version === 4 ? 0x45 : 0x60;
  ip[version === 4 ? 9 : 6] = 6;
  const tcp = new Uint8Array(20 + words * 4);
  tcp[12] = (5 + words) << 4;
  tcp[13] = 2;
  tcp.set(options, 20);
  return Uint8Array.from([...ip, ...tcp]);
}

describe('the client in a saved SYN', () => {
  const mss = [2, 4, 5, 0xb4];
  for (const [name, bytes, want] of [
    ['IPv4, first', syn([254, 8, ...CLIENT4, ...mss]), '198.51.100.7'],
    ['IPv4, behind others', syn([1, 1, ...mss, 4, 2, 254, 8, ...CLIENT4]), '198.51.100.7'],
    ['IPv6 of kind 254', syn([254, 20, ...CLIENT6], 6), '2001:db8::7'],
    ['IPv6 of kind 253, over IPv4', syn([253, 20, ...CLIENT6]), '2001:db8::7'],
    ['none', syn(mss), undefined],
    ['no options', syn([]), undefined],
    ['behind the end of options', syn([0, 254, 8, ...CLIENT4]), undefined],
    ['a length of its own', syn([254, 6, 1, 2, 3, 4]), undefined],
    ['an option that runs out of the header', syn([254, 40, ...CLIENT4]), undefined],
    ['an option of length 0', syn([254, 0, 0, 0]), undefined],
    ['a header cut off', syn([254, 8, ...CLIENT4]).subarray(0, 30), undefined],
    ['nothing', new Uint8Array(0), undefined],
    ['no TCP', Uint8Array.from([0x45, ...new Array(39).fill(0)]), undefined],
  ] as const)
    it(name, () => assert.deepEqual(clientOf(bytes), want && { address: want, port: 40_000 }));

  it('never reads outside of what it was given', () => {
    const whole = syn([1, 254, 8, ...CLIENT4, 253, 20, ...CLIENT6]);
    for (let n = 0; n <= whole.length; n++) clientOf(whole.slice(0, n));
    for (let i = 0; i < whole.length; i++)
      for (const b of [0, 1, 2, 8, 20, 254, 255]) clientOf(whole.map((v, at) => (at === i ? b : v)));
  });
});

it('gtm realserver toa says the client that the SYN told the kernel of, and the peer where it told none', () => {
  const child = join(import.meta.dirname, 'toa-child.js');
  const out = execFileSync('unshare', ['--net', process.execPath, child], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  assert.deepEqual(JSON.parse(out), [
    'client 198.51.100.7:40000, peer 10.8.0.2:5001',
    'client 10.8.0.2:5002, no TOA, peer 10.8.0.2:5002',
    'client [2001:db8::7]:40000, peer [fd00:8::2]:5003',
    'client [2001:db8::7]:40000, peer 10.8.0.2:5004',
  ]);
});
