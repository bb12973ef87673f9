// What a forward worker is told, and what it tells: services, weights, connections, counters. Between two turns of its loop.

import { GtmError } from '../../kit/errors.ts';
import { formatEndpoint } from '../../kit/ip.ts';
import type { Memory } from '../../kit/memory.ts';
import { seeded } from '../../kit/rng.ts';
import { type ConnectionInfo, Director } from '../../lvs/director.ts';
import { destOptionsOf, reconcile, serviceKeyOf } from '../../lvs/reconcile.ts';
import { REASON } from '../../lvs/verdict.ts';
import type { ConnectionRow, ServiceSpec } from '../../model/service.ts';
import { FRAME, FRAME_SLOTS, report } from './counters.ts';
import type { Fault, FromWorker, ToWorker, WorkerStart } from './message.ts';
import { localsOf, Owners } from './owner.ts';
import type { Ways } from './ways.ts';

export class Control {
  readonly director: Director;
  readonly owners: Owners;
  readonly #start: WorkerStart;
  readonly #say: (message: FromWorker) => void;
  #services: readonly ServiceSpec[] = [];
  #blocks: Float64Array = new Float64Array(0);

  constructor(start: WorkerStart, ways: Ways, memory: Memory, say: (message: FromWorker) => void) {
    this.#start = start;
    this.#say = say;
    this.owners = new Owners(start.workers);
    this.director = new Director({
      capacity: start.connections,
      routes: ways,
      localAddresses: start.host,
      memory,
      rng: seeded(start.seed),
      // Packets are handled at the thread's own time, which begins anew with it.
      isn: { key: start.isnKey, since: Date.now() - performance.now() },
    });
  }

  /** Does what a message says. False: the worker is to end. */
  obey(message: ToWorker, now: number): boolean {
    if (message.type === 'apply') this.#apply(message, now);
    else if (message.type === 'weigh') this.#weigh(message.vip, message.realServer, message.weight);
    else if (message.type === 'connections')
      this.#say({ type: 'connections', id: message.id, rows: this.#rows(message.limit) });
    else return false;
    return true;
  }

  /** Writes what was counted to shared memory. */
  report(): void {
    const { counters } = this.#start;
    report(this.director, this.#services, this.#blocks);
    const { used, capacity, evictedHalfOpen, evictedClosing } = this.director.table();
    counters[FRAME.used] = used;
    counters[FRAME.capacity] = capacity;
    counters[FRAME['evicted-half-open']] = evictedHalfOpen;
    counters[FRAME['evicted-closing']] = evictedClosing;
    const reasons = this.director.reasons();
    for (const [i, name] of REASON.entries()) counters[FRAME_SLOTS + i] = reasons[name];
  }

  /** The connection table, to be read by the next run. */
  save(now: number): Uint8Array {
    this.director.tick(now);
    const table = new Uint8Array(this.director.savedSize);
    return table.subarray(0, this.director.write(table));
  }

  #apply({ id, services, blocks, table }: ToWorker & { type: 'apply' }, now: number): void {
    const { index, workers } = this.#start;
    // Each worker gives out local addresses of its own.
    const mine = services.map(s => ({ ...s, localAddresses: localsOf(s.localAddresses, index, workers) }));
    const faults: Fault[] = reconcile(this.director, mine).faults;
    this.owners.set(services);
    this.#services = services;
    this.#blocks = blocks;
    let restored = 0;
    let note: string | undefined;
    try {
      if (table !== undefined) restored = this.director.read(table, now);
    } catch (e) {
      if (!(e instanceof GtmError)) throw e;
      note = e.message;
    }
    this.#say({ type: 'applied', id, faults, restored, ...(note !== undefined && { note }) });
  }

  #weigh(vip: string, realServer: string, weight: number): void {
    this.#services = this.#services.map(s => {
      if (s.vip !== vip || !s.realServers.some(r => r.key === realServer)) return s;
      const realServers = s.realServers.map(r => (r.key === realServer ? { ...r, weight } : r));
      for (const r of realServers) {
        if (r.key !== realServer) continue;
        try {
          this.director.updateDest(serviceKeyOf(s), r, destOptionsOf(s, r));
        } catch (e) {
          // A server that the director would not take: its fault was told by apply.
          if (!(e instanceof GtmError)) throw e;
        }
      }
      return { ...s, realServers };
    });
  }

  #rows(limit: number): ConnectionRow[] {
    const rows: ConnectionRow[] = [];
    for (const c of this.director.connections()) {
      if (rows.length >= limit) break;
      rows.push(rowOf(c));
    }
    return rows;
  }
}

function rowOf(c: ConnectionInfo): ConnectionRow {
  const end = ({ address, port }: { address: string; port: number }) => formatEndpoint(address, port);
  return {
    protocol: c.protocol,
    state: c.state,
    expires: c.expires,
    client: end(c.client),
    virtual: end(c.virtual),
    server: end(c.dest),
  };
}
