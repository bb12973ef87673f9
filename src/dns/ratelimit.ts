// Response rate limiting, after BIND's and NSD's: what goes over UDP to one source prefix (v4 /24, v6 /56), of one kind,
// comes at most so often; beyond that nothing is said, but for every `slip`-th reply, which is empty with TC set, so that
// who really is there asks again over TCP.
// Each bucket is one number, the time up to which its replies are paid for (GCRA). The table is flat, of fixed size and on
// shared memory: workers and snapshots share it, and a race between two of them miscounts by a reply at most.
import { Prefixes, parsePrefix } from '../kit/prefix.ts';
import type { RrlConfig } from '../model/answering.ts';
import type { Client } from '../model/steering.ts';

/** Kinds of replies. NXDOMAIN is told apart by zone, since names that do not exist come without end. */
export const KIND = { answer: 0, nxdomain: 1, error: 2, referral: 3 } as const;
/** What `judge` says. */
export const RATE = { pass: 0, drop: 1, slip: 2 } as const;

const WAYS = 4;
const HEAD = 8;
// A bucket holds a second's worth.
const BURST = 1000;

/** A table of `entries` buckets (rounded up to a power of two); `seed` is random, so that nobody can aim at a bucket. */
export function newRateTable(entries: number, seed: number): SharedArrayBuffer {
  let size = WAYS;
  while (size < entries) size *= 2;
  const table = new SharedArrayBuffer(HEAD + size * 13);
  new Int32Array(table, 0, 1)[0] = seed;
  return table;
}

export class RateLimiter {
  readonly #paid: Float64Array;
  readonly #tags: Int32Array;
  readonly #slips: Uint8Array;
  readonly #seed: number;
  readonly #mask: number;
  /** Milliseconds that a reply of each kind costs; 0 = no limit. */
  readonly #costs: Float64Array;
  readonly #debt: number;
  readonly #slip: number;
  readonly #exempt: Prefixes;

  constructor(rrl: RrlConfig, table: SharedArrayBuffer) {
    const size = (table.byteLength - HEAD) / 13;
    this.#seed = new Int32Array(table, 0, 1)[0];
    this.#paid = new Float64Array(table, HEAD, size);
    this.#tags = new Int32Array(table, HEAD + size * 8, size);
    this.#slips = new Uint8Array(table, HEAD + size * 12, size);
    this.#mask = size / WAYS - 1;
    const { responses_per_second: all, nxdomains_per_second: missing, errors_per_second: errors } = rrl;
    this.#costs = Float64Array.from([all, missing, errors, all], rate => (rate === 0 ? 0 : 1000 / rate));
    this.#debt = rrl.window;
    this.#slip = rrl.slip;
    this.#exempt = new Prefixes(rrl.exempt.flatMap(text => parsePrefix(text) ?? []));
  }

  /** Counts a reply of `kind`, for NXDOMAIN of the zone with this number, at `now` ms. Returns a value of RATE. */
  judge(client: Client, kind: number, zone: number, now: number): number {
    const cost = this.#costs[kind];
    if (cost === 0) return RATE.pass;
    const slot = this.#slot(client, kind, kind === KIND.nxdomain ? zone : 0, now);
    let paid = this.#paid[slot];
    if (paid < now - BURST) paid = now - BURST;
    paid += cost;
    if (paid > now + this.#debt) paid = now + this.#debt;
    this.#paid[slot] = paid;
    // A millionth for the rounding of costs that are no binary fractions.
    if (paid <= now + 1e-6 || this.#exempt.has(client.family, client.address)) return RATE.pass;
    if (this.#slip === 0) return RATE.drop;
    const count = this.#slips[slot] + 1;
    this.#slips[slot] = count >= this.#slip ? 0 : count;
    return count >= this.#slip ? RATE.slip : RATE.drop;
  }

  // The bucket of this key; a new one takes the place of the one in its set that has been still for longest, so those
  // that are over their limit stay.
  #slot(client: Client, kind: number, zone: number, now: number): number {
    const a = client.address;
    let key = mix(this.#seed ^ ((a[0] << 16) | (a[1] << 8) | a[2]) ^ (kind << 24) ^ (client.family << 28));
    if (client.family === 6) key = mix(key ^ ((a[3] << 24) | (a[4] << 16) | (a[5] << 8) | a[6]));
    key = mix(key ^ zone);
    const base = (mix(key ^ this.#seed) & this.#mask) * WAYS;
    let victim = base;
    for (let slot = base; slot < base + WAYS; slot++) {
      if (this.#tags[slot] === key) return slot;
      if (this.#paid[slot] < this.#paid[victim]) victim = slot;
    }
    this.#tags[victim] = key;
    this.#paid[victim] = now - BURST;
    this.#slips[victim] = 0;
    return victim;
  }
}

// The finalizer of MurmurHash3: every bit of the argument reaches every bit of the result.
function mix(x: number): number {
  let h = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
