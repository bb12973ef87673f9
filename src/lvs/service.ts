// What the packet path knows of a service, a server (dest) and a FullNAT local address: plain numbers, compiled from config.ts.
// A Dest lives on after its removal (in the trash) while connections refer to it, with its counts; its index never moves.
// Thresholds by ip_vs_conn.c: a server is overloaded once its connections reach `upper`, until they fall below `lower`.
import { formatIp } from '../kit/ip.ts';
import {
  type Forward,
  type FullnatOptions,
  Route,
  type ServiceOptions,
  type TunnelOptions,
} from './config.ts';
import type { DestTable } from './sched/dests.ts';
import { OVERLOAD, type Scheduler } from './sched/scheduler.ts';

/** Forwarding methods by number, as connections keep them. */
export const NAT = 0;
export const DR = 1;
export const TUN = 2;
export const FULLNAT = 3;
export const FORWARD: readonly Forward[] = ['nat', 'dr', 'tun', 'fullnat'];

/** Kinds of tunnels by number. */
export const TUNNELS: readonly TunnelOptions['type'][] = ['ipip', 'gue', 'gre'];

/** Columns of Counts. */
export const CONNS = 0;
export const INPKTS = 1;
export const OUTPKTS = 2;
export const INBYTES = 3;
export const OUTBYTES = 4;

export class Service {
  protocol = 0;
  family = 4;
  /** The address as four words, and the port; 0 takes all. */
  readonly v: Int32Array = new Int32Array(4);
  port = 0;
  options: ServiceOptions;
  readonly table: DestTable;
  scheduler: Scheduler;
  /** In the order of the table: newest first. */
  readonly dests: Dest[] = [];
  readonly counts: Float64Array = new Float64Array(5);
  /** Time-outs by TCP state, and UDP's, in milliseconds. */
  readonly timeouts: Int32Array = new Int32Array(11);
  udpTimeout = 0;
  /** Milliseconds; 0 = not persistent. */
  persistence = 0;
  /** Words of the persistence netmask. */
  readonly mask: Int32Array = new Int32Array(4);
  onePacket = false;
  sloppyTcp = -1;
  expireNodest = -1;
  readonly locals: Local[] = [];
  nextLocal = 0;
  fullnat: Required<FullnatOptions>;
  removed = false;

  constructor(options: ServiceOptions, table: DestTable, scheduler: Scheduler) {
    this.options = options;
    this.table = table;
    this.scheduler = scheduler;
    this.fullnat = fullnatOf(options.fullnat);
  }
}

/** FullNAT's options with their defaults. */
export function fullnatOf(options: FullnatOptions | undefined): Required<FullnatOptions> {
  return {
    toaKind: options?.toaKind ?? 254,
    timestampRemove: options?.timestampRemove ?? true,
    mssAdjust: options?.mssAdjust ?? true,
    sequence: options?.sequence ?? true,
  };
}

/** A FullNAT local address of a service, with its ports. */
export class Local {
  readonly a: Int32Array;
  readonly index: number;
  readonly family: number;
  /** The next port to try, counted from FIRST_PORT. */
  counter = 0;
  used = 0;
  missed = 0;

  constructor(index: number, family: number, a: Int32Array) {
    this.index = index;
    this.family = family;
    this.a = a;
  }
}

export class Dest {
  readonly index: number;
  service: Service;
  readonly family: number;
  /** The service's identity and the server's, for comparing with packets. */
  readonly protocol: number;
  readonly v: Int32Array;
  readonly vport: number;
  readonly d: Int32Array;
  readonly port: number;
  /** Position in the service's table; -1 = removed (not AVAILABLE). */
  at = -1;
  weight = 0;
  forward = NAT;
  tunnel: TunnelOptions | undefined;
  /** Index of TUNNELS. */
  tunnelType = 0;
  /** ipip: outer sources of this prefix, by flow. */
  spread: { words: Int32Array; mask: Int32Array } | undefined;
  upper = 0;
  lower = 0;
  overload = false;
  active = 0;
  inactive = 0;
  persistent = 0;
  readonly counts: Float64Array = new Float64Array(5);
  /** The way to it, asked for once a generation of the routes. */
  readonly route: Route = new Route();
  routed = -1;
  reachable = false;
  /** Path MTU that routers on the way told of; 0 = none. Until then (ms) it holds. */
  pmtu = 0;
  pmtuUntil = 0;
  /** When its last connection went, for the trash. */
  idleSince = 0;

  constructor(index: number, service: Service, family: number, d: Int32Array, port: number) {
    this.index = index;
    this.service = service;
    this.family = family;
    this.protocol = service.protocol;
    this.v = service.v;
    this.vport = service.port;
    this.d = d;
    this.port = port;
  }

  /** Adds to the connection counts, and sets or clears the overload flag. */
  charge(active: number, inactive: number): void {
    this.active += active;
    this.inactive += inactive;
    const total = this.active + this.inactive;
    if (active + inactive < 0) {
      if (this.lower !== 0 ? total < this.lower : this.upper === 0 || total * 4 < this.upper * 3)
        this.overload = false;
    } else if (this.upper !== 0 && active + inactive > 0 && total >= this.upper) this.overload = true;
    this.show();
  }

  /** Shows counts and overload to the scheduler. */
  show(): void {
    if (this.at < 0) return;
    const { table } = this.service;
    table.active[this.at] = this.active;
    table.inactive[this.at] = this.inactive;
    if (this.overload) table.flags[this.at] |= OVERLOAD;
    else table.flags[this.at] &= ~OVERLOAD;
  }
}

/** The text of four words. */
export function textOf(family: number, a: Int32Array, from = 0): string {
  const bytes = new Uint8Array(16);
  for (let i = 0; i < 4; i++) {
    const w = a[from + i];
    bytes.set([w >>> 24, w >>> 16, w >>> 8, w], i * 4);
  }
  return formatIp(bytes, 0, family === 4 ? 4 : 16);
}
