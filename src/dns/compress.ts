// Name compression of one message (RFC 1035 §4.1.4): which suffixes already stand where. A match ignores case and keeps
// the bytes of the first; pointers go backward only and below 0x4000. A small hash table of suffix hashes, emptied by
// undoing its insertions, last first, which is also how a message that is cut back forgets what was cut.
import { fold, type Labels } from './labels.ts';
import { MAX_LABELS } from './name.ts';

const SLOTS = 1024;
const MASK = SLOTS - 1;
/** Half full it takes no more: later names are then written in full, which is longer but right. */
const MAX_ENTRIES = SLOTS / 2;
const POINTER_END = 0x4000;

export class Compressor {
  /** Message offset of a suffix; 0 = free, since every name stands behind the header. */
  readonly #slots = new Uint16Array(SLOTS);
  readonly #hashes = new Int32Array(SLOTS);
  readonly #log = new Uint16Array(MAX_ENTRIES);
  readonly #suffix = new Int32Array(MAX_LABELS + 1);
  #entries = 0;

  /** Offset where the first label that was found stands; set by find. */
  offset = 0;

  /** Forgets all suffixes at or behind `from`. */
  forget(from: number): void {
    while (this.#entries > 0) {
      const slot = this.#log[this.#entries - 1];
      if (this.#slots[slot] < from) return;
      this.#slots[slot] = 0;
      this.#entries--;
    }
  }

  /**
   * Looks for the longest suffix of `name`, from label `from` on, that stands in `message`. Returns the label at which it
   * begins and sets `offset`; name.count if none does.
   */
  find(message: Uint8Array, name: Labels, from: number): number {
    this.#hash(name, from);
    for (let i = from; i < name.count; i++) {
      const hash = this.#suffix[i];
      for (let slot = hash & MASK; this.#slots[slot] !== 0; slot = (slot + 1) & MASK) {
        if (this.#hashes[slot] !== hash || !same(message, this.#slots[slot], name, i)) continue;
        this.offset = this.#slots[slot];
        return i;
      }
    }
    return name.count;
  }

  /** Notes a whole name that stands at `offset` as it is. */
  noteName(name: Labels, offset: number): void {
    this.#hash(name, 0);
    this.note(name, 0, name.count, offset);
  }

  /** Notes that labels `from` to `to` (exclusive) of the name last given to find were written one after the other at `offset`. */
  note(name: Labels, from: number, to: number, offset: number): void {
    const shift = offset - name.start[from];
    for (let i = from; i < to; i++) {
      const at = shift + name.start[i];
      if (at >= POINTER_END || this.#entries === MAX_ENTRIES) return;
      const hash = this.#suffix[i];
      let slot = hash & MASK;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & MASK;
      this.#slots[slot] = at;
      this.#hashes[slot] = hash;
      this.#log[this.#entries++] = slot;
    }
  }

  #hash(name: Labels, from: number): void {
    let h = 0;
    for (let i = name.count - 1; i >= from; i--) {
      h = Math.imul(h ^ name.hash[i], 0x9e3779b1);
      h ^= h >>> 15;
      this.#suffix[i] = h;
    }
  }
}

// Whether the name at `offset` of a message that we wrote is the suffix of `name` from label `i`.
function same(message: Uint8Array, offset: number, name: Labels, i: number): boolean {
  let at = offset;
  let k = name.start[i];
  for (;;) {
    let size = message[at];
    while (size >= 0xc0) {
      const to = ((size & 0x3f) << 8) | message[at + 1];
      if (to >= at) return false;
      at = to;
      size = message[at];
    }
    if (size !== name.folded[k]) return false;
    if (size === 0) return true;
    for (let n = 1; n <= size; n++) if (fold(message[at + n]) !== name.folded[k + n]) return false;
    at += size + 1;
    k += size + 1;
  }
}
