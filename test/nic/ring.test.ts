// A ring's two indexes: what the other side writes is seen, by plain looks too, in a loop that was compiled for speed.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { Libc } from '../../src/nic/libc.ts';
import { Ring, type RingPlace } from '../../src/nic/ring.ts';

const PLACE: RingPlace = {
  address: 0,
  length: 1024,
  producer: 0,
  consumer: 64,
  flags: 128,
  entries: 256,
  size: 16,
  words: 2,
};

function ring() {
  const memory = new SharedArrayBuffer(PLACE.length);
  const libc = { view: () => memory } as unknown as Libc;
  const word = (at: number) => new Int32Array(memory, at, 1);
  return {
    memory,
    ours: new Ring(libc, PLACE),
    producer: word(PLACE.producer),
    consumer: word(PLACE.consumer),
    flags: word(PLACE.flags),
  };
}

describe('a ring', () => {
  it('counts what is there, and gives it back', () => {
    const { ours, producer, consumer } = ring();
    assert.equal(ours.waiting(), 0);
    producer[0] = 3;
    assert.equal(ours.waiting(), 3);
    ours.index += 2;
    assert.equal(ours.waiting(), 1);
    assert.equal(consumer[0], 0);
    ours.release();
    assert.equal(consumer[0], 2);
  });

  it('counts over the end of the numbers', () => {
    const { ours, producer, consumer } = ring();
    ours.index = 0x7fffffff;
    producer[0] = (0x7fffffff + 5) | 0;
    assert.equal(ours.waiting(), 5);
    consumer[0] = 0x7ffffffd;
    assert.equal(ours.room(), 14);
  });

  it('says how much may be written, and what was not taken', () => {
    const { ours, producer, consumer, flags } = ring();
    ours.index += 5;
    assert.equal(ours.room(), 11);
    assert.equal(ours.pending(), 0);
    ours.publish();
    assert.equal(producer[0], 5);
    assert.equal(ours.pending(), 5);
    consumer[0] = 5;
    assert.equal(ours.room(), 16);
    assert.equal(ours.pending(), 0);
    assert.equal(ours.sleeps(), false);
    flags[0] = 1;
    assert.equal(ours.sleeps(), true);
  });

  it('is looked at in a loop until another thread writes', async () => {
    const { ours, memory, consumer } = ring();
    // It writes 1, 2, 3 … each time after the number before was given back.
    const rounds = 200;
    const other = new Worker(
      `const { memory, producer, consumer, rounds } = require('node:worker_threads').workerData;
       const [to, from] = [new Int32Array(memory, producer, 1), new Int32Array(memory, consumer, 1)];
       for (let i = 1; i <= rounds; i++) {
         Atomics.wait(from, 0, i - 2);
         Atomics.store(to, 0, i);
       }`,
      {
        eval: true,
        workerData: { memory, producer: PLACE.producer, consumer: PLACE.consumer, rounds },
      },
    );
    try {
      const end = performance.now() + 30_000;
      let looks = 0;
      for (let i = 1; i <= rounds; i++) {
        while (ours.waiting() === 0) {
          looks++;
          if ((looks & 0xfffff) === 0 && performance.now() > end) assert.fail(`not seen: ${i}`);
        }
        assert.equal(ours.waiting(), 1);
        ours.index++;
        ours.release();
        Atomics.notify(consumer, 0);
      }
      assert.ok(looks > 0);
    } finally {
      await other.terminate();
    }
  });
});
