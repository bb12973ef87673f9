// From records to a block: the tree of names, each node's RRsets in the order of the file, TTLs made equal (RFC 2181
// §5.2), duplicates dropped (§5). What is wrong with a zone is said by zonefile/check.ts; here only what cannot be
// compiled at all is an error.
import { GtmError } from '../../kit/errors.ts';
import { Labels } from '../labels.ts';
import { formatName, labelCount } from '../name.ts';
import { checkRdata, poolOf } from '../rdata.ts';
import type { RecordList } from '../records.ts';
import { TYPE } from '../rr.ts';
import { hintOf, rdataKey } from './hint.ts';
import { align8, FLAG, H, HINT, MAGIC, N, NODE_WORDS, R, RRSET_WORDS } from './layout.ts';
import { placeTree, TreeBuilder, treeBytes } from './tree.ts';

const FLAG_OF: Partial<Record<number, number>> = {
  [TYPE.NS]: FLAG.cut,
  [TYPE.DNAME]: FLAG.dname,
  [TYPE.CNAME]: FLAG.cname,
  [TYPE.POOL]: FLAG.pool,
};

/** What a compilation works with, for one zone after the other where many are compiled. */
export class Scratch {
  readonly apex = new Labels();
  readonly name = new Labels();
}

/**
 * Compiles the records of the zone `origin` (wire) into one block (layout.ts). `poolNumber` numbers the pools, below 0
 * for one that does not exist. Records outside of the origin are left out. `allocate` gives the block's memory, aligned to
 * 4; whatever it holds is overwritten.
 * Throws GTM_ZONE_NO_SOA without an SOA at the apex, GTM_ZONE_POOL for a pool that does not exist.
 */
export function compileZone(
  records: RecordList,
  origin: Uint8Array,
  poolNumber: (name: string) => number,
  allocate: (size: number) => Uint8Array = size => new Uint8Array(size),
  scratch: Scratch = new Scratch(),
): Uint8Array {
  const tree = new TreeBuilder(ownersOf(records));
  const nodeOf = placeOwners(records, origin, tree, scratch);
  const order = groupByNode(nodeOf, tree.count);
  const sets = new RRsets(records, poolNumber);
  for (let i = 0; i < order.length; ) {
    const node = nodeOf[order[i]];
    let end = i;
    while (end < order.length && nodeOf[order[end]] === node) end++;
    sets.addNode(tree, node, order, i, end);
    i = end;
  }
  markWild(tree);
  if (sets.soa < 0)
    throw new GtmError('GTM_ZONE_NO_SOA', `zone ${formatName(origin)}: no SOA record at its apex`);
  return assemble(tree, sets, origin, allocate);
}

// As many as there are changes of owner: exact where a file has its records in order.
function ownersOf({ owner, count }: RecordList): number {
  let owners = 0;
  for (let i = 0; i < count; i++) if (i === 0 || owner[i] !== owner[i - 1]) owners++;
  return owners;
}

const OUTSIDE = 0xffffffff;

// The node of each record's owner; the tree grows by what is new, and by the empty non-terminals between.
function placeOwners(
  records: RecordList,
  origin: Uint8Array,
  tree: TreeBuilder,
  { apex, name }: Scratch,
): Uint32Array {
  const nodes = new Uint32Array(records.count);
  apex.read(origin, 0, origin.length);
  for (let i = 0; i < records.count; i++) {
    if (i > 0 && records.owner[i] === records.owner[i - 1]) {
      nodes[i] = nodes[i - 1];
      continue;
    }
    name.read(records.bytes, records.owner[i], records.bytes.length);
    const below = name.count - apex.count;
    nodes[i] = below >= 0 && endsWith(name, apex) ? tree.reach(0, name, 0, below) : OUTSIDE;
  }
  return nodes;
}

function endsWith(name: Labels, apex: Labels): boolean {
  const from = name.length - apex.length;
  for (let k = 0; k < apex.length; k++) if (name.folded[from + k] !== apex.folded[k]) return false;
  return name.start[name.count - apex.count] === from;
}

// Record numbers sorted by node, in file order within one; those outside are gone. A counting sort.
function groupByNode(nodeOf: Uint32Array, nodes: number): Uint32Array {
  const place = new Uint32Array(nodes + 1);
  for (const node of nodeOf) if (node !== OUTSIDE) place[node + 1]++;
  for (let n = 0; n < nodes; n++) place[n + 1] += place[n];
  const order = new Uint32Array(place[nodes]);
  nodeOf.forEach((node, i) => {
    if (node !== OUTSIDE) order[place[node]++] = i;
  });
  return order;
}

function markWild(tree: TreeBuilder): void {
  for (let node = 1; node < tree.count; node++) {
    const label = tree.nodes[node * NODE_WORDS + N.label];
    const star = tree.labels[label] === 1 && tree.labels[label + 1] === 0x2a;
    if (star) tree.nodes[tree.nodes[node * NODE_WORDS + N.parent] * NODE_WORDS + N.info] |= FLAG.wild;
  }
}

// The RRset rows and the rdata arena while they grow.
class RRsets {
  rows: Uint32Array;
  count = 0;
  arena: Uint8Array;
  used = 0;
  records = 0;
  soa = -1;
  serial = 0;
  negativeTtl = 0;
  readonly #list: RecordList;
  readonly #poolNumber: (name: string) => number;

  constructor(list: RecordList, poolNumber: (name: string) => number) {
    this.#list = list;
    this.#poolNumber = poolNumber;
    // Enough for sets of one address each.
    this.rows = new Uint32Array((list.count + 1) * RRSET_WORDS);
    this.arena = new Uint8Array(256 + list.count * 8);
  }

  /** Adds the RRsets of a node: its records are order[from..end). */
  addNode(tree: TreeBuilder, node: number, order: Uint32Array, from: number, end: number): void {
    const { type } = this.#list;
    const row = node * NODE_WORDS;
    const first = this.count;
    for (let i = from; i < end; i++) {
      const own = type[order[i]];
      let seen = from;
      while (type[order[seen]] !== own) seen++;
      if (seen < i) continue;
      const members: number[] = [];
      for (let k = i; k < end; k++) if (type[order[k]] === own) members.push(order[k]);
      this.#addSet(node, own, members);
      // At the apex NS are the zone's own (RFC 1034 §4.2.1).
      if (!(node === 0 && own === TYPE.NS)) tree.nodes[row + N.info] |= FLAG_OF[own] ?? 0;
    }
    tree.nodes[row + N.first] = first;
    tree.nodes[row + N.info] |= this.count - first;
  }

  #addSet(node: number, type: number, members: number[]): void {
    const list = this.#list;
    let ttl = 0x7fffffff;
    for (const i of members) ttl = Math.min(ttl, list.ttl[i]);
    const kept = members.length === 1 ? members : withoutDuplicates(list, type, members);
    let hint = hintOf(type);
    // What was written in RFC 3597's clothes may not be what its type says: copied then.
    if (hint !== 0 && !kept.every(i => checkRdata(type, list.rdataBytes(i)))) hint = 0;
    if ((this.count + 1) * RRSET_WORDS > this.rows.length) this.#widenRows();
    const row = this.count * RRSET_WORDS;
    this.rows[row + R.type] = type | (hint << HINT.shift);
    this.rows[row + R.ttl] = ttl;
    this.rows[row + R.data] = type === TYPE.POOL ? this.#pool(kept[0]) : this.#putData(kept);
    if (type === TYPE.SOA && node === 0) this.#noteSoa(ttl, list.rdataBytes(kept[0]));
    this.count++;
    this.records += kept.length;
  }

  #pool(record: number): number {
    const name = poolOf(this.#list.rdataBytes(record));
    const number = this.#poolNumber(name);
    if (number >= 0) return number;
    const owner = formatName(this.#list.ownerBytes(record));
    throw new GtmError('GTM_ZONE_POOL', `zone: ${owner} POOL ${name}: no such pool`);
  }

  #noteSoa(ttl: number, rdata: Uint8Array): void {
    const view = new DataView(rdata.buffer, rdata.byteOffset, rdata.length);
    if (rdata.length < 22) throw new GtmError('GTM_ZONE_NO_SOA', 'zone: its SOA record is cut short');
    this.soa = this.count;
    this.serial = view.getUint32(rdata.length - 20);
    this.negativeTtl = Math.min(ttl, view.getUint32(rdata.length - 4));
  }

  #putData(members: number[]): number {
    const start = this.used;
    let size = 2;
    for (const i of members) size += 2 + this.#list.rdlength[i];
    this.#room(size);
    this.#put16(members.length);
    for (const i of members) {
      this.#put16(this.#list.rdlength[i]);
      const { bytes, rdata, rdlength } = this.#list;
      for (let k = 0; k < rdlength[i]; k++) this.arena[this.used + k] = bytes[rdata[i] + k];
      this.used += rdlength[i];
    }
    return start;
  }

  #put16(value: number): void {
    this.arena[this.used] = value & 255;
    this.arena[this.used + 1] = value >> 8;
    this.used += 2;
  }

  #room(size: number): void {
    if (this.used + size <= this.arena.length) return;
    const bigger = new Uint8Array(Math.max(this.arena.length * 2, this.used + size));
    bigger.set(this.arena);
    this.arena = bigger;
  }

  #widenRows(): void {
    const bigger = new Uint32Array(this.rows.length * 2);
    bigger.set(this.rows);
    this.rows = bigger;
  }
}

function withoutDuplicates(list: RecordList, type: number, members: number[]): number[] {
  const seen = new Set<string>();
  return members.filter(i => {
    const key = rdataKey(type, list.rdataBytes(i));
    const fresh = !seen.has(key);
    seen.add(key);
    return fresh;
  });
}

function assemble(
  tree: TreeBuilder,
  sets: RRsets,
  origin: Uint8Array,
  allocate: (size: number) => Uint8Array,
): Uint8Array {
  const rrsetWords = sets.count * RRSET_WORDS;
  const size = align8(treeBytes(tree, rrsetWords) + origin.length + sets.used);
  const bytes = allocate(size);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, size / 4);
  const originAt = placeTree(tree, words, bytes, rrsetWords);
  words.set(sets.rows.subarray(0, rrsetWords), words[H.rrsets]);
  bytes.set(origin, originAt);
  bytes.set(sets.arena.subarray(0, sets.used), originAt + origin.length);
  words[H.magic] = MAGIC;
  words[H.size] = size;
  words[H.rdata] = originAt + origin.length;
  words[H.origin] = originAt;
  words[H.originLabels] = labelCount(origin);
  words[H.serial] = sets.serial;
  words[H.records] = sets.records;
  words[H.soa] = words[H.rrsets] + sets.soa * RRSET_WORDS;
  words[H.negativeTtl] = sets.negativeTtl;
  words[H.rrsetCount] = sets.count;
  return bytes;
}
