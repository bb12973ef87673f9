// A zone as other name servers get it: pools as the addresses of now, and NSD reads it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { staticZone } from '../../src/daemon/static-zone.ts';
import { compileZone } from '../../src/dns/zone/compile.ts';
import { openZones, packZones } from '../../src/dns/zone/zones.ts';
import { GtmError } from '../../src/kit/errors.ts';
import { lines, ORIGIN, parse } from '../dns/zonefile-helper.ts';
import { Bench, cluster } from '../steer/pools.ts';

const ZONE = `$TTL 1h
@ SOA ns.x. host 7 2 3 4 5
  NS ns.x.
  POOL web
  CAA 0 issue "ca.example"
www 10 POOL web
  TXT "beside"
api POOL first
odd POOL gone
last POOL kept
*.apps CNAME www
`;

const VIPS = {
  a: ['192.0.2.1', '2001:db8::1'],
  b: ['192.0.2.2'],
  c: ['2001:db8::3'],
};
const POOLS = {
  web: {
    policy: 'weighted',
    ttl: '30s',
    members: [
      { vip: 'a', weight: 60 },
      { vip: 'b', weight: 40 },
      { vip: 'c', weight: 0 },
    ],
  },
  first: { policy: 'failover', ttl: '5s', members: [{ vip: 'b' }, { vip: 'c' }, { vip: 'a' }] },
  gone: { policy: 'weighted', all_down: 'servfail', members: [{ vip: 'b' }] },
  kept: {
    policy: 'weighted',
    ttl: '20s',
    all_down: { static: ['203.0.113.9', '2001:db8::9'] },
    members: [{ vip: 'b' }],
  },
};

function served(set: (bench: Bench) => void) {
  const bench = new Bench(cluster(VIPS, POOLS));
  set(bench);
  const names = Object.keys(POOLS);
  const block = compileZone(parse(ZONE).records, ORIGIN, name => names.indexOf(name));
  const zones = openZones(packZones([block]));
  return { zones, config: bench.config, state: bench.state, name: 'fra-1', now: Date.UTC(2026, 10, 22, 12) };
}

const records = (text: string) =>
  lines(parse(text).records).map(l => l.replace(/^(\S*?)\.?example\.com\. /, '$1 '));

test('each POOL stands as the addresses that may come first now', () => {
  const zone = staticZone(
    served(() => {}),
    'Example.com.',
  );
  assert.deepEqual([zone.zone, zone.serial], ['example.com.', 7]);
  assert.deepEqual(records(zone.text), [
    ' 3600 IN SOA ns.x. host.example.com. 7 2 3 4 5',
    ' 3600 IN NS ns.x.',
    ' 30 IN A 192.0.2.1',
    ' 30 IN A 192.0.2.2',
    ' 30 IN AAAA 2001:db8::1',
    ' 3600 IN CAA 0 issue "ca.example"',
    'api 5 IN A 192.0.2.2',
    'api 5 IN AAAA 2001:db8::3',
    '*.apps 3600 IN CNAME www.example.com.',
    'last 20 IN A 192.0.2.2',
    'odd 10 IN A 192.0.2.2',
    'www 10 IN A 192.0.2.1',
    'www 10 IN A 192.0.2.2',
    'www 3600 IN TXT "beside"',
    'www 10 IN AAAA 2001:db8::1',
  ]);
  assert.match(
    zone.text,
    /^; example\.com\. as fra-1 answers at 2026-11-22T12:00:00Z\n; pool web: 192\.0\.2\.1 /,
  );
});

test('who is down is not there; all_down says who is instead', () => {
  const down = served(bench => {
    for (const i of [1, 3, 6, 7]) bench.set(i, 'down');
  });
  const zone = staticZone(down, 'example.com');
  const of = (name: string) => records(zone.text).filter(l => l.startsWith(`${name} `));
  assert.deepEqual(
    of('www').filter(l => / A| AAAA/.test(l)),
    ['www 10 IN A 192.0.2.1', 'www 10 IN AAAA 2001:db8::1'],
  );
  assert.deepEqual(of('api'), ['api 5 IN A 192.0.2.1', 'api 5 IN AAAA 2001:db8::3']);
  assert.deepEqual(of('odd'), []);
  assert.deepEqual(of('last'), ['last 20 IN A 203.0.113.9', 'last 20 IN AAAA 2001:db8::9']);
  assert.deepEqual(zone.pools['gone'], { addresses: [], allDown: 'servfail' });
  assert.match(zone.text, /; pool gone: no address \(no member is up: servfail\)\n/);
});

test('NSD takes it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'static-'));
  try {
    const { text } = staticZone(
      served(() => {}),
      'example.com',
    );
    writeFileSync(join(folder, 'zone'), text);
    const check = await promisify(execFile)('nsd-checkzone', ['-p', 'example.com', join(folder, 'zone')]);
    assert.deepEqual(records(check.stdout).sort(), records(text).sort());
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a zone that is not served', () => {
  for (const name of ['example.net', 'com', 'a..b'])
    assert.throws(
      () =>
        staticZone(
          served(() => {}),
          name,
        ),
      e => e instanceof GtmError && e.code === 'GTM_NOT_FOUND',
    );
});
