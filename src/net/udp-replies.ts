// The reply buffers of a node:dgram socket: a stack of free ones, under one view of words for the cache of packets.
//   begin() → out or packets are written → view(length) → dgram has it → sent() → free again
// Invariant: a buffer is not given out again before the kernel has its bytes. dgram takes a view as it is: of the first
// buffer, which nearly always is the one, there is a view for each length once it was wanted, so that a reply makes none.
import type { Packets } from '../dns/packet-cache.ts';

export class Replies {
  /** All buffers, for the cache. */
  readonly packets: Packets;
  /** The whole of the buffer that begin() gave. */
  readonly out: readonly Uint8Array[];
  /** Words from one buffer to the next. */
  readonly step: number;
  /** For each buffer what dgram calls once it is done with it: no closure is made per reply. */
  readonly sent: readonly ((error: Error | null) => void)[];
  readonly #free: Uint32Array;
  readonly #views: (Uint8Array | undefined)[];
  #left: number;

  /** `count` buffers of `size` octets each; `failed` is called when a reply could not be sent. */
  constructor(count: number, size: number, failed: () => void) {
    this.step = (size + 3) >> 2;
    const memory = new ArrayBuffer(count * this.step * 4);
    this.packets = { bytes: new Uint8Array(memory), words: new Int32Array(memory) };
    this.out = Array.from({ length: count }, (_, i) => new Uint8Array(memory, i * this.step * 4, size));
    this.#views = new Array(size + 1).fill(undefined);
    this.#free = Uint32Array.from({ length: count }, (_, i) => count - 1 - i);
    this.#left = count;
    this.sent = this.out.map((_, i) => error => {
      this.#free[this.#left++] = i;
      if (error !== null) failed();
    });
  }

  /** The number of the buffer that is next, -1 = all wait to be sent. It stays free until it is taken. */
  next(): number {
    return this.#left === 0 ? -1 : this.#free[this.#left - 1];
  }

  /** Takes buffer `i`, which is next, until its `sent` is called. Returns its first `length` octets. */
  take(i: number, length: number): Uint8Array {
    this.#left--;
    if (i !== 0) return this.out[i].subarray(0, length);
    const view = this.#views[length] ?? this.out[0].subarray(0, length);
    this.#views[length] = view;
    return view;
  }
}
