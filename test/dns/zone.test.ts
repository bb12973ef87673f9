// The compiled form of zones: what compileZone makes of records, and what packZones and openZones make of blocks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Labels } from '../../src/dns/labels.ts';
import { RecordList } from '../../src/dns/records.ts';
import { TYPE } from '../../src/dns/rr.ts';
import { compileZone } from '../../src/dns/zone/compile.ts';
import { hintOf } from '../../src/dns/zone/hint.ts';
import { HINT } from '../../src/dns/zone/layout.ts';
import { Lookup, WALK } from '../../src/dns/zone/lookup.ts';
import { openZones, packZones, zoneSummary } from '../../src/dns/zone/zones.ts';
import { joinSnapshot, section } from '../../src/model/snapshot.ts';
import { block, Server, wireName, zonesOf } from './serve.ts';

const SOA = '@ 60 SOA ns root 9 2 3 4 5\n@ 60 NS ns\n';

test('RFC 2181 §5.2: TTLs of an RRset are made equal, the lowest; §5: duplicates are dropped, whatever the case', () => {
  const s = new Server(
    zonesOf({
      z: `${SOA}a 50 A 192.0.2.1\na 20 A 192.0.2.2\na 90 A 192.0.2.1\nm 5 MX 1 a.Z.\nm 5 MX 1 A\nm 5 MX 2 a\n`,
    }),
  );
  assert.equal(s.show('a.z A'), 'NOERROR aa\na.z. 20 A 192.0.2.1\na.z. 20 A 192.0.2.2');
  assert.equal(s.ask('m.z MX').answer.length, 2);
});

test('a block tells its origin as written, its serial, and what it holds', () => {
  const summary = zoneSummary(block('Ex.Z', `${SOA}a.b 60 A 192.0.2.1\na.b 60 A 192.0.2.1\n`));
  assert.deepEqual(summary, { origin: 'Ex.Z.', serial: 9, records: 3, names: 3 });
});

test('what cannot be compiled is an error with a stable code', () => {
  assert.throws(() => block('z', 'a 60 A 192.0.2.1\n'), { code: 'GTM_ZONE_NO_SOA' });
  assert.throws(() => block('z', `${SOA}a 60 POOL nope\n`), {
    code: 'GTM_ZONE_POOL',
    message: /a\.z\. POOL nope/,
  });
  assert.throws(() => packZones([block('z', SOA), block('Z', SOA)]), {
    code: 'GTM_ZONE_TWICE',
    message: /Z\./,
  });
  assert.throws(() => openZones(new Uint8Array(16)), { code: 'GTM_ZONE_SECTION' });
});

test('records outside of the zone are left out', () => {
  const records = new RecordList();
  const soa = Uint8Array.from([0, 0, ...new Array(20).fill(0)]);
  records.add(wireName('z'), TYPE.SOA, 60, soa);
  for (const name of ['x', 'az', 'y.x', '.'])
    records.add(wireName(name), TYPE.A, 60, Uint8Array.of(1, 2, 3, 4));
  assert.equal(zoneSummary(compileZone(records, wireName('z'), () => -1)).records, 1);
});

test('a section lies in a snapshot; one block may be replaced and the others’ bytes used again', () => {
  const blocks = ['a.z', 'b.z', 'z'].map(origin => block(origin, `${SOA}www 60 A 192.0.2.1\n`));
  const open = () => openZones(section(joinSnapshot(1, [packZones(blocks), new Uint8Array(3)]), 0));
  const before = new Server(open());
  blocks[1] = block('b.z', `${SOA}www 60 A 192.0.2.2\n`);
  const after = new Server(open());
  assert.equal(open().count, 3);
  for (const [name, was, is] of [
    ['www.a.z', 1, 1],
    ['www.b.z', 1, 2],
    ['www.z', 1, 1],
  ]) {
    assert.equal(before.ask(`${name} A`).answer[0].data, `192.0.2.${was}`);
    assert.equal(after.ask(`${name} A`).answer[0].data, `192.0.2.${is}`);
  }
  assert.equal(new Server(openZones(packZones([]))).show('www.z A'), 'REFUSED');
});

test('many zones: each name finds its own', () => {
  const blocks = Array.from({ length: 3000 }, (_, i) =>
    block(`zone${i}.x${i % 7}.example`, `${SOA}www 60 TXT "${i}"\n`),
  );
  const s = new Server(openZones(packZones(blocks)));
  for (let i = 0; i < 3000; i += 17) {
    const reply = s.ask(`www.zone${i}.x${i % 7}.example TXT`);
    assert.equal(Buffer.from(reply.answer[0].data, 'hex').toString().slice(1), String(i));
  }
  assert.equal(s.show('www.zone1.x2.example A'), 'REFUSED');
});

test('every name of a random zone is found, every ancestor too, and no other', () => {
  const label = fc.constantFrom('a', 'b', 'c', '*', 'xn--d', 'e\\000', 'f\\.f');
  const owners = fc.array(fc.array(label, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(owners, fc.array(label, { minLength: 1, maxLength: 6 }), (names, probe) => {
      const lines = names.map(n => `${n.join('.')} 60 A 192.0.2.1\n`).join('');
      const look = new Lookup(zonesOf({ z: SOA + lines }));
      const there = new Set(names.flatMap(n => n.map((_, i) => n.slice(i).join('.'))));
      for (const n of [...there, probe.join('.')]) {
        const name = new Labels();
        const wire = wireName(`${n.toUpperCase()}.z`);
        name.read(wire, 0, wire.length);
        assert.ok(look.nearestZone(name, false));
        assert.equal(look.walk(name) === WALK.found, there.has(n), n);
      }
    }),
    { numRuns: 300, seed: 4 },
  );
});

test('hints follow the table of types: what may be compressed, what wants addresses', () => {
  const told = (type: number) => {
    const hint = hintOf(type);
    return [hint & HINT.names, (hint >> HINT.prefixShift) & HINT.prefix, (hint & HINT.additional) !== 0];
  };
  assert.deepEqual(told(TYPE.NS), [1, 0, true]);
  assert.deepEqual(told(TYPE.CNAME), [1, 0, false]);
  assert.deepEqual(told(TYPE.SOA), [2, 0, false]);
  assert.deepEqual(told(TYPE.MX), [1, 2, true]);
  assert.deepEqual(told(TYPE.SRV), [0, 6, true]);
  for (const type of [TYPE.A, TYPE.AAAA, TYPE.TXT, TYPE.DNAME, TYPE.DS, TYPE.CAA, 4711])
    assert.equal(hintOf(type), 0);
});

test('a name costs under 100 octets, records and tree together', () => {
  const names = 20_000;
  const lines = Array.from({ length: names }, (_, i) => `host-${i} 60 A 192.0.2.${i % 250}\n`);
  const size = block('z', SOA + lines.join('')).length;
  assert.ok(size / names < 100, `${size / names} octets a name`);
});
