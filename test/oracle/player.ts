// The player: runs as node inside the kernel under test. Reads job.json from the folder that it shares with the host, plays
// random set-ups (or recorded stories), and writes what came of them to stories.jsonl.
//   player.js FOLDER
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seeded } from '../../src/kit/rng.ts';
import { CELLS, nameOf } from './cells.ts';
import { type Parcel, receive } from './decap.ts';
import { Clock, Kernel } from './kernel.ts';
import { type Libc, openLibc } from './libc.ts';
import { Recorder } from './recorder.ts';
import {
  chance,
  change,
  LONG,
  oneOf,
  randomLocals,
  randomMtu,
  randomServices,
  randomSysctl,
} from './setup.ts';
import type { Story } from './story.ts';
import { Traffic } from './traffic.ts';

/** What the host wants played: that many packets from a seed, or stories as they were. */
export interface Job {
  seed: number;
  packets: number;
  /** The first set-up, and how far it is to the next. */
  first: number;
  stride: number;
  /** Besides: set-ups by number, and stories as they were. */
  indices?: readonly number[];
  stories?: Story[];
  /** Tunnel frames for a socket behind the kernel's own devices. */
  parcels?: Parcel[];
}

/** Packets of a set-up's own cell, and of all its cells, that end it. */
const ENOUGH = 55;
const PLENTY = 70;

/** Waits until the kernel has let go of every connection whose time is over: its timers come late, the later the longer. */
function settle(to: Recorder): boolean {
  for (let tries = 0; tries < 40; tries++) {
    if (to.peek().every(c => c.expires > 1)) return true;
    to.advance(tries < 20 ? 1 : 10);
  }
  return false;
}

/** Looks at everything. The kernel adds its counters up every two seconds. */
function look(to: Recorder): boolean {
  to.advance(4);
  const settled = settle(to);
  to.look();
  return settled;
}

function play(libc: Libc, clock: Clock, seed: number, index: number): Story {
  const rng = seeded(seed * 1_000_003 + index);
  const cell = CELLS[index % CELLS.length];
  const mtu = randomMtu(rng);
  const kernel = new Kernel(libc, clock, mtu);
  const to = new Recorder(kernel, mtu);
  const story: Story = { seed, index, cell: nameOf(cell), steps: to.steps };
  try {
    const full = cell.forward === 'fullnat';
    const locals = full ? randomLocals(rng) : [];
    if (full) to.masquerade(locals);
    to.sysctl(randomSysctl(rng, full));
    const services = randomServices(rng, cell, locals);
    for (const service of services) {
      to.service('add', service.key, service.options);
      for (const { key, options } of service.servers) to.dest('add', service.key, key, options);
    }
    const lasting = services.some(s => (s.options.persistence ?? 0) >= LONG);
    const traffic = new Traffic(rng, to, services);
    let looked = 0;
    while (traffic.frames < PLENTY || (traffic.played.get(story.cell) ?? 0) < ENOUGH) {
      traffic.step();
      if (chance(rng, 4)) change(rng, to, oneOf(rng, services));
      if (chance(rng, 3)) {
        if (lasting && chance(rng, 20)) to.advance(1500);
        else to.advance(oneOf(rng, lasting ? [1, 2, 5, 15] : [1, 2, 5, 15, 61, 90]));
        if (!settle(to)) break;
      }
      if (traffic.frames - looked >= 15) {
        if (!look(to)) break;
        looked = traffic.frames;
      }
    }
    look(to);
    if (index % 3 === 0) {
      to.advance(1200);
      to.look();
    }
  } catch (e) {
    story.note = String(e);
  }
  kernel.close();
  return story;
}

function replay(libc: Libc, clock: Clock, told: Story): Story {
  const first = told.steps[0];
  const mtu = first.do === 'mtu' ? first.mtu : 1500;
  const kernel = new Kernel(libc, clock, mtu);
  const to = new Recorder(kernel, mtu);
  const story: Story = { ...told, steps: to.steps };
  try {
    for (const step of told.steps) {
      try {
        to.replay(step);
      } catch (e) {
        if (told.lenient !== true || (step.do !== 'service' && step.do !== 'dest')) throw e;
      }
    }
  } catch (e) {
    story.note = String(e);
  }
  kernel.close();
  return story;
}

function main(folder: string): void {
  const job = JSON.parse(readFileSync(join(folder, 'job.json'), 'utf8')) as Job;
  const libc = openLibc();
  const clock = new Clock(join(folder, 'clock'));
  const out = join(folder, 'stories.jsonl');
  const write = (story: Story) => appendFileSync(out, `${JSON.stringify(story)}\n`);
  for (const story of job.stories ?? []) write(replay(libc, clock, story));
  for (const index of job.indices ?? []) write(play(libc, clock, job.seed, index));
  let frames = 0;
  for (let index = job.first; frames < job.packets; index += job.stride) {
    const story = play(libc, clock, job.seed, index);
    write(story);
    frames += story.steps.filter(s => s.do === 'frame').length;
  }
  if (job.parcels !== undefined)
    writeFileSync(join(folder, 'lost.json'), JSON.stringify(receive(libc, job.parcels)));
  writeFileSync(join(folder, 'done'), '');
}

main(process.argv[2]);
