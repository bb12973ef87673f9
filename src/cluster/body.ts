// The bodies of records: JSON, checked field by field, since a valid signature says who wrote it and not that it makes
// sense. Fields that we do not know are left out, so that a newer node can say more than an older one understands.
import {
  ADMIN_STATES,
  type AdminState,
  type NodeReport,
  type Override,
  type Sight,
} from '../model/records.ts';
import type { Sealed } from './record.ts';

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const TARGET = /^(vip|site)\/[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const SIGHTS: readonly string[] = ['up', 'down', 'unknown'] satisfies Sight[];

/** The report in a body; undefined if it is none. */
export function parseReport(body: string): NodeReport | undefined {
  const o = object(json(body));
  const director = object(o?.director);
  const sights = object(o?.sights);
  if (o === undefined || director === undefined || sights === undefined) return undefined;
  if (typeof o.site !== 'string' || !NAME.test(o.site)) return undefined;
  const report: NodeReport = { site: o.site, director: {}, sights: {} };
  for (const [vip, value] of Object.entries(director)) {
    const d = object(value);
    if (d === undefined || !NAME.test(vip)) return undefined;
    const { capacity, connections, rate } = d;
    if (!within(capacity, 1) || !within(connections) || !within(rate)) return undefined;
    report.director[vip] = { capacity, connections, rate };
  }
  for (const [vip, sight] of Object.entries(sights)) {
    if (!NAME.test(vip) || typeof sight !== 'string' || !SIGHTS.includes(sight)) return undefined;
    report.sights[vip] = sight as Sight;
  }
  return report;
}

/** The body of an override: all but what the record's own mark and node say. */
export function overrideBody(o: Override): string {
  const { target, state, weight, reason, who, since, until } = o;
  return JSON.stringify({ target, state, weight, reason, who, since, until });
}

/** The override in a record, with `clock` and `node` from its mark; undefined if it is none. */
export function parseOverride(s: Sealed): Override | undefined {
  const o = object(json(s.body));
  if (o === undefined) return undefined;
  const { target, state, weight, reason, who, since, until } = o;
  if (typeof target !== 'string' || !TARGET.test(target)) return undefined;
  if (!ADMIN_STATES.includes(state as AdminState)) return undefined;
  if (typeof reason !== 'string' || typeof who !== 'string' || !within(since)) return undefined;
  if (weight !== undefined && !within(weight, 1000)) return undefined;
  if (until !== undefined && !within(until)) return undefined;
  return {
    target,
    state: state as AdminState,
    ...(weight === undefined ? {} : { weight }),
    reason,
    who,
    since,
    ...(until === undefined ? {} : { until }),
    clock: { ms: s.epoch, count: s.sequence },
    node: s.node,
  };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function object(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function within(value: unknown, most = Number.MAX_SAFE_INTEGER): value is number {
  return typeof value === 'number' && value >= 0 && value <= most;
}
