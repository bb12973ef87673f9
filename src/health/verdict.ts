// The verdict on one probed target by rise and fall. The map of this room:
//   probe result → verdict ─┬ real servers → capacity.vipCapacity ──┐            overrides, schedules
//                           └ VIP addresses → capacity.vipSight ────┤                    ↓
//   other nodes' reports ───────────────────────────────────────────┴→ vote → weight × correct → evaluate → model/state
// All pure: time comes in, nothing is kept but what is passed in and returned.
// Invariant: the first result decides at once; after it `fall` failures in a row mean down, `rise` successes in a row up.
import type { Sight } from '../model/records.ts';
import type { CheckConfig } from '../model/schema.ts';
import { NO_CHANGE_KNOWN } from '../model/state.ts';

/** The pace of a check, as the cluster file gives it. */
export type Pace = Pick<CheckConfig, 'interval' | 'rise' | 'fall'>;

/** What is known of a target. Values, never changed in place. */
export interface RiseFall {
  readonly state: Sight;
  /** Monotonic ms at which it took this state. */
  readonly since: number;
  /** Results in a row that speak against the state. */
  readonly against: number;
}

/** A target of which nothing is known yet; or, over a restart, one whose last state was kept. */
export function newVerdict(now: number, state: Sight = 'unknown'): RiseFall {
  return { state, since: now, against: 0 };
}

/** The verdict after one more result; `now` in monotonic ms. The same object if nothing changed. */
export function onResult(v: RiseFall, ok: boolean, now: number, pace: Pace): RiseFall {
  const said = ok ? 'up' : 'down';
  if (v.state === said) return v.against === 0 ? v : { ...v, against: 0 };
  const against = v.against + 1;
  if (v.state === 'unknown' || against >= needed(v.state, pace)) return newVerdict(now, said);
  return { ...v, against };
}

/** Whole seconds from the last result to the soonest moment at which the state could change: the results still needed × the interval. */
export function earliestChange(v: RiseFall, pace: Pace): number {
  if (v.state === 'unknown') return 0;
  return seconds(needed(v.state, pace) - v.against, pace);
}

/** The same for a target whose counters are not known, only its state: no results against it yet. */
export function changeFrom(state: Sight, pace: Pace): number {
  return state === 'unknown' ? 0 : seconds(needed(state, pace), pace);
}

function needed(state: 'up' | 'down', pace: Pace): number {
  return state === 'up' ? pace.fall : pace.rise;
}

function seconds(results: number, pace: Pace): number {
  return Math.min(NO_CHANGE_KNOWN, Math.floor((Math.max(1, results) * pace.interval) / 1000));
}
