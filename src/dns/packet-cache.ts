// Replies kept as they were written, for queries that come again octet for octet, but for their id and the case of the
// name: most of the load of a name server. Of a pool the reply is kept as a form, and its addresses are picked anew.
//   hash → touch, of all queries of a batch → recall, of one after the other
//   index: sets of two words, part of a hash and a place; an entry: head, query, what stands behind the question in the reply
// Invariant: what is kept follows from the query's octets and the snapshot alone (Exchange.lasting) and is forgotten with
// the snapshot. A query is kept when it comes for the second time: names made up at random displace nothing.
import type { Client, Steering } from '../model/steering.ts';
import { COUNTER, queryCell } from './counters.ts';
import type { Exchange } from './exchange.ts';
import { HEADER } from './message.ts';
import { lower } from './name.ts';
import { TYPE } from './rr.ts';

/** Memory of many messages under two views: octets, and little-endian words of 32 bits. Each begins at a word. */
export interface Packets {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
}

/** Memory for `octets`, a multiple of 4. */
export function newPackets(octets: number): Packets {
  const memory = new ArrayBuffer(octets);
  return { bytes: new Uint8Array(memory), words: new Int32Array(memory) };
}

const SETS = 1 << 13;
/** Words of a set: for each of two entries bits of its hash that the set does not tell, and its first block; 0 = none. */
const WAYS = 2;
const TAG = -1 << 17;
const BLOCK = ~TAG;
/**
 * Room for all entries, side by side: few pages, few lines. When it is used up, all begins anew. Blocks of 8 words begin at
 * half a line of the processor's cache, as a large memory begins 4 words behind a page.
 */
const ROOM_BLOCKS = 1 << 17;
const BLOCK_WORDS = 8;
const FIRST_WORD = 4;
/** What needs more is not kept. */
const ENTRY_WORDS = 128;
/** Of a longer query the cache reads no octet. */
export const LONGEST_KEPT = 256;
/** Words of a line of the processor's cache. */
const LINE_WORDS = 16;

/** Words of an entry. Behind them the query; the reply from the word on in which the question ends; for a pool, P. */
const S = {
  /** Octets of the query, and in the upper half of the reply. */
  sizes: 0,
  /** Where the question ends; the bits below; in the upper half the cell of the counter of its rcode. */
  info: 1,
  /** The reply's header, without its id. */
  header: 2,
  /** Blocks that it may have. */
  room: 5,
} as const;
const HEAD = 6;
const EDNS = 1 << 9;
const TRUNCATED = 1 << 10;
const POOL = 1 << 11;
const END = EDNS - 1;

/** Words behind the reply: number of the pool; TTL of its record; addresses, their octets; the first record's place. */
const P = { pool: 0, ttl: 1, picks: 2, octets: 3, at: 4 } as const;
const P_WORDS = 5;

/** Octets of an address record before its TTL, and before the address: its owner is a pointer. */
const RECORD = { ttl: 6, address: 12 } as const;

const HEADER_WORDS = HEADER / 4;
const ID = 0xffff;
const CASE = 0x20202020;

export class PacketCache {
  readonly #index = new Int32Array(SETS * WAYS);
  /** The entries; the last line is read ahead and never used. */
  readonly #words = new Int32Array(ROOM_BLOCKS * BLOCK_WORDS + LINE_WORDS);
  readonly #octets = new Uint8Array(this.#words.buffer);
  /** The first block that is free. */
  #free = 1;
  /** Of each set the hash that was last looked for in vain. */
  readonly #missed = new Int32Array(SETS);
  #counters: Float64Array = new Float64Array(0);
  #steering: Steering | undefined;
  /** Of the query that was looked for last: its hash, and whether its reply is to be kept. */
  #hash = 0;
  #wanted = false;
  /** Which place of a full set is taken next. */
  #turn = 0;
  /** Of no meaning: what was read ahead must be of use. */
  #touched = 0;

  /** Forgets everything, for the responder of another snapshot; without `steering` it keeps nothing from now on. */
  begin(counters: Float64Array, steering?: Steering): void {
    this.#counters = counters;
    this.#steering = steering;
    this.#forget();
  }

  /** The hash of the query of `length` octets at word `from`; 0 = its reply is not kept. */
  hash(queries: Packets, from: number, length: number): number {
    if (this.#steering === undefined || length <= HEADER || length > LONGEST_KEPT) return 0;
    return hashOf(queries.words, from, length);
  }

  /** Reads what recall() will want of a query of this hash: for several in a row, memory is waited for once. */
  touch(hash: number): void {
    const words = this.#words;
    const at = this.#find(hash);
    if (at > 0) this.#touched ^= words[at] ^ words[at + LINE_WORDS];
  }

  /**
   * Makes the UDP query of this hash, `length` octets at word `from`, the kept reply to it, and counts it as the responder
   * would. Returns its octets; 0 = ask the responder: the query is as it was. Makes no object.
   */
  recall(hash: number, packets: Packets, from: number, length: number, client: Client): number {
    this.#wanted = false;
    if (hash === 0 || client.port === 0) return 0;
    const at = this.#find(hash);
    if (at > 0 && this.#same(at, packets, from, length)) {
      const size = this.#answer(at, packets, from, client);
      if (size !== 0) return size;
    }
    const set = hash & (SETS - 1);
    this.#hash = hash;
    this.#wanted = this.#missed[set] === hash;
    this.#missed[set] = hash;
    return 0;
  }

  /** Keeps the responder's reply, the first `size` octets of x.out, to the query over UDP that was looked for last. */
  keep(x: Exchange, size: number): void {
    if (!this.#wanted || x.client.tcp || !x.lasting || !x.query.asked) return;
    this.#wanted = false;
    const { length } = x;
    const { end } = x.query;
    const behind = HEAD + wordsOf(length);
    const formed = behind + wordsOf(size) - (end >> 2);
    const pool = x.pool >= 0;
    const needed = formed + (pool ? P_WORDS : 0);
    if (needed > ENTRY_WORDS) return;
    const at = this.#place(needed);
    const words = this.#words;
    words[at + S.sizes] = length | (size << 16);
    const flags = (x.edns.present ? EDNS : 0) | (x.reply.tc ? TRUNCATED : 0) | (pool ? POOL : 0);
    words[at + S.info] = end | flags | (queryCell(x.reply.rcode, false) << 16);
    this.#write(at + S.header, x.out, 0, HEADER);
    this.#write(at + HEAD, x.input, 0, length);
    this.#write(at + behind, x.out, end & ~3, size);
    words[at + S.header] &= ~ID;
    words[at + HEAD] &= ~ID;
    if (!pool) return;
    words[at + formed + P.pool] = x.pool;
    words[at + formed + P.ttl] = x.poolTtl;
    words[at + formed + P.picks] = x.picks;
    words[at + formed + P.octets] = x.query.type === TYPE.A ? 4 : 16;
    words[at + formed + P.at] = x.picksAt;
  }

  #forget(): void {
    this.#wanted = false;
    this.#index.fill(0);
    this.#free = 1;
  }

  // The word at which the entry of this hash begins, if there is one: 0 = there is none.
  #find(hash: number): number {
    const index = this.#index;
    const set = (hash & (SETS - 1)) * WAYS;
    let word = index[set];
    if (((word ^ hash) & TAG) !== 0) word = index[set + 1];
    if (((word ^ hash) & TAG) !== 0 || word === 0) return 0;
    return (word & BLOCK) * BLOCK_WORDS + FIRST_WORD;
  }

  // The word at which the reply that is wanted is to begin: in the place of that of the same hash, in a free one, or in one
  // of the two in turn. Its room is used again if it is enough.
  #place(needed: number): number {
    const blocks = Math.ceil(needed / BLOCK_WORDS);
    if (this.#free + blocks > ROOM_BLOCKS) this.#forget();
    const hash = this.#hash;
    const way = this.#way(hash);
    const old = this.#index[way] & BLOCK;
    const again = old !== 0 && this.#words[old * BLOCK_WORDS + FIRST_WORD + S.room] >= blocks;
    const block = again ? old : this.#free;
    const at = block * BLOCK_WORDS + FIRST_WORD;
    if (!again) {
      this.#free += blocks;
      this.#words[at + S.room] = blocks;
    }
    this.#index[way] = (hash & TAG) | block;
    return at;
  }

  #way(hash: number): number {
    const index = this.#index;
    const set = (hash & (SETS - 1)) * WAYS;
    for (let way = set; way < set + WAYS; way++)
      if (index[way] === 0 || ((index[way] ^ hash) & TAG) === 0) return way;
    this.#turn = 1 - this.#turn;
    return set + this.#turn;
  }

  #same(at: number, queries: Packets, from: number, length: number): boolean {
    const words = this.#words;
    if ((words[at + S.sizes] & 0xffff) !== length) return false;
    const asked = queries.words;
    const kept = at + HEAD;
    const last = wordsOf(length) - 1;
    let differs = words[kept] ^ (asked[from] & ~ID);
    for (let i = 1; i < last; i++) differs |= words[kept + i] ^ asked[from + i];
    differs |= words[kept + last] ^ (asked[from + last] & lastMask(length));
    if (differs === 0) return true;
    return (differs & ~CASE) === 0 && this.#sameName(at, queries.bytes, from * 4, length);
  }

  // Whether what differs is the case of letters of the name.
  #sameName(at: number, bytes: Uint8Array, from: number, length: number): boolean {
    const kept = (at + HEAD) * 4;
    const end = (this.#words[at + S.info] & END) - 4;
    for (let i = 2; i < length; i++) {
      const a = this.#octets[kept + i];
      const b = bytes[from + i];
      if (a !== b && (i < HEADER || i >= end || lower(a) !== lower(b))) return false;
    }
    return true;
  }

  // The header and what stands behind the question as they were kept; the question and the id stay as they were asked.
  #answer(at: number, packets: Packets, from: number, client: Client): number {
    const words = this.#words;
    const reply = packets.words;
    const sizes = words[at + S.sizes];
    const info = words[at + S.info];
    const size = sizes >>> 16;
    const end = (info & END) >> 2;
    const last = wordsOf(size);
    const kept = at + HEAD + wordsOf(sizes & 0xffff) - end;
    const pool = (info & POOL) !== 0;
    if (pool && !this.#pick(kept + last, client)) return 0;
    reply[from] = words[at + S.header] | (reply[from] & ID);
    reply[from + 1] = words[at + S.header + 1];
    reply[from + 2] = words[at + S.header + 2];
    for (let i = end; i < last; i++) reply[from + i] = words[kept + i];
    if (pool) this.#put(kept + last, packets.bytes, from * 4);
    this.#count(info);
    return size;
  }

  // Picks addresses by the state of now; false if they are more or fewer than those that were kept.
  #pick(at: number, client: Client): boolean {
    const words = this.#words;
    // What is kept has no options.
    client.subnetFamily = 0;
    try {
      const family = words[at + P.octets] === 4 ? 4 : 6;
      const steering = this.#steering as Steering;
      return steering.pick(words[at + P.pool], family, client) === words[at + P.picks];
    } catch {
      // The responder will meet the fault too, tell it and apologize.
      return false;
    }
  }

  // The addresses that were picked, in the places of those that were kept.
  #put(at: number, bytes: Uint8Array, reply: number): void {
    const words = this.#words;
    const { picked, ttl: now } = this.#steering as Steering;
    const octets = words[at + P.octets];
    const all = words[at + P.picks] * octets;
    const ttl = Math.min(words[at + P.ttl], now);
    let to = reply + words[at + P.at];
    for (let k = 0; k < all; to += RECORD.address + octets) {
      bytes[to + RECORD.ttl] = ttl >>> 24;
      bytes[to + RECORD.ttl + 1] = ttl >> 16;
      bytes[to + RECORD.ttl + 2] = ttl >> 8;
      bytes[to + RECORD.ttl + 3] = ttl;
      for (let i = 0; i < octets; i++) bytes[to + RECORD.address + i] = picked[k++];
    }
    this.#counters[COUNTER.pool_answers]++;
  }

  #count(info: number): void {
    const counters = this.#counters;
    counters[info >>> 16]++;
    if ((info & EDNS) !== 0) counters[COUNTER.edns]++;
    if ((info & TRUNCATED) !== 0) counters[COUNTER.truncated]++;
  }

  // Octets `from` to `end` into words from `word` on, the rest of the last one 0.
  #write(word: number, bytes: Uint8Array, from: number, end: number): void {
    this.#words[word + wordsOf(end - from) - 1] = 0;
    for (let i = from; i < end; i++) this.#octets[word * 4 + i - from] = bytes[i];
  }
}

function wordsOf(length: number): number {
  return (length + 3) >> 2;
}

// The octets of the last word that belong to a message of this length.
function lastMask(length: number): number {
  return -1 >>> ((-length & 3) * 8);
}

// MurmurHash3 of all behind the header, whatever its case; never 0.
function hashOf(words: Int32Array, from: number, length: number): number {
  const last = from + wordsOf(length) - 1;
  let h = length;
  for (let i = from + HEADER_WORDS; i < last; i++) h = mix(h, words[i]);
  h = mix(h, words[last] & lastMask(length));
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  return h ^ (h >>> 13) || 1;
}

function mix(h: number, word: number): number {
  let k = Math.imul(word | CASE, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const x = h ^ k;
  return (Math.imul((x << 13) | (x >>> 19), 5) + 0xe6546b64) | 0;
}
