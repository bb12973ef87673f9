// DNS cookies: RFC 7873 as made interoperable by RFC 9018. A server cookie says «this address has heard from us»:
//   version 1 · reserved 3 · time 4 · SipHash-2-4(client cookie | version | reserved | time | client address, secret) 8
// The first secret makes them, all verify them, so a secret is rolled by putting the new one first. Servers behind one
// anycast address need the same secrets.

import { sipHash, sipKey } from '../kit/siphash.ts';
import type { Client } from '../model/steering.ts';

/** What the query's COOKIE option is worth. */
export const COOKIE = { none: 0, malformed: 1, client: 2, bad: 3, valid: 4 } as const;

/** Octets of the option's data in a reply. */
export const COOKIE_LENGTH = 24;
const CLIENT = 8;
const SERVER = 16;
const VERSION = 1;
// RFC 9018 §4.3, in seconds: how old a cookie may be, how far in the future, and from which age on it is renewed.
const MAX_AGE = 3600;
const MAX_AHEAD = 300;
const RENEW_AGE = 1800;
const CLOCK_MS = 100;

export class Cookies {
  readonly #keys: readonly Int32Array[];
  readonly #seconds: () => number;
  // The clock is asked ten times a second at most; cookies count whole seconds.
  #second = 0;
  #asked = -CLOCK_MS;
  // What is hashed: client cookie, the server cookie but for its hash, client address.
  readonly #message = new Uint8Array(CLIENT + 8 + 16);
  readonly #reply = new Uint8Array(COOKIE_LENGTH);
  readonly #hash = new Uint8Array(8);

  /** `secrets`: at least one, of 32 hexadecimal digits. `seconds`: whole seconds since 1970, as a signed 32-bit number. */
  constructor(secrets: readonly string[], seconds: () => number) {
    this.#keys = secrets.map(sipKey);
    this.#seconds = seconds;
  }

  /**
   * Judges the `length` octets of COOKIE data at `at`, and keeps what `write` sends back. `mono`: milliseconds of a
   * monotonic clock. Returns a value of COOKIE.
   */
  take(bytes: Uint8Array, at: number, length: number, client: Client, mono: number): number {
    // RFC 7873 §5.2.2: 8, or 16 to 40.
    if (length !== CLIENT && (length < 16 || length > 40)) return COOKIE.malformed;
    const message = this.#message;
    for (let i = 0; i < CLIENT; i++) message[i] = bytes[at + i];
    const size = client.family === 4 ? 4 : 16;
    for (let i = 0; i < size; i++) message[16 + i] = client.address[i];
    if (mono - this.#asked >= CLOCK_MS) {
      this.#asked = mono;
      this.#second = this.#seconds();
    }
    const now = this.#second;
    let worth: number = COOKIE.client;
    if (length > CLIENT) {
      worth = COOKIE.bad;
      if (length === CLIENT + SERVER && bytes[at + CLIENT] === VERSION) {
        // Serial arithmetic: the time wraps (RFC 9018 §4.3, RFC 1982).
        const age = (now - big(bytes, at + 12)) | 0;
        if (age <= MAX_AGE && age >= -MAX_AHEAD) {
          const key = this.#verify(bytes, at, 16 + size);
          if (key >= 0) worth = COOKIE.valid;
          if (key === 0 && age < RENEW_AGE && age >= 0) {
            for (let i = 0; i < COOKIE_LENGTH; i++) this.#reply[i] = bytes[at + i];
            return worth;
          }
        }
      }
    }
    this.#make(now, 16 + size);
    return worth;
  }

  /** Writes client and server cookie, COOKIE_LENGTH octets, as the last `take` left them. */
  write(out: Uint8Array, at: number): void {
    for (let i = 0; i < COOKIE_LENGTH; i++) out[at + i] = this.#reply[i];
  }

  // The index of the secret that the cookie was made with, -1 = none of ours.
  #verify(bytes: Uint8Array, at: number, length: number): number {
    const hash = this.#hash;
    for (let i = CLIENT; i < 16; i++) this.#message[i] = bytes[at + i];
    for (let key = 0; key < this.#keys.length; key++) {
      sipHash(this.#keys[key], this.#message, length, hash, 0);
      let differs = 0;
      for (let i = 0; i < 8; i++) differs |= hash[i] ^ bytes[at + 16 + i];
      if (differs === 0) return key;
    }
    return -1;
  }

  #make(now: number, length: number): void {
    const message = this.#message;
    message[8] = VERSION;
    message[9] = 0;
    message[10] = 0;
    message[11] = 0;
    message[12] = now >>> 24;
    message[13] = now >> 16;
    message[14] = now >> 8;
    message[15] = now;
    for (let i = 0; i < 16; i++) this.#reply[i] = message[i];
    sipHash(this.#keys[0], message, length, this.#reply, 16);
  }
}

function big(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}
