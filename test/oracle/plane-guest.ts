// Runs inside the kernel under test: every story of the ipvs plane, each in a network namespace of its own.
//   plane-guest.js FOLDER KERNEL PATTERN
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Line } from './guest.ts';
import { KERNELS } from './plane-kernels.ts';
import { freshNamespace } from './plane-kit.ts';

const [, , folder, kernel = '0', only = ''] = process.argv;
const write = (line: Line) => appendFileSync(join(folder, 'report.jsonl'), `${JSON.stringify(line)}\n`);
for (const [name, tell] of Object.entries(KERNELS[Number(kernel)])) {
  if (!new RegExp(only).test(name)) continue;
  const begun = performance.now();
  try {
    freshNamespace();
    const note = String((await tell()) ?? '');
    write({
      name,
      note: [`${Math.round(performance.now() - begun)} ms`, note].filter(t => t !== '').join(', '),
    });
  } catch (e) {
    write({ name, fault: e instanceof Error ? (e.stack ?? e.message) : String(e) });
  }
}
// What a story left open does not hold up the kernel.
process.exit(0);
