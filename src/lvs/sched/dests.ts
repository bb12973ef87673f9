// The servers of one service as columns, newest first (the kernel adds at the head of its list), with their connections
// counted and the overload flag kept as ip_vs_conn.c keeps it. The owner calls the scheduler's update() after a change.
import { type Dests, OVERLOAD } from './scheduler.ts';

const FIRST_CAPACITY = 8;

export class DestTable implements Dests {
  count = 0;
  id = new Int32Array(FIRST_CAPACITY);
  weight = new Int32Array(FIRST_CAPACITY);
  lastWeight = new Int32Array(FIRST_CAPACITY);
  active = new Int32Array(FIRST_CAPACITY);
  inactive = new Int32Array(FIRST_CAPACITY);
  flags = new Uint8Array(FIRST_CAPACITY);
  address = new Uint8Array(FIRST_CAPACITY * 16);
  port = new Uint16Array(FIRST_CAPACITY);
  family = new Uint8Array(FIRST_CAPACITY);
  serviceFamily = 0;
  #nextId = 1;
  #upper = 0;
  #lower = 0;

  /**
   * A server at the head of the list: it gets position 0, and all others move up by one. `address`: 4 or 16 bytes.
   * `active` and `inactive` are the connections that it has already (a server that comes back). Returns its id.
   */
  add(address: Uint8Array, port: number, weight: number, active = 0, inactive = 0): number {
    if (this.count === this.weight.length) this.#grow();
    this.#shift(0, 1, this.count);
    this.count++;
    this.id[0] = this.#nextId++;
    this.weight[0] = weight;
    this.lastWeight[0] = weight;
    this.active[0] = active;
    this.inactive[0] = inactive;
    this.flags[0] = 0;
    this.address.fill(0, 0, 16);
    this.address.set(address, 0);
    this.port[0] = port;
    this.family[0] = address.length === 4 ? 4 : 6;
    this.#raise(0);
    return this.id[0];
  }

  /** Takes the server at `at` out; those behind it move down by one. */
  remove(at: number): void {
    this.#shift(at + 1, at, this.count);
    this.count--;
  }

  /** The weight of now; 0 quiesces, and leaves lastWeight as it is. */
  reweight(at: number, weight: number): void {
    this.weight[at] = weight;
    if (weight !== 0) this.lastWeight[at] = weight;
  }

  /** Adds to the connection counts of the server at `at` (either may be negative), and sets or clears its overload flag. */
  charge(at: number, active: number, inactive: number): void {
    this.active[at] += active;
    this.inactive[at] += inactive;
    if (active + inactive < 0) this.#relieve(at);
    else this.#raise(at);
  }

  /** Connections of one server at which it takes no more (0: no limit), and below which it takes them again (0: ¾ of upper). */
  limit(upper: number, lower: number): void {
    if (upper === this.#upper && lower === this.#lower) return;
    this.#upper = upper;
    this.#lower = lower;
    for (let at = 0; at < this.count; at++) {
      this.flags[at] &= ~OVERLOAD;
      this.#raise(at);
    }
  }

  #raise(at: number): void {
    if (this.#upper !== 0 && this.active[at] + this.inactive[at] >= this.#upper) this.flags[at] |= OVERLOAD;
  }

  #relieve(at: number): void {
    const total = this.active[at] + this.inactive[at];
    const clear = this.#lower !== 0 ? total < this.#lower : total * 4 < this.#upper * 3;
    if (clear || this.#upper === 0) this.flags[at] &= ~OVERLOAD;
  }

  #shift(from: number, to: number, end: number): void {
    this.id.copyWithin(to, from, end);
    this.weight.copyWithin(to, from, end);
    this.lastWeight.copyWithin(to, from, end);
    this.active.copyWithin(to, from, end);
    this.inactive.copyWithin(to, from, end);
    this.flags.copyWithin(to, from, end);
    this.address.copyWithin(to * 16, from * 16, end * 16);
    this.port.copyWithin(to, from, end);
    this.family.copyWithin(to, from, end);
  }

  #grow(): void {
    const n = this.weight.length * 2;
    this.id = wider(this.id, new Int32Array(n));
    this.weight = wider(this.weight, new Int32Array(n));
    this.lastWeight = wider(this.lastWeight, new Int32Array(n));
    this.active = wider(this.active, new Int32Array(n));
    this.inactive = wider(this.inactive, new Int32Array(n));
    this.flags = wider(this.flags, new Uint8Array(n));
    this.address = wider(this.address, new Uint8Array(n * 16));
    this.port = wider(this.port, new Uint16Array(n));
    this.family = wider(this.family, new Uint8Array(n));
  }
}

/** A column's values in a longer one. */
export function wider<T extends Float64Array | Int32Array | Uint16Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
