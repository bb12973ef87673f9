// Looking ahead reads alone: whatever is looked at, packets leave as they do without it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../../src/kit/rng.ts';
import { BATCH } from '../../src/lvs/ahead.ts';
import { HEADROOM } from '../../src/lvs/director.ts';
import { tcp, udp } from './build.ts';
import { CLIENT6, Rig, SERVER6, SERVERS, VIP, VIP6 } from './rig.ts';

const LOCAL = '10.0.0.250';

function rig(): Rig {
  const made = new Rig({}, 1000, 0);
  made.service(VIP, SERVERS, { forward: 'fullnat' }, { localAddresses: [LOCAL] });
  made.service(VIP6, [SERVER6], { forward: 'nat' });
  made.service('192.0.2.11:53', SERVERS, { forward: 'dr' }, {}, 'udp');
  return made;
}

test('packets leave as they do without it, in both directions of either family', () => {
  const plain = rig();
  const ahead = rig();
  const rng = seeded(5);
  const packets = Array.from({ length: 400 }, () => {
    const from = `198.51.100.${rng() % 20}:${4000 + (rng() % 3)}`;
    const flags = rng() % 3 === 0 ? 'S' : 'A';
    const kind = rng() % 5;
    if (kind === 0) return tcp({ from: CLIENT6, to: VIP6, flags });
    if (kind === 1) return tcp({ from: SERVER6, to: CLIENT6, flags: 'A' });
    if (kind === 2) return udp({ from, to: '192.0.2.11:53' });
    if (kind === 3)
      return tcp({ from: SERVERS[rng() % 3], to: `${LOCAL}:${5000 + (rng() % 20)}`, flags: 'A' });
    return tcp({ from, to: VIP, flags });
  });
  const memory = new Uint8Array(packets.length * 256);
  const offsets = Int32Array.from(packets, (_, i) => i * 256 + HEADROOM);
  for (const [i, packet] of packets.entries()) memory.set(packet, offsets[i]);
  for (const [i, packet] of packets.entries()) {
    if (i % BATCH === 0) ahead.director.lookAhead(memory, offsets.subarray(i), packets.length - i);
    assert.deepEqual(ahead.send(packet), plain.send(packet));
  }
  assert.deepEqual(ahead.conns(), plain.conns());
  assert.ok(plain.conns().length > 20);
});

test('frames of any bytes, offsets anywhere', () => {
  const { director } = rig();
  const rng = seeded(6);
  const memory = Uint8Array.from({ length: 4096 }, () => rng());
  const before = memory.slice();
  for (let round = 0; round < 200; round++) {
    const offsets = Int32Array.from({ length: 2 * BATCH }, () => (rng() % 5000) - 400);
    for (const at of offsets)
      if (at >= 0 && at < memory.length) before[at] = memory[at] = rng() % 2 ? 0x45 : 0x60;
    director.lookAhead(memory, offsets, offsets.length);
  }
  assert.deepEqual(memory, before);
  assert.equal(director.table().used, 0);
});
