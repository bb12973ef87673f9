// The pools of the cluster file as flat words, one section of a snapshot: what an answer worker picks from.
//   header (8 words) · pool rows · member rows · address lists (byte offsets into the arena) · arena (4 or 16 bytes each)
// Invariants: a pool's number is its position in the cluster file; member numbers run over all pools in order, and index
// the state table (model/state.ts) too. An address stands once in the arena, so equal offsets mean equal addresses.
import { parseIp } from '../kit/ip.ts';
import { POLICIES } from '../model/policy.ts';
import type { Config } from '../model/schema.ts';
import { FACTOR_ONE } from '../model/state.ts';

/** What is compiled: of the whole cluster file, the pools and the VIPs that they name. */
export type PoolSource = Pick<Config, 'pools' | 'vips'>;

const MAGIC = 0x4c4f4f50;
const HEADER = 8;

/** Words of a pool row. Lists: word offset into `lists`, and how many. */
export const POOL = {
  policy: 0,
  answers: 1,
  ttl: 2,
  minTtl: 3,
  minCapacity: 4,
  allDown: 5,
  static4: 6,
  static4Count: 7,
  static6: 8,
  static6Count: 9,
  first: 10,
  count: 11,
} as const;
const POOL_WORDS = 12;

/** Words of a member row. */
export const MEMBER = { weight: 0, list4: 1, list4Count: 2, list6: 3, list6Count: 4 } as const;
const MEMBER_ROW = 5;

/** Kinds of `all_down`, by number. */
export const ALL_DOWN = { all: 0, 'last-known': 1, servfail: 2, static: 3 } as const;

/** The most addresses in one answer; the schema's bound on `answers`. */
export const MAX_ANSWERS = 16;

/** One row of `memberList`: `index` is the member's place in the state table. */
export interface MemberPlace {
  pool: string;
  vip: string;
  index: number;
}

/** Every member of every pool, in the order of the state table. */
export function memberList(config: Pick<Config, 'pools'>): MemberPlace[] {
  const places: MemberPlace[] = [];
  for (const [pool, { members }] of Object.entries(config.pools))
    for (const { vip } of members) places.push({ pool, vip, index: places.length });
  return places;
}

/** The place in the state table of member `i` of a pool; -1 if there is no such pool. */
export function memberIndex(config: Pick<Config, 'pools'>, pool: string, i: number): number {
  let first = 0;
  for (const [name, { members }] of Object.entries(config.pools)) {
    if (name === pool) return first + i;
    first += members.length;
  }
  return -1;
}

/** Compiles the pools of a checked cluster file into one section (a whole number of words, native byte order). */
export function packPools(config: PoolSource): Uint8Array {
  const pools: number[] = [];
  const members: number[] = [];
  const addresses = new Addresses();
  for (const p of Object.values(config.pools)) {
    const ttl = Math.ceil(p.ttl / 1000);
    const stand = typeof p.all_down === 'object' ? p.all_down.static : [];
    pools.push(
      POLICIES.indexOf(p.policy),
      Math.min(p.answers, MAX_ANSWERS),
      ttl,
      Math.min(ttl, Math.ceil((p.min_ttl ?? p.ttl) / 1000)),
      Math.max(1, Math.round(p.min_capacity * FACTOR_ONE)),
      typeof p.all_down === 'object' ? ALL_DOWN.static : ALL_DOWN[p.all_down],
      ...addresses.list(stand, 4),
      ...addresses.list(stand, 16),
      members.length / MEMBER_ROW,
      p.members.length,
    );
    for (const m of p.members) {
      const own = config.vips[m.vip]?.addresses ?? [];
      members.push(m.weight, ...addresses.list(own, 4), ...addresses.list(own, 16));
    }
  }
  const membersAt = HEADER + pools.length;
  const listsAt = membersAt + members.length;
  const arenaAt = listsAt + addresses.lists.length;
  const words = new Uint32Array(arenaAt + addresses.arena.length / 4);
  words.set([MAGIC, pools.length / POOL_WORDS, members.length / MEMBER_ROW, membersAt, listsAt, arenaAt]);
  words.set(pools, HEADER);
  words.set(members, membersAt);
  words.set(addresses.lists, listsAt);
  const bytes = new Uint8Array(words.buffer);
  bytes.set(addresses.arena, arenaAt * 4);
  return bytes;
}

/** Gathers address lists, each address once. */
class Addresses {
  readonly lists: number[] = [];
  readonly arena: number[] = [];
  readonly #at = new Map<string, number>();

  /** Appends the addresses of `size` bytes as one list; its place and length. */
  list(texts: readonly string[], size: number): [number, number] {
    const start = this.lists.length;
    const own = new Set<number>();
    for (const text of texts) {
      const bytes = parseIp(text);
      if (bytes?.length === size) own.add(this.#intern(bytes));
    }
    this.lists.push(...own);
    return [start, own.size];
  }

  #intern(bytes: Uint8Array): number {
    const key = bytes.join('.');
    let at = this.#at.get(key);
    if (at === undefined) {
      at = this.arena.length;
      this.#at.set(key, at);
      this.arena.push(...bytes);
    }
    return at;
  }
}

/** A packed section under views: no copy, nothing parsed but the header. */
export class PoolTable {
  readonly words: Uint32Array;
  readonly arena: Uint8Array;
  readonly pools: number;
  readonly members: number;
  readonly listsAt: number;
  readonly #membersAt: number;

  /** `section` must be 4-aligned in its buffer. RangeError if it is no pool table. */
  constructor(section: Uint8Array) {
    const words = new Uint32Array(section.buffer, section.byteOffset, section.length >> 2);
    if (words[0] !== MAGIC) throw new RangeError('not a pool table');
    this.words = words;
    this.pools = words[1];
    this.members = words[2];
    this.#membersAt = words[3];
    this.listsAt = words[4];
    this.arena = section.subarray(words[5] * 4);
  }

  /** Word offset of a pool's row. */
  poolRow(pool: number): number {
    return HEADER + pool * POOL_WORDS;
  }

  /** Word offset of a member's row. */
  memberRow(member: number): number {
    return this.#membersAt + member * MEMBER_ROW;
  }
}
