// A name taken apart for the hot path: where each label starts and what it hashes to, so that the zone tree, the
// directory of zones and the compression table all probe with one pass over the bytes. Refilled, never made anew.
// Labels count from the left: 0 is the leftmost, count - 1 the top-level domain, count the root. ASCII case is folded
// for hashes and comparison (RFC 4343), and kept in `bytes`.
import { lower, MAX_LABEL, MAX_LABELS, MAX_NAME } from './name.ts';

const FOLD = Uint8Array.from({ length: 256 }, (_, byte) => lower(byte));
const SEED = 0x811c9dc5 | 0;
const PRIME = 0x01000193;

export class Labels {
  /** The name as written, uncompressed, from 0; `length` bytes with the root's 0. */
  readonly bytes = new Uint8Array(MAX_NAME + 1);
  /** The same in lower case. */
  readonly folded = new Uint8Array(MAX_NAME + 1);
  /** Offset of each label's length octet in `bytes`; start[count] is the root's. */
  readonly start = new Uint8Array(MAX_LABELS + 1);
  /** FNV-1a of each folded label. */
  readonly hash = new Int32Array(MAX_LABELS + 1);
  count = 0;
  length = 0;

  /** Takes the uncompressed name at `offset` of `source`. Returns the offset behind it, or -1 if it is no name before `end`. */
  read(source: Uint8Array, offset: number, end: number): number {
    this.count = 0;
    this.length = 1;
    return this.#append(source, offset, end);
  }

  /**
   * Takes `count` leftmost labels of `prefix` and the name at `offset` of `source` behind them (RFC 6672 §2.2).
   * Returns whether the result is a name: at most 255 octets.
   */
  join(prefix: Labels, count: number, source: Uint8Array, offset: number, end: number): boolean {
    if (prefix !== this) {
      for (let i = 0; i < count; i++) {
        this.start[i] = prefix.start[i];
        this.hash[i] = prefix.hash[i];
      }
      for (let i = 0; i < prefix.start[count]; i++) {
        this.bytes[i] = prefix.bytes[i];
        this.folded[i] = prefix.folded[i];
      }
    }
    this.count = count;
    this.length = (count === 0 ? 0 : prefix.start[count]) + 1;
    return this.#append(source, offset, end) >= 0;
  }

  #append(source: Uint8Array, offset: number, end: number): number {
    const { bytes, folded, start, hash } = this;
    let at = offset;
    let to = this.length - 1;
    let count = this.count;
    for (;;) {
      if (at >= end) return -1;
      const size = source[at];
      if (size === 0) break;
      if (size > MAX_LABEL || to + size + 2 > MAX_NAME || at + size >= end) return -1;
      start[count] = to;
      bytes[to] = size;
      folded[to] = size;
      let h = SEED;
      for (let i = 1; i <= size; i++) {
        const byte = source[at + i];
        const low = FOLD[byte];
        bytes[to + i] = byte;
        folded[to + i] = low;
        h = Math.imul(h ^ low, PRIME);
      }
      hash[count] = h;
      count++;
      at += size + 1;
      to += size + 1;
    }
    start[count] = to;
    bytes[to] = 0;
    folded[to] = 0;
    this.count = count;
    this.length = to + 1;
    return at + 1;
  }
}

/** What Labels gives as the hash of this label: length octet and bytes at `at`, already in lower case. */
export function hashLabel(bytes: Uint8Array, at: number): number {
  let h = SEED;
  for (let i = 1; i <= bytes[at]; i++) h = Math.imul(h ^ bytes[at + i], PRIME);
  return h;
}

/** ASCII lower case by table. */
export function fold(byte: number): number {
  return FOLD[byte];
}
