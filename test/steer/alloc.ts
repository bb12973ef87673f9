// Child of shares.test: prints the bytes of heap that a pick of each kind takes, as JSON. Run with --expose-gc and a
// young generation large enough that nothing is collected meanwhile.
import { CLIENT, simple } from './pools.ts';

const KINDS = {
  'one by weight': simple([60, 40, 7]),
  'three by weight': simple([60, 40, 7, 3, 1], { answers: 3 }),
  failover: simple([1, 1], { policy: 'failover' }).set(0, 'down'),
  'all down': simple([60, 40], { all_down: 'last-known' }).set(0, 'down').set(1, 'drain'),
  static: simple([1], { all_down: { static: ['192.0.2.7', '192.0.2.8'] } }).set(0, 'down'),
};
const PICKS = 400_000;

function run(kind: keyof typeof KINDS): number {
  let sum = 0;
  for (let i = 0; i < PICKS; i++) sum += KINDS[kind].steering.pick(0, 4, CLIENT) + KINDS[kind].steering.ttl;
  return sum;
}

const out: Record<string, number> = {};
const kinds = Object.keys(KINDS) as (keyof typeof KINDS)[];
// Every kind is warmed before any is measured: the code is optimised for all of them.
for (let round = 0; round < 3; round++) for (const kind of kinds) run(kind);
// The least of three rounds: an optimisation that happens to end within a round is not the pick's own.
for (const kind of kinds) {
  out[kind] = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    run(kind);
    out[kind] = Math.min(out[kind], (process.memoryUsage().heapUsed - before) / PICKS);
  }
}
console.log(JSON.stringify(out));
