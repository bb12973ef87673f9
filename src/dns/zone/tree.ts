// The tree of names in flat words: TreeBuilder grows one, TreeCursor walks one in place. Both find a child by
// hashing its parent's number and its folded label (layout.ts), so a lookup costs one probe a label.
import { hashLabel, type Labels } from '../labels.ts';
import { H, HEADER_WORDS, N, NODE_WORDS, slotOf } from './layout.ts';

/** A growing tree; `nodes` holds rows as in layout.ts. */
export class TreeBuilder {
  count = 1;
  nodes: Uint32Array;
  /** Length-prefixed folded labels. Offset 0 is the root's empty one. */
  labels: Uint8Array;
  labelBytes = 1;
  #slots: Uint32Array;
  /** With so many nodes the slots are to be doubled. */
  #crowded: number;

  /** `names` is about how many there will be. */
  constructor(names = 0) {
    this.nodes = new Uint32Array((names + 2) * NODE_WORDS);
    this.labels = new Uint8Array(64 + names * 12);
    this.#slots = new Uint32Array(slotsFor(names + 1));
    this.#crowded = crowded(this.#slots.length);
  }

  /** The node of a name's labels from `from` (leftmost) to `to` (exclusive) below `node`, made with all between if it is new. */
  reach(node: number, name: Labels, from: number, to: number): number {
    let at = node;
    for (let i = to - 1; i >= from; i--) at = this.#child(at, name, i);
    return at;
  }

  /** The hash table as it goes into a block: no larger than it has to be. */
  get slots(): Uint32Array {
    const size = slotsFor(this.count);
    if (size < this.#slots.length) this.#rehash(size);
    return this.#slots;
  }

  #child(parent: number, name: Labels, i: number): number {
    const mask = this.#slots.length - 1;
    let slot = slotOf(parent, name.hash[i]) & mask;
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const node = this.#slots[slot];
      if (this.nodes[node * NODE_WORDS + N.parent] !== parent) continue;
      if (sameLabel(this.labels, this.nodes[node * NODE_WORDS + N.label], name, i)) return node;
    }
    const node = this.count++;
    this.#room();
    this.nodes[node * NODE_WORDS + N.parent] = parent;
    this.nodes[node * NODE_WORDS + N.label] = this.#addLabel(name, i);
    this.#slots[slot] = node;
    if (this.count > this.#crowded) this.#rehash(this.#slots.length * 2);
    return node;
  }

  #addLabel(name: Labels, i: number): number {
    const at = this.labelBytes;
    const from = name.start[i];
    const size = name.folded[from] + 1;
    if (at + size > this.labels.length) {
      const bigger = new Uint8Array(this.labels.length * 2);
      bigger.set(this.labels);
      this.labels = bigger;
    }
    for (let k = 0; k < size; k++) this.labels[at + k] = name.folded[from + k];
    this.labelBytes = at + size;
    return at;
  }

  #room(): void {
    if (this.count * NODE_WORDS <= this.nodes.length) return;
    const bigger = new Uint32Array(this.nodes.length * 2);
    bigger.set(this.nodes);
    this.nodes = bigger;
  }

  #rehash(size: number): void {
    const mask = size - 1;
    this.#slots = new Uint32Array(size);
    this.#crowded = crowded(size);
    for (let node = 1; node < this.count; node++) {
      const label = this.nodes[node * NODE_WORDS + N.label];
      let slot = slotOf(this.nodes[node * NODE_WORDS + N.parent], hashLabel(this.labels, label)) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = node;
    }
  }
}

// Slots for `count` nodes: a power of two.
function slotsFor(count: number): number {
  let size = 8;
  while (count > crowded(size)) size *= 2;
  return size;
}

// At most three quarters full, so that probes stay short.
function crowded(slots: number): number {
  return (slots / 4) * 3;
}

/** A walk over a tree in place. One object a worker; `enter` points it to another block. */
export class TreeCursor {
  readonly words: Uint32Array;
  readonly bytes: Uint8Array;
  /** Word offset of the block entered; 0 = none. */
  base = 0;
  #slots = 0;
  #mask = 0;
  #nodes = 0;
  #labels = 0;

  constructor(words: Uint32Array, bytes: Uint8Array) {
    this.words = words;
    this.bytes = bytes;
  }

  enter(base: number): void {
    if (base === this.base) return;
    const words = this.words;
    this.base = base;
    this.#mask = words[base + H.mask];
    this.#slots = base + words[base + H.slots];
    this.#nodes = base + words[base + H.nodes];
    this.#labels = base * 4 + words[base + H.labels];
  }

  /** The child of `node` by label `i` of `name`; 0 = it has none. */
  child(node: number, name: Labels, i: number): number {
    const words = this.words;
    const mask = this.#mask;
    for (let slot = slotOf(node, name.hash[i]) & mask; ; slot = (slot + 1) & mask) {
      const found = words[this.#slots + slot];
      if (found === 0) return 0;
      const row = this.#nodes + found * NODE_WORDS;
      if (
        words[row + N.parent] === node &&
        sameLabel(this.bytes, this.#labels + words[row + N.label], name, i)
      )
        return found;
    }
  }

  /** Word offset of a node's row. */
  row(node: number): number {
    return this.#nodes + node * NODE_WORDS;
  }

  /** Byte offset of a node's label. */
  label(node: number): number {
    return this.#labels + this.words[this.row(node) + N.label];
  }
}

/** Writes the tree's parts and their places into a block; returns the byte offset behind its labels. */
export function placeTree(
  tree: TreeBuilder,
  words: Uint32Array,
  bytes: Uint8Array,
  rrsetWords: number,
): number {
  const slots = HEADER_WORDS;
  const nodes = slots + tree.slots.length;
  const rrsets = nodes + tree.count * NODE_WORDS;
  const labels = (rrsets + rrsetWords) * 4;
  words[H.nodeCount] = tree.count;
  words[H.mask] = tree.slots.length - 1;
  words[H.slots] = slots;
  words[H.nodes] = nodes;
  words[H.rrsets] = rrsets;
  words[H.labels] = labels;
  words.set(tree.slots, slots);
  words.set(tree.nodes.subarray(0, tree.count * NODE_WORDS), nodes);
  bytes.set(tree.labels.subarray(0, tree.labelBytes), labels);
  return labels + tree.labelBytes;
}

/** Bytes that placeTree will take, header included. */
export function treeBytes(tree: TreeBuilder, rrsetWords: number): number {
  return (HEADER_WORDS + tree.slots.length + tree.count * NODE_WORDS + rrsetWords) * 4 + tree.labelBytes;
}

function sameLabel(bytes: Uint8Array, offset: number, name: Labels, i: number): boolean {
  const start = name.start[i];
  const size = name.folded[start];
  for (let k = 0; k <= size; k++) if (bytes[offset + k] !== name.folded[start + k]) return false;
  return true;
}
