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
  nginx: 'nginx',
  nsd: 'nsd netbase',
  dig: 'bind9-dnsutils',
  ping: 'iputils-ping',
  tcpdump: 'tcpdump',
};
/** Kernels at a time: each is a process that has work. */
const AT_ONCE = 2;
/** How long one may take for a story, ms: they share the machine, and none takes a third of this. */
const PATIENCE = 600_000;

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
const next = async () => {
  for (let kernel = wanted.shift(); kernel !== undefined; kernel = wanted.shift())
    await runGuest(guest, hear, { words: [kernel, only], patience: PATIENCE }).catch(e =>
      hear({ name: `kernel ${kernel}`, fault: e instanceof Error ? e.message : String(e) }),
    );
};
await Promise.all(Array.from({ length: AT_ONCE }, next));
console.log(`plane: ${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
