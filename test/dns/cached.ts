// A server with a cache of packets before its responder, as a worker of batched UDP has it, beside one without: every
// question goes to both, and their replies must be the same octets.
import assert from 'node:assert/strict';
import { makeResponder, type Respond } from '../../src/dns/chain.ts';
import { newCounters } from '../../src/dns/counters.ts';
import { newPackets, PacketCache } from '../../src/dns/packet-cache.ts';
import type { Settings } from '../../src/dns/settings.ts';
import type { Zones } from '../../src/dns/zone/zones.ts';
import type { Client, Steering } from '../../src/model/steering.ts';
import { client } from './serve.ts';

/** The word at which messages begin. */
const FROM = 3;

/** Two of the same steering: picks may depend on those before. */
export type NewSteering = () => Steering;

export class CachedServer {
  readonly counters = newCounters();
  readonly plainCounters = newCounters();
  /** Replies that came out of the cache. */
  recalled = 0;
  readonly cache = new PacketCache();
  #respond!: Respond;
  #plain!: Respond;
  readonly #packets = newPackets(4096);
  readonly #buffer = this.#packets.bytes.subarray(FROM * 4);
  readonly #out = new Uint8Array(this.#buffer.length);
  readonly #plainOut = new Uint8Array(this.#out.length);

  constructor(zones: Zones, steering: NewSteering, settings?: Settings) {
    this.swap(zones, steering, settings);
  }

  /** Goes on with another snapshot. */
  swap(zones: Zones, steering: NewSteering, settings?: Settings): void {
    const { cache, counters } = this;
    const common = { zones, settings, seconds: () => 1559731985 };
    this.#plain = makeResponder({ ...common, steering: steering(), counters: this.plainCounters });
    this.#respond = makeResponder({ ...common, steering: steering(), counters, cache });
  }

  /** The reply over UDP. Throws if it is not the one of the server without a cache, or was not counted as there. */
  raw(message: Uint8Array, who: Client = client()): Uint8Array {
    // What stands behind a query in its buffer is of another one.
    this.#buffer.fill(0xa5).set(message);
    const { length } = message;
    const hash = this.cache.hash(this.#packets, FROM, length);
    this.cache.touch(hash);
    let size = this.cache.recall(hash, this.#packets, FROM, length, who);
    let out = this.#buffer;
    if (size !== 0) this.recalled++;
    else {
      assert.deepEqual(this.#buffer.subarray(0, length), message);
      out = this.#out;
      size = this.#respond(this.#buffer, length, out, who, 0);
    }
    const plain = this.#plain(message, length, this.#plainOut, who, 0);
    const reply = out.slice(0, size);
    assert.ok(this.#packets.bytes.subarray(0, FROM * 4).every(b => b === 0));
    assert.deepEqual(reply, this.#plainOut.slice(0, plain));
    assert.deepEqual(this.counters, this.plainCounters);
    return reply;
  }
}
