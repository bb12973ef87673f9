// What the main thread knows of the services it had applied: the specs with the weights of now, their counters in shared
// memory, and why one does not forward. From it a new worker is told what to do, and the status is read.
import type { RealServerCounters, ServiceCounters, ServiceSpec } from '../../model/service.ts';
import { newBlock, SERVER, SERVICE } from './counters.ts';
import type { Fault, Job } from './message.ts';

interface Entry {
  spec: ServiceSpec;
  counters: Float64Array;
  /** By key. */
  servers: Map<string, Float64Array>;
  fault: string | undefined;
}

export class Book {
  #entries = new Map<string, Entry>();

  /** Replaces what is wanted; counters of what stays go on. A service given twice is a fault, and the first one stands. */
  set(services: readonly ServiceSpec[]): Fault[] {
    const before = this.#entries;
    const doubled: Fault[] = [];
    this.#entries = new Map();
    for (const spec of services) {
      const { key } = spec;
      if (this.#entries.has(key)) {
        doubled.push({ key, fault: 'this protocol, address and port are given twice' });
        continue;
      }
      const known = before.get(key);
      const servers = new Map(
        spec.realServers.map(rs => [rs.key, known?.servers.get(rs.key) ?? newBlock(SERVER)]),
      );
      this.#entries.set(key, {
        spec,
        counters: known?.counters ?? newBlock(SERVICE),
        servers,
        fault: known?.fault,
      });
    }
    return doubled;
  }

  weigh(vip: string, realServer: string, weight: number): void {
    for (const e of this.#entries.values()) {
      if (e.spec.vip !== vip || !e.servers.has(realServer)) continue;
      const realServers = e.spec.realServers.map(rs => (rs.key === realServer ? { ...rs, weight } : rs));
      e.spec = { ...e.spec, realServers };
    }
  }

  /** What a worker is to do. */
  jobs(): Job[] {
    return [...this.#entries.values()].map(({ spec, counters, servers }) => ({
      spec,
      counters,
      servers: spec.realServers.map(rs => servers.get(rs.key) as Float64Array),
    }));
  }

  /** These services do not forward; all others do. */
  mark(faults: readonly Fault[]): void {
    const why = new Map(faults.map(f => [f.key, f.fault]));
    for (const [key, e] of this.#entries) e.fault = why.get(key);
  }

  /** No service forwards, and no connection is open any more. Returns a fault for each. */
  fail(fault: string): Fault[] {
    const faults = [...this.#entries.keys()].map(key => ({ key, fault }));
    this.mark(faults);
    for (const { servers } of this.#entries.values()) {
      for (const c of servers.values()) {
        c[SERVER.active] = 0;
        c[SERVER.inactive] = 0;
      }
    }
    return faults;
  }

  /** The counters of now. */
  read(): ServiceCounters[] {
    return [...this.#entries.values()].map(({ spec, counters: c, servers, fault }) => ({
      key: spec.key,
      vip: spec.vip,
      ...(fault === undefined ? {} : { fault }),
      connections: c[SERVICE.connections],
      inBytes: c[SERVICE.inBytes],
      outBytes: c[SERVICE.outBytes],
      ...(spec.protocol === 'udp' && {
        inPackets: c[SERVICE.inPackets],
        outPackets: c[SERVICE.outPackets],
      }),
      refused: c[SERVICE.refused],
      realServers: spec.realServers.map((rs): RealServerCounters => {
        const s = servers.get(rs.key) as Float64Array;
        return {
          key: rs.key,
          name: rs.name,
          weight: rs.weight,
          active: s[SERVER.active],
          inactive: s[SERVER.inactive],
          connections: s[SERVER.connections],
          inBytes: s[SERVER.inBytes],
          outBytes: s[SERVER.outBytes],
          ...(spec.protocol === 'udp' && {
            inPackets: s[SERVER.inPackets],
            outPackets: s[SERVER.outPackets],
          }),
          failed: s[SERVER.failed],
        };
      }),
    }));
  }
}
