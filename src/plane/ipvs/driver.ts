// The kernel's IPVS over one generic netlink socket: what stands there, and commands in windows. Long work yields to the
// event loop every few milliseconds.
import { execFile } from 'node:child_process';
import { release } from 'node:os';
import { setImmediate as breathe } from 'node:timers/promises';
import { promisify } from 'node:util';
import { GtmError, reason } from '../../kit/errors.ts';
import { type Family, findFamily, openGenl } from '../../nic/genl.ts';
import type { Libc } from '../../nic/libc.ts';
import { errnoName, type Netlink } from '../../nic/netlink.ts';
import {
  commandRequest,
  getInfo,
  getTimeouts,
  listDaemons,
  listDests,
  listServices,
  readDaemon,
  readDest,
  readInfo,
  readService,
  readTimeouts,
  type SyncDaemon,
  setTimeouts,
  type Timeouts,
} from './codec.ts';
import type { Command } from './reconcile.ts';
import type { Found, FoundDest, ServiceId } from './table.ts';

/** Commands that are sent before the event loop has its turn, and how long lists may be read before that, ms. */
const WINDOW = 64;
const SLICE = 8;

/** How `modprobe` is asked; for tests. */
export type LoadModule = (name: string) => Promise<void>;

const modprobe: LoadModule = async name => {
  await promisify(execFile)('modprobe', [name], { timeout: 10_000 });
};

/**
 * Opens it, and loads the module where the kernel does not have it. Rejects with GTM_PLANE_IPVS and what to do: no
 * module, or not permitted.
 */
export async function openDriver(libc: Libc, load: LoadModule = modprobe): Promise<Driver> {
  const netlink = openGenl(libc);
  try {
    let family = findFamily(netlink, 'IPVS');
    if (family === undefined) {
      await load('ip_vs').catch(e => {
        throw new GtmError(
          'GTM_PLANE_IPVS',
          `the kernel has no IPVS, and modprobe ip_vs did not bring it (${firstLine(e)}): install the module ip_vs of kernel ${release()}, or take plane: proxy or xdp`,
          e,
        );
      });
      family = findFamily(netlink, 'IPVS');
    }
    if (family === undefined)
      throw new GtmError('GTM_PLANE_IPVS', 'module ip_vs is loaded, but the kernel does not know IPVS');
    const driver = new Driver(netlink, family);
    driver.info();
    return driver;
  } catch (e) {
    netlink.close();
    if (errnoName(e) === 'EPERM')
      throw new GtmError(
        'GTM_PLANE_IPVS',
        "the kernel's IPVS may be used with CAP_NET_ADMIN alone: run as root, or give the capability",
        e,
      );
    throw e;
  }
}

export class Driver {
  readonly #netlink: Netlink;
  readonly #family: Family;

  constructor(netlink: Netlink, family: Family) {
    this.#netlink = netlink;
    this.#family = family;
  }

  info(): { version: string; size: number } {
    return readInfo(this.#netlink.request('ipvs info', getInfo(this.#family))[0]);
  }

  timeouts(): Timeouts {
    return readTimeouts(this.#netlink.request('ipvs time-outs', getTimeouts(this.#family))[0]);
  }

  setTimeouts(timeouts: Timeouts): void {
    this.#netlink.request('ipvs time-outs', setTimeouts(this.#family, timeouts));
  }

  daemons(): SyncDaemon[] {
    const make = () => listDaemons(this.#family);
    return this.#netlink.dump('ipvs daemons', make).flatMap(m => readDaemon(m) ?? []);
  }

  /** The services that stand in the kernel, with their destinations; those that `which` takes. */
  async list(which: (key: string) => boolean = () => true): Promise<Map<string, Found>> {
    const found = new Map<string, Found>();
    let since = performance.now();
    for (const message of this.#netlink.dump('ipvs services', () => listServices(this.#family))) {
      const head = readService(message);
      if (head === undefined || !which(head.service.key)) continue;
      found.set(head.service.key, { ...head, dests: this.#dests(head.service) });
      if (performance.now() - since < SLICE) continue;
      await breathe();
      since = performance.now();
    }
    return found;
  }

  /** Carries commands out in their order; what became of each, undefined for done. */
  async run(commands: readonly Command[]): Promise<(GtmError | undefined)[]> {
    const results: (GtmError | undefined)[] = [];
    for (let at = 0; at < commands.length; at += WINDOW) {
      results.push(...this.send(commands.slice(at, at + WINDOW)));
      await breathe();
    }
    return results;
  }

  /** The same at once, for a few. */
  send(commands: readonly Command[]): (GtmError | undefined)[] {
    const requests = commands.map(c => commandRequest(this.#family, c));
    return this.#netlink.batch('ipvs', requests).map(r => (r instanceof GtmError ? r : undefined));
  }

  close(): void {
    this.#netlink.close();
  }

  #dests(of: ServiceId): FoundDest[] {
    const make = () => listDests(this.#family, of);
    return this.#netlink
      .dump(`ipvs destinations of ${of.key}`, make)
      .flatMap(m => readDest(m, of.family) ?? []);
  }
}

function firstLine(e: unknown): string {
  const { stderr } = e as { stderr?: unknown };
  const text = typeof stderr === 'string' && stderr.trim() !== '' ? stderr : reason(e);
  return text.trim().split('\n')[0];
}
