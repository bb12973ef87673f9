// The hashes of the packet path, in 32-bit integer arithmetic.
// hash32: linux include/linux/hash.h (golden ratio). siphash13: SipHash-1-3 over one 32-bit word with 64-bit
// state, the low half of the result: what hsiphash_1u32 of a 64-bit Linux kernel computes (lib/siphash.c).

/** `bits` (1 to 32) top bits of x times the golden ratio, as the kernel's hash_32. */
export function hash32(x: number, bits: number): number {
  return Math.imul(x, 0x61c88647) >>> (32 - bits);
}

// v0..v3 as low and high halves; one instance serves every call, since workers have a module each.
const v = new Int32Array(8);

/** SipHash-1-3 of the four little-endian bytes of `word`, key halves `k0` and `k1` (32-bit values, high halves 0); low 32 bits, unsigned. */
export function siphash13(word: number, k0: number, k1: number): number {
  v[0] = 0x70736575 ^ k0;
  v[1] = 0x736f6d65;
  v[2] = 0x6e646f6d ^ k1;
  v[3] = 0x646f7261;
  v[4] = 0x6e657261 ^ k0;
  v[5] = 0x6c796765;
  v[6] = 0x79746573 ^ k1;
  v[7] = 0x74656462;
  // The only block holds the word, with the length (4) in its top byte.
  const high = 4 << 24;
  v[6] ^= word;
  v[7] ^= high;
  round();
  v[0] ^= word;
  v[1] ^= high;
  v[4] ^= 0xff;
  round();
  round();
  round();
  return (v[0] ^ v[2] ^ v[4] ^ v[6]) >>> 0;
}

function add(a: number, b: number): void {
  const low = (v[a] >>> 0) + (v[b] >>> 0);
  v[a] = low;
  v[a + 1] = v[a + 1] + v[b + 1] + (low > 0xffffffff ? 1 : 0);
}

// v[a] = rotl64(v[a], n) ^ v[b], for n < 32.
function rotateXor(a: number, n: number, b: number): void {
  const low = v[a];
  const high = v[a + 1];
  v[a] = ((low << n) | (high >>> (32 - n))) ^ v[b];
  v[a + 1] = ((high << n) | (low >>> (32 - n))) ^ v[b + 1];
}

function swapHalves(a: number): void {
  const low = v[a];
  v[a] = v[a + 1];
  v[a + 1] = low;
}

function round(): void {
  add(0, 2);
  rotateXor(2, 13, 0);
  swapHalves(0);
  add(4, 6);
  rotateXor(6, 16, 4);
  add(0, 6);
  rotateXor(6, 21, 0);
  add(4, 2);
  rotateXor(2, 17, 4);
  swapHalves(4);
}
