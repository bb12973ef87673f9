// The book of a buffer's ranges, against a plain list of what is taken.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Heap } from '../../src/kit/heap.ts';

test('ranges never overlap, nothing is given below the base, and what is free is used again', () => {
  const step = fc.record({ size: fc.integer({ min: 1, max: 5000 }), free: fc.nat(), keep: fc.boolean() });
  fc.assert(
    fc.property(fc.nat(10_000), fc.array(step, { maxLength: 200 }), (base, steps) => {
      const heap = new Heap(base);
      const taken: { at: number; size: number }[] = [];
      for (const { size, free, keep } of steps) {
        if (keep || taken.length === 0) {
          const at = heap.take(size);
          assert.ok(at >= Math.max(base, 64) && at % 64 === 0 && at + size <= heap.top);
          for (const t of taken) assert.ok(at + size <= t.at || t.at + t.size <= at);
          taken.push({ at, size });
        } else {
          const [t] = taken.splice(free % taken.length, 1);
          heap.free(t.at, t.size);
        }
        const used = taken.reduce((sum, t) => sum + Math.ceil(t.size / 64) * 64, 0);
        assert.equal(heap.used, used);
      }
      for (const t of taken) heap.free(t.at, t.size);
      assert.equal(heap.top, new Heap(base).top);
      assert.equal(heap.used, 0);
    }),
    { numRuns: 300, seed: 11 },
  );
});

test('a block replaced a thousand times by one of its size takes the room of two', () => {
  const heap = new Heap();
  let at = heap.take(10_000);
  for (let i = 0; i < 1000; i++) {
    const next = heap.take(10_000);
    heap.free(at, 10_000);
    at = next;
  }
  assert.ok(heap.top <= 64 + 2 * 10_048);
});
