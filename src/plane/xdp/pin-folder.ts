// The folder of bpffs in which this network namespace's XDP links are pinned, and beside them a word on where a clean stop left what the
// next run begins with. Node alone is needed for it: it is the first thing that a restart looks at.
//   /sys/fs/bpf/switchyard/net-<network namespace>/<interface> · :resume → a file
import { readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

export const BPFFS = '/sys/fs/bpf';
/** Below it, one folder for each network namespace. */
export const PINS: string = join(BPFFS, 'switchyard');
/** No interface can be called so. */
export const RESUME = ':resume';

/** The folder of this network namespace. Throws where /proc tells nothing. */
export function pinFolder(): string {
  const space = readlinkSync('/proc/self/ns/net').replace(/\D/g, '');
  return join(PINS, `net-${space}`);
}

/** The interfaces whose links a run before us left pinned; none where that cannot be found out. */
export function pinnedLinks(): string[] {
  try {
    return readdirSync(pinFolder()).filter(name => name !== RESUME);
  } catch {
    return [];
  }
}

/** Where the run before us left what we begin with; the word is taken away. Undefined: nowhere. */
export function takePointer(): string | undefined {
  try {
    const at = join(pinFolder(), RESUME);
    const path = readlinkSync(at);
    rmSync(at);
    return path;
  } catch {
    return undefined;
  }
}

/** Leaves that word. Where there are no pins, and so no place for it, nothing is left. */
export function leavePointer(path: string): void {
  try {
    const at = join(pinFolder(), RESUME);
    rmSync(at, { force: true });
    symlinkSync(path, at);
  } catch {
    // The next start is a slower one.
  }
}
