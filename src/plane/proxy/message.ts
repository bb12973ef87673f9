// What the main thread and the forwarding worker say to each other. Counters do not travel: they are shared memory.
import type { ConnectionRow, ServiceSpec } from '../../model/service.ts';

/** A service to forward, and the blocks (counters.ts) to count in: its own, and its real servers' in the order of the spec. */
export interface Job {
  spec: ServiceSpec;
  counters: Float64Array;
  servers: readonly Float64Array[];
}

export interface Fault {
  key: string;
  fault: string;
}

export type ToWorker =
  | { type: 'apply'; id: number; jobs: readonly Job[] }
  | { type: 'weigh'; vip: string; realServer: string; weight: number }
  /** What is open is asked for, at most `limit` rows. */
  | { type: 'connections'; id: number; limit: number }
  /** Open connections get `grace` milliseconds to end by themselves. */
  | { type: 'close'; grace: number };

export type FromWorker =
  | { type: 'applied'; id: number; faults: readonly Fault[] }
  | { type: 'connections'; id: number; rows: ConnectionRow[] }
  | { type: 'warned'; key: string; message: string }
  | { type: 'closed' };
