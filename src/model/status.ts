// What a node tells about itself: the body of GET /v1/status. The CLI's tables, the page and the metrics come from it.
import type { CoordinatorStatus, Override, Sight } from './records.ts';
import type { RealServerCounters, ServiceCounters, ServiceSpec } from './service.ts';
import type { StateName } from './state.ts';

export interface MemberStatus {
  vip: string;
  site: string;
  addresses: string[];
  state: StateName;
  /** The state that probes and votes alone would give. */
  real: StateName;
  forced: boolean;
  stale: boolean;
  /** As configured. */
  weight: number;
  /** weight × capacity × admin × slow start × load correction. */
  effective: number;
  /** Part of the pool's answers that it gets, 0 to 1. */
  share: number;
  /** In words, e.g. `capacity 50% (1 of 2 real servers)` or `drain by anna: kernel upgrade`. */
  why: string;
}

export interface PoolStatus {
  name: string;
  policy: string;
  answers: number;
  /** Seconds. */
  ttl: number;
  /** Set while no member is up: which `all_down` rule answers. */
  allDown?: string;
  members: MemberStatus[];
}

export interface RealServerStatus {
  name: string;
  key: string;
  state: 'up' | 'down' | 'unknown' | 'unchecked';
  /** Milliseconds in that state. */
  for: number;
  /** The last probe in words: `http 200 in 3 ms`, `connect ECONNREFUSED`. */
  result: string;
  weight: number;
  /** By VIP address, where it is asked for that by the way of clients' packets too: the state of that, and its last result. */
  vias?: { vip: string; state: Sight; result: string }[];
}

export interface VipStatus {
  name: string;
  site: string;
  addresses: string[];
  state: StateName;
  forwardedHere: boolean;
  capacity: number;
  /** What this node sees of it from where it stands; `unknown` for those it forwards. */
  sight: Sight;
  /** One line for each site that has a fresh vote. */
  votes: Record<string, 'up' | 'down'>;
  realServers: RealServerStatus[];
}

/** What goes through a second, smoothed: connections, bytes, and packets where the plane sees them. */
export interface TrafficRates {
  connections: number;
  inBytes: number;
  outBytes: number;
  inPackets?: number;
  outPackets?: number;
}

/** A virtual service as it is forwarded here: its counters, its rates, and how it is set up. */
export interface ServiceStatus extends ServiceCounters {
  plane: string;
  scheduler: string;
  flags: readonly string[];
  forward: 'nat' | 'dr' | 'tun' | 'fullnat';
  /** Milliseconds; 0 = none. */
  persistence: number;
  /** As in ServiceSpec; absent of a service that has left the cluster file. */
  tunnel?: ServiceSpec['tunnel'];
  thresholds?: ServiceSpec['thresholds'];
  timeouts?: ServiceSpec['timeouts'];
  rates: TrafficRates;
  realServers: (RealServerCounters & { rates: TrafficRates })[];
}

export interface NodeStatus {
  apiVersion: 'v1';
  kind: 'NodeStatus';
  cluster: string;
  node: string;
  site: string;
  version: string;
  /** Milliseconds. */
  uptime: number;
  ready: boolean;
  /** Number of the snapshot that every worker serves. */
  generation: number;
  config: { file: string; loadedAt: string; error?: string };
  dns: { listen: string[]; queries: number; workers: number };
  zones: { name: string; file: string; serial: number; records: number }[];
  /** What is probed here; since the start; lateness of the last five seconds, ms. `fault`: late or silent, in words. */
  probes: { targets: number; ok: number; failed: number; late: number; p99: number; fault?: string };
  coordinator: CoordinatorStatus;
  peers: { node: string; site: string; fresh: boolean; age: number }[];
  pools: PoolStatus[];
  vips: VipStatus[];
  services: ServiceStatus[];
  overrides: Override[];
  schedules: { name: string; active: boolean; until?: string; next?: string }[];
  /** What an operator should know first, in words; empty when all is well. */
  alarms: string[];
}

/** One fact in the life of a node, for `/v1/events`. */
export interface Event {
  id: number;
  at: string;
  kind: string;
  subject: string;
  message: string;
}

/** How an answer came about, for `gtm dig --explain`: one step a line, numbered by the reader. */
export interface Explanation {
  apiVersion: 'v1';
  kind: 'Explanation';
  question: string;
  steps: { topic: string; text: string }[];
}
