// What the main thread and a forward worker say to each other, and what a worker is given at its start.
// A worker has no event loop: the word `signal` changes with every message to it, and its eventfd ends its sleep.
import type { ConnectionRow, ServiceSpec } from '../../model/service.ts';
import type { XskPlace } from '../../nic/afxdp.ts';
import type { HugePlace } from '../../nic/huge.ts';
import type { UmemPlace } from '../../nic/umem.ts';
import type { InboxPlace } from './inbox.ts';
import type { WaysShared } from './ways.ts';

export interface Fault {
  key: string;
  fault: string;
}

/** A queue of an interface that the worker serves. */
export interface SocketStart {
  /** Which of the plane's interfaces. */
  port: number;
  queue: number;
  place: XskPlace;
}

export interface WorkerStart {
  /** Which worker of how many. */
  index: number;
  workers: number;
  /** Connections that its table holds. */
  connections: number;
  /** Addresses of the host. */
  host: readonly string[];
  seed: number;
  /** Of FullNAT's initial sequence numbers. */
  isnKey: Int32Array;
  moderation: 'adaptive' | 'off';
  /** Where its table lies. */
  table: HugePlace;
  umem: UmemPlace;
  /** The first one of each port is the one that the worker sends by. */
  sockets: readonly SocketStart[];
  ports: number;
  ways: WaysShared;
  /** Where Steer.alive stands. */
  alive: number;
  /** Descriptors: of its eventfd, of the TUN device (-1: none). */
  wake: number;
  tun: number;
  /** From every other worker, and to every other worker with its eventfd; by worker, its own is undefined. */
  inboxes: readonly (InboxPlace | undefined)[];
  outboxes: readonly ({ place: InboxPlace; wake: number } | undefined)[];
  counters: Float64Array;
}

export type ToWorker =
  /** `table`: connections to take up, once the services stand. */
  | { type: 'apply'; id: number; services: readonly ServiceSpec[]; blocks: Float64Array; table?: Uint8Array }
  | { type: 'weigh'; vip: string; realServer: string; weight: number }
  | { type: 'connections'; id: number; limit: number }
  | { type: 'close' };

export type FromWorker =
  | { type: 'ready' }
  | { type: 'applied'; id: number; faults: readonly Fault[]; restored: number; note?: string }
  | { type: 'connections'; id: number; rows: ConnectionRow[] }
  /** The last word: the connection table, as Director.write() has it. */
  | { type: 'closed'; table: Uint8Array };
