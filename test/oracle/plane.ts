// The ipvs plane against the real kernel: boots it, and prints what became of every story told in it.
//   npm run oracle:plane [-- PATTERN of names]   →   ok NAME (ms, what was seen) …   plane: N passed, M failed
import { join } from 'node:path';
import { type Line, runGuest } from './guest.ts';
import { KERNELS } from './plane-kernels.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const PROGRAMS = {
  'linux.uml': 'user-mode-linux',
  modprobe: 'kmod',
  ip: 'iproute2',
  ipvsadm: 'ipvsadm',
  nsenter: 'util-linux',
  ethtool: 'ethtool',
  sysctl: 'procps',
  curl: 'curl',
};

const { provide } = (await import(join(ROOT, 'test', 'needs.mjs'))) as {
  provide: (programs: Record<string, string>) => string[];
};
const missing = provide(PROGRAMS);
if (missing.length > 0) throw new Error(`missing: ${missing.join(', ')}`);
let [passed, failed] = [0, 0];
const only = process.argv[2] ?? '';
const hear = ({ name, fault, note }: Line) => {
  if (name === 'output') console.log(note);
  else if (fault !== undefined) {
    failed++;
    console.log(`FAILED ${name}\n${fault}`);
  } else {
    passed++;
    console.log(`ok ${name} (${note})`);
  }
};
const guest = join(import.meta.dirname, 'plane-guest.js');
const wanted = KERNELS.flatMap((k, i) =>
  Object.keys(k).some(n => new RegExp(only).test(n)) ? [String(i)] : [],
);
await Promise.all(wanted.map(kernel => runGuest(guest, hear, { words: [kernel, only] })));
console.log(`plane: ${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
