// The top of this room: everything that one node knows → the state of every VIP and of every pool member.
//   capacities, sights, peers ─→ vote ─→ real state ─┐
//   overrides, schedules ───────────────────────────┴→ state, factor ─→ (pool: correction, last-known) ─→ members
// Pure: the memory of the last call comes in, the next one goes out. To be called whenever an input changes, and again
// after `again` ms, since slow starts, overrides and corrections move with time alone.
import type { Override, PeerView, Sight } from '../model/records.ts';
import type { Config } from '../model/schema.ts';
import type { StateName } from '../model/state.ts';
import type { Capacity, Seen } from './capacity.ts';
import type { Memory, PoolMemory, VipMemory } from './memory.ts';
import { evaluatePool } from './pool.ts';
import { evaluateVip } from './vip.ts';

export interface Inputs {
  /** This node's name. */
  node: string;
  /** Monotonic ms. */
  now: number;
  /** Milliseconds since 1970, for the end of overrides. */
  wall: number;
  /** No coordinator: this node goes by itself (CoordinatorStatus mode `alone`). */
  alone: boolean;
  /** By VIP, those that this node forwards. */
  capacities: ReadonlyMap<string, Capacity>;
  /** By VIP, all others. */
  sights: ReadonlyMap<string, Seen>;
  /** New connections a second of the VIPs that this node forwards, for the load correction. */
  rates?: ReadonlyMap<string, number>;
  peers: readonly PeerView[];
  overrides: readonly Override[];
  /** Names of the schedules that are active. */
  active: ReadonlySet<string>;
  /** What the last call returned; undefined at the start of the node. */
  memory?: Memory | undefined;
}

export interface VipEvaluation {
  state: StateName;
  /** What probes and votes alone give. */
  real: Sight;
  /** Held in drain or maint by an operator. */
  forced: boolean;
  /** The capacity is no longer backed by a fresh director record. */
  stale: boolean;
  capacity: number;
  /** What this node sees; `unknown` for VIPs that it forwards. */
  sight: Sight;
  votes: Record<string, 'up' | 'down'>;
  /** capacity × admin × schedules × slow start. */
  factor: number;
  /** Whole seconds to the soonest change, 0xffffffff: no telling. */
  seconds: number;
  why: string;
}

export interface MemberEvaluation {
  pool: string;
  vip: string;
  state: StateName;
  real: StateName;
  forced: boolean;
  stale: boolean;
  /** Was up when the pool last had any member up. */
  lastKnown: boolean;
  /** Multiplies the configured weight: that of the VIP × the load correction. */
  factor: number;
  seconds: number;
  why: string;
}

export interface Evaluation {
  vips: ReadonlyMap<string, VipEvaluation>;
  /** All members of all pools in the order of the state table. */
  members: readonly MemberEvaluation[];
  memory: Memory;
  /** Milliseconds after which the result may change with time alone; undefined: not before an input does. */
  again: number | undefined;
}

/** How often a slow start is moved along, in ms. */
const SLOW_START_STEP = 1000;

/** What one node makes of all that it knows. */
export function evaluate(config: Config, inputs: Inputs): Evaluation {
  const { now, wall } = inputs;
  const waits: number[] = [];
  const vips = new Map<string, VipEvaluation>();
  const vipMemory = new Map<string, VipMemory>();
  for (const name of Object.keys(config.vips)) {
    const [evaluation, kept] = evaluateVip(config, name, inputs);
    vips.set(name, evaluation);
    vipMemory.set(name, kept);
    const rest = (kept.upSince ?? Number.NEGATIVE_INFINITY) + config.vips[name].slow_start - now;
    if (evaluation.state === 'up' && rest > 0) waits.push(Math.min(rest, SLOW_START_STEP));
  }
  const members: MemberEvaluation[] = [];
  const pools = new Map<string, PoolMemory>();
  for (const name of Object.keys(config.pools)) {
    const pool = evaluatePool(config, name, inputs, vips);
    members.push(...pool.members);
    pools.set(name, pool.memory);
    if (pool.again !== undefined) waits.push(pool.again);
  }
  for (const o of inputs.overrides) if (o.until !== undefined && o.until > wall) waits.push(o.until - wall);
  const again = waits.length === 0 ? undefined : Math.max(1, Math.min(...waits));
  return { vips, members, memory: { vips: vipMemory, pools }, again };
}
