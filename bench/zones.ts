// Loading many names and many zones, beside NSD and Knot in the same run: `npm run bench -- zones [--json]`.
//   for each set of files, each server in turn: start → every question answered right → memory after a pause
//   then reloads of one zone among many, under load
// Memory is that of the whole family of processes (PSS); the servers are quiet when it is read.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { provide } from './dns-servers.ts';
import { memoryOf, startAndAsk } from './zones-process.ts';
import { type Reloads, reloadUnderLoad } from './zones-reload.ts';
import { LOADERS, type Loading, manyZones, oneZone, type ZoneSet } from './zones-servers.ts';

const PORT = 5800;
const PATIENCE = 300;
/** Until what was only needed for the load has been given back; milliseconds. */
const PAUSE = 3000;
/** Ours is to take at most so many times what NSD takes. */
const MOST = 3;
/** Reloads are measured among so many zones. */
const OTHERS = 1000;

interface Row {
  server: string;
  /** Seconds from start to right answers, and of the processor; megabytes. Medians. */
  seconds: number;
  cpu: number;
  memory: number;
}

/** Runs the bench; resolves to the exit code: 1 where a query was lost or an answer mixed. */
export async function run(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      json: { type: 'boolean', default: false },
      names: { type: 'string', default: '1000000' },
      zones: { type: 'string', default: '100000' },
      rounds: { type: 'string', default: '3' },
      reloads: { type: 'string', default: '1000' },
    },
  });
  const dir = mkdtempSync(join(tmpdir(), 'bench-zones-'));
  try {
    const perf: Loading = { ...LOADERS[0], name: 'dnsperf', program: 'dnsperf', debian: 'dnsperf' };
    const missing = provide([...LOADERS, perf]);
    const servers = LOADERS.filter(s => !missing.includes(s));
    const tables: { what: string; count: number; rows: Row[] }[] = [];
    for (const [what, make, count] of [
      ['names in one zone', oneZone, Number(values.names)],
      ['zones', manyZones, Number(values.zones)],
    ] as const) {
      if (count === 0) continue;
      const set = make(join(dir, what.replaceAll(' ', '-')), count);
      tables.push({ what, count, rows: await measure(set, servers, Number(values.rounds), dir) });
      rmSync(set.dir, { recursive: true });
    }
    const reloads = missing.includes(perf) ? 0 : Number(values.reloads);
    const others = reloads > 0 ? manyZones(join(dir, 'others'), OTHERS) : undefined;
    const reloaded = others && (await reloadUnderLoad(others, join(dir, 'reload'), PORT + 50, reloads));
    const report = { tables, reloads: reloaded, notRun: missing.map(m => m.name) };
    process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : asText(tables, reloaded));
    return reloaded !== undefined && reloaded.lost + reloaded.mixed > 0 ? 1 : 0;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function measure(
  set: ZoneSet,
  servers: readonly Loading[],
  rounds: number,
  dir: string,
): Promise<Row[]> {
  const seen = new Map(
    servers.map(s => [s, { seconds: [] as number[], cpu: [] as number[], memory: [] as number[] }]),
  );
  for (let round = 0; round < rounds; round++)
    for (const [i, server] of servers.entries()) {
      const own = join(dir, `${server.name}-${set.zones.length}-${round}`);
      mkdirSync(own);
      const port = PORT + 10 * i;
      warm(set);
      const command = server.configure(set, own, port);
      const { seconds, cpu, pid, stop } = await startAndAsk(command, own, port, set.questions, PATIENCE);
      await sleep(PAUSE);
      const found = seen.get(server);
      found?.seconds.push(seconds);
      found?.cpu.push(cpu);
      found?.memory.push(memoryOf(pid));
      await stop();
    }
  return [...seen].map(([{ name }, s]) => ({
    server: name,
    seconds: median(s.seconds),
    cpu: median(s.cpu),
    memory: median(s.memory),
  }));
}

// None of them is to pay for the disk: all find the files in the page cache.
function warm({ dir, zones }: ZoneSet): void {
  for (const { file } of zones) readFileSync(join(dir, file));
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1];
}

function asText(tables: readonly { what: string; count: number; rows: Row[] }[], reloaded?: Reloads): string {
  const lines: string[] = [];
  for (const { what, count, rows } of tables) {
    lines.push(`${count.toLocaleString('en-US')} ${what}`);
    const nsd = rows.find(r => r.server === 'NSD');
    for (const r of rows) {
      const cells = [`${r.seconds.toFixed(2)} s`, `${r.cpu.toFixed(2)} s CPU`, `${r.memory.toFixed(0)} MB`];
      lines.push(`  ${r.server.padEnd(12)}${cells.map(c => c.padStart(14)).join('')}`);
    }
    const ours = rows.find(r => r.server === LOADERS[0].name);
    if (nsd === undefined || ours === undefined) continue;
    const ratios = [ours.seconds / nsd.seconds, ours.memory / nsd.memory];
    const verdict = Math.max(...ratios) <= MOST ? 'reached' : 'missed';
    lines.push(
      `  ours over NSD: time ${ratios[0].toFixed(2)}, memory ${ratios[1].toFixed(2)}; at most ${MOST}: ${verdict}`,
    );
  }
  if (reloaded !== undefined) {
    const r = reloaded;
    lines.push(
      `${r.reloads} reloads of one of ${r.zones} zones: median ${r.median.toFixed(1)} ms, slowest ${r.slowest.toFixed(0)} ms, ${(r.cpuPerReload * 1000).toFixed(0)} ms of the processor each`,
      `  under load: ${r.queries} queries, ${r.lost} lost; ${r.checked} answers looked at, ${r.mixed} mixed, of ${r.generations} generations`,
    );
  }
  return `${lines.join('\n')}\n`;
}
