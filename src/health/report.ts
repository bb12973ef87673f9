// What a node tells the others: only what it knows. A VIP whose first round is not through is not in the report.
import type { NodeReport } from '../model/records.ts';
import type { Capacity, Seen } from './capacity.ts';

/** Open connections and new ones a second of a VIP. */
export interface Load {
  connections: number;
  rate: number;
}

/** The report of a node in `site`, from its own probes and its plane. */
export function makeReport(
  site: string,
  capacities: ReadonlyMap<string, Capacity>,
  sights: ReadonlyMap<string, Seen>,
  loadOf: (vip: string) => Load,
): NodeReport {
  const report: NodeReport = { site, director: {}, sights: {} };
  for (const [vip, { known, capacity }] of capacities) {
    if (!known) continue;
    const { connections, rate } = loadOf(vip);
    report.director[vip] = { capacity, connections, rate };
  }
  for (const [vip, { sight }] of sights) if (sight !== 'unknown') report.sights[vip] = sight;
  return report;
}
