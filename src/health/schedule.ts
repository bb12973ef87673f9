// Whether a schedule is active, from the clock alone: it is while an occurrence of its cron expression lies within the
// last `for`. So a node that was down when it began or ended is right as soon as it is up.
// The minutes behind are asked one by one (a match costs node-cron about 15 µs: 2 h cost 2 ms, 31 days 0.7 s). A cursor
// makes that a cost of the first call only, and a budget spreads it over several.

const MINUTE = 60_000;

/** Whether the expression has an occurrence in the minute that begins at this wall-clock ms. */
export type Match = (minute: number) => boolean;

/** What earlier calls found out about one schedule; made empty by the caller, kept by it, filled here. */
export interface Cursor {
  /** The minutes from `from` to `to` (their beginnings, both included) were asked. */
  from?: number;
  to?: number;
  /** The last occurrence among them. */
  last?: number | undefined;
}

export interface Activity {
  active: boolean;
  /** Wall-clock ms at which it ends, if no other occurrence comes before. */
  until?: number;
  /** False when the budget ended before the whole of `for` was searched: ask again with the same cursor. */
  settled: boolean;
}

/**
 * Whether a schedule that lasts `forMs` from each occurrence is active at `now` (wall-clock ms).
 * At most `budget` minutes are asked in one call. The cursor belongs to one expression, time zone and `for`.
 */
export function activeSchedule(
  now: number,
  forMs: number,
  match: Match,
  cursor: Cursor = {},
  budget = Number.POSITIVE_INFINITY,
): Activity {
  const newest = Math.floor(now / MINUTE) * MINUTE;
  // A clock that was set back, or forward beyond all that was asked: begin anew.
  if (cursor.to !== undefined && (newest < cursor.to || cursor.to < now - forMs)) {
    delete cursor.from;
    delete cursor.to;
    delete cursor.last;
  }
  let left = budget;
  if (cursor.to !== undefined) {
    // Forward over the minutes since the last call; a gap would be wrong, so these are asked whatever the budget is.
    for (let m = cursor.to + MINUTE; m <= newest; m += MINUTE, left--) if (match(m)) cursor.last = m;
    cursor.to = newest;
  }
  let m = (cursor.from ?? newest + MINUTE) - MINUTE;
  for (; cursor.last === undefined && m > now - forMs && left > 0; m -= MINUTE, left--) {
    if (match(m)) cursor.last = m;
    cursor.from = m;
    cursor.to ??= newest;
  }
  const until = cursor.last === undefined ? undefined : cursor.last + forMs;
  if (until !== undefined && until > now) return { active: true, until, settled: true };
  return { active: false, settled: until !== undefined || m <= now - forMs };
}
