// Replies kept as they were written, for queries that come again octet for octet, but for their id and the case of the
// name: most of the load of a name server. Of a pool the reply is kept as a form, and its addresses are picked anew.
//   sets of two slots, by the hash of the query; a slot: head, query, what stands behind the question in the reply
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
/** What does not fit into a slot, 256 octets, is not kept. */
const SLOT_WORDS = 64;
/** Of a longer query the cache reads no octet. */
export const LONGEST_KEPT = SLOT_WORDS * 4;
const SET_WORDS = 2 * SLOT_WORDS;

/** Words of a slot. Behind them the query; the reply from the word on in which the question ends; for a pool, P. */
const S = {
  hash: 0,
  /** Of the snapshot that was answered from: of any other, the slot is free. */
  generation: 1,
  /** Octets of the query, and in the upper half of the reply. */
  sizes: 2,
  /** Where the question ends; the bits below; in the upper half the cell of the counter of its rcode. */
  info: 3,
  /** The reply's header, without its id. */
  header: 4,
} as const;
const HEAD = 7;
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
  readonly #slots = new Int32Array(SETS * SET_WORDS);
  readonly #octets = new Uint8Array(this.#slots.buffer);
  /** Of each set the hash that was last looked for in vain. */
  readonly #missed = new Int32Array(SETS);
  #generation = 0;
  #counters: Float64Array = new Float64Array(0);
  #steering: Steering | undefined;
  /** Of the query that was looked for last: its hash, and whether its reply is to be kept. */
  #hash = 0;
  #wanted = false;
  /** Which slot of a full set is taken next. */
  #turn = 0;

  /** Forgets everything, for the responder of another snapshot; without `steering` it keeps nothing from now on. */
  begin(counters: Float64Array, steering?: Steering): void {
    this.#counters = counters;
    this.#steering = steering;
    this.#wanted = false;
    this.#generation = (this.#generation + 1) | 0;
  }

  /**
   * Writes the kept reply to the UDP query of `length` octets at word `from` of `queries` to word `to` of `replies`, and
   * counts it as the responder would. Returns its octets; 0 = ask the responder. Makes no object.
   */
  recall(
    queries: Packets,
    from: number,
    length: number,
    replies: Packets,
    to: number,
    client: Client,
  ): number {
    this.#wanted = false;
    if (this.#steering === undefined || client.port === 0) return 0;
    if (length <= HEADER || length > LONGEST_KEPT) return 0;
    const slots = this.#slots;
    const hash = hashOf(queries.words, from, length);
    const set = hash & (SETS - 1);
    for (let at = set * SET_WORDS; at < (set + 1) * SET_WORDS; at += SLOT_WORDS) {
      if (slots[at + S.hash] !== hash || slots[at + S.generation] !== this.#generation) continue;
      if (!this.#same(at, queries, from, length)) continue;
      const size = this.#answer(at, queries.words, from, replies, to, client);
      if (size !== 0) return size;
    }
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
    const words = behind + wordsOf(size) - (end >> 2);
    const pool = x.pool >= 0;
    if (words + (pool ? P_WORDS : 0) > SLOT_WORDS) return;
    const slots = this.#slots;
    const at = this.#slot();
    slots[at + S.hash] = this.#hash;
    slots[at + S.generation] = this.#generation;
    slots[at + S.sizes] = length | (size << 16);
    const flags = (x.edns.present ? EDNS : 0) | (x.reply.tc ? TRUNCATED : 0) | (pool ? POOL : 0);
    slots[at + S.info] = end | flags | (queryCell(x.reply.rcode, false) << 16);
    this.#put(at + S.header, x.out, 0, HEADER);
    this.#put(at + HEAD, x.input, 0, length);
    this.#put(at + behind, x.out, end & ~3, size);
    slots[at + S.header] &= ~ID;
    slots[at + HEAD] &= ~ID;
    if (!pool) return;
    slots[at + words + P.pool] = x.pool;
    slots[at + words + P.ttl] = x.poolTtl;
    slots[at + words + P.picks] = x.picks;
    slots[at + words + P.octets] = x.query.type === TYPE.A ? 4 : 16;
    slots[at + words + P.at] = x.picksAt;
  }

  #same(at: number, queries: Packets, from: number, length: number): boolean {
    const slots = this.#slots;
    if ((slots[at + S.sizes] & 0xffff) !== length) return false;
    const { words } = queries;
    const kept = at + HEAD;
    const last = wordsOf(length) - 1;
    let differs = slots[kept] ^ (words[from] & ~ID);
    for (let i = 1; i < last; i++) differs |= slots[kept + i] ^ words[from + i];
    differs |= slots[kept + last] ^ (words[from + last] & lastMask(length));
    if (differs === 0) return true;
    return (differs & ~CASE) === 0 && this.#sameName(at, queries.bytes, from * 4, length);
  }

  // Whether what differs is the case of letters of the name.
  #sameName(at: number, bytes: Uint8Array, from: number, length: number): boolean {
    const kept = (at + HEAD) * 4;
    const end = (this.#slots[at + S.info] & END) - 4;
    for (let i = 2; i < length; i++) {
      const a = this.#octets[kept + i];
      const b = bytes[from + i];
      if (a !== b && (i < HEADER || i >= end || lower(a) !== lower(b))) return false;
    }
    return true;
  }

  // The header as it was kept, the question as it was asked, and what follows as it was kept.
  #answer(at: number, query: Int32Array, from: number, replies: Packets, to: number, client: Client): number {
    const slots = this.#slots;
    const { words } = replies;
    const sizes = slots[at + S.sizes];
    const info = slots[at + S.info];
    const size = sizes >>> 16;
    const end = (info & END) >> 2;
    const last = wordsOf(size);
    const kept = at + HEAD + wordsOf(sizes & 0xffff) - end;
    words[to] = slots[at + S.header] | (query[from] & ID);
    words[to + 1] = slots[at + S.header + 1];
    words[to + 2] = slots[at + S.header + 2];
    for (let i = HEADER_WORDS; i < end; i++) words[to + i] = query[from + i];
    for (let i = end; i < last; i++) words[to + i] = slots[kept + i];
    if ((info & POOL) !== 0 && !this.#pick(kept + last, replies.bytes, to * 4, client)) return 0;
    this.#count(info);
    return size;
  }

  // Other addresses, by the state of now, in the places of those that were kept; false if they are more or fewer.
  #pick(at: number, bytes: Uint8Array, reply: number, client: Client): boolean {
    const slots = this.#slots;
    const steering = this.#steering as Steering;
    const octets = slots[at + P.octets];
    // What is kept has no options.
    client.subnetFamily = 0;
    let count = 0;
    try {
      count = steering.pick(slots[at + P.pool], octets === 4 ? 4 : 6, client);
    } catch {
      // The responder will meet the fault too, tell it and apologize.
      return false;
    }
    if (count !== slots[at + P.picks]) return false;
    const { picked } = steering;
    const ttl = Math.min(slots[at + P.ttl], steering.ttl);
    let to = reply + slots[at + P.at];
    for (let k = 0; k < count * octets; to += RECORD.address + octets) {
      bytes[to + RECORD.ttl] = ttl >>> 24;
      bytes[to + RECORD.ttl + 1] = ttl >> 16;
      bytes[to + RECORD.ttl + 2] = ttl >> 8;
      bytes[to + RECORD.ttl + 3] = ttl;
      for (let i = 0; i < octets; i++) bytes[to + RECORD.address + i] = picked[k++];
    }
    this.#counters[COUNTER.pool_answers]++;
    return true;
  }

  #count(info: number): void {
    const counters = this.#counters;
    counters[info >>> 16]++;
    if ((info & EDNS) !== 0) counters[COUNTER.edns]++;
    if ((info & TRUNCATED) !== 0) counters[COUNTER.truncated]++;
  }

  // Of the set the slot with the same hash, else a free one, else both in turn.
  #slot(): number {
    const first = (this.#hash & (SETS - 1)) * SET_WORDS;
    const second = first + SLOT_WORDS;
    if (this.#fits(first)) return first;
    if (this.#fits(second)) return second;
    this.#turn = 1 - this.#turn;
    return this.#turn === 0 ? first : second;
  }

  #fits(at: number): boolean {
    const slots = this.#slots;
    return slots[at + S.hash] === this.#hash || slots[at + S.generation] !== this.#generation;
  }

  // Octets `from` to `end` into words from `word` on, the rest of the last one 0.
  #put(word: number, bytes: Uint8Array, from: number, end: number): void {
    this.#slots[word + wordsOf(end - from) - 1] = 0;
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

// MurmurHash3 of all behind the header, whatever its case.
function hashOf(words: Int32Array, from: number, length: number): number {
  const last = from + wordsOf(length) - 1;
  let h = length;
  for (let i = from + HEADER_WORDS; i < last; i++) h = mix(h, words[i]);
  h = mix(h, words[last] & lastMask(length));
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  return h ^ (h >>> 13);
}

function mix(h: number, word: number): number {
  let k = Math.imul(word | CASE, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const x = h ^ k;
  return (Math.imul((x << 13) | (x >>> 19), 5) + 0xe6546b64) | 0;
}
