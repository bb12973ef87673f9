// The ipvs plane: the kernel's own IPVS, told over generic netlink. It goes on forwarding while we restart.
//   apply → ipvs/table (what a service is in the kernel's terms) → driver.list → reconcile → driver.run → ledger
//   weigh → one command at once · counters ← driver.list, at most once a second · connections ← /proc
// Invariants: one pass at a time; the ledger is written before the kernel is told; close() leaves the kernel as it is.
import { GtmError, reason } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';
import type { ConnectionRow, Plane, ServiceCounters, ServiceSpec } from '../model/service.ts';
import { type Libc, openLibc } from '../nic/libc.ts';
import { errnoName } from '../nic/netlink.ts';
import { readConnections } from './ipvs/connections.ts';
import { countersOf } from './ipvs/counters.ts';
import { type Driver, type LoadModule, openDriver } from './ipvs/driver.ts';
import { hostFaults } from './ipvs/host.ts';
import { Ledger, type Memory } from './ipvs/ledger.ts';
import { explain, type Fault, pick, plan, serviceOf, translate } from './ipvs/pass.ts';
import type { Command } from './ipvs/reconcile.ts';
import { destOf, type Entry, type Found, wantedOf } from './ipvs/table.ts';
import { timeoutsOf } from './ipvs/timeouts.ts';

/** How old counters may be, and how often destinations that go are looked at, ms. */
const FRESH = 1000;
const SWEEP = 2000;
/** Of the time, at most this part is spent on reading counters. */
const SHARE = 0.1;
/** Faults that say that somebody else was at the table, too: the pass is made again. */
const RACED: ReadonlySet<string | undefined> = new Set(['EEXIST', 'ESRCH', 'ENOENT']);

export interface IpvsOptions {
  /** The node's, for the name of its file in `stateDir`. */
  node: string;
  stateDir: string;
  /** Take every service in the kernel as ours. */
  ownAll: boolean;
  /** What connections of a destination that goes get, ms. */
  drain: number;
  log: Log;
  load?: LoadModule;
  libc?: Libc;
}

/** Opens the kernel's IPVS. Rejects with GTM_PLANE_IPVS or GTM_NIC and what to do. Nothing is changed before apply. */
export async function openIpvsPlane(options: IpvsOptions): Promise<Plane> {
  const driver = await openDriver(options.libc ?? (await openLibc()), options.load);
  const { version, size } = driver.info();
  const daemons = driver.daemons().map(d => `${d.role} on ${d.interface}, id ${d.syncId}`);
  options.log.info({ version, size, daemons }, `ipvs ${version}: ${size} buckets`);
  return new IpvsPlane(driver, options);
}

/** What apply would do. Asks the kernel, and changes nothing. */
export async function ipvsDiff(
  services: readonly ServiceSpec[],
  options: IpvsOptions,
): Promise<{ commands: Command[]; faults: Fault[] }> {
  const driver = await openDriver(options.libc ?? (await openLibc()), options.load);
  try {
    const { wanted, faults } = translate(services);
    const memory = new Ledger(options.stateDir, options.node, options.log).read();
    return { commands: plan(wanted, await driver.list(), memory, options).commands, faults };
  } finally {
    driver.close();
  }
}

class IpvsPlane implements Plane {
  readonly name = 'ipvs';
  readonly #driver: Driver;
  readonly #o: IpvsOptions;
  readonly #ledger: Ledger;
  #memory: Memory;
  #specs: readonly ServiceSpec[] = [];
  #wanted = new Map<string, Entry>();
  /** Why a service does not forward, by its key. */
  #faults = new Map<string, string>();
  #found = new Map<string, Found>();
  #read = { at: 0, cost: 0 };
  #last: Promise<unknown> = Promise.resolve();
  /** Passes that are waited for. */
  #busy = 0;
  #sweep: NodeJS.Timeout | undefined;
  #told = new Set<string>();
  /** Services whose needs of this host were looked at. */
  readonly #asked = new Set<string>();
  #closed = false;

  constructor(driver: Driver, options: IpvsOptions) {
    this.#driver = driver;
    this.#o = options;
    this.#ledger = new Ledger(options.stateDir, options.node, options.log);
    this.#memory = this.#ledger.read();
  }

  apply(services: readonly ServiceSpec[]): Promise<readonly Fault[]> {
    if (this.#closed) return Promise.reject(new GtmError('GTM_PLANE_CLOSED', 'the ipvs plane is closed'));
    return this.#queue(async () => {
      const { wanted, faults, specs } = translate(services);
      this.#specs = specs;
      this.#wanted = wanted;
      this.#faults = new Map(faults.map(f => [f.key, f.fault]));
      await this.#mend();
      await this.#tellHost(services);
      return [...this.#faults].map(([key, fault]) => ({ key, fault }));
    });
  }

  weigh(vip: string, realServer: string, weight: number): void {
    if (this.#closed) return;
    // Behind a pass that is under way: its commands may hold the weight of before.
    void this.#queue(() => this.#weigh(vip, realServer, weight)).catch(e => this.#fail(e));
  }

  counters(): readonly ServiceCounters[] {
    const age = performance.now() - this.#read.at;
    if (this.#busy === 0 && !this.#closed && age >= Math.max(FRESH * 0.9, this.#read.cost / SHARE))
      void this.#queue(() => this.#look()).catch(e => this.#fail(e));
    return this.#specs.map(spec => {
      const wanted = wantedOf(spec);
      const found = 'fault' in wanted ? undefined : this.#found.get(wanted.service.key);
      return countersOf(spec, found, this.#faults.get(spec.key));
    });
  }

  connections(limit: number): Promise<readonly ConnectionRow[]> {
    return readConnections(limit);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#sweep);
    await this.#last.catch(() => {});
    this.#driver.close();
  }

  #queue<T>(work: () => Promise<T>): Promise<T> {
    this.#busy++;
    const done = this.#last.then(work, work).finally(() => {
      this.#busy--;
    });
    this.#last = done.catch(() => {});
    return done;
  }

  // A whole pass; what is refused is known from then on.
  async #mend(): Promise<void> {
    for (const f of await this.#pass()) if (!this.#faults.has(f.key)) this.#faults.set(f.key, f.fault);
  }

  // Until nothing is left to say, or what is refused stays refused.
  async #pass(which?: (key: string) => boolean): Promise<Fault[]> {
    for (let again = true; ; again = false) {
      const found = await this.#list(which);
      const wanted = which === undefined ? this.#wanted : pick(this.#wanted, which);
      const { commands, draining } = plan(wanted, found, this.#memory, this.#o);
      if (which === undefined) this.#setTimeouts(found);
      if (which !== undefined)
        for (const [key, until] of this.#memory.draining)
          if (!which(serviceOf(key))) draining.set(key, until);
      const own = [...this.#wanted.keys(), ...[...draining.keys()].map(serviceOf)];
      this.#remember({ services: new Set([...this.#memory.services, ...own]), draining });
      const results = await this.#driver.run(commands);
      const faults = commands.flatMap((c, i) =>
        results[i] === undefined ? [] : [{ command: c, error: results[i] }],
      );
      if (commands.length > 0) await this.#list(which);
      if (again && faults.some(f => RACED.has(errnoName(f.error)))) continue;
      // What could not be removed stays ours, so that the next pass tries again.
      const stay = faults.filter(f => f.command.verb === 'remove').map(f => f.command.service.key);
      this.#remember({ services: new Set([...own, ...stay]), draining });
      this.#later(draining.size > 0);
      return this.#explain(faults);
    }
  }

  async #list(which?: (key: string) => boolean): Promise<Map<string, Found>> {
    const begun = performance.now();
    const found = await this.#driver.list(which);
    if (which === undefined) {
      this.#found = found;
      this.#read = { at: performance.now(), cost: performance.now() - begun };
    } else for (const [key, f] of found) this.#found.set(key, f);
    return found;
  }

  async #weigh(vip: string, realServer: string, weight: number): Promise<void> {
    const commands: Command[] = [];
    this.#specs = this.#specs.map(spec => {
      const rs = spec.realServers.find(r => r.key === realServer);
      if (spec.vip !== vip || rs === undefined) return spec;
      const now = { ...spec, realServers: spec.realServers.map(r => (r === rs ? { ...r, weight } : r)) };
      const made = wantedOf(now);
      if ('fault' in made) return now;
      this.#wanted.set(made.service.key, made);
      // One that does not forward anyway is left to the next apply.
      if (!this.#faults.has(spec.key))
        commands.push({ verb: 'set', service: made.service, dest: destOf(now, { ...rs, weight }) });
      return now;
    });
    const refused = this.#driver.send(commands).find(r => r !== undefined);
    if (refused === undefined) return;
    this.#o.log.warn(
      { err: reason(refused) },
      `ipvs: weight of ${realServer} (vip ${vip}): ${reason(refused)}`,
    );
    await this.#mend();
  }

  // Counters; and a service that somebody else took away is put back.
  async #look(): Promise<void> {
    const found = await this.#list();
    const lost = [...this.#wanted.keys()].filter(key => !found.has(key) && !this.#refused(key));
    if (lost.length === 0) return;
    this.#o.log.warn({ services: lost }, `ipvs: ${lost.join(', ')}: gone from the kernel, put back`);
    await this.#mend();
  }

  #refused(kernelKey: string): boolean {
    return this.#specs.some(s => {
      const made = this.#faults.has(s.key) ? wantedOf(s) : undefined;
      return made !== undefined && !('fault' in made) && made.service.key === kernelKey;
    });
  }

  #setTimeouts(found: ReadonlyMap<string, Found>): void {
    const foreign = [...found.keys()].filter(
      k => !this.#o.ownAll && !this.#wanted.has(k) && !this.#memory.services.has(k),
    );
    const { set, note } = timeoutsOf(this.#specs, this.#driver.timeouts(), foreign.length > 0);
    if (note !== undefined) this.#once(note);
    if (set !== undefined) this.#driver.setTimeouts(set);
  }

  #explain(faults: readonly { command: Command; error: GtmError }[]): Fault[] {
    const by = new Map<string, string>();
    for (const { command, error } of faults) {
      const { key } = command.service;
      if (!by.has(key)) by.set(key, explain(command, error));
    }
    for (const [key, fault] of by) this.#o.log.error({ service: key }, `ipvs ${key}: ${fault}`);
    return this.#specs.flatMap(s => {
      const made = wantedOf(s);
      const fault = 'fault' in made ? undefined : by.get(made.service.key);
      return fault === undefined ? [] : [{ key: s.key, fault }];
    });
  }

  async #tellHost(services: readonly ServiceSpec[]): Promise<void> {
    const libc = this.#o.libc ?? (await openLibc());
    for (const text of await hostFaults(services, this.#asked, libc)) this.#once(text);
  }

  #once(text: string): void {
    if (this.#told.has(text)) return;
    this.#told.add(text);
    this.#o.log.warn({}, `ipvs: ${text}`);
  }

  #remember(memory: Memory): void {
    this.#memory = memory;
    try {
      this.#ledger.write(memory);
    } catch (e) {
      // Forwarding matters more than what a crash would leave behind.
      this.#once(`what is ours cannot be written down, so a crash may leave services behind: ${reason(e)}`);
    }
  }

  #later(wanted: boolean): void {
    clearTimeout(this.#sweep);
    if (!wanted || this.#closed) return;
    this.#sweep = setTimeout(() => {
      const going = new Set([...this.#memory.draining.keys()].map(serviceOf));
      void this.#queue(() => this.#pass(key => going.has(key))).catch(e => this.#fail(e));
    }, SWEEP).unref();
  }

  #fail(e: unknown): void {
    if (!this.#closed) this.#o.log.error({ err: reason(e) }, `ipvs: ${reason(e)}`);
  }
}
