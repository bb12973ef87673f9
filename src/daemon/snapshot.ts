// What answer workers are given: zones and pools compiled into one shared buffer.
import { compileZone } from '../dns/zone/compile.ts';
import { packZones, type ZoneSummary, zoneSummary } from '../dns/zone/zones.ts';
import type { Config } from '../model/schema.ts';
import { joinSnapshot } from '../model/snapshot.ts';
import { packPools } from '../steer/table.ts';
import type { LoadedZone } from './load.ts';

export interface Snapshot {
  generation: number;
  buffer: SharedArrayBuffer;
  /** By zone name. */
  zones: ReadonlyMap<string, ZoneSummary>;
}

/** Compiles checked zones and pools. Sections stand in the order of SECTION (model/snapshot.ts). */
export function buildSnapshot(generation: number, config: Config, zones: readonly LoadedZone[]): Snapshot {
  const pools = Object.keys(config.pools);
  const blocks = zones.map(z => compileZone(z.records, z.origin, name => pools.indexOf(name)));
  return {
    generation,
    buffer: joinSnapshot(generation, [packZones(blocks), packPools(config)]),
    zones: new Map(zones.map((z, i) => [z.name, zoneSummary(blocks[i])])),
  };
}
