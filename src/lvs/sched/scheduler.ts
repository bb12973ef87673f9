// The shape of a scheduler, and the flat table of servers that it picks from. The proxy plane and the packet core use
// the same files. Rules by net/netfilter/ipvs: the list is visited newest first, the first in the list wins ties,
// servers that are overloaded or have weight 0 or less are skipped.

import type { Rng } from '../../kit/rng.ts';

/** Flag of a server whose connections reached its upper threshold. */
export const OVERLOAD = 1;
/** Flag of a server that the caller will not have for this pick (it was tried in vain); set before and cleared after. */
export const TRIED = 2;

/**
 * The servers of one service in the kernel's order (newest first), one column each. Position 0..count-1 is what a
 * scheduler returns. Columns are grown by the owner of the table; schedulers only read them.
 */
export interface Dests {
  count: number;
  /** A number that stays with the server while it is in the table, wherever its position moves; never given twice. */
  id: Int32Array;
  weight: Int32Array;
  /** The last weight that was not 0 (mh builds its table from these, so that quiescing moves nobody else). */
  lastWeight: Int32Array;
  /** Established connections; all others. */
  active: Int32Array;
  inactive: Int32Array;
  flags: Uint8Array;
  /** 16 bytes a server (IPv4 in the first four), and the port: what mh hashes. */
  address: Uint8Array;
  port: Uint16Array;
  /** 4 or 6. */
  family: Uint8Array;
  /** The service's own family; 0 = each server's. Of an IPv6 server behind an IPv4 service mh hashes the first word alone. */
  serviceFamily: number;
}

/** The flow that wants a server. One object, refilled by the caller. Addresses: 4 or 16 bytes, network order. */
export interface Flow {
  family: number;
  source: Uint8Array;
  sourcePort: number;
  destination: Uint8Array;
}

export interface Scheduler {
  /** After servers were added, removed or re-weighted (ip_vs_scheduler: add_dest, del_dest, upd_dest). May allocate. */
  update(): void;
  /** The position of the server for a new connection; -1 = none is available. Allocates nothing. */
  pick(flow: Flow): number;
}

/** LVS's per-service flags that change how a scheduler picks (ipvsadm -b). */
export interface SchedulerFlags {
  fallback: boolean;
  port: boolean;
}

/** What some schedulers need from outside: dice (twos), and a clock in ms that never steps (lblc, lblcr forget by it). */
export interface Seams {
  rng: Rng;
  now: () => number;
}

/** A scheduler over `dests`; it holds on to the table. */
export type MakeScheduler = (dests: Dests, flags: SchedulerFlags, seams: Seams) => Scheduler;

/** Whether the server at `at` may get a new connection. */
export function available(dests: Dests, at: number): boolean {
  return dests.weight[at] > 0 && dests.flags[at] === 0;
}

/** An established connection counts as so many others (ip_vs.h, ip_vs_dest_conn_overhead). */
export const OVERHEAD = 256;

/** What lc compares, and wlc per weight. */
export function overhead(dests: Dests, at: number): number {
  return dests.active[at] * OVERHEAD + dests.inactive[at];
}
