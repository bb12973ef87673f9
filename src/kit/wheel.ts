// A hierarchical timer wheel (Varghese and Lauck 1987) over numbered entries: three levels of 256 slots of 64 ms, 16 s and
// 70 min, as circular lists in one flat array (next, previous); set, clear and fire take constant time and allocate nothing.
// Times are milliseconds modulo 2³², compared as differences. Invariant: an entry fires at most 64 ms late; one set for more
// than 16 s fires early, when its slot's time begins, and its owner, who knows the time, sets it again.
import { type Memory, plain } from './memory.ts';

const SHIFT = 6;
const SLOTS = 256;
const LEVELS = 3;
/** Ticks modulo 2²⁶: 32 bits of milliseconds in units of 64. */
const TICKS = 0x3ffffff;
/** Farthest tick that the top level can tell from the current one. */
const FARTHEST = (SLOTS - 1) << 16;

export class Wheel {
  /** Of entry `id`: the next at 2 × id, the previous one behind it. */
  readonly #links: Int32Array;
  readonly #first: number;
  readonly #pending: number;
  readonly #fire: (id: number) => void;
  #tick: number;

  /** Entries 0..capacity-1, none set. `fire` is called for each that is due, already cleared; it may set and clear any. */
  constructor(capacity: number, now: number, fire: (id: number) => void, memory: Memory = plain) {
    const size = entries(capacity);
    this.#links = new Int32Array(memory(wheelMemory(capacity)), 0, size * 2);
    this.#first = capacity;
    this.#pending = size - 1;
    this.#fire = fire;
    this.#tick = (now | 0) >>> SHIFT;
    // An entry that is in no list, and an empty list's head, point at themselves.
    for (let i = 0; i < size * 2; i++) this.#links[i] = i >> 1;
  }

  /** Bytes that the wheel keeps. */
  get bytes(): number {
    return this.#links.byteLength;
  }

  /** Fires `id` at `due` (or at the next tick, if that has passed), instead of when it was set for before. */
  set(id: number, due: number): void {
    this.clear(id);
    let tick = ((due + 63) | 0) >>> SHIFT;
    let ahead = (tick - this.#tick) & TICKS;
    if (ahead === 0 || ahead > TICKS >>> 1) {
      tick = (this.#tick + 1) & TICKS;
      ahead = 1;
    } else if (ahead > FARTHEST) {
      tick = (this.#tick + FARTHEST) & TICKS;
      ahead = FARTHEST;
    }
    this.#link(id, tick, ahead);
  }

  /** Forgets `id`; harmless if it is not set. */
  clear(id: number): void {
    const links = this.#links;
    const next = links[2 * id];
    const prev = links[2 * id + 1];
    if (next === id) return;
    links[2 * prev] = next;
    links[2 * next + 1] = prev;
    links[2 * id] = id;
    links[2 * id + 1] = id;
  }

  /** Goes on to `now` and fires what is due, in order of ticks. */
  advance(now: number): void {
    const to = (now | 0) >>> SHIFT;
    let left = (to - this.#tick) & TICKS;
    if (left > TICKS >>> 1) return;
    const end = 2 * this.#pending;
    for (; left > 0; left--) {
      this.#tick = (this.#tick + 1) & TICKS;
      const slot = this.#tick & (SLOTS - 1);
      if (slot === 0) {
        if (((this.#tick >>> 8) & (SLOTS - 1)) === 0)
          this.#take(this.#first + 2 * SLOTS + ((this.#tick >>> 16) & (SLOTS - 1)));
        this.#take(this.#first + SLOTS + ((this.#tick >>> 8) & (SLOTS - 1)));
      }
      this.#take(this.#first + slot);
      for (let id = this.#links[end]; id !== this.#pending; id = this.#links[end]) {
        this.clear(id);
        this.#fire(id);
      }
    }
  }

  #link(id: number, tick: number, ahead: number): void {
    const level = ahead < SLOTS ? 0 : ahead < SLOTS << 8 ? 1 : 2;
    const head = this.#first + level * SLOTS + ((tick >>> (8 * level)) & (SLOTS - 1));
    const links = this.#links;
    const last = links[2 * head + 1];
    links[2 * last] = id;
    links[2 * id + 1] = last;
    links[2 * id] = head;
    links[2 * head + 1] = id;
  }

  /** Moves a slot's list to the end of the pending one. */
  #take(head: number): void {
    const links = this.#links;
    const first = links[2 * head];
    if (first === head) return;
    const pending = this.#pending;
    const last = links[2 * head + 1];
    const end = links[2 * pending + 1];
    links[2 * end] = first;
    links[2 * first + 1] = end;
    links[2 * last] = pending;
    links[2 * pending + 1] = last;
    links[2 * head] = head;
    links[2 * head + 1] = head;
  }
}

/** Bytes that a wheel of so many entries asks its Memory for. */
export function wheelMemory(capacity: number): number {
  return entries(capacity) * 8;
}

// Those of the owner, the heads of the slots, and of what is pending.
function entries(capacity: number): number {
  return capacity + LEVELS * SLOTS + 1;
}
