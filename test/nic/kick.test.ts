// How often a batch wakes the kernel, which sends 32 frames a call where it copies, and tells a driver only once where it does not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Xsk } from '../../src/nic/afxdp.ts';
import type { Libc } from '../../src/nic/libc.ts';
import type { RingPlace } from '../../src/nic/ring.ts';
import { Umem } from '../../src/nic/umem.ts';

const FRAME = 2048;
const FRAMES = 256;
const SIZE = 128;
const LENGTH = 256 + SIZE * 16;

/** Addresses are numbers of buffers. A call sends `each` frames; 0: the driver has not come to it yet. */
function socket(zeroCopy: boolean, each: number) {
  const memory = Array.from({ length: 5 }, (_, i) => new ArrayBuffer(i === 0 ? FRAMES * FRAME : LENGTH));
  const [producer, consumer, flags] = [0, 64, 128].map(at => new Int32Array(memory[2], at, 1));
  let calls = 0;
  const libc = {
    view: (address: number) => memory[address],
    send: () => {
      calls++;
      consumer[0] = Math.min(producer[0], consumer[0] + each);
      // EAGAIN
      return consumer[0] === producer[0] ? 0 : -1;
    },
  } as unknown as Libc;
  const ring = (address: number, words: number): RingPlace => {
    return {
      address,
      length: LENGTH,
      producer: 0,
      consumer: 64,
      flags: 128,
      entries: 256,
      size: SIZE,
      words,
    };
  };
  const umem = new Umem(libc, { address: 0, frameSize: FRAME, frames: FRAMES });
  const [rx, tx, fill, completion] = [ring(1, 4), ring(2, 4), ring(3, 2), ring(4, 2)];
  const xsk = new Xsk(libc, umem, { fd: 7, zeroCopy, rx, tx, fill, completion });
  return { xsk, flags, umem, calls: () => calls, batch: (n: number) => put(xsk, umem, n) };
}

function put(xsk: Xsk, umem: Umem, count: number): void {
  for (let i = 0; i < count; i++) assert.ok(xsk.send(umem.take(), 60));
  xsk.flush();
}

const cases: [string, boolean, number, number, number][] = [
  ['copied: a call for each 32', false, 100, 32, 4],
  ['copied: one, when a link takes nothing', false, 100, 0, 1],
  ['copied: no more of them than a link that takes little is worth', false, 100, 1, 16],
  ['zero-copy: one, however late the driver comes to it', true, 100, 0, 1],
  ['zero-copy: one for a lone frame', true, 1, 32, 1],
];
for (const [name, zeroCopy, frames, each, wanted] of cases)
  test(name, () => {
    const { flags, calls, batch } = socket(zeroCopy, each);
    flags[0] = 1;
    batch(frames);
    assert.equal(calls(), wanted);
  });

test('what a driver has not taken wakes it again with the next flush; one that is awake is left alone', () => {
  const { xsk, flags, calls, batch } = socket(true, 0);
  flags[0] = 1;
  batch(3);
  xsk.flush();
  assert.deepEqual([calls(), xsk.unsent], [2, true]);
  flags[0] = 0;
  batch(3);
  assert.equal(calls(), 2);
});
