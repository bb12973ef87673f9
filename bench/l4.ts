// What forwarding costs, beside others in the same run: `npm run bench -- l4 [--json] [--quick] [--rounds N] [--only REGEX]`.
//   each round: every row in turn: plain routing takes the load · the row stands between client and server and takes each load
// Compared are medians over the rounds. CPU is the machine's, over what plain routing took for the same right before: what a machine
// gives changes from minute to minute. Client, director and server share the processors, so requests a second are those of all three.
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { reason } from '../src/kit/errors.ts';
import { busySeconds, labFault, processSeconds } from '../test/lab/hosts.ts';
import { Net, ROWS, type Row, STREAM, type Standing, still } from './l4-net.ts';
import { NOTHING, profile, type Spent } from './l4-profile.ts';
import { asJson, asText, type Figures, type Measured } from './l4-report.ts';

/** Threads of wrk, as many as processors: one alone makes fewer connections than plain routing could carry. */
const THREADS = cpus().length;
/** Seconds of each kind of load before anything is measured: our planes' code is interpreted at first, and compiled while it runs. */
const WARM = 2;

/** What every row needs, and the Debian packages that hold it. */
const PROGRAMS = {
  wrk: 'wrk',
  iperf3: 'iperf3',
  nginx: 'nginx',
  curl: 'curl',
  ip: 'iproute2',
  ethtool: 'ethtool',
  nsenter: 'util-linux',
  perf: 'linux-perf',
};

/** Runs the bench; resolves to the exit code: 1 when a row that can be had did not answer. */
export async function run(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      only: { type: 'string', default: '' },
    },
  });
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 7));
  const seconds = values.quick ? 1 : 2;
  const notRun: { row: string; why: string }[] = [];
  const measured: Measured = new Map();
  let failed = 0;
  const provider = join(import.meta.dirname, '..', '..', 'test', 'needs.mjs');
  const { provide } = (await import(provider)) as { provide: (programs: Record<string, string>) => string[] };
  const missing = provide(PROGRAMS);
  const fault = labFault() ?? (missing.length > 0 ? `missing: ${missing.join(', ')}` : undefined);
  if (fault !== undefined) notRun.push({ row: 'all', why: fault });
  else {
    const only = new RegExp(values.only);
    const net = new Net();
    try {
      await net.startServer();
      const rows: Row[] = [];
      for (const row of Object.keys(ROWS) as Row[]) {
        if (row !== 'routing' && !only.test(row)) continue;
        const why = await unfit(row, provide);
        if (why === undefined) rows.push(row);
        else notRun.push({ row: ROWS[row].name, why });
      }
      for (let round = 0; round < rounds; round++)
        for (const row of rows) {
          process.stderr.write(`round ${round + 1} of ${rounds}: ${ROWS[row].name}\n`);
          try {
            const figures = await measure(net, row, seconds);
            measured.set(row, [...(measured.get(row) ?? []), figures]);
          } catch (e) {
            failed++;
            notRun.push({ row: ROWS[row].name, why: reason(e) });
          }
        }
    } finally {
      await net.close();
    }
  }
  process.stdout.write(values.json ? asJson(measured, rounds, seconds, notRun) : asText(measured, notRun));
  return failed > 0 ? 1 : 0;
}

// Why this machine cannot have a row.
async function unfit(
  row: Row,
  provide: (programs: Record<string, string>) => string[],
): Promise<string | undefined> {
  const missing = provide({ ...ROWS[row].needs });
  if (missing.length > 0) return `missing: ${missing.join(', ')}`;
  if (row === 'nginx' && !existsSync(STREAM)) {
    // A module, not a program: it is fetched by a name that nothing on the path has.
    provide({ 'ngx_stream_module.so': 'libnginx-mod-stream' });
    if (!existsSync(STREAM)) return 'missing: libnginx-mod-stream';
  }
  return undefined;
}

async function measure(net: Net, row: Row, seconds: number): Promise<Figures> {
  const others = await atRest();
  const routed = still(net.routed(row));
  const bareKept = await watched(routed, () => wrk(net, routed, seconds, true));
  const bareFresh = await watched(routed, () => wrk(net, routed, seconds, false));
  const standing = await net.start(row);
  try {
    // Both ways that are measured, so that every row is warm.
    for (const keep of [false, true]) await wrk(net, standing, WARM, keep);
    const kept = await watched(standing, () => wrk(net, standing, seconds, true));
    const fresh = await watched(standing, () => wrk(net, standing, seconds, false));
    const gigabits = await bulk(net, standing, seconds);
    const packets = ROWS[row].udp ? await small(net, standing, seconds) : Number.NaN;
    // By itself: being looked at takes time too.
    const looked = (load: () => Promise<unknown>): Promise<Spent> =>
      profile(net.director, standing, net.dir, load);
    const lone = await looked(() => wrk(net, standing, seconds, true));
    const crowd = ROWS[row].udp ? await looked(() => small(net, standing, seconds)) : NOTHING;
    return {
      others,
      requests: kept.result / seconds,
      connections: fresh.result / seconds,
      requestShare: kept.result / bareKept.result,
      connectionShare: fresh.result / bareFresh.result,
      gigabits,
      packets,
      machineRequest: micros(kept),
      machineConnection: micros(fresh),
      addedRequest: micros(kept) - micros(bareKept),
      addedConnection: micros(fresh) - micros(bareFresh),
      ownRequest: (1e6 * kept.own) / kept.result,
      userPacket: lone.user,
      scriptPacket: lone.script,
      userSmall: crowd.user,
      scriptSmall: crowd.script,
    };
  } finally {
    await standing.stop();
  }
}

function micros({ machine, result }: { machine: number; result: number }): number {
  return (1e6 * machine) / result;
}

async function atRest(): Promise<number> {
  const [busy, begun] = [busySeconds(), performance.now()];
  await setTimeout(600);
  return (1000 * (busySeconds() - busy)) / (performance.now() - begun) / cpus().length;
}

/** What a load took of the machine, and of the director's process: seconds. */
async function watched({ pid }: Standing, load: () => Promise<number>) {
  const before = { machine: busySeconds(), own: ownSeconds(pid) };
  const result = await load();
  return { result, machine: busySeconds() - before.machine, own: ownSeconds(pid) - before.own };
}

function ownSeconds(pid: number | undefined): number {
  return pid === undefined ? Number.NaN : processSeconds(pid);
}

/** Requests that were answered. */
async function wrk(net: Net, standing: Standing, seconds: number, keep: boolean): Promise<number> {
  const close = keep ? [] : ['-H', 'Connection: close'];
  const args = ['-t', `${THREADS}`, '-c', '64', '-d', `${seconds}s`, ...close, `http://${standing.address}/`];
  const { out, err } = await net.client.run('wrk', args, { timeout: 60_000 });
  const count = Number(/(\d+) requests in/.exec(out)?.[1] ?? 0);
  if (count === 0) throw new Error(`wrk: ${out}${err}`);
  return count;
}

async function bulk(net: Net, standing: Standing, seconds: number): Promise<number> {
  const report = await iperf(net, ['-c', standing.address, '-t', `${seconds}`, '-J']);
  return (report.end?.sum_received?.bits_per_second ?? Number.NaN) / 1e9;
}

/** Datagrams of 64 octets that came through in a second. */
async function small(net: Net, standing: Standing, seconds: number): Promise<number> {
  const report = await iperf(net, [
    '-c',
    standing.address,
    '-u',
    '-b',
    '0',
    '-l',
    '64',
    '-t',
    `${seconds}`,
    '-J',
  ]);
  const sum = report.end?.sum;
  return ((sum?.packets ?? Number.NaN) - (sum?.lost_packets ?? 0)) / (sum?.seconds ?? seconds);
}

interface Report {
  end?: {
    sum_received?: { bits_per_second: number };
    sum?: { packets: number; lost_packets: number; seconds: number };
  };
  error?: string;
}

async function iperf(net: Net, args: string[]): Promise<Report> {
  for (let again = 0; ; again++) {
    const { out } = await net.client.run('iperf3', args, { timeout: 30_000 });
    const report = JSON.parse(out || '{"error":"it said nothing"}') as Report;
    if (report.error === undefined) return report;
    // The server takes one at a time, and may not have noticed the end of the last.
    if (again === 3) throw new Error(`iperf3: ${report.error}`);
    await setTimeout(500);
  }
}
