// Run by udp.test.ts with --expose-gc and a nursery so large that nothing is collected while we measure: prints the octets
// of heap that a query costs beside what dgram itself makes, as JSON: of one that the cache keeps, and of one that it does not.
import { EventEmitter } from 'node:events';
import { makeResponder } from '../../src/dns/chain.ts';
import { newCounters } from '../../src/dns/counters.ts';
import { PacketCache } from '../../src/dns/packet-cache.ts';
import { serve } from '../../src/net/udp.ts';
import { fixedSteering, query, zonesOf } from '../dns/serve.ts';

const QUERIES = 20_000;
const ROUNDS = 20;
/** Octets a query: this little is nothing, and needs no further round. */
const NOTHING = 4;

/** A socket that has sent at once what it is given. */
class Sink extends EventEmitter {
  replies = 0;
  send(_message: unknown, _port: unknown, _address: unknown, done: unknown): void {
    this.replies++;
    (done as (error: null) => void)(null);
  }
}

const sink = new Sink();
const cache = new PacketCache();
const steering = fixedSteering({});
const zones = zonesOf({
  z: '@ 60 SOA ns root 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\nwww 60 A 192.0.2.2\n',
});
const respond = makeResponder({ zones, steering, counters: newCounters(), cache });
serve(sink as unknown as Parameters<typeof serve>[0], {
  respond,
  // A clock gives numbers, which are objects where they are no small integers.
  now: () => 1,
  cache,
  onError: e => {
    throw e;
  },
});
const from = { address: '192.0.2.77', family: 'IPv4', port: 5353, size: 0 };
const options = Uint8Array.from([0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
const kinds = { kept: query('www.z A'), asked: query('www.z A', { edns: 1232, options }) };

function run(message: Uint8Array): number {
  for (let i = 0; i < QUERIES; i++) sink.emit('message', message, from);
  if (sink.replies % QUERIES !== 0) throw new Error('a query without a reply');
  return QUERIES;
}

const cost: Record<string, number> = {};
for (const message of Object.values(kinds)) run(message);
for (const [what, message] of Object.entries(kinds)) {
  run(message);
  // The least of some rounds: what a query costs is in each of them; what V8 compiles and notes meanwhile is not.
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS && least > NOTHING; round++) {
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    const queries = run(message);
    least = Math.min(least, (process.memoryUsage().heapUsed - before) / queries);
  }
  cost[what] = least;
}
process.stdout.write(JSON.stringify(cost));
