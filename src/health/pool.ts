// The members of one pool: the VIPs' states and factors, who was up last, and the load correction.
// The correction counts the connections that the directors report for each VIP, whatever name the client asked for: a VIP
// that stands in several pools is counted for all of them together. `failover` has no shares and is never corrected.
import type { Config, PoolConfig } from '../model/schema.ts';
import { correct } from './correct.ts';
import type { Inputs, MemberEvaluation, VipEvaluation } from './evaluate.ts';
import type { PoolMemory } from './memory.ts';
import { percentText } from './text.ts';
import { directorsOf } from './vip.ts';

/** Milliseconds between two steps of the correction, at least; else three times the TTL, so that a step is seen before the next. */
const CORRECTION_STEP = 30_000;
/** A gap between two counts that is longer than this (ms) is not counted: nothing is known of it. */
const COUNT_GAP = 5000;

export interface PoolEvaluation {
  members: MemberEvaluation[];
  memory: PoolMemory;
  /** Milliseconds to the next count or step of the correction. */
  again: number | undefined;
}

/** Evaluates pool `name` from its VIPs. */
export function evaluatePool(
  config: Config,
  name: string,
  inputs: Inputs,
  vips: ReadonlyMap<string, VipEvaluation>,
): PoolEvaluation {
  const pool = config.pools[name];
  const before = inputs.memory?.pools.get(name) ?? {
    lastKnown: new Set<string>(),
    factors: new Map<string, number>(),
    counted: new Map<string, number>(),
    countedFrom: inputs.now,
    countedTo: inputs.now,
  };
  const corrected = pool.load_correction && pool.policy === 'weighted';
  const load = corrected ? correction(config, pool, inputs, vips, before) : before;
  const up = pool.members.filter(m => m.weight > 0 && weighs(vips.get(m.vip))).map(m => m.vip);
  const lastKnown = up.length > 0 ? new Set(up) : before.lastKnown;
  const members = pool.members.map(({ vip }): MemberEvaluation => {
    const { state, real, forced, stale, factor, seconds, why } = vips.get(vip) as VipEvaluation;
    const c = corrected ? (load.factors.get(vip) ?? 1) : 1;
    return {
      pool: name,
      vip,
      state,
      real,
      forced,
      stale,
      lastKnown: lastKnown.has(vip),
      factor: factor * c,
      seconds,
      why: c === 1 ? why : `${why}; load correction ${percentText(c)}`,
    };
  });
  return { members, memory: { ...load, lastKnown }, again: corrected ? 1000 : undefined };
}

function weighs(v: VipEvaluation | undefined): boolean {
  return v?.state === 'up' && v.factor > 0;
}

// Counts connections at each call, and takes a step when its time is full.
function correction(
  config: Config,
  pool: PoolConfig,
  inputs: Inputs,
  vips: ReadonlyMap<string, VipEvaluation>,
  before: PoolMemory,
): PoolMemory {
  const { now } = inputs;
  const names = pool.members.map(m => m.vip);
  const elapsed = now - before.countedTo;
  const counted = new Map(before.counted);
  if (elapsed <= COUNT_GAP)
    for (const vip of names)
      counted.set(vip, (counted.get(vip) ?? 0) + (rateOf(config, vip, inputs) * elapsed) / 1000);
  if (now - before.countedFrom < Math.max(CORRECTION_STEP, 3 * pool.ttl))
    return { ...before, counted, countedTo: now };

  const weights = pool.members.map(m =>
    weighs(vips.get(m.vip)) ? m.weight * (vips.get(m.vip)?.factor ?? 0) : 0,
  );
  const total = weights.reduce((a, b) => a + b, 0);
  // A member whose director is silent has no count: then the shares are not known.
  const blind = pool.members.some((m, i) => weights[i] > 0 && vips.get(m.vip)?.stale);
  const old = names.map(n => before.factors.get(n) ?? 1);
  const next =
    total > 0 && !blind
      ? correct(
          old,
          weights.map(w => w / total),
          names.map(n => counted.get(n) ?? 0),
        )
      : old;
  return {
    lastKnown: before.lastKnown,
    factors: new Map(names.map((n, i) => [n, next[i]])),
    counted: new Map(),
    countedFrom: now,
    countedTo: now,
  };
}

/** New connections a second of a VIP, over all its directors. */
function rateOf(config: Config, vip: string, inputs: Inputs): number {
  const directors = directorsOf(config, config.vips[vip]);
  let rate = directors.includes(inputs.node) ? (inputs.rates?.get(vip) ?? 0) : 0;
  for (const p of inputs.peers)
    if (
      p.fresh &&
      p.node !== inputs.node &&
      directors.includes(p.node) &&
      Object.hasOwn(p.report.director, vip)
    )
      rate += Math.max(0, p.report.director[vip].rate);
  return rate;
}
