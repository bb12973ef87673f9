// What one evaluation hands to the next: since when a VIP is up again (slow start), the last capacity its directors told,
// who was up when a pool last had anyone up, and the load correction. Values, never changed in place.

/** Of one VIP. */
export interface VipMemory {
  /** The last state that was answered by: up; or out, when it was down or in maint. Undefined: nothing so far. */
  readonly stood: 'up' | 'out' | undefined;
  /** Monotonic ms at which it came up again after it was out; undefined: up since the node knows it. */
  readonly upSince: number | undefined;
  /** The last capacity of a fresh director record. */
  readonly capacity: number | undefined;
}

/** Of one pool. */
export interface PoolMemory {
  /** VIPs that were up when the pool last had any member up. */
  readonly lastKnown: ReadonlySet<string>;
  /** Load correction: a factor for each VIP, and connections counted since monotonic ms `countedFrom`, up to `countedTo`. */
  readonly factors: ReadonlyMap<string, number>;
  readonly counted: ReadonlyMap<string, number>;
  readonly countedFrom: number;
  readonly countedTo: number;
}

/** Of a node, by name. VIPs and pools that left the cluster file drop out by themselves. */
export interface Memory {
  readonly vips: ReadonlyMap<string, VipMemory>;
  readonly pools: ReadonlyMap<string, PoolMemory>;
}

export const NOTHING_KNOWN: VipMemory = { stood: undefined, upSince: undefined, capacity: undefined };
