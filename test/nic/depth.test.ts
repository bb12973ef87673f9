// How many frames lie ready for the kernel, told as what it left each time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Depth } from '../../src/nic/depth.ts';

const CALM = 1024;

/** What the ring holds after the kernel left so many each time. */
function after(depth: Depth, ...times: [left: number, count: number][]): number {
  for (const [left, count] of times) for (let i = 0; i < count; i++) depth.see(left);
  return depth.value;
}

const fresh = () => new Depth(512, 2048);
const calm = () => {
  const depth = fresh();
  after(depth, [2000, CALM], [1000, CALM]);
  return depth;
};

const STORIES: [string, Depth, [left: number, count: number][], number][] = [
  ['at the start there are all that there is room for', fresh(), [], 2048],
  ['few are taken at a time, but not for long enough', fresh(), [[2000, CALM - 1]], 2048],
  ['few are taken for long: half of them', fresh(), [[2000, CALM]], 1024],
  [
    'a quarter is taken once: none fewer',
    fresh(),
    [
      [2000, CALM - 1],
      [1535, 1],
    ],
    2048,
  ],
  ['never fewer than the fewest', calm(), [[500, 10 * CALM]], 512],
  ['more than half is taken at once: twice as many', calm(), [[255, 1]], 1024],
  ['half is taken at once: as many as there were', calm(), [[256, 1]], 512],
  ['all are taken, so that frames may have been lost: all at once', calm(), [[0, 1]], 2048],
  ['never more than the most', fresh(), [[0, 10]], 2048],
  ['what lay there before there were fewer is left to be taken', calm(), [[2000, 10]], 512],
];
for (const [what, depth, times, value] of STORIES)
  test(what, () => assert.equal(after(depth, ...times), value));

test('whatever the kernel leaves, it is a half or twice of what it was, or all, between the fewest and the most', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(2048), fc.integer({ min: 1, max: 2 * CALM })), { maxLength: 20 }),
      runs => {
        const depth = fresh();
        for (const [left, count] of runs)
          for (let i = 0; i < count; i++) {
            const before = depth.value;
            depth.see(left);
            assert.ok([before, before / 2, before * 2, 2048].includes(depth.value));
            assert.ok(depth.value >= 512 && depth.value <= 2048);
          }
      },
    ),
    { numRuns: 50 },
  );
});
