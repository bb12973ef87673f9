// Frames that wait for the link address of their next hop: a bounded list; what waits too long is given up.
// Invariant: nothing is allocated; a frame in here is in no ring and not free.

/** Frames that wait at a time, and how long, milliseconds. */
const MOST = 256;
const PATIENCE = 3000;

export class Waiting {
  count = 0;
  readonly #address = new Int32Array(MOST);
  readonly #length = new Int32Array(MOST);
  readonly #since = new Float64Array(MOST);
  /** Interface, family, address: of each. */
  readonly #hop = new Int32Array(MOST * 6);
  readonly #words = new Int32Array(4);

  /** Takes the packet at `address` in. False: too many wait. */
  put(address: number, length: number, iface: number, family: number, hop: Int32Array, now: number): boolean {
    if (this.count === MOST) return false;
    const i = this.count++;
    this.#address[i] = address;
    this.#length[i] = length;
    this.#since[i] = now;
    this.#hop[i * 6] = iface;
    this.#hop[i * 6 + 1] = family;
    for (let k = 0; k < 4; k++) this.#hop[i * 6 + 2 + k] = hop[k];
    return true;
  }

  /**
   * Asks again for each: `send` for those whose hop is known now (it takes the frame), `drop` for those that waited too long.
   */
  retry(
    now: number,
    find: (iface: number, family: number, hop: Int32Array) => number,
    send: (slot: number, address: number, length: number, family: number) => void,
    drop: (address: number) => void,
  ): void {
    let kept = 0;
    for (let i = 0; i < this.count; i++) {
      const at = i * 6;
      for (let k = 0; k < 4; k++) this.#words[k] = this.#hop[at + 2 + k];
      const slot = find(this.#hop[at], this.#hop[at + 1], this.#words);
      if (slot >= 0) send(slot, this.#address[i], this.#length[i], this.#hop[at + 1]);
      else if (now - this.#since[i] > PATIENCE) drop(this.#address[i]);
      else {
        if (kept !== i) {
          this.#address[kept] = this.#address[i];
          this.#length[kept] = this.#length[i];
          this.#since[kept] = this.#since[i];
          for (let k = 0; k < 6; k++) this.#hop[kept * 6 + k] = this.#hop[at + k];
        }
        kept++;
      }
    }
    this.count = kept;
  }
}
