// A random set-up around a cell: sysctls, one to three services with their servers, and changes in the middle.

import { below, type Rng } from '../../src/kit/rng.ts';
import type { DestKey, DestOptions, ServiceKey, ServiceOptions, Sysctl } from '../../src/lvs/config.ts';
import { CELLS, type Cell, nameOf } from './cells.ts';
import type { Recorder } from './recorder.ts';
import { FAR, LOCALS, NEAR, OWN, VIPS } from './topology.ts';

export interface Server {
  key: DestKey;
  options: DestOptions;
}

export interface Service {
  cell: Cell;
  name: string;
  key: ServiceKey;
  options: ServiceOptions;
  servers: Server[];
}

/** Persistence, in seconds, that outlasts a set-up unless its clock is set ahead on purpose. */
export const LONG = 300;

export function chance(rng: Rng, percent: number): boolean {
  return below(rng, 100) < percent;
}

export function oneOf<T>(rng: Rng, all: readonly T[]): T {
  return all[below(rng, all.length)];
}

export function randomMtu(rng: Rng): number {
  return oneOf(rng, [1500, 1500, 1500, 1400, 1300]);
}

/** `full`: for FullNAT, whose counterpart in the kernel rests on its connection tracking, which wants every connection from its SYN on. */
export function randomSysctl(rng: Rng, full: boolean): Partial<Sysctl> {
  const any = {
    sloppy_tcp: chance(rng, 15) ? 1 : 0,
    expire_nodest_conn: chance(rng, 25) ? 1 : 0,
    expire_quiescent_template: chance(rng, 30) ? 1 : 0,
    conn_reuse_mode: oneOf(rng, [1, 1, 1, 0, 2]),
    pmtu_disc: chance(rng, 15) ? 0 : 1,
    nat_icmp_send: chance(rng, 25) ? 1 : 0,
    schedule_icmp: chance(rng, 15) ? 1 : 0,
    // Modes 1 and 2 follow the kernel's memory, and the core's table.
    secure_tcp: chance(rng, 20) ? 3 : 0,
    am_droprate: oneOf(rng, [10, 5, 3]),
    drop_packet: chance(rng, 8) ? 3 : 0,
  };
  return full ? { ...any, sloppy_tcp: 0, expire_nodest_conn: 0, conn_reuse_mode: 0, schedule_icmp: 0 } : any;
}

/** FullNAT's local addresses, of both families; none = the link's own. */
export function randomLocals(rng: Rng): string[] {
  const count = below(rng, 3);
  return [...LOCALS[4].slice(0, count), ...LOCALS[6].slice(0, count)];
}

/** The services of a set-up: the cell's own first, sometimes others beside it. */
export function randomServices(rng: Rng, cell: Cell, locals: readonly string[]): Service[] {
  const cells = [cell];
  const full = cell.forward === 'fullnat';
  const others = CELLS.filter(c => (c.forward === 'fullnat') === full);
  while (cells.length < 3 && chance(rng, 25)) cells.push(oneOf(rng, others));
  const timeouts = chance(rng, 40)
    ? {
        tcp: oneOf(rng, [20_000, 100_000]),
        tcpFin: oneOf(rng, [8000, 30_000]),
        udp: oneOf(rng, [10_000, 40_000]),
      }
    : undefined;
  return cells.map((c, i) => {
    const own = c.flag === 'persist' || c.flag === '' ? [] : c.flag.split(',');
    const protocol = c.flag === 'ops' || chance(rng, 30) ? 'udp' : 'tcp';
    const any = c.flag === 'persist' && chance(rng, 20);
    const options: ServiceOptions = { scheduler: c.scheduler, flags: own, ...(timeouts && { timeouts }) };
    if (full) {
      const own = locals.filter(a => a.includes(':') === (c.family === 6));
      options.localAddresses = own.length > 0 ? own : [OWN.server[c.family === 4 ? 0 : 1]];
      options.fullnat = { toaKind: 0, timestampRemove: false, mssAdjust: false, sequence: false };
    }
    if (c.flag === 'persist') {
      // Short ones would end in the middle, and when they do is partly chance (DEVIATIONS).
      options.persistence = oneOf(rng, [LONG, 360]);
      options.netmask = c.family === 4 ? oneOf(rng, [32, 24]) : oneOf(rng, [128, 64]);
    }
    const service: Service = {
      cell: c,
      name: nameOf(c),
      key: { protocol, address: VIPS[c.family][i], port: any ? 0 : oneOf(rng, [80, 443, 8080]) },
      options,
      servers: [],
    };
    const count = 1 + below(rng, 6);
    for (let n = 0; n < count; n++) service.servers.push(randomServer(rng, service, n));
    return service;
  });
}

function randomServer(rng: Rng, service: Service, n: number): Server {
  const { cell, key } = service;
  const options: DestOptions = { weight: randomWeight(rng), forward: cell.forward };
  let family = cell.family;
  if (cell.forward === 'tun') {
    options.tunnel = oneOf(rng, [
      { type: 'ipip' },
      { type: 'gue', port: 6080 },
      { type: 'gue', port: 6080, csum: true },
      { type: 'gre' },
      { type: 'gre', csum: true },
    ] as const);
    if (chance(rng, 30)) family = family === 4 ? 6 : 4;
  }
  if (chance(rng, 25)) {
    options.upper = 1 + below(rng, 8);
    options.lower = chance(rng, 50) ? 0 : 1 + below(rng, options.upper);
  }
  const pool = chance(rng, 70) ? NEAR : FAR;
  const port =
    (cell.forward === 'nat' || cell.forward === 'fullnat') && key.port !== 0
      ? oneOf(rng, [key.port, 9000 + n])
      : key.port;
  return { key: { address: pool[family][n], port }, options };
}

function randomWeight(rng: Rng): number {
  return oneOf(rng, [1, 1, 1, 2, 3, 5, 10, 100, 0]);
}

/** Changes one thing of a service while it runs. */
export function change(rng: Rng, to: Recorder, service: Service): void {
  const server = service.servers.length > 0 ? oneOf(rng, service.servers) : undefined;
  const kind = below(rng, 11);
  if (kind === 10) {
    // What became of removed servers' connections is decided when they are removed.
    const { expire_nodest_conn: _, ...values } = randomSysctl(rng, service.cell.forward === 'fullnat');
    to.sysctl(values);
  } else if (server !== undefined && kind < 5) {
    server.options = { ...server.options, weight: randomWeight(rng) };
    if (chance(rng, 20)) {
      server.options.upper = below(rng, 6);
      server.options.lower = 0;
    }
    to.dest('set', service.key, server.key, server.options);
  } else if (server !== undefined && kind < 8 && service.servers.length > 1) {
    to.dest('remove', service.key, server.key);
    service.servers.splice(service.servers.indexOf(server), 1);
    // With expire_nodest_conn a worker ends the connections, one tick later.
    to.sleep(30);
    if (chance(rng, 50)) {
      to.dest('add', service.key, server.key, server.options);
      service.servers.push(server);
    }
  } else {
    const taken = new Set(service.servers.map(s => s.key.address));
    const fresh = randomServer(rng, service, 6 + below(rng, 2));
    if (taken.has(fresh.key.address)) return;
    to.dest('add', service.key, fresh.key, fresh.options);
    service.servers.push(fresh);
  }
}
