// The verdict on one probed target by rise and fall. The map of this room:
//   probe result → verdict ─┬ real servers → capacity.vipCapacity ──┐            overrides, schedules
//                           └ VIP addresses → capacity.vipSight ────┤                    ↓
//   other nodes' reports ───────────────────────────────────────────┴→ vote → weight × correct → evaluate → model/state
// All pure: time comes in, nothing is kept but what is passed in and returned.
// Invariant: the first result decides at once; after it `rise` successes in a row mean up, and `fall` failures mean down
// that no `forgive` successes in a row came between (as gdnsd's up_thresh, down_thresh and ok_thresh).
import type { CheckConfig } from '../model/probe.ts';
import type { Sight } from '../model/records.ts';
import { NO_CHANGE_KNOWN } from '../model/state.ts';

/** The pace of a check, as the cluster file gives it. `forgive` 1, the default: only failures in a row count. */
export type Pace = Pick<CheckConfig, 'interval' | 'rise' | 'fall'> & { forgive?: number };

/** What is known of a target. Values, never changed in place. */
export interface RiseFall {
  readonly state: Sight;
  /** Monotonic ms at which it took this state. */
  readonly since: number;
  /** Results that speak against the state and are not forgotten. */
  readonly against: number;
  /** Results in a row that speak for it again since the last of those. */
  readonly for: number;
}

/** A target of which nothing is known yet; or, over a restart, one whose last state was kept. */
export function newVerdict(now: number, state: Sight = 'unknown'): RiseFall {
  return { state, since: now, against: 0, for: 0 };
}

/** The verdict after one more result; `now` in monotonic ms. The same object if nothing changed. */
export function onResult(v: RiseFall, ok: boolean, now: number, pace: Pace): RiseFall {
  const said = ok ? 'up' : 'down';
  if (v.state === said) {
    if (v.against === 0) return v;
    // A target that is down is up only after successes in a row: there one failure wipes them out.
    const enough = said === 'up' ? (pace.forgive ?? 1) : 1;
    return v.for + 1 >= enough ? { ...v, against: 0, for: 0 } : { ...v, for: v.for + 1 };
  }
  const against = v.against + 1;
  if (v.state === 'unknown' || against >= needed(v.state, pace)) return newVerdict(now, said);
  return { ...v, against, for: 0 };
}

/**
 * The verdict on a target that is looked at in several ways: `own` decides, and while that does not say down, each of `others` that
 * says so. One of them that is not known yet says nothing.
 */
export function together(own: RiseFall, others: readonly RiseFall[]): RiseFall {
  if (own.state === 'down') return own;
  const down = others.filter(o => o.state === 'down');
  // It is up again when the last of them is.
  if (down.length > 0) return down.reduce((a, b) => (a.against <= b.against ? a : b));
  const up = own.state === 'up' ? others.filter(o => o.state === 'up') : [];
  const since = Math.max(own.since, ...up.map(o => o.since));
  const against = Math.max(own.against, ...up.map(o => o.against));
  return since === own.since && against === own.against ? own : { ...own, since, against };
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
