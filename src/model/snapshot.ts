// A snapshot: all that an answer worker needs, as flat sections in one SharedArrayBuffer. Workers swap to a new one
// between two queries. Layout, in little-endian words:
//   0 magic · 1 generation · 2 number of sections · then for each: byte offset, byte length · then the sections, 8-aligned
// What stands in a section is the business of the room that reads it (dns/zone, steer/table).

const MAGIC = 0x59415753;
export const SECTION = { zones: 0, pools: 1 } as const;
const HEADER_WORDS = 3;

/** Joins sections into one buffer. The order is that of SECTION. */
export function joinSnapshot(generation: number, sections: readonly Uint8Array[]): SharedArrayBuffer {
  let size = align((HEADER_WORDS + 2 * sections.length) * 4);
  const offsets = sections.map(s => {
    const at = size;
    size = align(size + s.length);
    return at;
  });
  const buffer = new SharedArrayBuffer(size);
  const words = new Uint32Array(buffer);
  words[0] = MAGIC;
  words[1] = generation;
  words[2] = sections.length;
  sections.forEach((s, i) => {
    words[HEADER_WORDS + 2 * i] = offsets[i];
    words[HEADER_WORDS + 2 * i + 1] = s.length;
    new Uint8Array(buffer).set(s, offsets[i]);
  });
  return buffer;
}

/** The bytes of one section, in place (no copy); 8-aligned, so that word views may be laid over it. */
export function section(buffer: SharedArrayBuffer, which: number): Uint8Array {
  const words = new Uint32Array(buffer);
  if (words[0] !== MAGIC || which >= words[2]) throw new RangeError('not a snapshot, or no such section');
  return new Uint8Array(buffer, words[HEADER_WORDS + 2 * which], words[HEADER_WORDS + 2 * which + 1]);
}

/** The generation that a snapshot was made with. */
export function generationOf(buffer: SharedArrayBuffer): number {
  return new Uint32Array(buffer)[1];
}

function align(n: number): number {
  return (n + 7) & ~7;
}
