// The differential test: batches of random zones, served by NSD, Knot and us; random questions to all three; verdicts
// counted, and each fault told with the fewest records that show it.
//
//   seed ─→ zones ─→ nsd · knotd · we ─→ questions ─→ judge ─┬→ counts
//                                                            └→ a fault ─→ reduce ─→ a story

import assert from 'node:assert/strict';
import { checkZone } from '../../src/dns/zonefile/check.ts';
import { parseZone } from '../../src/dns/zonefile/parse.ts';
import { hasErrors } from '../../src/kit/diag.ts';
import { seeded } from '../../src/kit/rng.ts';
import { CachedServer } from '../dns/cached.ts';
import { client, fixedSteering, Server, wireName, zonesOf } from '../dns/serve.ts';
import { Dice } from './dice.ts';
import { judge, type Verdict } from './judge.ts';
import { type Io, knot, nsd, type Peer, start, switchyard } from './peers.ts';
import { asking, type Question, randomQuestion } from './questions.ts';
import { reduce } from './reduce.ts';
import { randomZones, type Zone, zoneText } from './zones.ts';

export interface DifferOptions {
  queries: number;
  seed: number;
  /** Zones of one batch, at least. */
  zones: number;
  /** Batches at a time. */
  jobs: number;
  /** Every so many batches we are asked over the sockets of `gtm serve`; 0 = never. */
  wireEvery: number;
  /** The sockets we are asked over then. */
  io: Io;
  /** Faults that are reduced and told; after so many the run ends. */
  stories: number;
  /** Servers started at most to reduce one fault; 0: only its replies are told. */
  trials: number;
  /** Told what goes on: one line, or a story. */
  tell: (text: string) => void;
  /** Told the first splits. */
  splits?: number;
}

export interface Outcome {
  passed: number;
  failed: number;
  split: number;
  /** How often each deviation was needed. */
  deviations: Map<string, number>;
  stories: string[];
}

/** Questions of one batch: enough that the servers' start is a small part, few enough that zones change often. */
export const BATCH = 2000;
const LANES = 64;

/** Asks `queries` questions. The same seed, the same zones and questions, whatever `jobs` is. */
export async function differ(options: DifferOptions): Promise<Outcome> {
  const outcome: Outcome = { passed: 0, failed: 0, split: 0, deviations: new Map(), stories: [] };
  const batches = Math.ceil(options.queries / BATCH);
  let next = 0;
  const job = async () => {
    for (let i = next++; i < batches && outcome.stories.length < options.stories; i = next++)
      await batch(options, i, Math.min(BATCH, options.queries - i * BATCH), outcome);
  };
  await Promise.all(Array.from({ length: options.jobs }, job));
  return outcome;
}

/** The seed of a batch, such that `--seed` with it (and `--wire` as told) makes that batch the first. */
export function batchSeed(seed: number, index: number): number {
  return index === 0 ? seed : seeded(Math.imul(seed, 0x9e3779b1) + index)() >>> 1;
}

async function batch(
  options: DifferOptions,
  index: number,
  questions: number,
  outcome: Outcome,
): Promise<void> {
  const seed = batchSeed(options.seed, index);
  const dice = new Dice(seeded(seed));
  const wire = options.wireEvery > 0 && index % options.wireEvery === 0;
  const drawn = randomZones(dice, options.zones);
  const zones = wire ? drawn.filter(sound) : drawn;
  const faults: { question: Question; verdict: Verdict }[] = [];
  await withPeers(zones, wire && options.io, async (ours, others) => {
    let asked = 0;
    const lane = async () => {
      while (asked++ < questions) {
        const question = randomQuestion(dice, zones);
        const verdict = await judge(question, zones, ours, others);
        count(options, outcome, question, verdict);
        if (verdict.kind === 'fault') faults.push({ question, verdict });
      }
    };
    await Promise.all(Array.from({ length: Math.min(LANES, questions) }, lane));
  });
  for (const { question, verdict } of faults.slice(0, options.stories - outcome.stories.length)) {
    const head = `seed ${seed}, wire ${Number(wire)}${wire ? `, io ${options.io}` : ''}: ${asking(question)}: `;
    const story =
      head +
      (options.trials > 0
        ? await storyOf(options, zones, question, wire)
        : `${verdict.what}\n${verdict.replies()}\n`);
    outcome.stories.push(story);
    options.tell(story);
  }
}

function count(options: DifferOptions, outcome: Outcome, question: Question, verdict: Verdict): void {
  if (verdict.kind === 'fault') {
    outcome.failed++;
    return;
  }
  outcome.passed++;
  if (verdict.kind === 'split' && outcome.split++ < (options.splits ?? 0))
    options.tell(`split, ${verdict.what}: ${asking(question)}\n${verdict.replies()}\n`);
  if (verdict.kind === 'deviation')
    outcome.deviations.set(verdict.what, (outcome.deviations.get(verdict.what) ?? 0) + 1);
}

async function withPeers<T>(
  zones: readonly Zone[],
  wire: Io | false,
  work: (ours: Peer, others: readonly Peer[]) => Promise<T>,
): Promise<T> {
  const started = await Promise.allSettled([
    wire ? over(wire, zones) : within(zones),
    start(nsd, zones),
    start(knot, zones),
  ]);
  const up = started.flatMap(s => (s.status === 'fulfilled' ? [s.value] : []));
  try {
    const failed = started.find(s => s.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return await work(up[0], up.slice(1));
  } finally {
    await Promise.all(up.map(p => p.close()));
  }
}

/** Asked so often over UDP, a question's reply comes out of the cache, and has to be what it was. */
const AGAIN = 3;

// We, over sockets: `gtm serve`.
async function over(io: Io, zones: readonly Zone[]): Promise<Peer> {
  const peer = await start(switchyard(io), zones);
  return {
    ...peer,
    ask: async (query, tcp) => {
      const reply = await peer.ask(query, tcp);
      // All but the id.
      if (!tcp)
        for (let i = 0; i < AGAIN; i++)
          assert.deepEqual((await peer.ask(query, tcp)).subarray(2), reply.subarray(2));
      return reply;
    },
  };
}

// We, in this process: the same code from the zones' text to the reply, without a socket.
async function within(zones: readonly Zone[]): Promise<Peer> {
  const served = zonesOf(Object.fromEntries(zones.map(z => [z.origin, zoneText(z)])));
  const server = new Server(served);
  const cached = new CachedServer(served, () => fixedSteering({}));
  return {
    name: 'switchyard',
    ask: async (query, tcp) => {
      const reply = server.raw(query, client({ tcp }));
      if (!tcp) for (let i = 0; i < AGAIN; i++) assert.deepEqual(cached.raw(query), reply);
      if (server.faults.length > 0) throw server.faults[0];
      return reply;
    },
    close: async () => {},
  };
}

// `gtm serve` takes no zone with errors, such as a server without its glue.
function sound(zone: Zone): boolean {
  const origin = wireName(zone.origin);
  const { records, diagnostics } = parseZone(zoneText(zone), { origin, file: zone.origin });
  return !hasErrors(diagnostics) && !hasErrors(checkZone(records, origin));
}

async function storyOf(
  options: DifferOptions,
  zones: readonly Zone[],
  question: Question,
  wire: boolean,
): Promise<string> {
  const ask = (some: readonly Zone[]) =>
    withPeers(some, wire && options.io, (ours, others) => judge(question, some, ours, others)).catch(
      () => undefined,
    );
  const family = zones[question.zone].family;
  const first = [...zones].sort((a, b) => Number(b.family === family) - Number(a.family === family));
  const few = await reduce(first, async some => (await ask(some))?.kind === 'fault', options.trials);
  const verdict = await ask(few);
  const text = few.map(z => `  '${z.origin}': \`${zoneText(z).replaceAll('\\', '\\\\')}\`,`).join('\n');
  if (verdict === undefined) return 'not again, with servers started anew\n';
  return `${verdict.what}\n{\n${text}\n}\n${verdict.replies()}\n`;
}
