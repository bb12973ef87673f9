// The timer wheel against a sorted list, and checksums against their definition.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { delta16, delta32, finish, fold, sum, update } from '../../src/kit/checksum.ts';
import { seeded } from '../../src/kit/rng.ts';
import { Wheel } from '../../src/kit/wheel.ts';

describe('the timer wheel', () => {
  for (const start of [0, 123_456, 2 ** 31 - 5000, 2 ** 32 - 70_000])
    it(`fires each entry once, in time, from ${start} on`, () => {
      const rng = seeded(start + 1);
      const size = 500;
      const due = new Float64Array(size).fill(Number.POSITIVE_INFINITY);
      let now = start;
      let fired = 0;
      const wheel = new Wheel(size, now, id => {
        if (due[id] > now) {
          wheel.set(id, due[id]);
          return;
        }
        assert.ok(now - due[id] <= last + 64, `${now - due[id]} ms late`);
        due[id] = Number.POSITIVE_INFINITY;
        fired++;
        if (rng() % 4 === 0) set(rng() % size);
      });
      let last = 0;
      const set = (id: number) => {
        const far = [100, 5000, 30_000, 1_000_000, 20_000_000][rng() % 5];
        due[id] = now + 1 + (rng() % far);
        wheel.set(id, due[id]);
      };
      for (let step = 0; step < 2000; step++) {
        const id = rng() % size;
        if (rng() % 8 === 0) {
          due[id] = Number.POSITIVE_INFINITY;
          wheel.clear(id);
        } else set(id);
        last = rng() % 2000;
        now += last;
        wheel.advance(now);
        for (const d of due) assert.ok(d > now - 64);
      }
      last = 25_000_000;
      now += last;
      for (let i = 0; i < 3; i++) {
        wheel.advance(now);
        last = 100;
        now += last;
      }
      assert.ok(fired > 1000);
    });
});

describe('checksums', () => {
  it('an update is what a new computation gives', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 8, maxLength: 60 }),
        fc.nat(),
        fc.integer(),
        fc.boolean(),
        (data, where, value, wide) => {
          const b = Uint8Array.from(data.length % 2 ? [...data, 0] : data);
          b[0] |= 1;
          const at = (where % (b.length / 2 - 2)) * 2 + 2;
          const before = finish(sum(b, 0, b.length, 0));
          const view = new DataView(b.buffer);
          const old = wide && at + 4 <= b.length ? view.getInt32(at) : view.getUint16(at);
          let delta: number;
          if (wide && at + 4 <= b.length) {
            view.setInt32(at, value);
            delta = delta32(old, value | 0);
          } else {
            view.setUint16(at, value & 0xffff);
            delta = delta16(old, value & 0xffff);
          }
          assert.equal(update(before, delta), finish(sum(b, 0, b.length, 0)));
        },
      ),
      { numRuns: 2000 },
    );
  });
  it('an odd byte counts as the upper half, and a right sum folds to all ones', () => {
    assert.equal(sum(Uint8Array.of(1, 2, 3), 0, 3, 0), 0x0402);
    const header = Uint8Array.of(0x45, 0, 0, 20, 0, 1, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2);
    const check = finish(sum(header, 0, 20, 0));
    header.set([check >> 8, check & 255], 10);
    assert.equal(fold(sum(header, 0, 20, 0)), 0xffff);
  });
});
