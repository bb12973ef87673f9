// The packet core: bytes in, verdict and rewritten bytes out (net/netfilter/ipvs). No I/O, no clock, no dice of its own.
//   frame → parse → fragments → hooks PREROUTING → LOCAL_IN (out 98 · in 99) | FORWARD (icmp 99 · out 100) → …
//   short: what an open connection of DR needs, all at once, while nobody else's hooks are in the lists
//   in: connection → reuse → server there? → schedule → state → forward/{nat,dr,tun,fullnat} → LOCAL_OUT → POSTROUTING
// Invariant: handle() allocates nothing, throws nothing, writes nothing outside headroom + packet, and gives a reason.
import { type Memory, plain } from '../kit/memory.ts';
import type { Rng } from '../kit/rng.ts';
import { Ahead, MANY } from './ahead.ts';
import type { DestKey, DestOptions, Routes, ServiceKey, ServiceOptions, Sysctl } from './config.ts';
import { Core } from './core.ts';
import type { IsnSource } from './forward/isn.ts';
import { isFragment, Reassembly, WHOLE } from './frag.ts';
import { CONTINUE, FORWARD, Hooks, LOCAL_IN, LOCAL_OUT, POSTROUTING, PREROUTING } from './hooks.ts';
import { icmpOwn } from './icmp.ts';
import { lvsForwardIcmp, lvsIn } from './in.ts';
import { type ConnectionInfo, listConnections, listServices, type ServiceInfo } from './list.ts';
import { lvsOut } from './out.ts';
import { OK, Packet, parse } from './packet/parse.ts';
import { readTable, tableSize, writeTable } from './save.ts';
import type { Dest } from './service.ts';
import { Short } from './short.ts';
import { HOST, type Out, REASON, REPLY, TRANSMIT, type Verdict, WHY } from './verdict.ts';
import { OWN, SERVER } from './wordset.ts';

export type { ConnectionInfo, Counters, DestInfo, LocalInfo, ServiceInfo } from './list.ts';

/** Bytes that must be writable in front of `offset` for tunnels (IPv6 40 + UDP 8 + GUE 4, rounded up). */
export const HEADROOM = 64;

export interface DirectorOptions {
  /** Connections (templates included) that the table holds. */
  capacity: number;
  routes: Routes;
  /** Addresses of this host besides the services' and the FullNAT local addresses, which are local by themselves. */
  localAddresses?: readonly string[];
  sysctl?: Partial<Sysctl>;
  /** Connections from which lookAhead() looks; MANY by default. */
  many?: number;
  /** Where the table lies. */
  memory?: Memory;
  /** Seeds the table's hash, picks of `twos`. */
  rng: Rng;
  /** Of FullNAT's initial sequence numbers; by default they are this director's alone. */
  isn?: IsnSource;
}

export interface TableInfo {
  /** Connections and templates in it, and how many it holds. */
  used: number;
  capacity: number;
  bytes: number;
  /** Ended by time. */
  expired: number;
  /** Ended to make room for new ones while the table was full. */
  evictedHalfOpen: number;
  evictedClosing: number;
}

export class Director {
  /** What the last handle() left to go out. */
  readonly out: Out;
  /** The lists that handle() walks; LVS's own hooks are in them, and others may be put in. */
  readonly hooks: Hooks = new Hooks();
  readonly #core: Core;
  readonly #packet = new Packet();
  readonly #fragments = new Reassembly();
  readonly #ahead: Ahead;
  readonly #short: Short;
  readonly #reasons = new Float64Array(REASON.length);

  constructor(options: DirectorOptions) {
    const core = new Core(
      options.capacity,
      options.routes,
      options.localAddresses ?? [],
      options.sysctl ?? {},
      options.rng,
      options.memory ?? plain,
      options.isn,
    );
    this.#core = core;
    this.out = core.out;
    this.#ahead = new Ahead(core, options.many ?? MANY);
    // As ip_vs_ops4 and ip_vs_ops6 have them. At LOCAL_OUT all packets here are LVS's own (ipvs_property), which it lets pass.
    const pass = () => CONTINUE;
    this.hooks.add('lvs-out', LOCAL_IN, 98, p => lvsOut(core, p, true), true);
    this.hooks.add('lvs-in', LOCAL_IN, 99, p => lvsIn(core, p), true);
    this.hooks.add('lvs-out', LOCAL_OUT, -99, pass, true);
    this.hooks.add('lvs-in', LOCAL_OUT, -98, pass, true);
    this.hooks.add('lvs-forward-icmp', FORWARD, 99, p => lvsForwardIcmp(core, p), true);
    this.hooks.add('lvs-out', FORWARD, 100, p => lvsOut(core, p, false), true);
    this.hooks.settle();
    this.#short = new Short(core, this.hooks);
  }

  /** Adds a virtual service. GTM_LVS_EXISTS, GTM_LVS_INVALID. */
  addService(key: ServiceKey, options: ServiceOptions): void {
    const service = this.#core.services.add(key, options);
    if (service.family === 4) this.#core.enabled4 = true;
    else this.#core.enabled6 = true;
  }

  /** Changes one; connections stay. GTM_LVS_NO_SERVICE. */
  updateService(key: ServiceKey, options: ServiceOptions): void {
    this.#core.services.update(key, options);
  }

  /** Removes one; its servers go to the trash, and its connections with them. GTM_LVS_NO_SERVICE. */
  removeService(key: ServiceKey): void {
    const dests = [...this.#core.services.get(key).dests];
    this.#core.services.remove(key);
    for (const d of dests) this.#removed(d);
  }

  /** Adds a server at the head of the list; one that is in the trash comes back with its connections. GTM_LVS_EXISTS, GTM_LVS_INVALID. */
  addDest(service: ServiceKey, dest: DestKey, options: DestOptions): void {
    this.#core.services.addDest(service, dest, options);
  }

  /** Changes weight, method, thresholds; open connections keep their method. GTM_LVS_NO_DEST. */
  updateDest(service: ServiceKey, dest: DestKey, options: DestOptions): void {
    this.#core.services.updateDest(service, dest, options);
  }

  /** Removes a server; its connections stay until they expire, or end at once with expire_nodest_conn. GTM_LVS_NO_DEST. */
  removeDest(service: ServiceKey, dest: DestKey): void {
    this.#removed(this.#core.services.removeDest(service, dest));
  }

  /** Many of the verbs above at one time, much quicker than one by one; each fails by itself. No handle() in between. */
  batch(changes: () => void): void {
    this.#core.services.batch(changes);
  }

  /** Sets sysctls while running. */
  setSysctl(values: Partial<Sysctl>): void {
    Object.assign(this.#core.sysctl, values);
    this.#core.defence.review();
  }

  /** The routes changed: servers' routes are asked for again. */
  routesChanged(): void {
    this.#core.generation++;
  }

  /**
   * One IP packet that came in (PREROUTING). `frame[offset]` is the first byte of its IP header, `length` its bytes;
   * HEADROOM bytes before `offset` may be written. `now`: monotonic milliseconds. `out` says what goes out.
   */
  handle(frame: Uint8Array, offset: number, length: number, now: number): Verdict {
    const core = this.#core;
    core.ms = now;
    core.life.now = now | 0;
    const { out } = core;
    const p = this.#packet;
    if (p.frame !== frame) p.see(frame, undefined);
    const short = this.hooks.plain && this.#short.pass(frame, p.view, offset, length);
    const verdict = short ? TRANSMIT : this.#judge(frame, offset, length);
    this.#reasons[out.reason]++;
    return verdict;
  }

  /**
   * Says that `count` packets of `frame`, IP headers at `offsets`, come to handle() next, so that they and their connections are fetched from
   * memory together, of many connections the lines too. Needed for nothing but speed: call it with each batch (BATCH packets at most count).
   */
  lookAhead(frame: Uint8Array, offsets: Int32Array, count: number): void {
    this.#ahead.look(frame, offsets, count);
  }

  /** Lets time pass: expires connections, fragments and removed servers. Call it at least once a second. */
  tick(now: number): void {
    const core = this.#core;
    core.ms = now;
    core.life.now = now | 0;
    core.life.wheel.advance(now);
    this.#fragments.sweep(core.life.now);
    core.services.sweep(core.life.now);
    core.defence.review();
  }

  services(): ServiceInfo[] {
    return listServices(this.#core);
  }

  connections(): Generator<ConnectionInfo> {
    return listConnections(this.#core);
  }

  /** How full the table is, and what ended otherwise than by packets. */
  table(): TableInfo {
    const { table, wheel, expired, evictedHalfOpen, evictedClosing } = this.#core.life;
    const { used, capacity } = table;
    return { used, capacity, bytes: table.bytes + wheel.bytes, expired, evictedHalfOpen, evictedClosing };
  }

  /** Verdicts by reason since the start. */
  reasons(): Record<string, number> {
    return Object.fromEntries(REASON.map((name, code) => [name, this.#reasons[code]]));
  }

  /** Bytes that write() needs now. */
  get savedSize(): number {
    return tableSize(this.#core);
  }

  /** Writes the connections into `to` (savedSize bytes) and returns how many bytes it took. */
  write(to: Uint8Array): number {
    return writeTable(this.#core, to);
  }

  /** Takes up connections that write() wrote, under services and servers that are there; how many. GTM_LVS_TABLE. */
  read(from: Uint8Array, now: number): number {
    this.#core.ms = now;
    this.#core.life.now = now | 0;
    return readTable(this.#core, from);
  }

  #judge(frame: Uint8Array, offset: number, length: number): Verdict {
    const core = this.#core;
    const p = this.#packet;
    const { out, services } = core;
    const { now } = core.life;
    if (parse(p, frame, offset, length) !== OK) {
      out.frame = frame;
      out.offset = offset;
      out.length = length;
      out.fragment = 0;
      out.reason = WHY['not-ip'];
      return HOST;
    }
    let verdict = this.hooks.walk(PREROUTING, p, out, now);
    if (verdict !== CONTINUE) return this.#foreign(p, verdict);
    const own = (services.places.bits(p.d0, p.d1, p.d2, p.d3, 0) & OWN) !== 0;
    if (isFragment(p) && (own || services.places.bits(p.s0, p.s1, p.s2, p.s3, 0) & SERVER)) {
      const fragments = this.#fragments;
      const held = fragments.add(p, now);
      if (held !== WHOLE) return core.drop(held === 0 ? WHY['held'] : WHY['fragment']);
      if (parse(p, fragments.frame, fragments.at, fragments.length, fragments.view) !== OK)
        return core.drop(WHY['fragment']);
      p.largest = fragments.largest;
    }
    out.reason = WHY['not-ours'];
    const point = own ? LOCAL_IN : FORWARD;
    verdict = this.hooks.walk(point, p, out, now);
    if (verdict === CONTINUE) return core.host(p, out.reason);
    if (verdict === TRANSMIT || verdict === REPLY) return this.#leave(verdict, point);
    return verdict as Verdict;
  }

  // A hook of somebody else decided: what it lets out is the packet as it is.
  #foreign(p: Packet, verdict: number): Verdict {
    if (verdict === HOST) return this.#core.host(p, this.out.reason);
    return verdict as Verdict;
  }

  // LOCAL_OUT sees what LVS sent on and what it says itself; answers were only forwarded.
  #leave(verdict: Verdict, point: number): Verdict {
    const { out, outgoing, life } = this.#core;
    if (verdict === REPLY && parse(outgoing, out.frame, out.offset, out.length) === OK)
      icmpOwn(this.#core, outgoing);
    const local = (point === LOCAL_IN || verdict === REPLY) && !this.hooks.passes(LOCAL_OUT);
    const after = !this.hooks.passes(POSTROUTING);
    if (!local && !after) return verdict;
    const { reason } = out;
    if (parse(outgoing, out.frame, out.offset, out.length) !== OK) return verdict;
    let last = local ? this.hooks.walk(LOCAL_OUT, outgoing, out, life.now) : CONTINUE;
    if (last === CONTINUE) last = this.hooks.walk(POSTROUTING, outgoing, out, life.now);
    if (last !== CONTINUE) return last as Verdict;
    out.reason = reason;
    return verdict;
  }

  #removed(dest: Dest): void {
    const own = dest.service.expireNodest;
    if ((own >= 0 ? own : this.#core.sysctl.expire_nodest_conn) !== 0) this.#core.life.flush(dest);
  }
}
