// npm run differ -- --queries N --seed S: random questions to NSD, Knot and us. And, each with a number: --zones of a batch,
// --jobs batches at a time, --wire every so many batches over sockets, --splits and --stories told, --trials to reduce one.
// --io dgram: over the sockets of node:dgram. Ends with 1 when there is a difference that is our fault.
import { parseArgs } from 'node:util';
import { differ } from './run.ts';

const { values } = parseArgs({
  options: {
    queries: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    zones: { type: 'string', default: '40' },
    jobs: { type: 'string', default: '1' },
    splits: { type: 'string', default: '0' },
    stories: { type: 'string', default: '3' },
    trials: { type: 'string', default: '150' },
    wire: { type: 'string', default: '10' },
    io: { type: 'string', default: 'auto' },
  },
});
const { io } = values;
if (io !== 'auto' && io !== 'dgram') throw new Error('--io is auto or dgram');
const needs = await import(new URL('../../../test/needs.mjs', import.meta.url).href);
needs.provide();
for (const program of ['nsd', 'knotd'])
  if (!needs.has(program)) throw new Error(`the differential test wants ${program}`);
// The servers end with us.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
const began = performance.now();
const { passed, failed, split, deviations } = await differ({
  queries: whole('queries'),
  seed: whole('seed'),
  zones: whole('zones'),
  jobs: whole('jobs'),
  splits: whole('splits'),
  wireEvery: whole('wire'),
  io,
  stories: whole('stories'),
  trials: whole('trials'),
  tell: text => console.log(text),
});
const seconds = Math.round((performance.now() - began) / 1000);
console.log(`seed ${values.seed}, ${seconds} s; in ${split} NSD and Knot differ and we agree with one`);
for (const [why, times] of deviations) console.log(`on purpose, ${times}: ${why}`);
console.log(`differ: ${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

function whole(key: keyof typeof values): number {
  const n = Number(values[key]);
  if (!Number.isSafeInteger(n) || n < 0) throw new Error(`--${key} is a number`);
  return n;
}
