// The services that a node forwards, as status and `gtm lvs ls` show them: counters and rates of now, and the set-up.
import type { ServiceStatus, TrafficRates } from '../model/status.ts';
import type { Node } from './node.ts';
import { servicesOf } from './services.ts';

/** Every service of the plane; none without one. */
export function trafficOf(node: Node): ServiceStatus[] {
  const { plane, rates } = node;
  if (plane === undefined) return [];
  const specs = new Map(
    servicesOf(node.config, node.o.name, (_v, _s, _k, weight) => weight).map(s => [s.key, s]),
  );
  return plane.counters().map(c => {
    // One that a reload took away may still be counted for a moment.
    const spec = specs.get(c.key);
    const { scheduler = '-', flags = [], forward = 'nat', persistence = 0 } = spec ?? {};
    return {
      ...c,
      plane: plane.name,
      scheduler,
      flags,
      forward,
      persistence,
      ...(spec && { tunnel: spec.tunnel, thresholds: spec.thresholds, timeouts: spec.timeouts }),
      rates: rounded(rates.estimates.of(c.key)),
      realServers: c.realServers.map(rs => ({ ...rs, rates: rounded(rates.estimates.of(c.key, rs.key)) })),
    };
  });
}

function rounded(rates: TrafficRates): TrafficRates {
  const entries = Object.entries(rates).map(([what, rate]) => [what, Math.round(rate * 100) / 100]);
  return Object.fromEntries(entries) as unknown as TrafficRates;
}
