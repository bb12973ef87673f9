// Hashes against independent implementations in BigInt, and the generator against its definition and the dice.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../src/kit/clock.ts';
import { hash32, siphash13 } from '../../src/kit/hash.ts';
import { below, seeded, unit, xoshiro } from '../../src/kit/rng.ts';

const M64 = (1n << 64n) - 1n;
const M32 = (1n << 32n) - 1n;

// SipHash-c-d of a message of bytes, as its paper has it (Aumasson and Bernstein 2012).
function sipHash(c: number, d: number, k0: bigint, k1: bigint, message: readonly number[]): bigint {
  const rotl = (x: bigint, n: bigint) => ((x << n) | (x >> (64n - n))) & M64;
  const v = [
    k0 ^ 0x736f6d6570736575n,
    k1 ^ 0x646f72616e646f6dn,
    k0 ^ 0x6c7967656e657261n,
    k1 ^ 0x7465646279746573n,
  ];
  const round = () => {
    v[0] = (v[0] + v[1]) & M64;
    v[1] = rotl(v[1], 13n) ^ v[0];
    v[0] = rotl(v[0], 32n);
    v[2] = (v[2] + v[3]) & M64;
    v[3] = rotl(v[3], 16n) ^ v[2];
    v[0] = (v[0] + v[3]) & M64;
    v[3] = rotl(v[3], 21n) ^ v[0];
    v[2] = (v[2] + v[1]) & M64;
    v[1] = rotl(v[1], 17n) ^ v[2];
    v[2] = rotl(v[2], 32n);
  };
  const padded = [...message, ...Array(7 - (message.length % 8)).fill(0), message.length & 255];
  for (let at = 0; at < padded.length; at += 8) {
    const block = padded.slice(at, at + 8).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    v[3] ^= block;
    for (let i = 0; i < c; i++) round();
    v[0] ^= block;
  }
  v[2] ^= 0xffn;
  for (let i = 0; i < d; i++) round();
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

const word = fc.integer({ min: 0, max: 0xffffffff });

describe('hashes', () => {
  it('the reference itself gives the vector of the SipHash paper (2-4, 15 bytes)', () => {
    const message = Array.from({ length: 15 }, (_, i) => i);
    assert.equal(sipHash(2, 4, 0x0706050403020100n, 0x0f0e0d0c0b0a0908n, message), 0xa129ca6149be45e5n);
  });

  it('property: siphash13 is the low half of SipHash-1-3 over four little-endian bytes', () => {
    fc.assert(
      fc.property(word, word, word, (x, k0, k1) => {
        const bytes = [x & 255, (x >>> 8) & 255, (x >>> 16) & 255, x >>> 24];
        assert.equal(BigInt(siphash13(x, k0, k1)), sipHash(1, 3, BigInt(k0), BigInt(k1), bytes) & M32);
      }),
      { seed: 4, numRuns: 1000 },
    );
  });

  it('property: hash32 is the top bits of the product with the golden ratio', () => {
    fc.assert(
      fc.property(word, fc.integer({ min: 1, max: 32 }), (x, bits) => {
        assert.equal(BigInt(hash32(x, bits)), ((BigInt(x) * 0x61c88647n) & M32) >> BigInt(32 - bits));
      }),
      { seed: 5, numRuns: 1000 },
    );
  });
});

describe('random numbers', () => {
  it('xoshiro128** by its definition', () => {
    const s = [1n, 2n, 3n, 4n];
    const rotl = (x: bigint, n: bigint) => ((x << n) | (x >> (32n - n))) & M32;
    const rng = xoshiro(1, 2, 3, 4);
    for (let i = 0; i < 1000; i++) {
      const expected = (rotl((s[1] * 5n) & M32, 7n) * 9n) & M32;
      const t = (s[1] << 9n) & M32;
      s[2] ^= s[0];
      s[3] ^= s[1];
      s[1] ^= s[2];
      s[0] ^= s[3];
      s[2] ^= t;
      s[3] = rotl(s[3], 11n);
      assert.equal(BigInt(rng()), expected);
    }
  });

  it('the same seed gives the same stream, another seed another; a state of zeros is mended', () => {
    const take = (rng: () => number) => Array.from({ length: 8 }, rng);
    assert.deepEqual(take(seeded(42)), take(seeded(42)));
    assert.notDeepEqual(take(seeded(42)), take(seeded(43)));
    assert.ok(take(xoshiro(0, 0, 0, 0)).some(n => n !== 0));
  });

  it('below(n) is even: chi-square over 10 and 1000 classes', () => {
    for (const [classes, bound] of [
      [10, 27.9],
      [1000, 1143.9],
    ]) {
      const rng = seeded(classes);
      const counts = new Float64Array(classes);
      const draws = classes * 1000;
      for (let i = 0; i < draws; i++) counts[below(rng, classes)]++;
      const chi = counts.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
      // The bound is passed by chance once in a thousand seeds.
      assert.ok(chi < bound, `${classes} classes: ${chi}`);
    }
  });

  it('bounds: below(1) is 0, below(2³²) a whole word, unit in [0, 1)', () => {
    const top = () => 0xffffffff;
    assert.equal(below(top, 1), 0);
    assert.equal(below(top, 2 ** 32), 0xffffffff);
    assert.ok(unit(top) < 1);
    assert.equal(
      unit(() => 0),
      0,
    );
  });
});

describe('the clock of tests', () => {
  it('stands until it is moved; both of its times move together', () => {
    const clock = new ManualClock(1000);
    assert.deepEqual([clock.mono(), clock.wall()], [0, 1000]);
    clock.advance(250);
    assert.deepEqual([clock.mono(), clock.wall()], [250, 1250]);
  });
});
