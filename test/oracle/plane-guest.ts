// Runs inside the kernel under test: every story of the ipvs plane, each in a network namespace of its own.
//   plane-guest.js FOLDER KERNEL PATTERN
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Line } from './guest.ts';
import { KERNELS } from './plane-kernels.ts';
import { freshNamespace } from './plane-kit.ts';

const [, , folder, kernel = '0', only = ''] = process.argv;
const write = (line: Line) => appendFileSync(join(folder, 'report.jsonl'), `${JSON.stringify(line)}\n`);
/** Stories that may be told once more: a fault fails twice, a kernel that stalls for a moment does not. */
let tries = 3;

/** Why it failed; undefined when it did not. */
async function told(name: string, tell: () => Promise<unknown>): Promise<string | undefined> {
  const begun = performance.now();
  try {
    freshNamespace();
    const note = String((await tell()) ?? '');
    const ms = `${Math.round(performance.now() - begun)} ms`;
    write({ name, note: [ms, note].filter(t => t !== '').join(', ') });
    return undefined;
  } catch (e) {
    return e instanceof Error ? (e.stack ?? e.message) : String(e);
  }
}

for (const [name, tell] of Object.entries(KERNELS[Number(kernel)])) {
  if (!new RegExp(only).test(name)) continue;
  let fault = await told(name, tell);
  if (fault !== undefined && tries-- > 0) {
    write({ name: 'output', note: `again ${name} (${fault})` });
    fault = await told(name, tell);
  }
  if (fault !== undefined) write({ name, fault });
}
// What a story left open does not hold up the kernel.
process.exit(0);
