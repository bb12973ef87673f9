// The initial sequence numbers that FullNAT gives to connections from its local ports (RFC 6528 §3): a clock over an offset that
// nobody can guess for each pair of ends. A server that keeps the port's last connection (TIME_WAIT) takes a SYN without timestamps
// only with a number behind that one's end (RFC 1122 §4.2.2.13): so key and clock are to outlast the director's process.

import { sipHash } from '../../kit/siphash.ts';

/** What the numbers are made of. Directors with the same ones, one after the other, go on with each other's numbers. */
export interface IsnSource {
  /** 128 bits, secret. */
  key: Int32Array;
  /** Milliseconds to be added to the time that packets are handled at: a clock that goes on over a restart. */
  since: number;
}

/** 1 µs a step, as FreeBSD has it: behind what was sent at up to 8 Mbit/s since the port's last SYN, in front of it for 35 minutes. */
const STEPS = 1000;
/** Local address, server, ports: the words of the largest message. */
const WORDS = 9;

export class Isn {
  readonly #key: Int32Array;
  readonly #since: number;
  readonly #message = new Int32Array(WORDS);
  readonly #octets: Uint8Array;
  readonly #hash = new Int32Array(2);
  readonly #hashed: Uint8Array;

  constructor({ key, since }: IsnSource) {
    this.#key = key;
    this.#since = Math.floor(since % 2 ** 32) | 0;
    this.#octets = new Uint8Array(this.#message.buffer);
    this.#hashed = new Uint8Array(this.#hash.buffer);
  }

  /** The number for a SYN at `ms` from local address `a` to server `d` (of so many words both) with ports `local << 16 | server`, or in the other order. */
  first(ms: number, a: Int32Array, d: Int32Array, words: number, ports: number): number {
    const message = this.#message;
    for (let i = 0; i < words; i++) {
      message[i] = a[i];
      message[words + i] = d[i];
    }
    message[2 * words] = ports;
    sipHash(this.#key, this.#octets, 4 * (2 * words + 1), this.#hashed, 0);
    return (this.#hash[0] + Math.imul(ms + this.#since, STEPS)) | 0;
  }
}
