// Canonical order, what is other in one zone than in another, and a compiled zone back into records.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileZone } from '../../src/dns/zone/compile.ts';
import { unpackZone } from '../../src/dns/zone/unpack.ts';
import { diffZones } from '../../src/dns/zonefile/diff.ts';
import { inOrder } from '../../src/dns/zonefile/order.ts';
import { zoneUnder } from './arbitrary.ts';
import { everyZone } from './every-type.ts';
import { lines, ORIGIN, parse } from './zonefile-helper.ts';

const records = (text: string) => parse(`$TTL 60\n${text}\n`).records;

test('canonical order (RFC 4034 §6.1): the example of the RFC, and SOA and NS first', () => {
  const names = [
    ...['example', 'a.example', 'yljkjljk.a.example', 'Z.a.example', 'zABC.a.EXAMPLE', 'z.example'],
    ...['\\001.z.example', '*.z.example', '\\200.z.example'],
  ];
  const text = (order: readonly string[]) => order.map(n => `${n}. A 192.0.2.1`).join('\n');
  assert.deepEqual(lines(inOrder(records(text([...names].reverse())))), lines(records(text(names))));
  const apex = inOrder(
    records('a A 192.0.2.2\na A 192.0.2.1\n@ A 192.0.2.3\n@ NS b\n@ SOA a b 1 2 3 4 5\n@ NS A'),
  );
  assert.deepEqual(
    lines(apex).map(l => l.split(' IN ')[1].slice(0, 12).trim()),
    ['SOA a.exampl', 'NS A.example', 'NS b.example', 'A 192.0.2.3', 'A 192.0.2.1', 'A 192.0.2.2'],
  );
});

test('any order of the same records is one order, and duplicates fall away', () => {
  fc.assert(
    fc.property(zoneUnder(ORIGIN), fc.nat(), (zone, seed) => {
      const shuffled = records('');
      const order = Array.from({ length: zone.count }, (_, i) => i);
      for (let i = order.length - 1, s = seed; i > 0; i--, s = (s * 48271 + 11) % 0x7fffffff) {
        const k = s % (i + 1);
        [order[i], order[k]] = [order[k], order[i]];
      }
      for (const i of order) shuffled.add(zone.ownerBytes(i), zone.type[i], zone.ttl[i], zone.rdataBytes(i));
      const keys = (list: typeof zone) => lines(list).map(l => l.replace(/ \d+ IN/, ' IN').toLowerCase());
      assert.deepEqual(keys(inOrder(zone)), keys(inOrder(shuffled)));
      assert.deepEqual(lines(inOrder(inOrder(zone))), lines(inOrder(zone)));
    }),
    { numRuns: 300, seed: 1 },
  );
});

/** Changes as `- line`, `+ line` and `~ line → line`. */
function changes(old: string, fresh: string): string[] {
  const { before, after, changes } = diffZones(records(old), records(fresh));
  const [a, b] = [lines(before), lines(after)].map(all => all.map(l => l.replace('.example.com. ', ' ')));
  return changes.map(c =>
    c.before < 0 ? `+ ${b[c.after]}` : c.after < 0 ? `- ${a[c.before]}` : `~ ${a[c.before]} → ${b[c.after]}`,
  );
}

test('records created, updated, deleted', () => {
  const old = 'a A 192.0.2.1\nb A 192.0.2.1\nb A 192.0.2.2\nc TXT "x"\nd MX 10 Mail.x.\n';
  assert.deepEqual(changes(old, old), []);
  assert.deepEqual(
    changes(old, 'D MX 10 mail.x.\nC TXT "x"\nb A 192.0.2.2\nb A 192.0.2.1\na A 192.0.2.1\na A 192.0.2.1'),
    [],
  );
  assert.deepEqual(
    changes(old, 'a A 192.0.2.9\nb A 192.0.2.1\nb A 192.0.2.3\nc 30 TXT "x"\nd MX 10 mail.x.\ne A 192.0.2.5'),
    [
      '~ a 60 IN A 192.0.2.1 → a 60 IN A 192.0.2.9',
      '~ b 60 IN A 192.0.2.2 → b 60 IN A 192.0.2.3',
      '~ c 60 IN TXT "x" → c 30 IN TXT "x"',
      '+ e 60 IN A 192.0.2.5',
    ],
  );
  assert.deepEqual(changes('b A 192.0.2.1\nb A 192.0.2.2', 'b A 192.0.2.3\nb AAAA ::1'), [
    '- b 60 IN A 192.0.2.1',
    '- b 60 IN A 192.0.2.2',
    '+ b 60 IN A 192.0.2.3',
    '+ b 60 IN AAAA ::1',
  ]);
});

test('from nothing, to nothing, and to itself', () => {
  fc.assert(
    fc.property(zoneUnder(ORIGIN), zone => {
      const empty = records('');
      assert.deepEqual(diffZones(zone, zone).changes, []);
      const made = diffZones(empty, zone).changes;
      assert.equal(made.length, inOrder(zone).count);
      assert.ok(made.every(c => c.before < 0) && diffZones(zone, empty).changes.every(c => c.after < 0));
    }),
    { numRuns: 200, seed: 2 },
  );
});

test('a compiled zone holds what went into it', () => {
  const zone = records(everyZone());
  const block = compileZone(zone, ORIGIN, name => (name === 'web' ? 7 : -1));
  // Where it lies does not matter.
  const arena = new Uint8Array(block.length + 64);
  arena.set(block, 64);
  const back = unpackZone(arena.subarray(64), pool => (pool === 7 ? 'web' : '?'));
  assert.deepEqual(lines(inOrder(back)), lines(inOrder(zone)));
});
