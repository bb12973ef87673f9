// The ipvs plane against the real kernel: boots it, and prints what became of every story told in it.
//   npm run oracle:plane   →   ok NAME (ms, what was seen) …   plane: N passed, M failed
import { join } from 'node:path';
import { runGuest } from './guest.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const PROGRAMS = {
  'linux.uml': 'user-mode-linux',
  modprobe: 'kmod',
  ip: 'iproute2',
  ipvsadm: 'ipvsadm',
};

const { provide } = (await import(join(ROOT, 'test', 'needs.mjs'))) as {
  provide: (programs: Record<string, string>) => string[];
};
const missing = provide(PROGRAMS);
if (missing.length > 0) throw new Error(`missing: ${missing.join(', ')}`);
let [passed, failed] = [0, 0];
await runGuest(join(import.meta.dirname, 'plane-guest.js'), ({ name, fault, note }) => {
  if (name === 'output') console.log(note);
  else if (fault !== undefined) {
    failed++;
    console.log(`FAILED ${name}\n${fault}`);
  } else {
    passed++;
    console.log(`ok ${name} (${note})`);
  }
});
console.log(`plane: ${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
