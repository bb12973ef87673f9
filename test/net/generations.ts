// Two generations of one zone with one pool, whose answers no client can mix up: a static RRset, and pool addresses.

import { parseName } from '../../src/dns/name.ts';
import { compileZone } from '../../src/dns/zone/compile.ts';
import { packZones } from '../../src/dns/zone/zones.ts';
import { parseZone } from '../../src/dns/zonefile/parse.ts';
import { schema } from '../../src/model/schema.ts';
import { joinSnapshot } from '../../src/model/snapshot.ts';
import { newStateTable, packState, setMember } from '../../src/model/state.ts';
import { memberList, packPools } from '../../src/steer/table.ts';

export interface Generation {
  snapshot: SharedArrayBuffer;
  state: Uint32Array;
  /** What load-client.ts prints for a whole answer of it. */
  answer: string;
}

/** `www` has eight A records below `prefix`, `api` is a pool of one VIP, `prefix`.100. */
export function generation(number: number, prefix: string): Generation {
  const addresses = Array.from({ length: 8 }, (_, i) => `${prefix}.${i + 1}`);
  const origin = parseName('example.com.') as Uint8Array;
  const text = [
    '@ 60 IN SOA ns1 hostmaster 1 3600 900 2592000 60',
    '@ 60 IN NS ns1',
    `ns1 60 IN A ${prefix}.53`,
    ...addresses.map(a => `www 60 IN A ${a}`),
    'api 60 IN POOL api',
    ...Array.from({ length: 400 }, (_, i) => `big 60 IN A 10.0.${i >> 8}.${i & 255}`),
  ].join('\n');
  const { records } = parseZone(text, { origin, file: 'example.com.zone' });
  const service = { protocol: 'tcp', port: 80, real_servers: [{ address: '127.0.0.1', port: 80 }] };
  const config = schema.parse({
    cluster: 'test',
    sites: { fra: {} },
    nodes: { n: { site: 'fra' } },
    vips: { v: { site: 'fra', addresses: [`${prefix}.100`], services: [service] } },
    pools: { api: { policy: 'weighted', min_ttl: '1s', members: [{ vip: 'v' }] } },
    zones: {},
  });
  const state = newStateTable(memberList(config).length);
  setMember(state, 0, packState('up', 0, 1), 0xffffffff);
  return {
    snapshot: joinSnapshot(number, [packZones([compileZone(records, origin, () => 0)]), packPools(config)]),
    state,
    answer: `0 ${addresses.sort().join(' ')}`,
  };
}
