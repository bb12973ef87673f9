// Boots the kernel under test: Debian's user-mode-linux, an ordinary process, on this machine's own files, read-only. It
// shares one scratch folder, and reads a clock that the player sets ahead (clock.c).
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KernelProcess, library } from './kernel-process.ts';
import type { Job } from './player.ts';
import type { Story } from './story.ts';

const MODULES = [
  ...['tun', 'ipv6', 'nf_defrag_ipv6', 'ip_vs'],
  ...['nf_conntrack', 'iptable_nat', 'ip6table_nat', 'xt_nat', 'xt_MASQUERADE', 'xt_ipvs'],
  ...['rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'dh', 'sh', 'mh', 'sed', 'nq', 'fo', 'ovf'].map(
    s => `ip_vs_${s}`,
  ),
];

function init(folder: string): string {
  return `#!/bin/sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/run
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /run/md/lib
ln -s /usr/lib/uml/modules /run/md/lib/modules
for m in ${MODULES.join(' ')}; do modprobe -d /run/md $m || echo "no module $m"; done
mount -t hostfs none ${folder} -o ${folder}
'${process.execPath}' '${join(import.meta.dirname, 'player.js')}' '${folder}'
sync
echo o > /proc/sysrq-trigger
sleep 60
`;
}

/**
 * Plays a job in a kernel of its own, and hands each story over as it ends. `patience`: ms without a new one. Returns the
 * names of the parcels that were lost.
 */
export async function boot(job: Job, hear: (story: Story) => void, patience = 120_000): Promise<string[]> {
  const kernel = new KernelProcess('oracle');
  const { folder } = kernel;
  try {
    const clock = join(folder, 'clock');
    writeFileSync(clock, Buffer.alloc(4096));
    writeFileSync(join(folder, 'job.json'), JSON.stringify(job));
    writeFileSync(join(folder, 'init.sh'), init(folder), { mode: 0o755 });
    const ended = kernel.start(join(folder, 'init.sh'), [library('clock', folder)], { CLOCK_FILE: clock });
    await listen(folder, ended, hear, patience).finally(() => kernel.end());
    await ended;
    if (!existsSync(join(folder, 'done')))
      throw new Error(`the kernel under test ended early:\n${kernel.said}`);
    const lost = join(folder, 'lost.json');
    return existsSync(lost) ? (JSON.parse(readFileSync(lost, 'utf8')) as string[]) : [];
  } finally {
    kernel.close();
  }
}

async function listen(
  folder: string,
  ended: Promise<void>,
  hear: (story: Story) => void,
  patience: number,
): Promise<void> {
  const path = join(folder, 'stories.jsonl');
  let heard = 0;
  let over = false;
  void ended.then(() => {
    over = true;
  });
  for (let quiet = 0; quiet < patience; quiet += 500) {
    await new Promise(resolve => setTimeout(resolve, 500));
    const last = over || existsSync(join(folder, 'done'));
    const text = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
    const end = text.lastIndexOf(10) + 1;
    if (end > heard) quiet = 0;
    for (const line of text.subarray(heard, end).toString().split('\n'))
      if (line !== '') hear(JSON.parse(line) as Story);
    heard = Math.max(heard, end);
    if (last) return;
  }
}
