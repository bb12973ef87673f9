// The hashes of the packet path, in 32-bit integer arithmetic.
// hash32: linux include/linux/hash.h (golden ratio). siphash13: SipHash-1-3 over one 32-bit word with 64-bit
// state, the low half of the result: what hsiphash_1u32 of a 64-bit Linux kernel computes (lib/siphash.c).

/** `bits` (1 to 32) top bits of x times the golden ratio, as the kernel's hash_32. */
export function hash32(x: number, bits: number): number {
  return Math.imul(x, 0x61c88647) >>> (32 - bits);
}

/** The top byte of the last block: four bytes came. */
const LENGTH = 4 << 24;

/** SipHash-1-3 of the four little-endian bytes of `word`, key halves `k0` and `k1` (32-bit values, high halves 0); low 32 bits, unsigned. */
export function siphash13(word: number, k0: number, k1: number): number {
  return rounds(word, k0, k1) >>> 0;
}

// Signed: what does not fit in 31 bits and a sign would be put on the heap on its way out.
function rounds(word: number, k0: number, k1: number): number {
  // v0..v3 as low and high halves: numbers of their own, so that they stay in registers.
  let a = 0x70736575 ^ k0;
  let ah = 0x736f6d65;
  let b = 0x6e646f6d ^ k1;
  let bh = 0x646f7261;
  let c = 0x6e657261 ^ k0;
  let ch = 0x6c796765;
  // The only block holds the word, with the length (4) in its top byte.
  let d = 0x79746573 ^ k1 ^ word;
  let dh = 0x74656462 ^ LENGTH;
  // One round for the block, three to finish.
  for (let i = 0; i < 4; i++) {
    // v0 += v1, v1 = rotl(v1, 13) ^ v0, v0 = rotl(v0, 32)
    let low = (a + b) | 0;
    let high = (ah + bh + (low >>> 0 < a >>> 0 ? 1 : 0)) | 0;
    let turned = (b << 13) | (bh >>> 19);
    bh = ((bh << 13) | (b >>> 19)) ^ high;
    b = turned ^ low;
    a = high;
    ah = low;
    // v2 += v3, v3 = rotl(v3, 16) ^ v2
    low = (c + d) | 0;
    high = (ch + dh + (low >>> 0 < c >>> 0 ? 1 : 0)) | 0;
    turned = (d << 16) | (dh >>> 16);
    dh = ((dh << 16) | (d >>> 16)) ^ high;
    d = turned ^ low;
    c = low;
    ch = high;
    // v0 += v3, v3 = rotl(v3, 21) ^ v0
    low = (a + d) | 0;
    high = (ah + dh + (low >>> 0 < a >>> 0 ? 1 : 0)) | 0;
    turned = (d << 21) | (dh >>> 11);
    dh = ((dh << 21) | (d >>> 11)) ^ high;
    d = turned ^ low;
    a = low;
    ah = high;
    // v2 += v1, v1 = rotl(v1, 17) ^ v2, v2 = rotl(v2, 32)
    low = (c + b) | 0;
    high = (ch + bh + (low >>> 0 < c >>> 0 ? 1 : 0)) | 0;
    turned = (b << 17) | (bh >>> 15);
    bh = ((bh << 17) | (b >>> 15)) ^ high;
    b = turned ^ low;
    c = high;
    ch = low;
    if (i === 0) {
      a ^= word;
      ah ^= LENGTH;
      c ^= 0xff;
    }
  }
  return a ^ b ^ c ^ d;
}
