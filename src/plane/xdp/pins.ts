// The links of the XDP program, pinned in bpffs so that they outlive us: a restart finds them and puts its own program in.
//   /sys/fs/bpf/switchyard/net-<network namespace>/<interface>: pin-folder.ts
// Invariant: a pin whose interface is gone is removed by whoever opens pins next; without a bpffs all works, but with a gap.
import { mkdirSync, readdirSync, rmdirSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { GtmError, reason } from '../../kit/errors.ts';
import type { Log } from '../../kit/log.ts';
import { ATTACH, type Attach, type Bpf } from '../../nic/bpf.ts';
import type { Libc } from '../../nic/libc.ts';
import { BPFFS, PINS, pinFolder, RESUME } from './pin-folder.ts';

const MAGIC = 0xcafe4a11;

export class Pins {
  readonly #libc: Libc;
  readonly #bpf: Bpf;
  readonly #log: Log;
  /** Where ours are; undefined without a bpffs. */
  readonly #folder: string | undefined;
  /** By interface name. */
  readonly #links = new Map<string, number>();

  constructor(libc: Libc, bpf: Bpf, log: Log) {
    this.#libc = libc;
    this.#bpf = bpf;
    this.#log = log;
    this.#folder = this.#open();
  }

  /**
   * Puts `program` on an interface: into the link that is pinned there, or by a new one if that stands as `present` and is to stand
   * otherwise. Says how. Throws GTM_BPF.
   */
  attach(
    name: string,
    index: number,
    program: number,
    how: 'auto' | Attach,
    present: Attach | undefined,
  ): 'kept' | Attach {
    const known = this.#links.get(name) ?? this.#pinned(name, index);
    if (known !== undefined) this.#links.set(name, known);
    // A link has one way for good. Without it, until the next stands, the guard of nftables drops what is a service's.
    if (how !== 'auto' && present !== undefined && how !== present) this.remove(name);
    else if (known !== undefined) {
      this.#bpf.update(known, program);
      return 'kept';
    }
    const [link, as] = this.#fresh(name, index, program, how);
    this.#links.set(name, link);
    if (this.#folder !== undefined) this.#bpf.pin(link, join(this.#folder, name));
    return as;
  }

  /** Lets go of the links; pinned ones stay. */
  release(): void {
    for (const fd of this.#links.values()) this.#libc.close(fd);
    this.#links.clear();
  }

  /** Takes the program off an interface. */
  remove(name: string): void {
    const fd = this.#links.get(name);
    if (fd === undefined) return;
    this.#links.delete(name);
    if (this.#folder !== undefined) rmSync(join(this.#folder, name), { force: true });
    this.#libc.close(fd);
  }

  #fresh(name: string, index: number, program: number, how: 'auto' | Attach): [number, Attach] {
    const faults: string[] = [];
    for (const as of how === 'auto' ? (Object.keys(ATTACH) as Attach[]) : [how]) {
      try {
        return [this.#bpf.attach(program, index, as), as];
      } catch (e) {
        faults.push(reason(e));
      }
    }
    throw new GtmError('GTM_BPF', `interface ${name}: ${faults.join('; ')}`);
  }

  #pinned(name: string, index: number): number | undefined {
    if (this.#folder === undefined) return undefined;
    const path = join(this.#folder, name);
    const fd = this.#bpf.pinned(path);
    if (fd === undefined) return undefined;
    if (this.#bpf.linkedTo(fd) === index) return fd;
    this.#libc.close(fd);
    rmSync(path);
    return undefined;
  }

  #open(): string | undefined {
    try {
      if (statfsSync(BPFFS).type !== MAGIC) this.#libc.mount('bpf', BPFFS, 'mode=0700');
      this.#sweep();
      const folder = pinFolder();
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      return folder;
    } catch (e) {
      this.#log.warn(
        { err: reason(e) },
        `xdp plane: no bpf file system at ${BPFFS} (mount -t bpf bpf ${BPFFS}): a restart leaves a gap in which the kernel sees the services' packets: ${reason(e)}`,
      );
      return undefined;
    }
  }

  // Interfaces and whole namespaces go without telling us.
  #sweep(): void {
    mkdirSync(PINS, { recursive: true, mode: 0o700 });
    for (const space of readdirSync(PINS)) {
      const folder = join(PINS, space);
      const names = readdirSync(folder);
      // Without links, nobody comes back for the word beside them.
      if (names.length === 1 && names[0] === RESUME) rmSync(join(folder, RESUME));
      for (const name of names) {
        if (name === RESUME) continue;
        const fd = this.#bpf.pinned(join(folder, name));
        if (fd === undefined) continue;
        if (this.#bpf.linkedTo(fd) === 0) rmSync(join(folder, name));
        this.#libc.close(fd);
      }
      try {
        rmdirSync(folder);
      } catch {
        // Not empty: somebody's.
      }
    }
  }
}
