// One virtual service: its table of real servers, scheduler, persistence and thresholds. It decides where a client goes;
// tcp.ts and udp.ts carry it there.
// Invariant: what an update does not name stays: the scheduler's position, open connections, templates.
import { parseIp } from '../../kit/ip.ts';
import { Prefixes, parsePrefix } from '../../kit/prefix.ts';
import { seeded } from '../../kit/rng.ts';
import { DestTable } from '../../lvs/sched/dests.ts';
import { makeScheduler } from '../../lvs/sched/index.ts';
import { type Flow, type Scheduler, type Seams, TRIED } from '../../lvs/sched/scheduler.ts';
import type { ServiceSpec } from '../../model/service.ts';
import type { Job } from './message.ts';
import { Templates } from './persistence.ts';
import { RealServer, type Standing } from './real-server.ts';

export class Service {
  spec: ServiceSpec;
  /** Slots: SERVICE in counters.ts. */
  readonly counters: Float64Array;
  readonly #dests = new DestTable();
  readonly #templates = new Templates();
  /** In the order of the table: the newest first. */
  readonly #servers: RealServer[] = [];
  /** Removed ones with connections, by key: one that is added again gets its connections back. */
  readonly #leaving = new Map<string, RealServer>();
  readonly #flow: Flow = {
    family: 4,
    source: new Uint8Array(4),
    sourcePort: 0,
    destination: new Uint8Array(4),
  };
  readonly #seams: Seams = { rng: seeded(Math.random() * 2 ** 32), now: () => performance.now() };
  #scheduler: Scheduler;
  /** Who has to tell by a PROXY header whom a connection is for; undefined: nobody. */
  #frontEnds: Prefixes | undefined;

  constructor(job: Job) {
    this.spec = job.spec;
    this.counters = job.counters;
    this.#flow.destination = parseIp(job.spec.address) ?? this.#flow.destination;
    this.#scheduler = makeScheduler(job.spec.scheduler, this.#dests, job.spec.flags, this.#seams);
    this.update(job);
  }

  /** Reconciles to the job; the scheduler is told only of what changed, and replaced only if it is another. */
  update(job: Job): void {
    const before = this.spec;
    this.spec = job.spec;
    const changed = this.#reconcile(job);
    this.#dests.limit(job.spec.thresholds.upper, job.spec.thresholds.lower);
    const from = job.spec.acceptProxyProtocol;
    this.#frontEnds = from && new Prefixes(from.flatMap(text => parsePrefix(text) ?? []));
    this.#templates.configure(job.spec.persistence, job.spec.maxConnections);
    const same = before.scheduler === job.spec.scheduler && String(before.flags) === String(job.spec.flags);
    if (!same) this.#scheduler = makeScheduler(job.spec.scheduler, this.#dests, job.spec.flags, this.#seams);
    else if (changed) this.#scheduler.update();
  }

  /** Whether a peer is a front end that will tell whom it is for; undefined: there are none, all are clients themselves. */
  trusts(peer: string): boolean | undefined {
    if (this.#frontEnds === undefined) return undefined;
    const address = parseIp(peer.split('%', 1)[0]);
    return address !== undefined && this.#frontEnds.has(address.length === 4 ? 4 : 6, address);
  }

  /** A new weight for the real server `key` (`address:port`); nothing if there is no such. */
  weigh(key: string, weight: number): void {
    const server = this.#servers.find(s => s.key === key);
    if (server === undefined || this.#dests.weight[server.at] === weight) return;
    this.#dests.reweight(server.at, weight);
    this.#scheduler.update();
  }

  /**
   * The real server for a client that connects from `address`:`port`, none of `tried`; undefined if there is none.
   * With sh and mh a server that was tried counts as one that is not available: without their fallback flag that is the end.
   */
  choose(address: string, port: number, tried: readonly RealServer[], now: number): RealServer | undefined {
    const bound = this.spec.persistence > 0 ? this.#templates.find(address, now) : undefined;
    const server = bound !== undefined && !tried.includes(bound) ? bound : this.#pick(address, port, tried);
    if (server !== undefined) this.#templates.bind(address, server, now);
    return server;
  }

  /**
   * A connection of `server` begins (`from` undefined), changes its standing, or ends (`to` undefined). To the scheduler
   * one that is being opened is active, as SYN_RECV is in LVS: else a server that hangs would draw everybody.
   */
  move(server: RealServer, from: Standing | undefined, to: Standing | undefined): void {
    if (from !== undefined) server[from]--;
    if (to !== undefined) server[to]++;
    server.report();
    if (server.at < 0) {
      if (server.open === 0) this.#leaving.delete(server.key);
      return;
    }
    const active = Number(busy(to)) - Number(busy(from));
    const inactive = Number(to === 'inactive') - Number(from === 'inactive');
    this.#dests.charge(server.at, active, inactive);
  }

  /** A connection of the client began (1) or ended (-1): its persistence lasts from then. */
  use(address: string, step: 1 | -1, now: number): void {
    if (this.spec.persistence > 0) this.#templates.use(address, step, now);
  }

  #pick(address: string, port: number, tried: readonly RealServer[]): RealServer | undefined {
    // The zone of a link-local client (fe80::1%eth0) is no part of what is hashed.
    const source = parseIp(address.split('%', 1)[0]);
    if (source === undefined) return undefined;
    this.#flow.source = source;
    this.#flow.family = source.length === 4 ? 4 : 6;
    this.#flow.sourcePort = port;
    const { flags } = this.#dests;
    for (const server of tried) if (server.at >= 0) flags[server.at] |= TRIED;
    const at = this.#scheduler.pick(this.#flow);
    for (const server of tried) if (server.at >= 0) flags[server.at] &= ~TRIED;
    return at < 0 ? undefined : this.#servers[at];
  }

  #reconcile(job: Job): boolean {
    let changed = false;
    const wanted = new Map(job.spec.realServers.map((rs, i) => [rs.key, i]));
    for (let at = this.#servers.length - 1; at >= 0; at--) {
      const server = this.#servers[at];
      if (wanted.has(server.key)) continue;
      this.#dests.remove(at);
      this.#servers.splice(at, 1);
      server.at = -1;
      if (server.open > 0) this.#leaving.set(server.key, server);
      changed = true;
    }
    const have = new Map(this.#servers.map(s => [s.key, s]));
    for (const [key, i] of wanted) {
      const rs = job.spec.realServers[i];
      const known = have.get(key);
      if (known !== undefined) {
        known.counters = job.servers[i];
        continue;
      }
      const server = this.#leaving.get(key) ?? new RealServer(rs, job.servers[i]);
      this.#leaving.delete(key);
      server.counters = job.servers[i];
      const address = parseIp(rs.address) ?? new Uint8Array(4);
      this.#dests.add(address, rs.port, rs.weight, server.active + server.connecting, server.inactive);
      this.#servers.unshift(server);
      changed = true;
    }
    for (const [at, server] of this.#servers.entries()) {
      server.at = at;
      server.report();
      const { weight } = job.spec.realServers[wanted.get(server.key) as number];
      if (this.#dests.weight[at] === weight) continue;
      this.#dests.reweight(at, weight);
      changed = true;
    }
    return changed;
  }
}

function busy(standing: Standing | undefined): boolean {
  return standing === 'active' || standing === 'connecting';
}
