// A zone as other name servers can serve it: the records that this node serves, each POOL replaced by the addresses that
// it answers with now. Plain DNS has no weights: whoever may come first in an answer is there.
import type { StaticZone } from '../admin/node.ts';
import { parseName } from '../dns/name.ts';
import { poolOf } from '../dns/rdata.ts';
import { RecordList } from '../dns/records.ts';
import { TYPE } from '../dns/rr.ts';
import { unpackZone } from '../dns/zone/unpack.ts';
import { type Zones, zoneSummary } from '../dns/zone/zones.ts';
import { inOrder } from '../dns/zonefile/order.ts';
import { printZone } from '../dns/zonefile/print.ts';
import { GtmError } from '../kit/errors.ts';
import { parseIp } from '../kit/ip.ts';
import type { Config } from '../model/schema.ts';
import { allDownNow, shares } from '../steer/explain.ts';

/** A larger zone would hold up the main thread for too long. */
const MAX_RECORDS = 100_000;

/** Where the zones and the states are. */
export interface Served {
  zones: Zones;
  config: Config;
  state: Uint32Array;
  /** Of the node. */
  name: string;
  /** Milliseconds since 1970. */
  now: number;
}

/** The static text of the zone `name`. Throws GTM_NOT_FOUND, and GTM_ZONE_LARGE for one of over 100,000 records. */
export function staticZone(served: Served, name: string): StaticZone {
  const { zones, config, state } = served;
  const origin = parseName(name.endsWith('.') ? name : `${name}.`);
  const block = typeof origin === 'string' ? undefined : blockOf(zones, name);
  if (block === undefined || typeof origin === 'string')
    throw new GtmError('GTM_NOT_FOUND', `no zone is named «${name}»`);
  const { serial, records: count, origin: written } = zoneSummary(block);
  if (count > MAX_RECORDS)
    throw new GtmError(
      'GTM_ZONE_LARGE',
      `zone ${name} has ${count} records; printed are at most ${MAX_RECORDS}`,
    );
  const names = Object.keys(config.pools);
  const records = unpackZone(block, pool => names[pool]);
  const plain = new RecordList();
  const pools: StaticZone['pools'] = {};
  for (let i = 0; i < records.count; i++) {
    const [owner, ttl, rdata] = [records.ownerBytes(i), records.ttl[i], records.rdataBytes(i)];
    if (records.type[i] !== TYPE.POOL) {
      plain.add(owner, records.type[i], ttl, rdata);
      continue;
    }
    const pool = poolOf(rdata);
    pools[pool] ??= addressesOf(config, pool, state);
    const lasts = Math.min(ttl, Math.ceil(config.pools[pool].ttl / 1000));
    for (const text of pools[pool].addresses) {
      const address = parseIp(text) as Uint8Array;
      plain.add(owner, address.length === 4 ? TYPE.A : TYPE.AAAA, lasts, address);
    }
  }
  const text = header(served, written, pools) + printZone(inOrder(plain), origin);
  return { apiVersion: 'v1', kind: 'StaticZone', zone: written, serial, pools, text };
}

function blockOf(zones: Zones, name: string): Uint8Array | undefined {
  const wanted = name.toLowerCase().replace(/\.?$/, '.');
  for (let i = 0; i < zones.count; i++) {
    const block = zones.block(i);
    if (zoneSummary(block).origin.toLowerCase() === wanted) return block;
  }
  return undefined;
}

// Everyone who may come first in an answer of either family now, or those of `all_down`.
function addressesOf(config: Config, pool: string, state: Uint32Array): StaticZone['pools'][string] {
  const { members, all_down } = config.pools[pool];
  const rule = allDownNow(config, pool, state);
  const down = rule === undefined ? {} : { allDown: rule };
  if (rule === 'static' && typeof all_down === 'object') return { addresses: [...all_down.static], ...down };
  const addresses = new Set<string>();
  for (const family of [4, 6]) {
    const parts = shares(config, pool, state, family);
    members.forEach((m, i) => {
      if (parts[i] <= 0) return;
      for (const a of config.vips[m.vip].addresses)
        if (parseIp(a)?.length === (family === 4 ? 4 : 16)) addresses.add(a);
    });
  }
  return { addresses: [...addresses], ...down };
}

function header(served: Served, zone: string, pools: StaticZone['pools']): string {
  const at = new Date(served.now).toISOString().replace(/\.\d+Z$/, 'Z');
  const lines = Object.entries(pools).map(([pool, { addresses, allDown }]) => {
    const who = addresses.length === 0 ? 'no address' : addresses.join(' ');
    return `; pool ${pool}: ${who}${allDown === undefined ? '' : ` (no member is up: ${allDown})`}`;
  });
  return [`; ${zone} as ${served.name} answers at ${at}`, ...lines, ''].join('\n');
}
