// What lblc and lblcr share: the destinations seen so far, and when a server is too busy to keep one (ip_vs_lblc.c,
// ip_vs_lblcr.c). A destination is remembered for 24 h after its last use, and at most 16 × 1024 of them are.
// Invariant: entries are found by address in chains over flat columns; nothing is allocated but when the columns double.
import { hash32 } from '../../kit/hash.ts';
import { wider } from './dests.ts';
import { foldAddress } from './fold.ts';
import type { Dests, Flow } from './scheduler.ts';

const BITS = 10;
const FIRST_CAPACITY = 16;
const MOST = 16 * 1024;

/** How long an unused destination is remembered, and how long a set of lblcr stays as large as it is: ms. */
export const EXPIRATION = 24 * 3600 * 1000;

/** Destination addresses, each with a number 0..MOST-1 that stays with it until it is forgotten. */
export class Destinations {
  count = 0;
  #head = new Int32Array(1 << BITS).fill(-1);
  #next = new Int32Array(FIRST_CAPACITY);
  #address = new Uint8Array(FIRST_CAPACITY * 16);
  #family = new Uint8Array(FIRST_CAPACITY);
  #used = new Float64Array(FIRST_CAPACITY);

  /** The number of the flow's destination, which counts as used now; -1 = not seen yet, or forgotten by `now` (ms). */
  find(flow: Flow, now: number): number {
    for (let entry = this.#head[bucket(flow)]; entry >= 0; entry = this.#next[entry]) {
      if (!this.#is(entry, flow)) continue;
      const fresh = now - this.#used[entry] <= EXPIRATION;
      this.#used[entry] = now;
      return fresh ? entry : -1;
    }
    return -1;
  }

  /** A number for the flow's destination, the old one if it had one; -1 = the table is full, and it is not remembered. */
  add(flow: Flow, now: number): number {
    const home = bucket(flow);
    for (let entry = this.#head[home]; entry >= 0; entry = this.#next[entry]) {
      if (this.#is(entry, flow)) return entry;
    }
    if (this.count === MOST) return -1;
    if (this.count === this.#next.length) this.#grow();
    const entry = this.count++;
    const width = flow.family === 4 ? 4 : 16;
    for (let i = 0; i < width; i++) this.#address[entry * 16 + i] = flow.destination[i];
    this.#family[entry] = flow.family;
    this.#used[entry] = now;
    this.#next[entry] = this.#head[home];
    this.#head[home] = entry;
    return entry;
  }

  #is(entry: number, flow: Flow): boolean {
    if (this.#family[entry] !== flow.family) return false;
    const width = flow.family === 4 ? 4 : 16;
    for (let i = 0; i < width; i++) if (this.#address[entry * 16 + i] !== flow.destination[i]) return false;
    return true;
  }

  #grow(): void {
    const n = this.#next.length * 2;
    this.#next = wider(this.#next, new Int32Array(n));
    this.#address = wider(this.#address, new Uint8Array(n * 16));
    this.#family = wider(this.#family, new Uint8Array(n));
    this.#used = wider(this.#used, new Float64Array(n));
  }
}

function bucket(flow: Flow): number {
  return hash32(foldAddress(flow.destination, 0, flow.family), BITS);
}

/** Whether the server at `at` has more established connections than its weight while another has less than half of its own. */
export function tooBusy(dests: Dests, at: number): boolean {
  const { count, active, weight } = dests;
  if (active[at] <= weight[at]) return false;
  for (let other = 0; other < count; other++) if (active[other] * 2 < weight[other]) return true;
  return false;
}

/**
 * Servers that were chosen, by address and port: one that was removed and comes back is the same again. Slots are
 * numbered from 0; the owner says which slot it fills.
 */
export class Remembered {
  /** The server's position in the list now; -1 = it is not there. */
  place = new Int32Array(FIRST_CAPACITY);
  #address = new Uint8Array(FIRST_CAPACITY * 16);
  #port = new Uint16Array(FIRST_CAPACITY);
  #family = new Uint8Array(FIRST_CAPACITY);

  /** Puts the server at `at` into `slot` ≥ 0. */
  set(slot: number, dests: Dests, at: number): void {
    while (slot >= this.place.length) this.#grow();
    this.place[slot] = at;
    for (let i = 0; i < 16; i++) this.#address[slot * 16 + i] = dests.address[at * 16 + i];
    this.#port[slot] = dests.port[at];
    this.#family[slot] = dests.family[at];
  }

  /** Finds the servers of the first `slots` slots again after the list changed. */
  relocate(dests: Dests, slots: number): void {
    for (let slot = 0; slot < slots; slot++) {
      let at = dests.count - 1;
      while (at >= 0 && !this.#is(slot, dests, at)) at--;
      this.place[slot] = at;
    }
  }

  #is(slot: number, dests: Dests, at: number): boolean {
    if (this.#port[slot] !== dests.port[at] || this.#family[slot] !== dests.family[at]) return false;
    for (let i = 0; i < 16; i++)
      if (this.#address[slot * 16 + i] !== dests.address[at * 16 + i]) return false;
    return true;
  }

  #grow(): void {
    const n = this.place.length * 2;
    this.place = wider(this.place, new Int32Array(n));
    this.#address = wider(this.#address, new Uint8Array(n * 16));
    this.#port = wider(this.#port, new Uint16Array(n));
    this.#family = wider(this.#family, new Uint8Array(n));
  }
}
