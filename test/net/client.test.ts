// The client's address as the answer path sees it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatIp, parseIp } from '../../src/kit/ip.ts';
import { newClient } from '../../src/model/steering.ts';
import { fillAddress } from '../../src/net/client.ts';

function bytesOf(text: string): number[] {
  const client = newClient(false);
  client.address.fill(0xee);
  fillAddress(client, text);
  return [...client.address.subarray(0, client.family === 4 ? 4 : 16)];
}

test('texts of addresses become their bytes', () => {
  const texts = ['127.0.0.1', '0.0.0.0', '255.255.255.255', '::', '::1', '1::', '2001:db8::8:800:200c:417a'];
  for (const text of [...texts, '1:2:3:4:5:6:7:8', '::ffff:192.0.2.1', 'fe80::ABCD', '1:0:0:2::3'])
    assert.deepEqual(bytesOf(text), [...(parseIp(text) as Uint8Array)], text);
});

test('the zone of a link-local address is left out', () => {
  assert.deepEqual(bytesOf('fe80::1%eth0'), bytesOf('fe80::1'));
  assert.deepEqual(bytesOf('fe80::%lo'), bytesOf('fe80::'));
});

test('any address survives text and back', () => {
  const v4 = fc.uint8Array({ minLength: 4, maxLength: 4 });
  const v6 = fc.uint8Array({ minLength: 16, maxLength: 16 });
  const holes = fc.array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 });
  fc.assert(
    fc.property(
      fc.oneof(
        v4,
        v6,
        holes.map(h => Uint8Array.from(h)),
      ),
      bytes => {
        assert.deepEqual(bytesOf(formatIp(bytes)), [...bytes]);
      },
    ),
    { seed: 1, numRuns: 2000 },
  );
});
