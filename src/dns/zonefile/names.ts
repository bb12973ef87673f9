// The names of a RecordList, each once: an open-addressing hash over the arena, ids in order of appearance, and for
// each name the chain of its records and a word of flags. What check.ts asks of a zone it asks here.
// Memory: 4 words a name and 2 a record; no object for either.
import { isUnder, lower, nameLength, sameName } from '../name.ts';
import type { RecordList } from '../records.ts';
import { TYPE } from '../rr.ts';

/** Flags of a name: what stands there. */
export const HAS = {
  SOA: 1,
  NS: 2,
  CNAME: 4,
  DNAME: 8,
  POOL: 16,
  ADDRESS: 32,
  DS: 64,
  OTHER: 128,
  /** Some NS of the zone points here. */
  NS_TARGET: 256,
  /** The name is not in the zone. */
  OUTSIDE: 512,
} as const;

const FLAG: Record<number, number> = {
  [TYPE.SOA]: HAS.SOA,
  [TYPE.NS]: HAS.NS,
  [TYPE.CNAME]: HAS.CNAME,
  [TYPE.DNAME]: HAS.DNAME,
  [TYPE.POOL]: HAS.POOL,
  [TYPE.A]: HAS.ADDRESS,
  [TYPE.AAAA]: HAS.ADDRESS,
  [TYPE.DS]: HAS.DS,
};

export class NameIndex {
  count = 0;
  /** By name id: the arena offset of the name, its first record, its flags. */
  readonly offset: Uint32Array;
  readonly first: Int32Array;
  readonly flags: Uint16Array;
  /** By record: the next record of the same name in the order of the list, or -1; and its name's id. */
  readonly next: Int32Array;
  readonly of: Int32Array;
  readonly #records: RecordList;
  /** Name id + 1, or 0. */
  readonly #slots: Int32Array;

  constructor(records: RecordList, origin: Uint8Array) {
    const n = records.count;
    this.#records = records;
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * n + 2)));
    this.offset = new Uint32Array(n);
    this.first = new Int32Array(n);
    this.flags = new Uint16Array(n);
    this.next = new Int32Array(n).fill(-1);
    this.of = new Int32Array(n);
    const last = new Int32Array(n);
    for (let i = 0; i < n; i++) {
      const shared = i > 0 && records.owner[i] === records.owner[i - 1];
      const id = shared ? this.of[i - 1] : this.#intern(i, origin);
      this.of[i] = id;
      this.flags[id] |= FLAG[records.type[i]] ?? HAS.OTHER;
      if (this.first[id] !== i) this.next[last[id]] = i;
      last[id] = i;
    }
  }

  /** The id of the name at `offset`, or -1. */
  find(bytes: Uint8Array, offset = 0): number {
    for (let slot = this.#hash(bytes, offset); ; slot = (slot + 1) & (this.#slots.length - 1)) {
      const id = this.#slots[slot] - 1;
      if (id < 0 || sameName(bytes, this.#records.bytes, offset, this.offset[id])) return id;
    }
  }

  #intern(record: number, origin: Uint8Array): number {
    const { bytes, owner } = this.#records;
    let slot = this.#hash(bytes, owner[record]);
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & (this.#slots.length - 1)) {
      const id = this.#slots[slot] - 1;
      if (sameName(bytes, bytes, owner[record], this.offset[id])) return id;
    }
    const id = this.count++;
    this.#slots[slot] = id + 1;
    this.offset[id] = owner[record];
    this.first[id] = record;
    if (!isUnder(bytes, origin, owner[record])) this.flags[id] = HAS.OUTSIDE;
    return id;
  }

  // FNV-1a over the lower-case bytes, its high bits folded in.
  #hash(bytes: Uint8Array, offset: number): number {
    const end = offset + nameLength(bytes, offset) - 1;
    let h = 0x811c9dc5;
    for (let i = offset; i < end; i++) h = Math.imul(h ^ lower(bytes[i]), 0x01000193);
    return (h ^ (h >>> 15)) & (this.#slots.length - 1);
  }
}
