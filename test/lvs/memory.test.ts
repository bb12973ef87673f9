// Where the table lies: it asks its memory for no more than it says, and does on any memory what it does on the heap.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../../src/kit/rng.ts';
import { Director } from '../../src/lvs/director.ts';
import { memoryOf } from '../../src/lvs/life.ts';
import { tcp } from './build.ts';
import { CLIENT6, endpoint, OneLink, SERVER6, VIP6 } from './rig.ts';

/** Pieces are cut at multiples of so many bytes. */
const LINE = 64;
const LOCAL6 = '2001:db8:3::250';

for (const capacity of [1, 2, 15, 16, 17, 1000, 4096, 4097, 1_000_000])
  test(`a table of ${capacity}, with FullNAT of IPv6 as well, keeps to what memoryOf() says`, () => {
    let asked = 0;
    const memory = (bytes: number): ArrayBuffer => {
      asked += Math.ceil(bytes / LINE) * LINE;
      return new ArrayBuffer(bytes);
    };
    const director = new Director({ capacity, routes: new OneLink(), rng: seeded(1), memory });
    const key = { protocol: 'tcp', ...endpoint(VIP6) } as const;
    director.addService(key, { scheduler: 'rr', localAddresses: [LOCAL6] });
    director.addDest(key, endpoint(SERVER6), { weight: 1, forward: 'fullnat' });
    const packet = tcp({ from: CLIENT6, to: VIP6 });
    const frame = new Uint8Array(64 + packet.length);
    frame.set(packet, 64);
    director.handle(frame, 64, packet.length, 1000);
    assert.equal(director.table().used, 1);
    assert.ok(asked <= memoryOf(capacity), `${asked} of ${memoryOf(capacity)}`);
    assert.ok(asked >= director.table().bytes);
  });
