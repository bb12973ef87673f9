// A hierarchical timer wheel (Varghese and Lauck 1987) over numbered entries: three levels of 256 slots of 64 ms, 16 s and
// 70 min, as circular lists in two flat arrays; set, clear and fire take constant time and allocate nothing.
// Times are milliseconds modulo 2³², compared as differences. Invariant: an entry fires at most 64 ms late; one set for more
// than 16 s fires early, when its slot's time begins, and its owner, who knows the time, sets it again.

const SHIFT = 6;
const SLOTS = 256;
const LEVELS = 3;
/** Ticks modulo 2²⁶: 32 bits of milliseconds in units of 64. */
const TICKS = 0x3ffffff;
/** Farthest tick that the top level can tell from the current one. */
const FARTHEST = (SLOTS - 1) << 16;

export class Wheel {
  readonly #next: Int32Array;
  readonly #prev: Int32Array;
  readonly #first: number;
  readonly #pending: number;
  readonly #fire: (id: number) => void;
  #tick: number;

  /** Entries 0..capacity-1, none set. `fire` is called for each that is due, already cleared; it may set and clear any. */
  constructor(capacity: number, now: number, fire: (id: number) => void) {
    const size = capacity + LEVELS * SLOTS + 1;
    this.#next = new Int32Array(size);
    this.#prev = new Int32Array(size);
    this.#first = capacity;
    this.#pending = size - 1;
    this.#fire = fire;
    this.#tick = (now | 0) >>> SHIFT;
    // An entry that is in no list, and an empty list's head, point at themselves.
    for (let i = 0; i < size; i++) {
      this.#next[i] = i;
      this.#prev[i] = i;
    }
  }

  /** Bytes that the wheel keeps. */
  get bytes(): number {
    return this.#next.byteLength + this.#prev.byteLength;
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
    const next = this.#next[id];
    const prev = this.#prev[id];
    this.#next[prev] = next;
    this.#prev[next] = prev;
    this.#next[id] = id;
    this.#prev[id] = id;
  }

  /** Goes on to `now` and fires what is due, in order of ticks. */
  advance(now: number): void {
    const to = (now | 0) >>> SHIFT;
    let left = (to - this.#tick) & TICKS;
    if (left > TICKS >>> 1) return;
    for (; left > 0; left--) {
      this.#tick = (this.#tick + 1) & TICKS;
      const slot = this.#tick & (SLOTS - 1);
      if (slot === 0) {
        if (((this.#tick >>> 8) & (SLOTS - 1)) === 0)
          this.#take(this.#first + 2 * SLOTS + ((this.#tick >>> 16) & (SLOTS - 1)));
        this.#take(this.#first + SLOTS + ((this.#tick >>> 8) & (SLOTS - 1)));
      }
      this.#take(this.#first + slot);
      for (let id = this.#next[this.#pending]; id !== this.#pending; id = this.#next[this.#pending]) {
        this.clear(id);
        this.#fire(id);
      }
    }
  }

  #link(id: number, tick: number, ahead: number): void {
    const level = ahead < SLOTS ? 0 : ahead < SLOTS << 8 ? 1 : 2;
    const head = this.#first + level * SLOTS + ((tick >>> (8 * level)) & (SLOTS - 1));
    const last = this.#prev[head];
    this.#next[last] = id;
    this.#prev[id] = last;
    this.#next[id] = head;
    this.#prev[head] = id;
  }

  /** Moves a slot's list to the end of the pending one. */
  #take(head: number): void {
    const first = this.#next[head];
    if (first === head) return;
    const last = this.#prev[head];
    const end = this.#prev[this.#pending];
    this.#next[end] = first;
    this.#prev[first] = end;
    this.#next[last] = this.#pending;
    this.#prev[this.#pending] = last;
    this.#next[head] = head;
    this.#prev[head] = head;
  }
}
