// A machine for the lab whose network cards AF_XDP drives without copies: qemu emulates it, with a newer kernel of Debian's, on this
// machine's own files, read-only, under a layer in its memory.
//   kernel (machine-kernel.ts) + initrd (busybox, five modules) → 9p of / under an overlay → init → the command → power off
// Its cards are pairs joined by a cable each, n0=n1, n2=n3. Emulated, not virtualized: it needs no /dev/kvm, and is some ten times slower.
// A kernel that patches its own code (static keys) while the other processor runs it may see that half done, and die: emulation is
// not exact there. So its second processor comes in when the kernel and its modules are up, nothing is told that turns such keys under
// load, as captures do, and who boots it may have to boot it again.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KernelProcess } from '../oracle/kernel-process.ts';
import { type Kernel, unpacked } from './machine-kernel.ts';

/** What it needs, and the Debian packages that hold it. */
export const MACHINE_PROGRAMS = {
  'qemu-system-x86_64': 'qemu-system-x86',
  busybox: 'busybox-static',
  cpio: 'cpio',
  depmod: 'kmod',
  xz: 'xz-utils',
};
export const CARDS = ['n0=n1', 'n2=n3'] as const;
/**
 * With the platform's DMA: without it the driver has no zero-copy. A packet in one buffer: where it may take several (mrg_rxbuf), qemu
 * before 9.1 waits for ever for a driver that gave it buffers while it looked for them, and the card receives nothing any more. Seen
 * without, too, in a first burst: so there is room for four times as many packets as by default.
 */
const CARD = [
  'iommu_platform=on,disable-legacy=on,romfile=,rx_queue_size=1024',
  ...['mrg_rxbuf', 'guest_tso4', 'guest_tso6', 'guest_ecn', 'guest_ufo'].map(name => `${name}=off`),
].join();
/** By these it finds its files; in this order. */
const EARLY = ['netfs', '9pnet', '9pnet_virtio', '9p', 'overlay'];
const MEMORY = '4G';
/** How long it may say nothing, milliseconds. */
const PATIENCE = 300_000;

/** Boots it, runs the shell's `command` there, and hands over each line that it prints. Rejects when it falls silent. */
export async function boot(kernel: Kernel, command: string, hear: (line: string) => void): Promise<void> {
  const machine = new KernelProcess('machine');
  let [rest, heard] = ['', performance.now()];
  const take = (text: string) => {
    heard = performance.now();
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) hear(line.replaceAll('\r', ''));
  };
  let silent = false;
  const watch = setInterval(() => {
    silent = performance.now() - heard > PATIENCE;
    if (silent) machine.end();
  }, 1000);
  try {
    const initrd = makeInitrd(kernel, machine.folder, command);
    await machine.run('qemu-system-x86_64', words(kernel, initrd), { hear: take });
    if (silent) throw new Error(`the machine said nothing for ${PATIENCE / 1000} s`);
  } finally {
    clearInterval(watch);
    machine.close();
  }
}

function words(kernel: Kernel, initrd: string): string[] {
  const cards = CARDS.flatMap(pair => pair.split('=')).flatMap((name, i) => [
    ...['-netdev', `hubport,id=${name},hubid=${i >> 1}`],
    ...['-device', `virtio-net-pci,netdev=${name},mac=${macOf(i)},${CARD}`],
  ]);
  return [
    ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', MEMORY],
    ...['-nographic', '-no-reboot', '-nic', 'none', ...cards],
    ...['-virtfs', 'local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap'],
    ...['-kernel', kernel.image, '-initrd', initrd, '-append', 'console=ttyS0 loglevel=1 panic=-1 maxcpus=1'],
  ];
}

function macOf(card: number): string {
  return `52:54:00:00:00:0${card}`;
}

// What runs first: it puts the machine's files together, and `command` into them.
function makeInitrd(kernel: Kernel, folder: string, command: string): string {
  const tree = join(folder, 'tree');
  for (const dir of ['bin', 'proc', 'sys', 'dev', 'low', 'high', 'root', 'modules'])
    mkdirSync(join(tree, dir), { recursive: true });
  copyFileSync('/bin/busybox', join(tree, 'bin', 'busybox'));
  for (const name of EARLY) writeFileSync(join(tree, 'modules', `${name}.ko`), unpacked(kernel, name));
  const names = CARDS.flatMap(pair => pair.split('='));
  writeFileSync(
    join(tree, 'stage2'),
    `export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LAB_PACE=4
mount -t tmpfs run /run; mount -t bpf bpf /sys/fs/bpf; mkdir -p /lib/modules
mount --bind ${kernel.modules} /lib/modules
modprobe -a virtio_net veth bridge tun nf_tables
${names.map((name, i) => `for l in /sys/class/net/*; do if grep -q ${macOf(i)} $l/address; then ip link set \${l##*/} name ${name}; fi; done`).join('\n')}
ip link set lo up
echo 1 > /sys/devices/system/cpu/cpu1/online
echo
${command}
echo o > /proc/sysrq-trigger
sleep 60
`,
  );
  writeFileSync(
    join(tree, 'init'),
    `#!/bin/busybox sh
for a in 'proc proc' 'sysfs sys' 'devtmpfs dev'; do set -- $a; /bin/busybox mount -t $1 $1 /$2; done
for m in ${EARLY.join(' ')}; do /bin/busybox insmod /modules/$m.ko; done
/bin/busybox mount -t 9p -o trans=virtio,ro,version=9p2000.L,msize=512000,cache=loose host /low
/bin/busybox mount -t tmpfs -o size=3g high /high
/bin/busybox mkdir /high/upper /high/work
/bin/busybox mount -t overlay -o lowerdir=/low,upperdir=/high/upper,workdir=/high/work root /root
for d in proc sys dev; do /bin/busybox mount --move /$d /root/$d; done
/bin/busybox cp /stage2 /root/run/stage2
exec /bin/busybox switch_root /root /bin/bash /run/stage2
`,
    { mode: 0o755 },
  );
  const files = execFileSync('find', ['.'], { cwd: tree });
  const initrd = join(folder, 'initrd');
  const made = execFileSync('cpio', ['-o', '-H', 'newc', '--quiet'], {
    cwd: tree,
    input: files,
    maxBuffer: 64 << 20,
  });
  writeFileSync(initrd, made);
  return initrd;
}
