// Zones in the arena: what a held generation answers never changes, and what nobody holds is used again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Block, ZoneStore } from '../../src/daemon/store.ts';
import { openZones, referZones, zoneSummary } from '../../src/dns/zone/zones.ts';
import { parseZone } from '../../src/dns/zonefile/parse.ts';
import { Server, wireName } from '../dns/serve.ts';

function zone(name: string, address: string, names = 1) {
  const hosts = Array.from({ length: names }, (_, i) => `h${i} 60 A ${address}\n`).join('');
  const origin = wireName(name);
  const text = `@ 60 SOA ns h 1 1h 1h 1d 60\n@ 60 NS ns\nwww 60 A ${address}\n${hosts}`;
  return { name, file: name, origin, records: parseZone(text, { origin, file: name }).records };
}

function answering(store: ZoneStore, directory: number): Server {
  return new Server(openZones(referZones(directory), store.arena));
}

test('generations side by side: each answers with its own zones while it is held', () => {
  const store = new ZoneStore();
  const others = Array.from({ length: 50 }, (_, i) => zone(`z${i}.example`, `10.0.1.${i}`));
  const rest = others.map(z => store.put(z, []));
  const origins = () => [wireName('a.example'), ...others.map(z => z.origin)];
  let own = store.put(zone('a.example', '10.0.0.0'), []);
  let last = store.commit('set', origins, [own, ...rest]);
  for (let i = 1; i < 300; i++) {
    // Of several sizes, so that the room of one is not just that of the next.
    const next: Block = store.put(zone('a.example', `10.0.0.${i % 256}`, (i * 7) % 40), []);
    const made = store.commit('set', origins, [next, ...rest]);
    store.drop(own);
    own = next;
    const before = answering(store, last.directory);
    const after = answering(store, made.directory);
    assert.match(before.show('www.a.example A'), new RegExp(` A 10\\.0\\.0\\.${(i - 1) % 256}$`));
    assert.match(after.show('www.a.example A'), new RegExp(` A 10\\.0\\.0\\.${i % 256}$`));
    assert.match(after.show(`www.z${i % 50}.example A`), new RegExp(` A 10\\.0\\.1\\.${i % 50}$`));
    store.hold([made.id]);
    last = made;
  }
  assert.ok(store.usage().top < 400_000, `${store.usage().top} octets`);
  assert.equal(store.usage().generations, 1);
});

test('blocks are told in the order of their zones; nothing is left when nobody holds anything', () => {
  const store = new ZoneStore();
  const zones = ['b.z', 'a.z', 'z'].map(name => zone(name, '192.0.2.1'));
  const blocks = zones.map(z => store.put(z, []));
  const { directory } = store.commit(1, () => zones.map(z => z.origin), blocks);
  const open = openZones(referZones(directory), store.arena);
  assert.deepEqual(
    zones.map((_, i) => zoneSummary(open.block(i)).origin),
    ['b.z.', 'a.z.', 'z.'],
  );
  for (const b of blocks) store.drop(b);
  assert.ok(store.usage().used > 0);
  store.hold([]);
  assert.deepEqual(store.usage(), { used: 0, top: 64, generations: 0 });
});

test('a zone that cannot be compiled leaves nothing behind', () => {
  const store = new ZoneStore();
  const origin = wireName('z');
  const bad = {
    ...zone('z', '192.0.2.1'),
    records: parseZone('a 60 A 192.0.2.1\n', { origin, file: 'z' }).records,
  };
  assert.throws(() => store.put(bad, []), { code: 'GTM_ZONE_NO_SOA' });
  assert.equal(store.usage().used, 0);
});

test('a section that refers to an arena is none without it', () => {
  assert.throws(() => openZones(referZones(64)), { code: 'GTM_ZONE_SECTION' });
});
