// The bytes of a compiled zone: one relocatable block, offsets relative to its first byte, words little-endian.
//
//   header │ slots │ nodes │ RRsets │ labels │ rdata
//
//   slots   open-addressing hash of (parent, label) → node number, linear probing, 0 = free (node 0 is nobody's child)
//   nodes   the tree of names (RFC 1034 §3.1), node 0 the apex; an empty non-terminal is a node without RRsets
//   rdata   for each RRset: u16 count, then u16 length and the uncompressed wire rdata of each record, host order
// The directory of zones is such a tree too, from the root, its nodes pointing to blocks instead of RRsets.

export const MAGIC = 0x455a5753;

/** Header words. A tree needs those up to `labels`; the others are a zone's. */
export const H = {
  magic: 0,
  /** Bytes of the block, a multiple of 8. */
  size: 1,
  nodeCount: 2,
  /** Number of slots - 1; their number is a power of two. */
  mask: 3,
  /** Where the parts start: words. */
  slots: 4,
  nodes: 5,
  rrsets: 6,
  /** Where the parts start: bytes. */
  labels: 7,
  rdata: 8,
  /** The zone's name: byte offset of its wire form as written, and its number of labels. */
  origin: 9,
  originLabels: 10,
  serial: 11,
  /** Records, duplicates not counted. */
  records: 12,
  /** Word offset of the SOA's row. */
  soa: 13,
  /** min(TTL of the SOA, MINIMUM): the TTL of negative answers (RFC 2308 §5). */
  negativeTtl: 14,
  rrsetCount: 15,
} as const;
export const HEADER_WORDS = 16;

/** Words of a node: number of the parent · offset of the label · first RRset (directory: word offset of a block) · count, flags. */
export const NODE_WORDS = 4;
export const N = { parent: 0, label: 1, first: 2, info: 3 } as const;

/** Flags of a node, above the 16 bits of its RRset count. */
export const FLAG = {
  /** NS not at the apex: a zone cut (RFC 1034 §4.2.1). */
  cut: 1 << 16,
  dname: 1 << 17,
  cname: 1 << 18,
  pool: 1 << 19,
  /** Has a child `*` (RFC 4592 §2.1.1). */
  wild: 1 << 20,
} as const;

/** Words of an RRset: type and hint · TTL · offset into rdata (POOL: the pool's number). */
export const RRSET_WORDS = 3;
export const R = { type: 0, ttl: 1, data: 2 } as const;

/**
 * The hint, bits 16 to 23 of an RRset's first word: what of its rdata are names.
 * bits 0-1 names that may be compressed, one after the other · bits 2-4 bytes before the first name ·
 * bit 5 the first name wants addresses in the additional section.
 */
export const HINT = { shift: 16, names: 3, prefixShift: 2, prefix: 7, additional: 1 << 5 } as const;

/** Where to start probing for the child of `parent` whose label has this hash, before the mask. */
export function slotOf(parent: number, hash: number): number {
  const mixed = Math.imul(hash ^ Math.imul(parent + 1, 0x9e3779b1), 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}

/** The next multiple of 8. */
export function align8(n: number): number {
  return (n + 7) & ~7;
}
