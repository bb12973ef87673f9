// What nodes tell each other through the coordinator, and the coordinator's own face. Every node is the only writer of
// its records; a reader takes the newest (epoch, sequence) and ages it by its own monotonic clock.

/** What a director says of a VIP that it forwards. */
export interface DirectorSight {
  /** Weight of the healthy real servers over the configured weight, 0 to 1. */
  capacity: number;
  connections: number;
  /** New connections a second, smoothed. */
  rate: number;
}

export type Sight = 'up' | 'down' | 'unknown';

/** All that a node publishes, as one body. Keys are VIP names. */
export interface NodeReport {
  site: string;
  /** VIPs that this node forwards. */
  director: Record<string, DirectorSight>;
  /** VIPs that this node sees from where it stands (not those that it forwards). */
  sights: Record<string, Sight>;
}

export const ADMIN_STATES = ['ready', 'drain', 'maint'] as const;
export type AdminState = (typeof ADMIN_STATES)[number];

/** An operator's word over a VIP (or a whole site). Ordered by `clock` (hybrid: wall ms, counter), ties by node name. */
export interface Override {
  /** `vip/web-fra` or `site/fra`. */
  target: string;
  state: AdminState;
  /** Multiplies the weight; absent = 1. */
  weight?: number;
  reason: string;
  who: string;
  /** Wall-clock ms at which it was said, and at which it ends by itself. */
  since: number;
  until?: number;
  clock: { ms: number; count: number };
  node: string;
}

/** A node's report as this node knows it. */
export interface PeerView {
  node: string;
  report: NodeReport;
  epoch: number;
  sequence: number;
  /** Milliseconds since it last advanced in our sight. */
  age: number;
  /** Advanced in our sight within the lifetime. Only fresh reports vote. */
  fresh: boolean;
}

/** Records that were dropped, by cause. */
export interface Drops {
  forged: number;
  replayed: number;
  oversized: number;
  malformed: number;
}

export interface BackendStatus {
  /** Where it is, without credentials. */
  url: string;
  state: 'up' | 'down';
  /** Wall-clock ms since when. */
  since: number;
  error?: string;
}

export interface CoordinatorStatus {
  kind: 'memory' | 'redis';
  /** alone: no coordinator configured. cut-off: none of its backends is reachable. */
  mode: 'alone' | 'connected' | 'degraded' | 'cut-off';
  backends: BackendStatus[];
  drops: Drops;
  /** The last record dropped, in words: which node's, where from, why. */
  lastDrop?: string;
  epoch: number;
}

/** The coordinator as the node sees it: publishing never blocks, reading never waits. */
export interface Coordinator {
  /** Connects and fixes the epoch; resolves within a bounded time, also when nothing is reachable. */
  start(): Promise<void>;
  /** The newest report of this node: sent now if it differs from the last, and with each heartbeat. */
  publish(report: NodeReport): void;
  /** Everyone else's reports, fresh and expired. */
  peers(): readonly PeerView[];
  /** Sets or replaces an override; it is kept on disk and in every backend. */
  override(o: Override): void;
  /** Overrides in force (not ended by `until`), the newest for each target. A `ready` with weight 1 is none. */
  overrides(): readonly Override[];
  /** Called whenever peers() or overrides() would tell something new. One listener. */
  onChange(listener: () => void): void;
  status(): CoordinatorStatus;
  close(): Promise<void>;
}
