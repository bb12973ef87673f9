// The zones that a worker answers from: a directory (a tree of the apexes, from the root) and the blocks behind it.
//   directory: words 0 magic · 1 number of zones · 2 where the list begins (words) · then the tree · then the list, the
//   word offset of each block in the order given; all 8-aligned
// They lie in one section (packZones), or in an arena that outlives a snapshot, whose section then only says where the
// directory is. A block knows nothing of its place, so one zone can be compiled again and the others stay where they are.
import { GtmError } from '../../kit/errors.ts';
import { Labels } from '../labels.ts';
import { formatName } from '../name.ts';
import { align8, H, MAGIC, N, NODE_WORDS } from './layout.ts';
import { placeTree, TreeBuilder, TreeCursor, treeBytes } from './tree.ts';

const PREAMBLE_WORDS = 4;
/** A section that names a directory of the arena: magic, word offset. */
const REFERENCE = 0x525a5753;

/** What a block tells of its zone. */
export interface ZoneSummary {
  /** Absolute, as written. */
  origin: string;
  serial: number;
  records: number;
  names: number;
}

/** The directory of a set of zones, without its blocks: made once for the set, copied for each generation of it. */
export class Directory {
  readonly bytes: Uint8Array;
  /** The word in which each zone's block is named, in the order of the origins. */
  readonly #entries: Uint32Array;
  readonly #list: number;

  /** `origins` in wire form. Throws GTM_ZONE_TWICE when two are the same. */
  constructor(origins: readonly Uint8Array[]) {
    const tree = new TreeBuilder(origins.length);
    const name = new Labels();
    const nodes = Uint32Array.from(origins, origin => {
      name.read(origin, 0, origin.length);
      return tree.reach(0, name, 0, name.count);
    });
    if (new Set(nodes).size !== nodes.length) {
      const twice = nodes.findIndex((node, i) => nodes.indexOf(node) !== i);
      throw new GtmError('GTM_ZONE_TWICE', `zone ${formatName(origins[twice])} is there twice`);
    }
    this.#list = align8(PREAMBLE_WORDS * 4 + treeBytes(tree, 0)) / 4;
    const words = new Uint32Array(align8((this.#list + nodes.length) * 4) / 4);
    this.bytes = new Uint8Array(words.buffer);
    words[0] = MAGIC;
    words[1] = nodes.length;
    words[2] = this.#list;
    placeTree(tree, words.subarray(PREAMBLE_WORDS), this.bytes.subarray(PREAMBLE_WORDS * 4), 0);
    const first = PREAMBLE_WORDS + words[PREAMBLE_WORDS + H.nodes] + N.first;
    this.#entries = nodes.map(node => first + node * NODE_WORDS);
  }

  /** Writes the directory at word `base`; `blockAt` tells the byte offset of each zone's block. Both in the same memory. */
  place(words: Uint32Array, base: number, blockAt: (zone: number) => number): void {
    words.set(new Uint32Array(this.bytes.buffer), base);
    for (let i = 0; i < this.#entries.length; i++) {
      const at = blockAt(i) / 4;
      words[base + this.#entries[i]] = at;
      words[base + this.#list + i] = at;
    }
  }
}

/** Packs blocks of compileZone into a section. Throws GTM_ZONE_TWICE when two have the same origin. */
export function packZones(blocks: readonly Uint8Array[]): Uint8Array {
  const directory = new Directory(blocks.map(originOf));
  let size = directory.bytes.length;
  const places = blocks.map(block => {
    size += block.length;
    return size - block.length;
  });
  const words = new Uint32Array(size / 4);
  directory.place(words, 0, i => places[i]);
  const bytes = new Uint8Array(words.buffer);
  blocks.forEach((block, i) => {
    bytes.set(block, places[i]);
  });
  return bytes;
}

/** A section for zones that lie in the arena, their directory at byte `at`. */
export function referZones(at: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(REFERENCE, at / 4).buffer);
}

/** Zones in place. */
export class Zones {
  readonly words: Uint32Array;
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly #base: number;

  /** `base` is the word at which the directory begins. */
  constructor(bytes: Uint8Array, base: number) {
    this.bytes = bytes;
    this.words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
    this.#base = base;
    this.count = this.words[base + 1];
    if (this.words[base] !== MAGIC)
      throw new GtmError('GTM_ZONE_SECTION', 'zones: these bytes are no section of zones');
  }

  /** A cursor over the directory. */
  directory(): TreeCursor {
    const cursor = new TreeCursor(this.words, this.bytes);
    cursor.enter(this.#base + PREAMBLE_WORDS);
    return cursor;
  }

  /** The block of zone `i`, in the order in which the directory was given them. */
  block(i: number): Uint8Array {
    const at = this.words[this.#base + this.words[this.#base + 2] + i];
    return this.bytes.subarray(at * 4, (at + this.words[at + H.size] / 4) * 4);
  }
}

/** Lays views over a section, and over the arena if the section refers to it. Throws GTM_ZONE_SECTION if it is none. */
export function openZones(section: Uint8Array, arena?: SharedArrayBuffer): Zones {
  const words = new Uint32Array(section.buffer, section.byteOffset, section.length >> 2);
  // Of a fixed length: what grows meanwhile belongs to a later generation.
  if (words[0] === REFERENCE && arena !== undefined)
    return new Zones(new Uint8Array(arena, 0, arena.byteLength), words[1]);
  return new Zones(section, 0);
}

/** What a block holds; `block` may stand anywhere, aligned to 4. */
export function zoneSummary(block: Uint8Array): ZoneSummary {
  const words = new Uint32Array(block.buffer, block.byteOffset, block.length >> 2);
  return {
    origin: formatName(originOf(block)),
    serial: words[H.serial],
    records: words[H.records],
    names: words[H.nodeCount],
  };
}

function originOf(block: Uint8Array): Uint8Array {
  const words = new Uint32Array(block.buffer, block.byteOffset, block.length >> 2);
  return block.subarray(words[H.origin], words[H.rdata]);
}
