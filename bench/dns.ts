// What a DNS answer costs, beside other servers in the same run: `npm run bench -- dns [--json] [--quick] [--guard]
// [--only REGEX]`. Each round every server in turn, every other round from behind, gets all the load it can take, and after
// that half of it. Compared are medians over the rounds of queries per CPU second (user and system time of the server), as the
// load generator has half of the machine. --guard measures ours alone and fails when a ratio falls below its floor.
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { load, median, quantile, sample } from './dns-load.ts';
import { provide, type Running, SERVERS, type ServerId, type ServerKind, start } from './dns-servers.ts';
import { type Load, writeQuestions } from './dns-zone.ts';

type Row = readonly [ServerId, Load];

const ROWS: readonly Row[] = [
  ['echo', 'static'],
  ['dgram', 'static'],
  ['dgram', 'pool'],
  ['batch', 'static'],
  ['batch', 'pool'],
  ['gdnsd', 'static'],
  ['gdnsd', 'pool'],
  ['nsd', 'static'],
  ['knot', 'static'],
];
/** Where the load generator leaves a processor to each of two workers. */
const TWO: Row = ['batch2', 'static'];
const GUARDED: readonly Row[] = [
  ['echo', 'static'],
  ['dgram', 'static'],
  ['batch', 'static'],
];

/** What the figures are to reach: queries per CPU second of one row over those of another. */
const TARGETS = [
  { over: ['dgram/static', 'echo/static'], least: 0.85 },
  { over: ['dgram/pool', 'echo/static'], least: 0.85 },
  { over: ['batch/static', 'gdnsd/static'], least: 1 },
  { over: ['batch/pool', 'gdnsd/pool'], least: 1 },
  { over: ['batch/static', 'nsd/static'], least: 1.15 },
  { over: ['batch/static', 'knot/static'], least: 1.15 },
  // A pool may cost 1.15 × what a static name does.
  { over: ['batch/pool', 'batch/static'], least: 1 / 1.15 },
  { over: ['dgram/pool', 'dgram/static'], least: 1 / 1.15 },
] as const;

/** Far below the targets: what only a mistake brings about, on any machine. */
const FLOORS = [
  { over: ['dgram/static', 'echo/static'], least: 0.6 },
  { over: ['batch/static', 'dgram/static'], least: 1.5 },
] as const;

interface Plan {
  rows: readonly Row[];
  rounds: number;
  /** Seconds of full and of half load, each round. */
  full: number;
  half: number;
}

interface Measured {
  completed: number;
  perCpuSecond: number[];
  perSecond: number[];
  lost: number;
  waits: number[];
  wrong: string[];
}

interface Ratio {
  what: string;
  value: number;
  least: number;
  met: boolean;
}

/** Runs the bench; resolves to the exit code: 1 for a wrong answer, or with --guard for a ratio below its floor. */
export async function run(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      guard: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
    },
  });
  const all = cpus().length >= 4 ? [...ROWS, TWO] : ROWS;
  const only = new RegExp(values.only);
  const rows = all.filter(row => only.test(row.join('/')));
  if (rows.length === 0)
    throw new Error(`--only: no row; there are ${all.map(row => row.join('/')).join(' ')}`);
  // Many short rounds: what else goes on a machine lasts for seconds, and then spoils some of them whole.
  const plan: Plan = values.guard
    ? { rows: GUARDED, rounds: 8, full: 0.45, half: 0 }
    : values.quick
      ? { rows, rounds: 4, full: 0.45, half: 0.3 }
      : { rows, rounds: 20, full: 0.45, half: 0.3 };
  const dir = mkdtempSync(join(tmpdir(), 'bench-dns-'));
  const running = new Map<ServerId, Running>();
  try {
    const generator: ServerKind = {
      name: 'dnsperf',
      program: 'dnsperf',
      debian: 'dnsperf',
      prepare: () => [],
    };
    const wanted = [...new Set(plan.rows.map(([id]) => id))];
    const missing = provide([generator, ...wanted.map(id => SERVERS[id])]);
    if (missing.includes(generator)) throw new Error('dnsperf is not there: apt-get install dnsperf');
    const present = wanted.filter(id => !missing.includes(SERVERS[id]));
    await Promise.all(
      present.map(async (id, i) => {
        running.set(id, await start(id, join(dir, id), 5700 + i, id === TWO[0] ? '0,1' : '0'));
      }),
    );
    const there = plan.rows.filter(([id]) => running.has(id));
    const measured = await measure(plan, there, running, dir);
    const ratios = compare(values.guard ? FLOORS : TARGETS, measured);
    const notRun = missing.map(k => k.name);
    process.stdout.write(
      values.json ? asJson(plan, measured, ratios, notRun) : asText(measured, ratios, notRun),
    );
    const wrong = [...measured.values()].some(m => m.wrong.length > 0);
    return wrong || (values.guard && ratios.some(r => !r.met)) ? 1 : 0;
  } finally {
    await Promise.all([...running.values()].map(r => r.stop()));
    rmSync(dir, { recursive: true, force: true });
  }
}

async function measure(
  plan: Plan,
  rows: readonly Row[],
  running: ReadonlyMap<ServerId, Running>,
  dir: string,
): Promise<Map<string, Measured>> {
  const questions = { static: writeQuestions(dir, 'static'), pool: writeQuestions(dir, 'pool') };
  const measured = new Map<string, Measured>();
  for (const [id, what] of rows) {
    const { port, pid } = running.get(id) as Running;
    // Compilers have done their work before anything counts.
    await load(port, pid, questions[what], Math.min(1, plan.full));
    measured.set(`${id}/${what}`, {
      completed: 0,
      perCpuSecond: [],
      perSecond: [],
      lost: 0,
      waits: [],
      wrong: [],
    });
  }
  for (let round = 0; round < plan.rounds; round++) {
    // What a machine does over time, such as to grow warm, meets each row early as often as late.
    const order = round % 2 === 0 ? rows : rows.toReversed();
    for (const [id, what] of order) {
      const { port, pid } = running.get(id) as Running;
      const m = measured.get(`${id}/${what}`) as Measured;
      const full = await load(port, pid, questions[what], plan.full);
      m.perCpuSecond.push(full.completed / full.cpuSeconds);
      m.perSecond.push(full.completed / full.seconds);
      m.completed += full.completed;
      m.lost += full.lost;
    }
    // After all of the full ones: what is compared lies close together.
    for (const [id, what] of plan.half === 0 ? [] : order) {
      const { port, pid } = running.get(id) as Running;
      const m = measured.get(`${id}/${what}`) as Measured;
      const half = load(port, pid, questions[what], plan.half, m.perSecond[round] / 2);
      const { waits, wrong } = await sample(port, what, id === 'echo', half);
      m.waits.push(...waits);
      m.wrong.push(...wrong);
      const { completed, lost } = await half;
      m.completed += completed;
      m.lost += lost;
    }
  }
  return measured;
}

function compare(targets: typeof TARGETS | typeof FLOORS, measured: ReadonlyMap<string, Measured>): Ratio[] {
  return targets.flatMap(({ over: [one, other], least }) => {
    const [a, b] = [measured.get(one), measured.get(other)];
    if (a === undefined || b === undefined) return [];
    // Round by round: what disturbed the machine disturbed both.
    const value = median(a.perCpuSecond.map((q, i) => q / b.perCpuSecond[i]));
    return [{ what: `${one} over ${other}`, value, least, met: value >= least }];
  });
}

// Queries a second here, since it is about what two processors do together.
function twoWorkers(measured: ReadonlyMap<string, Measured>): string {
  const [one, two] = ['batch/static', 'batch2/static'].map(row => measured.get(row));
  if (one === undefined || two === undefined)
    return 'two workers over one: not measurable, as the load generator needs one of the processors of the two';
  const value = round(median(two.perSecond) / median(one.perSecond));
  return `two workers over one: ${value} × the queries a second (at least 1.6)`;
}

function figures(m: Measured) {
  return {
    queriesPerCpuSecond: Math.round(median(m.perCpuSecond)),
    cpuMicrosPerQuery: round(1e6 / median(m.perCpuSecond)),
    queriesPerSecond: Math.round(median(m.perSecond)),
    p50: round(median(m.waits)),
    p99: round(quantile(m.waits, 0.99)),
    lostPerMillion: Math.round((m.lost / (m.completed + m.lost)) * 1e6),
    sampled: m.waits.length,
    wrong: m.wrong.length,
  };
}

function asJson(
  plan: Plan,
  measured: ReadonlyMap<string, Measured>,
  ratios: Ratio[],
  notRun: string[],
): string {
  const machine = {
    processors: cpus().length,
    model: cpus()[0]?.model,
    node: process.version,
    kernel: release(),
  };
  const rows = [...measured].map(([row, m]) => ({
    row,
    ...figures(m),
    rounds: m.perCpuSecond.map(Math.round),
  }));
  const wrong = [...measured].flatMap(([row, m]) => m.wrong.slice(0, 3).map(w => `${row}: ${w}`));
  const { rounds, full, half } = plan;
  const seconds = { full, half };
  return `${JSON.stringify({ bench: 'dns', machine, rounds, seconds, rows, ratios, twoWorkers: twoWorkers(measured), notRun, wrong }, null, 2)}\n`;
}

function asText(measured: ReadonlyMap<string, Measured>, ratios: Ratio[], notRun: string[]): string {
  const head = [
    'server',
    'answers',
    'queries/CPU s',
    'µs/query',
    'queries/s',
    'p50 ms',
    'p99 ms',
    'lost ppm',
    'wrong',
  ];
  const rows = [...measured].map(([row, m]) => {
    const [id, what] = row.split('/') as [ServerId, Load];
    const f = figures(m);
    const cells = [
      f.queriesPerCpuSecond,
      f.cpuMicrosPerQuery,
      f.queriesPerSecond,
      f.p50,
      f.p99,
      f.lostPerMillion,
    ];
    return [
      SERVERS[id].name,
      what,
      ...cells.map(c => (Number.isNaN(c) ? '-' : `${c}`)),
      `${f.wrong}/${f.sampled}`,
    ];
  });
  const all = [head, ...rows];
  const widths = head.map((_, c) => Math.max(...all.map(r => r[c].length)));
  const lines = all.map(r =>
    r.map((cell, c) => (c < 2 ? cell.padEnd(widths[c]) : cell.padStart(widths[c]))).join('  '),
  );
  return [
    ...lines,
    '',
    ...ratios.map(
      r => `${r.met ? 'met ' : 'NOT '} ${r.what}: ${round(r.value)} (at least ${round(r.least)})`,
    ),
    twoWorkers(measured),
    ...(notRun.length > 0
      ? [`${notRun.length} not run, as they are not installed: ${notRun.join(', ')}`]
      : []),
    ...[...measured].flatMap(([row, m]) => m.wrong.slice(0, 3).map(w => `wrong: ${row}: ${w}`)),
    '',
  ].join('\n');
}

function round(n: number): number {
  return Math.round(n * 100) / 100;
}
