// The proof: the same random traffic into a real IPVS and into the packet core, and every difference is a failure.
//   main.js --packets N --seed S     main.js --replay FILE [--core]     (--core: against what the file says the kernel did)
//   main.js --seed S --setups 40,41         (these set-ups alone)     main.js --record FILE --seed S  (a sample for the tests)
//   player (inside the kernel) ─stories→ check (core) → faults, each made short (reduce), told and written down for --replay
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { BREAKS } from './breaks.ts';
import { CELLS, nameOf, SAMPLE } from './cells.ts';
import { parcels } from './decap.ts';
import { lines, Proof, type Run, tell } from './proof.ts';
import { faultOf, reduce } from './reduce.ts';
import { choose } from './sample.ts';
import type { Story } from './story.ts';
import { makeSubject } from './subject.ts';
import { boot } from './uml.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
/** What the proof starts, and the Debian packages that hold it. */
const PROGRAMS = {
  'linux.uml': 'user-mode-linux',
  modprobe: 'kmod',
  ip: 'iproute2',
  'iptables-legacy': 'iptables',
  cc: 'gcc libc6-dev',
};
/** Kernels at a time; each plays every so manyth set-up. */
const KERNELS = 2;
/** From so many packets on every cell must have its share; rounds that are played to get there. */
const FULL = 20_000;
const MORE = 4;
/** Faults that are made short. */
const SHORT = 3;

const OPTIONS = {
  packets: { type: 'string', default: '2000' },
  seed: { type: 'string', default: '1' },
  setups: { type: 'string' },
  replay: { type: 'string' },
  core: { type: 'boolean', default: false },
  record: { type: 'string' },
  // Seconds for making a fault's story short; 0 = none.
  reduce: { type: 'string', default: '60' },
  // The core broken on purpose: the first of breaks.ts whose name has this in it.
  break: { type: 'string' },
} as const;

const EVERY = { packets: 0, first: 0, stride: 1 };

async function main(): Promise<number> {
  const { values } = parseArgs({ options: OPTIONS });
  const seed = Number(values.seed);
  const told =
    values.replay === undefined ? undefined : (JSON.parse(readFileSync(values.replay, 'utf8')) as Story);
  if (told === undefined || !values.core) await need();
  const broken =
    values.break === undefined ? undefined : BREAKS.find(b => b.name.includes(values.break as string));
  if (values.break !== undefined && broken === undefined)
    throw new Error(`no break is called ${values.break}`);
  const run: Run = within => (broken === undefined ? within(makeSubject) : broken.run(within));
  const proof = new Proof(ROOT, run);

  if (values.record !== undefined) {
    await Promise.all([seed, seed + 1].map(s => boot({ ...EVERY, seed: s, indices: SAMPLE }, proof.hear)));
    writeFileSync(values.record, gzipSync(JSON.stringify(choose(proof.whole)), { level: 9 }));
  } else if (told !== undefined) {
    if (values.core) proof.hear(told);
    else await boot({ ...EVERY, seed, stories: [told] }, proof.hear);
  } else if (values.setups !== undefined)
    await boot({ ...EVERY, seed, indices: values.setups.split(',').map(Number) }, proof.hear);
  else await all(proof, seed, Number(values.packets));

  if (!values.core)
    for (const story of proof.faulty.slice(0, SHORT))
      await shorten(proof, story, run, Number(values.reduce)).catch(e => console.log(`not made short: ${e}`));
  return proof.end();
}

/** Random set-ups of every cell, tunnels, and what was covered. */
async function all(proof: Proof, seed: number, packets: number): Promise<void> {
  const { coverage, hear } = proof;
  const each = Math.ceil(packets / KERNELS);
  const jobs = Array.from({ length: KERNELS }, (_, first) => ({
    seed,
    packets: each,
    first,
    stride: KERNELS,
  }));
  await Promise.all(jobs.map(job => boot(job, hear)));
  const sent = parcels();
  const lost = await boot({ ...EVERY, seed, parcels: sent }, hear);
  const arrived = sent.length - lost.length;
  console.log(
    `tunnels: ${arrived} of ${sent.length} datagrams reached a socket behind the kernel's own devices`,
  );
  for (const name of lost) console.log(`LOST ${name}`);
  proof.failed += lost.length;
  proof.passed += arrived;
  // Stories that end early leave cells thin: those are played again, in set-ups of their own.
  const thin = () => (packets >= FULL ? coverage.thin() : []);
  for (let round = 1; round <= MORE && thin().length > 0; round++) {
    const indices = thin().map(i => i + CELLS.length * (1000 + round));
    const halves = Array.from({ length: KERNELS }, (_, k) => indices.filter((_i, n) => n % KERNELS === k));
    await Promise.all(halves.map(some => boot({ ...EVERY, seed, indices: some }, hear)));
  }
  for (const line of coverage.lines()) console.log(line);
  if (thin().length === 0) return;
  proof.failed++;
  console.log(
    `too few packets for: ${thin()
      .map(i => nameOf(CELLS[i]))
      .join('; ')}`,
  );
}

/** Tells the short story of a fault. */
async function shorten(proof: Proof, story: Story, run: Run, seconds: number): Promise<void> {
  if (seconds === 0) return;
  const play = async (stories: readonly Story[]): Promise<Story[]> => {
    const out: Story[] = [];
    await boot({ ...EVERY, seed: story.seed, stories: stories.map(s => ({ ...s, lenient: true })) }, s =>
      out.push(s),
    );
    return out;
  };
  const fault = (s: Story) => run(make => faultOf(s, make));
  const clock = () => performance.now();
  const short = await reduce(story, play, fault, clock() + seconds * 1000, clock);
  const mismatch = short === undefined ? undefined : fault(short);
  if (short === undefined || mismatch === undefined) {
    console.log(
      `seed ${story.seed} set-up ${story.index}: played again, it does not differ (a matter of time)`,
    );
    return;
  }
  tell(
    `IN SHORT (${story.steps.length} steps → ${short.steps.length})`,
    short,
    mismatch,
    proof.write(short, '-short'),
  );
  for (const line of lines(short)) console.log(line);
}

async function need(): Promise<void> {
  const provider = join(ROOT, 'test', 'needs.mjs');
  const { provide } = (await import(provider)) as { provide: (programs: Record<string, string>) => string[] };
  const missing = provide(PROGRAMS);
  if (missing.length > 0) throw new Error(`missing: ${missing.join(', ')}`);
}

process.exitCode = await main();
