// The working sheet of one pick: who of the pool may be answered, with which weight, and the answer as it grows.
//   load(pool) → weights of now → (alldown) → policy: take(member) … → picked, ttl
// One sheet a worker, refilled for each pick. Invariant: nothing here makes an object; weights are whole numbers below
// 2³² in doubles, so sums and differences of them are exact.
import type { Rng } from '../kit/rng.ts';
import { factorOf, MEMBER_WORDS, STATE } from '../model/state.ts';
import { MAX_ANSWERS, MEMBER, POOL, type PoolTable } from './table.ts';

/** Random words drawn at a time; even. */
const BATCH = 256;

export class Draft {
  readonly table: PoolTable;
  readonly state: Uint32Array;
  /** The picked addresses, one after the other. */
  readonly picked = new Uint8Array(MAX_ANSWERS * 16);
  /** Effective weight of each member of the pool (configured × factor, 4096 = 1.0); 0 = out, or no address of the family. */
  readonly weight: Float64Array;
  /** Factor of each member that is in, 4096 = 1.0. */
  readonly factor: Uint32Array;
  /** The pool's row, its first member and how many it has. */
  row = 0;
  first = 0;
  count = 0;
  /** Addresses still wanted, and those picked. */
  room = 0;
  taken = 0;
  /** Seconds to the earliest moment at which this answer could change; at most the pool's ttl. */
  seconds = 0;
  /** 4, 6, or 0 for either. */
  family = 0;
  readonly die = new Float64Array(1);
  readonly #offsets = new Int32Array(MAX_ANSWERS);
  readonly #rng: Rng;
  readonly #words = new Uint32Array(BATCH);
  #next = BATCH;

  constructor(table: PoolTable, state: Uint32Array, rng: Rng) {
    this.table = table;
    this.state = state;
    this.#rng = rng;
    this.weight = new Float64Array(table.members);
    this.factor = new Uint32Array(table.members);
  }

  /** Opens a pool for a family: weights of now. False if no member of the pool, of whatever family, is up with a weight. */
  load(pool: number, family: number): boolean {
    const { words } = this.table;
    this.row = this.table.poolRow(pool);
    this.first = words[this.row + POOL.first];
    this.count = words[this.row + POOL.count];
    this.room = words[this.row + POOL.answers];
    this.seconds = words[this.row + POOL.ttl];
    this.taken = 0;
    this.family = family;
    let alive = false;
    for (let i = 0; i < this.count; i++) {
      // Read as it stands: a word is never seen half written, and the call of Atomics costs more than all the rest.
      const word = this.state[(this.first + i) * MEMBER_WORDS];
      const factor = (word & 7) === STATE.up ? factorOf(word) : 0;
      if (this.enter(i, factor)) alive = true;
    }
    return alive;
  }

  /** Lets member `i` in with a factor (4096 = 1.0). True if it has a weight, even when it has no address of the family. */
  enter(i: number, factor: number): boolean {
    const configured = this.table.words[this.table.memberRow(this.first + i) + MEMBER.weight];
    const has = this.#has(i);
    this.weight[i] = has ? configured * factor : 0;
    this.factor[i] = has ? factor : 0;
    return configured > 0 && factor > 0;
  }

  /** Answers with member `i`: its addresses of the family, as far as there is room. */
  take(i: number): void {
    const row = this.table.memberRow(this.first + i);
    const { words } = this.table;
    this.mind(i);
    if (this.family === 4) this.addList(words[row + MEMBER.list4], words[row + MEMBER.list4Count], 4);
    else this.addList(words[row + MEMBER.list6], words[row + MEMBER.list6Count], 16);
  }

  /** The answer depends on member `i`: it lives no longer than the earliest change of that member. */
  mind(i: number): void {
    const seconds = this.state[(this.first + i) * MEMBER_WORDS + 1];
    if (seconds < this.seconds) this.seconds = seconds;
  }

  /** Adds a list of addresses of `size` bytes; where not all fit, from a random one on, so that each gets its turn. */
  addList(list: number, count: number, size: number): void {
    let from = 0;
    if (count > this.room) {
      this.roll();
      from = Math.floor(this.die[0] * count);
    }
    for (let k = 0; k < count && this.room > 0; k++) {
      const entry = from + k < count ? from + k : from + k - count;
      this.#add(this.table.words[this.table.listsAt + list + entry], size);
    }
  }

  /**
   * Throws the die: `die[0]` is a number in [0, 1) of 53 random bits; with 32, the share of a light member in a heavy
   * pool would be off. Random words come in batches: the engine then has the generator inlined in one small loop, where
   * else each large word that it returns might become an object.
   */
  roll(): void {
    if (this.#next === BATCH) this.#refill();
    const high = this.#words[this.#next++] >>> 5;
    const low = this.#words[this.#next++] >>> 6;
    this.die[0] = (high * 67108864 + low) / 9007199254740992;
  }

  #refill(): void {
    for (let k = 0; k < BATCH; k++) this.#words[k] = this.#rng();
    this.#next = 0;
  }

  #has(i: number): boolean {
    const row = this.table.memberRow(this.first + i);
    const { words } = this.table;
    if (this.family === 4) return words[row + MEMBER.list4Count] > 0;
    if (this.family === 6) return words[row + MEMBER.list6Count] > 0;
    return true;
  }

  // Two members may hold one address (other ports): an RRset holds it once.
  #add(offset: number, size: number): void {
    for (let k = 0; k < this.taken; k++) if (this.#offsets[k] === offset) return;
    this.#offsets[this.taken] = offset;
    for (let b = 0; b < size; b++) this.picked[this.taken * size + b] = this.table.arena[offset + b];
    this.taken++;
    this.room--;
  }
}
