// The internet checksum (RFC 1071) and its incremental update (RFC 1624 equation 3: HC' = ~(~HC + ~m + m')).
// Changes are added up as deltas, which are plain sums, and folded into a checksum once.

/** Sum of big-endian 16-bit words of bytes[from, to), added to `start`; not folded. Exact for 64 KiB and a start below 2³⁰. */
export function sum(bytes: Uint8Array, from: number, to: number, start: number): number {
  let total = start;
  let at = from;
  for (const end = to - 1; at < end; at += 2) total += (bytes[at] << 8) | bytes[at + 1];
  if (at < to) total += bytes[at] << 8;
  return total;
}

/** A sum (below 2³²) folded into 16 bits. */
export function fold(total: number): number {
  const once = (total & 0xffff) + (total >>> 16);
  return ((once & 0xffff) + (once >>> 16)) & 0xffff;
}

/** The checksum of a sum: what goes into the header. */
export function finish(total: number): number {
  return ~fold(total) & 0xffff;
}

/** What a 16-bit word adds to the sum when it changes from `old` to `now`. */
export function delta16(old: number, now: number): number {
  return (~old & 0xffff) + (now & 0xffff);
}

/** The same for a 32-bit word. */
export function delta32(old: number, now: number): number {
  return (~old >>> 16) + (~old & 0xffff) + (now >>> 16) + (now & 0xffff);
}

/** A checksum after its data changed by `delta`. */
export function update(check: number, delta: number): number {
  return finish((~check & 0xffff) + delta);
}
