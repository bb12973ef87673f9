// SipHash-2-4 (Aumasson and Bernstein 2012) of a short message to 64 bits, in halves of 32 bits: no BigInt, no object.
// Server cookies (RFC 9018 §4.4) and FullNAT's initial sequence numbers (RFC 6528 §3).

/** The 128-bit key in 32 hexadecimal digits, as four little-endian words. */
export function sipKey(hex: string): Int32Array {
  const bytes = Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
  return Int32Array.from({ length: 4 }, (_, i) => word(bytes, 4 * i));
}

/** Hashes the first `length` octets of `message` and writes the eight octets of the result at `at` of `out`. */
export function sipHash(
  key: Int32Array,
  message: Uint8Array,
  length: number,
  out: Uint8Array,
  at: number,
): void {
  let l0 = key[0] ^ 0x70736575;
  let h0 = key[1] ^ 0x736f6d65;
  let l1 = key[2] ^ 0x6e646f6d;
  let h1 = key[3] ^ 0x646f7261;
  let l2 = key[0] ^ 0x6e657261;
  let h2 = key[1] ^ 0x6c796765;
  let l3 = key[2] ^ 0x79746573;
  let h3 = key[3] ^ 0x74656462;
  const whole = length >> 3;
  // The whole blocks, one with the rest and the length, and the finalization, which is four rounds without a block.
  for (let block = 0; block <= whole + 1; block++) {
    let low = 0;
    let high = 0;
    let rounds = 2;
    if (block < whole) {
      low = word(message, 8 * block);
      high = word(message, 8 * block + 4);
    } else if (block === whole) {
      high = length << 24;
      for (let i = length - 1; i >= 8 * whole; i--) {
        const shift = (i & 3) << 3;
        if ((i & 4) === 0) low |= message[i] << shift;
        else high |= message[i] << shift;
      }
    } else {
      l2 ^= 0xff;
      rounds = 4;
    }
    l3 ^= low;
    h3 ^= high;
    for (; rounds > 0; rounds--) {
      let sum = (l0 + l1) | 0;
      h0 = (h0 + h1 + carry(sum, l0)) | 0;
      l0 = sum;
      let turned = (l1 << 13) | (h1 >>> 19);
      h1 = ((h1 << 13) | (l1 >>> 19)) ^ h0;
      l1 = turned ^ l0;
      turned = l0;
      l0 = h0;
      h0 = turned;
      sum = (l2 + l3) | 0;
      h2 = (h2 + h3 + carry(sum, l2)) | 0;
      l2 = sum;
      turned = (l3 << 16) | (h3 >>> 16);
      h3 = ((h3 << 16) | (l3 >>> 16)) ^ h2;
      l3 = turned ^ l2;
      sum = (l0 + l3) | 0;
      h0 = (h0 + h3 + carry(sum, l0)) | 0;
      l0 = sum;
      turned = (l3 << 21) | (h3 >>> 11);
      h3 = ((h3 << 21) | (l3 >>> 11)) ^ h0;
      l3 = turned ^ l0;
      sum = (l2 + l1) | 0;
      h2 = (h2 + h1 + carry(sum, l2)) | 0;
      l2 = sum;
      turned = (l1 << 17) | (h1 >>> 15);
      h1 = ((h1 << 17) | (l1 >>> 15)) ^ h2;
      l1 = turned ^ l2;
      turned = l2;
      l2 = h2;
      h2 = turned;
    }
    l0 ^= low;
    h0 ^= high;
  }
  put(out, at, l0 ^ l1 ^ l2 ^ l3);
  put(out, at + 4, h0 ^ h1 ^ h2 ^ h3);
}

function carry(sum: number, part: number): number {
  return sum >>> 0 < part >>> 0 ? 1 : 0;
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

function put(out: Uint8Array, at: number, value: number): void {
  out[at] = value;
  out[at + 1] = value >> 8;
  out[at + 2] = value >> 16;
  out[at + 3] = value >> 24;
}
