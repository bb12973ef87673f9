// Locality-based least connections with replication (ip_vs_lblcr.c): a destination address has a set of servers and gets
// the lightest of them. When that one is too busy while another is not, the lightest of all joins the set; a set of two
// or more that stayed the same for 24 h loses its most loaded server.
import { wider } from './dests.ts';
import { Destinations, EXPIRATION, Remembered, tooBusy } from './locality.ts';
import {
  available,
  type Dests,
  type Flow,
  type MakeScheduler,
  overhead,
  type Scheduler,
} from './scheduler.ts';
import { lightest } from './wlc.ts';

/** Servers in one set; a set that is full takes no more. */
const MOST = 256;
const FIRST_CAPACITY = 16;

class Replication implements Scheduler {
  readonly #dests: Dests;
  readonly #now: () => number;
  readonly #seen = new Destinations();
  /** Sets: chains of slots, the newest member first; slots that no set uses are chained from #free. */
  readonly #member = new Remembered();
  #next = new Int32Array(FIRST_CAPACITY);
  #slots = 0;
  #free = -1;
  /** By destination: the first slot of its set (-1 = none), its members, when one came or went (ms). */
  #head = new Int32Array(FIRST_CAPACITY);
  #size = new Int32Array(FIRST_CAPACITY);
  #changed = new Float64Array(FIRST_CAPACITY);

  constructor(dests: Dests, now: () => number) {
    this.#dests = dests;
    this.#now = now;
  }

  update(): void {
    this.#member.relocate(this.#dests, this.#slots);
  }

  pick(flow: Flow): number {
    const now = this.#now();
    let entry = this.#seen.find(flow, now);
    if (entry >= 0) {
      const at = this.#least(entry);
      if (this.#size[entry] > 1 && now - this.#changed[entry] > EXPIRATION) this.#shrink(entry, now);
      if (at >= 0 && !tooBusy(this.#dests, at)) return at;
    }
    const at = lightest(this.#dests);
    if (at < 0) return -1;
    if (entry < 0) entry = this.#begin(flow, now);
    if (entry >= 0) this.#join(entry, at, now);
    return at;
  }

  // The available member with the least overhead for its weight.
  #least(entry: number): number {
    const { weight } = this.#dests;
    const { place } = this.#member;
    let least = -1;
    let load = 0;
    for (let slot = this.#head[entry]; slot >= 0; slot = this.#next[slot]) {
      const at = place[slot];
      if (at < 0 || !available(this.#dests, at)) continue;
      const mine = overhead(this.#dests, at);
      if (least < 0 || load * weight[at] > mine * weight[least]) {
        least = at;
        load = mine;
      }
    }
    return least;
  }

  // The member with the most overhead for its weight leaves.
  #shrink(entry: number, now: number): void {
    const { weight } = this.#dests;
    const { place } = this.#member;
    let most = -1;
    let load = 0;
    for (let slot = this.#head[entry]; slot >= 0; slot = this.#next[slot]) {
      const at = place[slot];
      if (at < 0 || weight[at] <= 0) continue;
      const mine = overhead(this.#dests, at);
      if (most < 0 || load * weight[at] < mine * weight[place[most]]) {
        most = slot;
        load = mine;
      }
    }
    if (most >= 0) this.#leave(entry, most, now);
  }

  // A number for the destination, with an empty set (a forgotten one gives its members back).
  #begin(flow: Flow, now: number): number {
    const before = this.#seen.count;
    const entry = this.#seen.add(flow, now);
    if (entry < 0) return -1;
    if (entry === before) {
      if (entry >= this.#head.length) this.#growEntries();
      this.#head[entry] = -1;
    }
    while (this.#head[entry] >= 0) this.#leave(entry, this.#head[entry], now);
    this.#size[entry] = 0;
    return entry;
  }

  #join(entry: number, at: number, now: number): void {
    for (let slot = this.#head[entry]; slot >= 0; slot = this.#next[slot]) {
      if (this.#member.place[slot] === at) return;
    }
    if (this.#size[entry] >= MOST) return;
    let slot = this.#free;
    if (slot >= 0) this.#free = this.#next[slot];
    else {
      if (this.#slots === this.#next.length) this.#growSlots();
      slot = this.#slots++;
    }
    this.#member.set(slot, this.#dests, at);
    this.#next[slot] = this.#head[entry];
    this.#head[entry] = slot;
    this.#size[entry]++;
    this.#changed[entry] = now;
  }

  #leave(entry: number, slot: number, now: number): void {
    if (this.#head[entry] === slot) this.#head[entry] = this.#next[slot];
    else {
      let before = this.#head[entry];
      while (this.#next[before] !== slot) before = this.#next[before];
      this.#next[before] = this.#next[slot];
    }
    this.#next[slot] = this.#free;
    this.#free = slot;
    this.#size[entry]--;
    this.#changed[entry] = now;
  }

  #growEntries(): void {
    const n = this.#head.length * 2;
    this.#head = wider(this.#head, new Int32Array(n));
    this.#size = wider(this.#size, new Int32Array(n));
    this.#changed = wider(this.#changed, new Float64Array(n));
  }

  #growSlots(): void {
    this.#next = wider(this.#next, new Int32Array(this.#next.length * 2));
  }
}

export const lblcr: MakeScheduler = (dests, _flags, seams) => new Replication(dests, seams.now);
