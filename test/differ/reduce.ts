// From zones with a difference to the fewest records that still show it: first whole zones, then records by halves
// (delta debugging), each trial with servers started anew.
import type { Rec, Zone } from './zones.ts';

/** Whether the difference is still there. */
export type Differs = (zones: readonly Zone[]) => Promise<boolean>;

/** Returns zones with as few records as `trials` trials came to. SOA and one NS of each apex stay. */
export async function reduce(zones: readonly Zone[], differs: Differs, trials: number): Promise<Zone[]> {
  let left = trials;
  let now = [...zones];
  const holds = async (candidate: readonly Zone[]) => left-- > 0 && (await differs(candidate));
  // Families know nothing of each other.
  for (const family of new Set(zones.map(z => z.family))) {
    const one = now.filter(z => z.family === family);
    if (one.length === now.length || !(await holds(one))) continue;
    now = one;
    break;
  }
  for (const zone of [...now]) {
    const without = now.filter(z => z !== zone);
    if (without.length > 0 && (await holds(without))) now = without;
  }
  for (let size = Math.ceil(deletable(now).length / 2); size >= 1; ) {
    let shrunk = false;
    for (let at = 0; at < deletable(now).length; ) {
      const cut = new Set(deletable(now).slice(at, at + size));
      const without = now.map(z => ({ ...z, records: z.records.filter(r => !cut.has(r)) }));
      if (await holds(without)) {
        now = without;
        shrunk = true;
      } else at += size;
    }
    if (size === 1 && !shrunk) break;
    size = Math.max(1, Math.floor(size / 2));
  }
  return now;
}

function deletable(zones: readonly Zone[]): Rec[] {
  return zones.flatMap(zone => {
    const apexNs = zone.records.find(r => r.type === 'NS' && r.owner === zone.origin);
    return zone.records.filter(r => r.type !== 'SOA' && r !== apexNs);
  });
}
