// The zones section of a snapshot: a directory (a tree of the apexes, from the root) and the blocks behind it.
//   words 0 magic · 1 number of zones, then the directory, then the blocks; all 8-aligned
// A block knows nothing of its place, so one zone can be compiled again and packed with the others' bytes.
import { GtmError } from '../../kit/errors.ts';
import { Labels } from '../labels.ts';
import { formatName } from '../name.ts';
import { align8, H, MAGIC, N, NODE_WORDS } from './layout.ts';
import { placeTree, TreeBuilder, TreeCursor, treeBytes } from './tree.ts';

const PREAMBLE_WORDS = 2;

/** What a block tells of its zone. */
export interface ZoneSummary {
  /** Absolute, as written. */
  origin: string;
  serial: number;
  records: number;
  names: number;
}

/** Packs blocks of compileZone into a section. Throws GTM_ZONE_TWICE when two have the same origin. */
export function packZones(blocks: readonly Uint8Array[]): Uint8Array {
  const tree = new TreeBuilder();
  const name = new Labels();
  const nodes = blocks.map(block => {
    const origin = originOf(block);
    name.read(origin, 0, origin.length);
    return tree.reach(0, name, 0, name.count);
  });
  if (new Set(nodes).size !== nodes.length) {
    const twice = nodes.findIndex((node, i) => nodes.indexOf(node) !== i);
    throw new GtmError('GTM_ZONE_TWICE', `zone ${formatName(originOf(blocks[twice]))} is there twice`);
  }
  let size = align8(PREAMBLE_WORDS * 4 + treeBytes(tree, 0));
  blocks.forEach((block, i) => {
    tree.nodes[nodes[i] * NODE_WORDS + N.first] = size / 4;
    size += block.length;
  });
  const words = new Uint32Array(size / 4);
  words[0] = MAGIC;
  words[1] = blocks.length;
  const bytes = new Uint8Array(words.buffer);
  placeTree(tree, words.subarray(PREAMBLE_WORDS), bytes.subarray(PREAMBLE_WORDS * 4), 0);
  blocks.forEach((block, i) => {
    bytes.set(block, tree.nodes[nodes[i] * NODE_WORDS + N.first] * 4);
  });
  return bytes;
}

/** The zones of a section, in place. */
export class Zones {
  readonly words: Uint32Array;
  readonly bytes: Uint8Array;
  readonly count: number;

  constructor(section: Uint8Array) {
    this.bytes = section;
    this.words = new Uint32Array(section.buffer, section.byteOffset, section.length >> 2);
    this.count = this.words[1];
  }

  /** A cursor over the directory. */
  directory(): TreeCursor {
    const cursor = new TreeCursor(this.words, this.bytes);
    cursor.enter(PREAMBLE_WORDS);
    return cursor;
  }
}

/** Lays views over a section. Throws GTM_ZONE_SECTION if it is none. */
export function openZones(section: Uint8Array): Zones {
  const zones = new Zones(section);
  if (zones.words[0] !== MAGIC)
    throw new GtmError('GTM_ZONE_SECTION', 'zones: these bytes are no section of zones');
  return zones;
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
