// The proof: the same random traffic into a real IPVS and into the packet core, and every difference is a failure.
//   main.js --packets N --seed S     main.js --replay FILE [--core]     (--core: against what the file says the kernel did)
//   main.js --seed S --setups 40,41         (these set-ups alone)     main.js --record FILE --seed S  (a sample for the tests)
//   player (inside the kernel) ─stories→ check (core) → mismatches, each written to a file that --replay plays again
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { CELLS, nameOf, SAMPLE } from './cells.ts';
import { check, type Mismatch } from './check.ts';
import { Coverage } from './coverage.ts';
import { parcels } from './decap.ts';
import { DEVIATIONS, deviation } from './deviations.ts';
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
/** Mismatches after which the rest is not told any more. */
const ENOUGH = 20;
/** Kernels at a time; each plays every so manyth set-up. */
const KERNELS = 2;
/** From so many packets on every cell must have its share; rounds that are played to get there. */
const FULL = 20_000;
const MORE = 4;

function tell(story: Story, m: Mismatch, file: string): string {
  const head = `MISMATCH seed ${story.seed} set-up ${story.index} (${story.cell}), step ${m.step}: ${m.what}`;
  return `${head}\n  kernel: ${m.kernel}\n  core:   ${m.core}\n  again:  npm run oracle -- --replay ${file}`;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      packets: { type: 'string', default: '2000' },
      seed: { type: 'string', default: '1' },
      setups: { type: 'string' },
      replay: { type: 'string' },
      core: { type: 'boolean', default: false },
      record: { type: 'string' },
    },
  });
  const provider = join(ROOT, 'test', 'needs.mjs');
  const { provide } = (await import(provider)) as { provide: (programs: Record<string, string>) => string[] };
  const told =
    values.replay === undefined ? undefined : (JSON.parse(readFileSync(values.replay, 'utf8')) as Story);
  if (told === undefined || !values.core) {
    const missing = provide(PROGRAMS);
    if (missing.length > 0) throw new Error(`missing: ${missing.join(', ')}`);
  }
  const coverage = new Coverage();
  const whole: Story[] = [];
  const deviated = new Map<string, number>();
  let [passed, failed, setups, notes] = [0, 0, 0, 0];
  const hear = (story: Story) => {
    setups++;
    if (story.note !== undefined) {
      notes++;
      console.log(
        `NOT PLAYED TO ITS END seed ${story.seed} set-up ${story.index} (${story.cell}): ${story.note}`,
      );
    }
    const { end, mismatch } = check(story, makeSubject, (of, m) => {
      const d = deviation(of, m);
      if (d !== undefined) deviated.set(d.name, (deviated.get(d.name) ?? 0) + 1);
      return d;
    });
    passed += coverage.add(story, end);
    if (mismatch === undefined) {
      if (end === story.steps.length) whole.push(story);
      return;
    }
    if (++failed > ENOUGH) return;
    mkdirSync(join(ROOT, 'dist', 'oracle'), { recursive: true });
    const file = join('dist', 'oracle', `story-${story.seed}-${story.index}.json`);
    writeFileSync(
      join(ROOT, file),
      JSON.stringify({ ...story, steps: story.steps.slice(0, mismatch.step + 1) }),
    );
    console.log(tell(story, mismatch, file));
  };
  const seed = Number(values.seed);
  if (values.record !== undefined) {
    const jobs = [seed, seed + 1].map(s => ({ seed: s, packets: 0, first: 0, stride: 1, indices: SAMPLE }));
    await Promise.all(jobs.map(job => boot(job, hear)));
    writeFileSync(values.record, gzipSync(JSON.stringify(choose(whole)), { level: 9 }));
  } else if (values.setups !== undefined) {
    const indices = values.setups.split(',').map(Number);
    await boot({ seed, packets: 0, first: 0, stride: 1, indices }, hear);
  } else if (told === undefined) {
    const packets = Math.ceil(Number(values.packets) / KERNELS);
    const all = Array.from({ length: KERNELS }, (_, first) =>
      boot({ seed, packets, first, stride: KERNELS }, hear),
    );
    await Promise.all(all);
    const sent = parcels();
    const lost = await boot({ seed, packets: 0, first: 0, stride: 1, parcels: sent }, hear);
    console.log(
      `tunnels: ${sent.length - lost.length} of ${sent.length} datagrams reached a socket behind the kernel's own devices`,
    );
    for (const name of lost) console.log(`LOST ${name}`);
    failed += lost.length;
    passed += sent.length - lost.length;
    // Stories that end early leave cells thin: those are played again, in set-ups of their own.
    for (
      let round = 1;
      Number(values.packets) >= FULL && round <= MORE && coverage.thin().length > 0;
      round++
    ) {
      const indices = coverage.thin().map(i => i + CELLS.length * (1000 + round));
      await boot({ seed, packets: 0, first: 0, stride: 1, indices }, hear);
    }
  } else if (values.core) hear(told);
  else await boot({ seed, packets: 0, first: 0, stride: 1, stories: [told] }, hear);
  if (told === undefined && values.setups === undefined) {
    for (const line of coverage.lines()) console.log(line);
    const thin = coverage.thin();
    if (Number(values.packets) >= FULL && thin.length > 0) {
      failed++;
      console.log(`too few packets for: ${thin.map(i => nameOf(CELLS[i])).join('; ')}`);
    }
  }
  for (const d of DEVIATIONS)
    console.log(`deviation ${d.name} (${deviated.get(d.name) ?? 0} times): ${d.why}`);
  console.log(`${setups} set-ups`);
  console.log(`oracle: ${passed} passed, ${failed + notes} failed`);
  return failed + notes > 0 ? 1 : 0;
}

process.exitCode = await main();
