// What the hashing schedulers hash: an address (and a port) as one 32-bit number (ip_vs_sh.c, ip_vs_mh.c).

/** 4 bytes at `at` as a big-endian number, or 16 as their four words XORed; a signed 32-bit integer. */
export function foldAddress(bytes: Uint8Array, at: number, family: number): number {
  if (family === 4) return word(bytes, at);
  return word(bytes, at) ^ word(bytes, at + 4) ^ word(bytes, at + 8) ^ word(bytes, at + 12);
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}
