// Boots the real kernel (Debian's user-mode-linux, an ordinary process) for tests that are programs of their own: one runs
// in it as node, on this machine's files, read-only, and tells line by line what came of it.
//   host: runGuest(script) ─boots→ guest: node script FOLDER ─lines→ FOLDER/report.jsonl
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KernelProcess } from './kernel-process.ts';

/** What became of one thing that was tried; or a note. */
export interface Line {
  name: string;
  /** Why it failed. */
  fault?: string;
  /** What was seen, for people. */
  note?: string;
}

function init(folder: string, script: string, words: readonly string[]): string {
  // The kernel loads the modules that it wants by itself, as elsewhere; Debian's are in a place of their own.
  return `#!/bin/sh
export PATH=/run/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/run TMPDIR=/run LAB_PACE=4
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /run/netns /run/md/lib /run/bin
ln -s /usr/lib/uml/modules /run/md/lib/modules
printf '#!/bin/sh\\nexec /sbin/modprobe -d /run/md "$@"\\n' > /run/bin/modprobe
chmod +x /run/bin/modprobe
echo /run/bin/modprobe > /proc/sys/kernel/modprobe
for m in ipv6 veth nf_defrag_ipv6; do modprobe $m; done
ip link set lo up
mount -t hostfs none ${folder} -o ${folder}
'${process.execPath}' '${script}' '${folder}' ${words.map(w => `'${w}'`).join(' ')} > '${folder}/said' 2>&1
touch '${folder}/done'
sync
echo o > /proc/sysrq-trigger
sleep 60
`;
}

/** Runs a script, with these words behind the folder's name, in a kernel of its own and hands its lines over as they come. Rejects when the kernel ends before the script does, or says nothing for `patience` ms. */
export async function runGuest(
  script: string,
  hear: (line: Line) => void,
  { words = [], patience = 480_000 }: { words?: readonly string[]; patience?: number } = {},
): Promise<void> {
  const kernel = new KernelProcess('guest');
  const { folder } = kernel;
  const done = () => existsSync(join(folder, 'done'));
  try {
    const first = join(folder, 'init.sh');
    writeFileSync(first, init(folder, script, words), { mode: 0o755 });
    let over = false;
    const ended = kernel.start(first);
    void ended.then(() => {
      over = true;
    });
    let heard = 0;
    let until = performance.now() + patience;
    // Switching off is left to us: it takes the kernel a while.
    while (!over && !done() && performance.now() < until) {
      await new Promise(resolve => setTimeout(resolve, 300));
      const before = heard;
      heard = tell(folder, heard, hear);
      if (heard > before) until = performance.now() + patience;
    }
    const why = over ? 'ended early' : `said nothing for ${patience / 1000} s`;
    kernel.end();
    await ended;
    tell(folder, heard, hear);
    const said = existsSync(join(folder, 'said')) ? readFileSync(join(folder, 'said'), 'utf8') : '';
    if (!done()) throw new Error(`the kernel under test ${why}:\n${kernel.said}\n${said.slice(-4000)}`);
    if (said.trim() !== '') hear({ name: 'output', note: said.slice(-4000) });
  } finally {
    kernel.close();
  }
}

function tell(folder: string, heard: number, hear: (line: Line) => void): number {
  const path = join(folder, 'report.jsonl');
  const text = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  const end = text.lastIndexOf(10) + 1;
  for (const line of text.subarray(heard, end).toString().split('\n'))
    if (line !== '') hear(JSON.parse(line) as Line);
  return Math.max(heard, end);
}
