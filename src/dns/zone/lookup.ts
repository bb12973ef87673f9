// The search of RFC 1034 §4.3.2, steps 2 and 3: from a name to the nearest zone, and label by label down that zone's
// tree to the node that decides. A Lookup is one worker's cursor: results stand in its fields until the next search.
import { fold, Labels } from '../labels.ts';
import { FLAG, H, N, R, RRSET_WORDS } from './layout.ts';
import { TreeCursor } from './tree.ts';
import type { Zones } from './zones.ts';

/** Where a walk ended. */
export const WALK = {
  /** The name is there: `node` is it. */
  found: 0,
  /** `node` is a zone cut at or above the name (step 3.b). */
  cut: 1,
  /** `node` owns a DNAME above the name (step 3.c, RFC 6672 §3.2). */
  dname: 2,
  /** There is no such name: `node` is its closest encloser (RFC 4592 §3.3.1). */
  missing: 3,
} as const;

const STAR = new Uint8Array([1, 0x2a, 0]);

export class Lookup {
  readonly words: Uint32Array;
  readonly bytes: Uint8Array;
  /** Word offset of the zone's block. */
  zone = 0;
  node = 0;
  /** How many of the name's labels, from the left, stand below `node`: 0 when found. */
  below = 0;
  /** Set by reach. */
  cutAbove = 0;
  readonly #directory: TreeCursor;
  readonly #tree: TreeCursor;
  readonly #star = new Labels();
  #originLabels = 0;

  constructor(zones: Zones) {
    this.words = zones.words;
    this.bytes = zones.bytes;
    this.#directory = zones.directory();
    this.#tree = new TreeCursor(zones.words, zones.bytes);
    this.#star.read(STAR, 0, STAR.length);
  }

  /** Step 2: enters the zone with the longest apex at or above `name`; with `above`, strictly above. False: none is here. */
  nearestZone(name: Labels, above: boolean): boolean {
    const { words } = this;
    let zone = 0;
    let node = 0;
    for (let i = name.count; ; ) {
      const block = words[this.#directory.row(node) + N.first];
      if (block !== 0 && !(above && i === 0)) zone = block;
      if (i === 0) break;
      i--;
      node = this.#directory.child(node, name, i);
      if (node === 0) break;
    }
    if (zone !== 0) this.enter(zone);
    return zone !== 0;
  }

  /** Goes to the apex of a zone known by its block. */
  enter(zone: number): void {
    this.zone = zone;
    this.node = 0;
    this.#tree.enter(zone);
    this.#originLabels = this.words[zone + H.originLabels];
  }

  /** Step 3: walks down from the apex of the zone entered, of which `name` is a part. Sets `node` and `below`. */
  walk(name: Labels): number {
    const tree = this.#tree;
    let node = 0;
    let below = name.count - this.#originLabels;
    let end: number = WALK.found;
    for (;;) {
      const info = this.words[tree.row(node) + N.info];
      if ((info & FLAG.cut) !== 0) {
        end = WALK.cut;
        break;
      }
      if (below === 0) break;
      if ((info & FLAG.dname) !== 0) {
        end = WALK.dname;
        break;
      }
      const child = tree.child(node, name, below - 1);
      if (child === 0) {
        end = WALK.missing;
        break;
      }
      node = child;
      below--;
    }
    this.node = node;
    this.below = below;
    return end;
  }

  /** From a closest encloser to its child `*`, the source of synthesis (RFC 4592 §3.3.1). False: it has none. */
  wildcard(): boolean {
    if ((this.flags(this.node) & FLAG.wild) === 0) return false;
    this.node = this.#tree.child(this.node, this.#star, 0);
    return true;
  }

  /**
   * The node of exactly `name` in the zone entered, cuts or not; with `wild` the wildcard's that stands for it if it is not
   * there. -1 if there is none, or the name is not in this zone. Leaves `node` alone. `cutAbove` is then the highest cut at
   * or above it, 0 if none (the apex is no cut).
   */
  reach(name: Labels, wild: boolean): number {
    if (!this.#inZone(name)) return -1;
    this.cutAbove = 0;
    let node = 0;
    for (let i = name.count - this.#originLabels - 1; i >= 0; i--) {
      const child = this.#tree.child(node, name, i);
      if (child === 0) {
        if (!wild || (this.flags(node) & FLAG.wild) === 0) return -1;
        return this.#tree.child(node, this.#star, 0);
      }
      node = child;
      if (this.cutAbove === 0 && (this.flags(node) & FLAG.cut) !== 0) this.cutAbove = node;
    }
    return node;
  }

  flags(node: number): number {
    return this.words[this.#tree.row(node) + N.info];
  }

  /** The node above. */
  parent(node: number): number {
    return this.words[this.#tree.row(node) + N.parent];
  }

  /** Byte offset of a node's label: length octet, lower case. */
  label(node: number): number {
    return this.#tree.label(node);
  }

  /** Word offset of the row of a node's RRset; 0 = none of that type. */
  rrset(node: number, type: number): number {
    const at = this.#tree.row(node);
    const count = this.words[at + N.info] & 0xffff;
    let row = this.first(node);
    for (let i = 0; i < count; i++, row += RRSET_WORDS)
      if ((this.words[row + R.type] & 0xffff) === type) return row;
    return 0;
  }

  /** Word offset of the row of a node's first RRset; the others follow it. */
  first(node: number): number {
    const words = this.words;
    return this.zone + words[this.zone + H.rrsets] + words[this.#tree.row(node) + N.first] * RRSET_WORDS;
  }

  /** Byte offset of an RRset's data: u16 count, then its records (layout.ts). */
  data(row: number): number {
    return this.zone * 4 + this.words[this.zone + H.rdata] + this.words[row + R.data];
  }

  /** Word offset of the SOA's row in the zone entered. */
  soa(): number {
    return this.zone + this.words[this.zone + H.soa];
  }

  negativeTtl(): number {
    return this.words[this.zone + H.negativeTtl];
  }

  /** Labels of the zone's name. */
  originLabels(): number {
    return this.#originLabels;
  }

  /** Byte offset of the zone's name, as written. */
  origin(): number {
    return this.zone * 4 + this.words[this.zone + H.origin];
  }

  #inZone(name: Labels): boolean {
    const skip = name.count - this.#originLabels;
    if (skip < 0) return false;
    const origin = this.origin();
    const from = name.start[skip];
    const size = name.length - from;
    for (let k = 0; k < size; k++) if (fold(this.bytes[origin + k]) !== name.folded[from + k]) return false;
    return true;
  }
}
