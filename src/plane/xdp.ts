// The xdp plane: the LVS core on AF_XDP sockets. This is its main-thread side.
//   apply → guard → workers (xdp/crew → xdp/worker: loop over lvs/director) → XDP program takes the services' frames → VIPs up
//   kernel's routes, neighbours ─xdp/routes-watch─shared memory→ workers        counters ←─shared memory─ workers
// Invariant: what is a service's is dropped, never answered by the kernel, from the first apply until a clean stop is over.
import { GtmError, reason } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';
import type { DirectorConfig } from '../model/schema.ts';
import type { ConnectionRow, Plane, ServiceCounters, ServiceSpec } from '../model/service.ts';
import { type Libc, openLibc } from '../nic/libc.ts';
import type { Ahead } from './xdp/ahead.ts';
import type { Crew } from './xdp/crew.ts';
import { readIsnKey } from './xdp/isn-key.ts';
import { Kernel } from './xdp/kernel.ts';
import { readCounters } from './xdp/ledger.ts';
import type { Fault } from './xdp/message.ts';
import { leavePointer } from './xdp/pin-folder.ts';
import { type RunMark, writeResume } from './xdp/resume-file.ts';
import { readTables, writeTable } from './xdp/table-file.ts';

export interface XdpOptions {
  director: DirectorConfig;
  /** Where the connection tables are kept over a restart, and the key of FullNAT's sequence numbers. */
  stateDir: string;
  log: Log;
  /** What stands ready of it. */
  ahead?: Ahead;
  /** Of the run, written down at a clean stop beside the services: by it the next one knows that it may go on at once. */
  mark?: () => RunMark;
  /** Called when a forwarding worker ended by itself, with the reason; it is being started again. */
  onFault: (reason: string) => void;
}

/**
 * Loads what the plane needs, and begins to open interfaces where they are named: what that meets is told by the first apply.
 * Rejects with GTM_NIC.
 */
export async function openXdpPlane(options: XdpOptions): Promise<Plane> {
  return new XdpPlane(options, await openLibc());
}

/** The pause before interfaces that are gone are looked for again, milliseconds. */
const AGAIN = 1000;

class XdpPlane implements Plane {
  readonly name = 'xdp';
  readonly #o: XdpOptions;
  readonly #kernel: Kernel;
  #services: readonly ServiceSpec[] = [];
  #faults = new Map<string, string>();
  /** One apply after another. */
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;
  /** Open connections to be taken up by the next workers; undefined: those of the state folder. */
  #tables: readonly (Uint8Array | undefined)[] | undefined;
  #again: NodeJS.Timeout | undefined;
  /** The workers know the services. */
  #told = false;
  /** It has forwarded before. */
  #stood = false;

  constructor(options: XdpOptions, libc: Libc) {
    this.#o = options;
    const isnKey = readIsnKey(options.stateDir, options.log);
    this.#kernel = new Kernel(libc, { ...options, isnKey, onLost: why => this.#lose(why) });
    // Workers start while the node does.
    if (options.director.interfaces.length > 0) this.#last = this.#kernel.open([]).catch(() => {});
  }

  apply(services: readonly ServiceSpec[]): Promise<readonly Fault[]> {
    if (this.#closed) return Promise.reject(new GtmError('GTM_PLANE_CLOSED', 'the xdp plane is closed'));
    const done = this.#last.then(() =>
      this.#apply(services).catch(e => {
        // The first one is told what this host lacks; once the plane stood, it is a fault that may go by.
        if (!this.#stood) throw e;
        return this.#fail(services, reason(e));
      }),
    );
    this.#last = done.catch(() => {});
    return done;
  }

  weigh(vip: string, realServer: string, weight: number): void {
    this.#services = this.#services.map(s =>
      s.vip === vip
        ? { ...s, realServers: s.realServers.map(r => (r.key === realServer ? { ...r, weight } : r)) }
        : s,
    );
    this.#kernel.crew?.weigh(vip, realServer, weight);
  }

  counters(): readonly ServiceCounters[] {
    return readCounters(this.#services, this.#kernel.crew?.blocks ?? [], this.#faults);
  }

  /** What else was counted, by name. */
  figures(): Readonly<Record<string, number>> {
    return this.#kernel.figures();
  }

  connections(limit: number): Promise<readonly ConnectionRow[]> {
    return this.#kernel.crew?.connections(limit) ?? Promise.resolve([]);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#again);
    await this.#last;
    const left = await this.#kernel.close();
    const tables = left.length > 0 ? left : (this.#tables ?? []);
    const { stateDir, log, director, mark } = this.#o;
    if (left.length > 0 && this.#told && mark !== undefined) {
      const services = this.#services;
      const resume = { saved: Date.now(), mark: mark(), workers: left.length, director, services };
      const path = writeResume(stateDir, resume, log);
      if (path !== undefined) leavePointer(path);
    }
    for (const [i, table] of tables.entries())
      if (table !== undefined) writeTable(stateDir, i, tables.length, table, log);
  }

  // An interface is gone: everything is given back, and opened anew once it is there again.
  #lose(why: string): void {
    if (this.#closed) return;
    this.#o.log.error({ err: why }, `xdp plane: ${why}; it is looked for again`);
    this.#o.onFault(why);
    this.#fail(this.#services, why);
    this.#last = this.#last.then(async () => {
      this.#tables = await this.#kernel.close();
      this.#told = false;
      this.#fail(this.#services, why);
      this.#reopen();
    });
  }

  async #started(crew: Crew): Promise<void> {
    try {
      await crew.ready();
    } catch (e) {
      await this.#kernel.close();
      throw e;
    }
  }

  // None of these forwards.
  #fail(services: readonly ServiceSpec[], fault: string): Fault[] {
    this.#services = services;
    this.#faults = new Map(services.map(s => [s.key, fault]));
    return services.map(s => ({ key: s.key, fault }));
  }

  #reopen(): void {
    if (this.#closed) return;
    this.#again = setTimeout(() => {
      if (this.#closed) return;
      const looked = () => {
        if (this.#kernel.crew === undefined) this.#reopen();
      };
      void this.apply(this.#services).then(looked, looked);
    }, AGAIN);
    this.#again.unref();
  }

  async #apply(services: readonly ServiceSpec[]): Promise<readonly Fault[]> {
    const faults: Fault[] = [];
    const wanted = new Map<string, ServiceSpec>();
    for (const s of services) {
      if (wanted.has(s.key))
        faults.push({ key: s.key, fault: 'this protocol, address and port are given twice' });
      else wanted.set(s.key, s);
    }
    const specs = [...wanted.values()];
    const kernel = this.#kernel;
    const first = !this.#told;
    const crew = await kernel.open(specs);
    kernel.guard(specs);
    const workers = crew.counters.length;
    const tables = first
      ? (this.#tables ?? readTables(this.#o.stateDir, workers, Date.now(), this.#o.log))
      : [];
    // Before the workers are told: what is weighed from now on is of these.
    this.#services = specs;
    const applying = crew.apply(specs, tables);
    let steered = false;
    if (first) {
      // While the workers come up.
      this.#tables = tables;
      try {
        kernel.steer(specs);
        steered = true;
      } catch {
        // It is met again below, and told.
      }
      await this.#started(crew);
    }
    const applied = await applying;
    this.#tables = undefined;
    this.#told = true;
    this.#stood = true;
    if (tables.some(t => t !== undefined))
      this.#o.log.info(
        { connections: applied.restored },
        `xdp plane: ${applied.restored} open connections taken up`,
      );
    faults.push(...applied.faults);
    try {
      if (!steered) kernel.steer(specs);
    } catch (e) {
      for (const s of specs) faults.push({ key: s.key, fault: reason(e) });
    }
    for (const { address, fault } of kernel.announce(specs))
      for (const s of specs)
        if (s.address === address) faults.push({ key: s.key, fault: `VIP ${address}: ${fault}` });
    kernel.check();
    this.#faults = new Map(faults.map(f => [f.key, f.fault]));
    return faults;
  }
}
