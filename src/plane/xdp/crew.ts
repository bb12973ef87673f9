// The forward workers: as many as every interface has queues. Each owns the flows of its clients; all are told the same.
//   start → hands (worker + wires) ─ended→ wires given back, opened anew, told again what stands, with the last table
// Invariant: after start() there is a hand for each place, or one that is being started.
import { GtmError, reason } from '../../kit/errors.ts';
import type { Log } from '../../kit/log.ts';
import { memoryOf } from '../../lvs/life.ts';
import type { ConnectionRow, ServiceSpec } from '../../model/service.ts';
import type { Libc } from '../../nic/libc.ts';
import type { Steer } from '../../nic/steer.ts';
import { openWake, type Wake } from '../../nic/wake.ts';
import { frameBlock } from './counters.ts';
import { type Applied, Hand } from './hand.ts';
import { type InboxPlace, makeInbox } from './inbox.ts';
import type { Fault } from './message.ts';
import { startThread, type Thread } from './thread.ts';
import type { WaysShared } from './ways.ts';
import { frameSizeOf, type PortStart, Wires } from './wires.ts';

/** The pause before a worker is started again, milliseconds: doubled while they end soon after their start. */
const RESTART = { least: 50, most: 5000, settled: 10_000 };

export interface CrewOptions {
  libc: Libc;
  steer: Steer;
  ports: readonly PortStart[];
  workers: number;
  connections: number;
  host: readonly string[];
  isnKey: Int32Array;
  moderation: 'adaptive' | 'off';
  ways: WaysShared;
  tun: number;
  copy: 'auto' | 'always';
  log: Log;
  /** Threads that wait for work already. */
  spare: (() => Thread | undefined) | undefined;
  onFault: (reason: string) => void;
}

interface Place {
  hand: Hand | undefined;
  /** Ends the worker's sleep; the others know it, so it outlives the worker. */
  wake: Wake;
  counters: Float64Array;
  pause: number;
  timer: NodeJS.Timeout | undefined;
}

export class Crew {
  readonly #o: CrewOptions;
  readonly #places: Place[];
  /** From worker i to worker k: [i][k]. */
  readonly #inboxes: (InboxPlace | undefined)[][];
  #copy: 'auto' | 'always';
  #services: readonly ServiceSpec[] | undefined;
  #closed = false;

  constructor(options: CrewOptions) {
    this.#o = options;
    this.#copy = options.copy;
    const { workers } = options;
    this.#places = Array.from({ length: workers }, () => ({
      hand: undefined,
      wake: openWake(options.libc),
      counters: frameBlock(),
      pause: RESTART.least,
      timer: undefined,
    }));
    const size = frameSizeOf(options.ports);
    this.#inboxes = this.#places.map((_, i) =>
      this.#places.map((_, k) => (i === k ? undefined : makeInbox(size))),
    );
  }

  /** Counters of each worker: of its frames. */
  get counters(): readonly Float64Array[] {
    return this.#places.map(p => p.counters);
  }

  /** Counters of each worker: of its services, in the order of the last apply. */
  get blocks(): readonly Float64Array[] {
    return this.#places.flatMap(p => p.hand?.block ?? []);
  }

  /** What the kernel counts of the sockets, by name. */
  statistics(): Record<string, number> {
    const sum = { 'socket dropped': 0, 'socket invalid': 0, 'socket full': 0, 'socket starved': 0 };
    for (const s of this.#places.flatMap(p => p.hand?.wires.statistics() ?? [])) {
      sum['socket dropped'] += s.dropped;
      sum['socket invalid'] += s.invalid;
      sum['socket full'] += s.full;
      sum['socket starved'] += s.starved;
    }
    return sum;
  }

  /** Frames by where they stand now, by `standing PLACE INTERFACE`: in the rings of an interface's sockets. */
  standing(): Record<string, number> {
    const found: Record<string, number> = {};
    for (const { port, place, frames } of this.#places.flatMap(p => p.hand?.wires.standing() ?? [])) {
      const name = `standing ${place} ${this.#o.ports[port].name}`;
      found[name] = (found[name] ?? 0) + frames;
    }
    return found;
  }

  /** Whether all sockets of a port work without copies. */
  zeroCopy(port: number): boolean {
    return this.#places.every(p => p.hand?.wires.zeroCopy(port) === true);
  }

  /** Opens every worker's wires and starts it. Throws what the first one met; then nothing is open. What it is told from then on, it hears once it is ready. */
  async start(): Promise<void> {
    const wires: Wires[] = [];
    try {
      for (let i = 0; i < this.#places.length; i++) wires.push(await this.#wires(i));
      for (const [i, place] of this.#places.entries()) this.#employ(place, i, wires[i]);
      if (wires.some(w => !w.table.huge))
        this.#o.log.info(
          {},
          'xdp plane: no huge pages for the connection tables: see transparent_hugepage in docs/xdp.md',
        );
    } catch (e) {
      for (const w of wires.slice(this.#places.filter(p => p.hand !== undefined).length)) w.close();
      await this.close();
      throw new GtmError('GTM_PLANE', `xdp: ${reason(e)}`, e);
    }
  }

  /** When every worker that was started runs. Rejects with GTM_PLANE and why one of them does not; what is open stays so. */
  async ready(): Promise<void> {
    try {
      await Promise.all(this.#places.map(p => p.hand?.ready()));
    } catch (e) {
      throw new GtmError('GTM_PLANE', `xdp: ${reason(e)}`, e);
    }
  }

  /** Tells all workers; `tables`: connections to take up, by worker. */
  async apply(
    services: readonly ServiceSpec[],
    tables: readonly (Uint8Array | undefined)[],
  ): Promise<{ faults: Fault[]; restored: number }> {
    this.#services = services;
    const done = await Promise.all(this.#places.map((p, i) => p.hand?.apply(services, tables[i])));
    const applied = done.filter((a): a is Applied => a !== undefined);
    for (const { note } of applied)
      if (note !== undefined)
        this.#o.log.warn({ note }, `xdp plane: open connections are not taken up: ${note}`);
    const faults = new Map<string, Fault>();
    for (const f of applied.flatMap(a => a.faults))
      for (const key of f.key === '' ? services.map(s => s.key) : [f.key])
        faults.set(key, { key, fault: f.fault });
    return { faults: [...faults.values()], restored: applied.reduce((sum, a) => sum + a.restored, 0) };
  }

  weigh(vip: string, realServer: string, weight: number): void {
    this.#services = this.#services?.map(s =>
      s.vip === vip
        ? { ...s, realServers: s.realServers.map(r => (r.key === realServer ? { ...r, weight } : r)) }
        : s,
    );
    for (const { hand } of this.#places) hand?.weigh(vip, realServer, weight);
  }

  async connections(limit: number): Promise<readonly ConnectionRow[]> {
    const rows = await Promise.all(this.#places.map(p => p.hand?.connections(limit) ?? []));
    return rows.flat().slice(0, limit);
  }

  /** Ends all workers; their connection tables, by worker. `ended`: no worker uses anything any more. */
  async close(ended?: () => void): Promise<(Uint8Array | undefined)[]> {
    if (this.#closed) return [];
    this.#closed = true;
    const hands = this.#places.map(place => {
      clearTimeout(place.timer);
      const { hand } = place;
      place.hand = undefined;
      return hand;
    });
    await Promise.all(hands.map(h => h?.end()));
    ended?.();
    await Promise.all(hands.map(h => h?.wires.closing()));
    for (const { wake } of this.#places) wake.close();
    return hands.map(h => h?.table);
  }

  async #wires(index: number): Promise<Wires> {
    const { libc, steer, ports, workers, connections } = this.#o;
    const bytes = memoryOf(connections);
    try {
      return await Wires.open(libc, steer, ports, index, workers, this.#copy, bytes);
    } catch (e) {
      // One driver can without copies and another cannot: then all copy.
      if (this.#copy === 'always') throw e;
      this.#copy = 'always';
      return Wires.open(libc, steer, ports, index, workers, this.#copy, bytes);
    }
  }

  #employ(place: Place, index: number, wires: Wires): void {
    const { connections, host, isnKey, moderation, ways, tun, ports, steer } = this.#o;
    const hand = new Hand(
      this.#o.spare?.() ?? startThread(`xdp-${index}`),
      {
        index,
        workers: this.#places.length,
        connections,
        host,
        seed: Math.floor(Math.random() * 2 ** 32),
        isnKey,
        moderation,
        table: wires.table,
        umem: wires.umem,
        sockets: wires.sockets,
        ports: ports.length,
        ways,
        alive: steer.aliveAt,
        wake: place.wake.fd,
        tun,
        inboxes: this.#inboxes.map(row => row[index]),
        outboxes: this.#inboxes[index].map(
          (inbox, k) => inbox && { place: inbox, wake: this.#places[k].wake.fd },
        ),
        counters: place.counters,
      },
      wires,
      place.wake,
    );
    place.hand = hand;
    const started = performance.now();
    void hand.ended().then(why => {
      if (this.#closed || place.hand !== hand) return;
      place.hand = undefined;
      hand.wires.close();
      if (performance.now() - started > RESTART.settled) place.pause = RESTART.least;
      this.#again(place, index, hand.table, why);
    });
  }

  #again(place: Place, index: number, table: Uint8Array | undefined, why: string): void {
    const { log, onFault } = this.#o;
    log.error({ err: why, restartIn: place.pause }, `xdp plane: worker ${index} ended: ${why}`);
    onFault(why);
    place.timer = setTimeout(() => {
      this.#replace(place, index, table).catch(e => this.#again(place, index, table, reason(e)));
    }, place.pause);
    place.timer.unref();
    place.pause = Math.min(RESTART.most, place.pause * 2);
  }

  async #replace(place: Place, index: number, table: Uint8Array | undefined): Promise<void> {
    const wires = await this.#wires(index);
    if (this.#closed) return wires.close();
    this.#employ(place, index, wires);
    if (this.#services !== undefined) await place.hand?.apply(this.#services, table);
  }
}
