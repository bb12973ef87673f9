// What a forward worker asks of the network: the way to an address, and the link header that leads to a next hop.
//   main thread: kernel's routes and neighbours ─writes→ shared memory ─read by→ Ways, one in each worker
// Invariant: nothing here is allocated, waited for or asked of the kernel while a packet is under way.
import type { Route, Routes } from '../../lvs/config.ts';

/** Octets of a slot in Ways.headers. */
export const HEADER = 16;

export interface Ways extends Routes {
  /**
   * The slot of the link header towards `address` (four words) of `family` on the interface `iface` (as Route.iface has it),
   * or -1 while it is not known; then it is being asked for, and frames may wait.
   */
  hop(iface: number, family: number, address: Int32Array): number;
  /** The same of a route's next hop, noted there for the next time. */
  slotOf(route: Route): number;
  /**
   * By slot, 16 octets: destination MAC (6), source MAC (6), 802.1Q tag control as on the wire or 0 for none (2), spare (2).
   * A slot's octets may change at any time (a neighbour got another MAC), its meaning does not.
   */
  readonly headers: Uint8Array;
  /** By slot: which of the plane's interfaces, in the order of its list, the frame leaves by. */
  readonly ports: Int32Array;
  /** Changes when routes did: the worker calls director.routesChanged(). */
  generation(): number;
}

/** The main thread's side. */
export interface WaysSource {
  /** What a worker is given (shared memory, numbers); the worker makes its Ways from it. */
  readonly shared: WaysShared;
  /** The services' addresses, of real servers and of virtual services: asked for before their first packet. */
  want(addresses: readonly string[]): void;
  close(): void;
}

/** As structuredClone carries it: `kind` says which file reads it. */
export type WaysShared = { kind: string } & Record<string, unknown>;
