// What a director's thread spends in user space for a packet, and what of that is JavaScript: perf(1) looks at it while a load runs.
//   perf record -p director · load · SIGINT → perf script → its samples by thread, and by whose code they hit
// A sample stands for the time between two of them. Looking for frames in vain is JavaScript too; the ways into poll and send (N-API,
// koffi, libc) are the rest of user space.
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Host } from '../test/lab/hosts.ts';
import type { Standing } from './l4-net.ts';

/** Samples a second of each thread that runs. */
const RATE = 5000;
/** Milliseconds until perf has opened its counters of all threads; and until the plane's counters are up to date. */
const ATTACH = 500;
const SETTLE = 1200;

/** Microseconds of the thread that forwards, for a packet; NaN where nobody counts packets. */
export interface Spent {
  user: number;
  script: number;
}

export const NOTHING: Spent = { user: Number.NaN, script: Number.NaN };

/** Runs `load` through a director and samples it meanwhile; `dir` takes perf's file. Rejects with what perf says. */
export async function profile(
  host: Host,
  standing: Standing,
  dir: string,
  load: () => Promise<unknown>,
): Promise<Spent> {
  await setTimeout(SETTLE);
  const before = await standing.packets();
  if (before === undefined || standing.pid === undefined) return NOTHING;
  const file = join(dir, 'perf.data');
  const what = ['-e', 'cpu-clock', '-F', `${RATE}`, '-p', `${standing.pid}`];
  const perf = host.start('perf', ['record', '-q', ...what, '-o', file]);
  await setTimeout(ATTACH);
  try {
    await load();
  } finally {
    await perf.stop('SIGINT');
  }
  await setTimeout(SETTLE);
  const packets = ((await standing.packets()) ?? before) - before;
  const fields = ['-F', 'tid,period,ip,sym,dso'];
  const { code, out, err } = await host.run('perf', ['script', '-i', file, ...fields], { timeout: 60_000 });
  if (code !== 0) throw new Error(`perf: ${perf.output()}${err}`);
  const { user, script } = busiest(out);
  return { user: user / 1000 / packets, script: script / 1000 / packets };
}

/** A line of `perf script`: thread, nanoseconds that it stands for, address, function, and the file that holds it. */
const SAMPLE = /^\s*(\d+)\s+(\d+)\s+([0-9a-f]+) (.*) \((\S.*)\)$/;
/** Addresses of the kernel, its modules and its BPF programs: the upper half. */
const KERNEL = /^[89a-f][0-9a-f]{15}$/;
/** Code that V8 made; and V8's own parts in node's binary: the interpreter and stubs, the collector and the compilers. */
const MADE = /^\[JIT\]|^\/\/anon|\/perf-\d+\.map$/;
const V8 = /^(Builtins_|v8::internal::)/;

/** Of the thread that has most samples: nanoseconds in user space, and of these in JavaScript. */
export function busiest(text: string): Spent {
  const threads = new Map<string, { all: number } & Spent>();
  for (const line of text.split('\n')) {
    const [, thread, period, address, symbol, file] = SAMPLE.exec(line) ?? [];
    if (thread === undefined) continue;
    const spent = threads.get(thread) ?? { all: 0, user: 0, script: 0 };
    threads.set(thread, spent);
    const time = Number(period);
    spent.all += time;
    if (KERNEL.test(address)) continue;
    spent.user += time;
    if (MADE.test(file) || V8.test(symbol)) spent.script += time;
  }
  const [first] = [...threads.values()].sort((a, b) => b.all - a.all);
  return first ?? NOTHING;
}
