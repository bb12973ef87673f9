// What answer workers are given: the pools, and where in the arena the zones are; in one shared buffer.
import { referZones } from '../dns/zone/zones.ts';
import type { Config } from '../model/schema.ts';
import { joinSnapshot } from '../model/snapshot.ts';
import { packPools } from '../steer/table.ts';
import type { Compiled } from './loader.ts';

export interface Snapshot {
  generation: number;
  buffer: SharedArrayBuffer;
  /** The zones of this snapshot lie here; held as long as it is in use. */
  zones: Compiled;
}

/** The snapshot of checked files. Sections stand in the order of SECTION (model/snapshot.ts). */
export function buildSnapshot(generation: number, config: Config, zones: Compiled): Snapshot {
  return {
    generation,
    buffer: joinSnapshot(generation, [referZones(zones.directory), packPools(config)]),
    zones,
  };
}
