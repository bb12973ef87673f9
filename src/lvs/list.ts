// What the director shows: services with their servers and counters, and the connections as /proc/net/ip_vs_conn has them.

import type { DestKey, DestOptions, ServiceKey, ServiceOptions } from './config.ts';
import type { Core } from './core.ts';
import { PORTS } from './forward/local.ts';
import * as conn from './line.ts';
import { WORDS } from './line.ts';
import { UDP } from './packet/parse.ts';
import {
  CONNS,
  type Dest,
  FORWARD,
  FULLNAT,
  INBYTES,
  INPKTS,
  type Local,
  OUTBYTES,
  OUTPKTS,
  textOf,
} from './service.ts';
import { TCP_STATE } from './tcpstate.ts';

/** Counters as LVS keeps them; bytes are IP lengths. */
export interface Counters {
  conns: number;
  inpkts: number;
  outpkts: number;
  inbytes: number;
  outbytes: number;
}

export interface DestInfo extends DestKey, DestOptions {
  active: number;
  inactive: number;
  persistent: number;
  /** At its upper threshold. */
  overload: boolean;
  counters: Counters;
}

export interface ServiceInfo extends ServiceKey {
  options: ServiceOptions;
  counters: Counters;
  /** Newest first, as the kernel's list. */
  dests: DestInfo[];
  /** FullNAT's local addresses. */
  locals: LocalInfo[];
}

/** A connection, as /proc/net/ip_vs_conn shows it. */
export interface ConnectionInfo {
  protocol: 'tcp' | 'udp';
  client: { address: string; port: number };
  virtual: { address: string; port: number };
  dest: { address: string; port: number };
  /** FullNAT's local address and port. */
  local?: { address: string; port: number };
  /** LVS's name: ESTABLISHED, SYN_RECV …, UDP; of a template NONE or ASSURED. */
  state: string;
  /** Milliseconds to go. */
  expires: number;
  template: boolean;
  /** No packet of the server was seen (NOOUTPUT). */
  noOutput: boolean;
  /** Counted as inactive (INACTIVE). */
  inactive: boolean;
}

/** A FullNAT local address's ports. */
export interface LocalInfo {
  address: string;
  used: number;
  /** Ports that no connection uses, whatever the server. */
  free: number;
  /** Connections refused because no port was free for their server. */
  missed: number;
}

/** Every service, newest first. */
export function listServices(core: Core): ServiceInfo[] {
  return core.services.all.map(s => ({
    protocol: s.protocol === UDP ? 'udp' : 'tcp',
    address: textOf(s.family, s.v),
    port: s.port,
    options: s.options,
    counters: countersOf(s.counts),
    dests: s.dests.map(destInfo),
    locals: s.locals.map(localInfo),
  }));
}

/** Every connection and template. */
export function* listConnections(core: Core): Generator<ConnectionInfo> {
  const { table, now } = core.life;
  for (let c = 1; c <= table.capacity; c++) {
    if (!table.inUse(c)) continue;
    const { t } = table;
    const base = c * WORDS;
    const flags = t[base + conn.FLAGS];
    const family = flags & conn.V6 ? 6 : 4;
    const dest = core.life.destOf(c);
    const template = (flags & conn.TEMPLATE) !== 0;
    const full = table.forwardOf(c) === FULLNAT && !template;
    const info: ConnectionInfo = {
      protocol: flags & conn.IS_UDP ? 'udp' : 'tcp',
      client: { address: textOf(family, t, base), port: t[base + conn.CPORTS] >>> 16 },
      virtual: { address: textOf(family, dest.v), port: t[base + conn.CPORTS] & 0xffff },
      dest: { address: textOf(dest.family, dest.d), port: t[base + conn.DPORTS] >>> 16 },
      state: template
        ? flags & conn.ASSURED
          ? 'ASSURED'
          : 'NONE'
        : flags & conn.IS_UDP
          ? 'UDP'
          : TCP_STATE[flags & conn.STATE],
      expires: (t[base + conn.EXPIRES] - now) | 0,
      template,
      noOutput: (flags & conn.NOOUTPUT) !== 0,
      inactive: (flags & conn.INACTIVE) !== 0,
    };
    if (full) {
      const local = core.services.locals[table.localOf(c)];
      info.local = { address: textOf(local.family, local.a), port: t[base + conn.DPORTS] & 0xffff };
    }
    yield info;
  }
}

function destInfo(d: Dest): DestInfo {
  const info: DestInfo = {
    address: textOf(d.family, d.d),
    port: d.port,
    weight: d.weight,
    forward: FORWARD[d.forward],
    upper: d.upper,
    lower: d.lower,
    active: d.active,
    inactive: d.inactive,
    persistent: d.persistent,
    overload: d.overload,
    counters: countersOf(d.counts),
  };
  if (d.tunnel !== undefined) info.tunnel = d.tunnel;
  return info;
}

function localInfo(l: Local): LocalInfo {
  return {
    address: textOf(l.family, l.a),
    used: l.used,
    free: Math.max(0, PORTS - l.used),
    missed: l.missed,
  };
}

function countersOf(counts: Float64Array): Counters {
  return {
    conns: counts[CONNS],
    inpkts: counts[INPKTS],
    outpkts: counts[OUTPKTS],
    inbytes: counts[INBYTES],
    outbytes: counts[OUTBYTES],
  };
}
