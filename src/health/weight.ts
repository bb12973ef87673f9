// From a verdict to the effective weight: member weight × capacity × admin × schedules × slow start × load correction.
// Forced states stand above all: drain (out of the answers, open connections go on) and maint (the same, and probes do
// not matter). Words over a VIP and over its site combine: the stricter state, the weights multiplied.
import type { AdminState, Override, Sight } from '../model/records.ts';
import type { ScheduleConfig } from '../model/schema.ts';
import type { StateName } from '../model/state.ts';

/** Where a slow start begins: this part of the weight. */
export const SLOW_START_FROM = 0.1;

/** What operators said of a VIP. */
export interface Admin {
  state: AdminState;
  /** Multiplies the weight. */
  weight: number;
  /** The words that made it, strictest first. */
  said: readonly Override[];
}

const STRICTNESS: Record<AdminState, number> = { ready: 0, drain: 1, maint: 2 };

/** All words in force at `wall` (ms since 1970) over `vip/…` and `site/…`, combined. */
export function adminOf(overrides: readonly Override[], vip: string, site: string, wall: number): Admin {
  const said = overrides
    .filter(o => o.target === `vip/${vip}` || o.target === `site/${site}`)
    .filter(o => o.until === undefined || o.until > wall)
    .sort((a, b) => STRICTNESS[b.state] - STRICTNESS[a.state]);
  return {
    state: said[0]?.state ?? 'ready',
    weight: said.reduce((w, o) => w * (o.weight ?? 1), 1),
    said,
  };
}

/** The state a member is in: a forced one if there is, else that of the verdict. */
export function stateUnder(admin: Admin, real: Sight): StateName {
  return admin.state === 'ready' ? real : admin.state;
}

/** The weights of all active schedules over a VIP or its site, multiplied, and their names. */
export function scheduled(
  schedules: Record<string, ScheduleConfig>,
  active: ReadonlySet<string>,
  vip: string,
  site: string,
): { weight: number; names: string[] } {
  const names = Object.keys(schedules).filter(
    n => active.has(n) && (schedules[n].vip === vip || schedules[n].site === site),
  );
  return { weight: names.reduce((w, n) => w * schedules[n].weight, 1), names };
}

/**
 * The slow-start factor, from a tenth to 1 in a straight line over `span` ms. `upSince` is the monotonic moment at
 * which the VIP came up again; undefined when it was so from the start of the node, and then there is no slow start.
 */
export function slowStart(upSince: number | undefined, now: number, span: number): number {
  if (upSince === undefined || span <= 0 || now - upSince >= span) return 1;
  return SLOW_START_FROM + (1 - SLOW_START_FROM) * (Math.max(0, now - upSince) / span);
}
