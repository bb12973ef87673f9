// Routes as workers read them: the kernel's tables against what the kernel itself answers, and hops that are asked for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseIp } from '../../src/kit/ip.ts';
import { Route } from '../../src/lvs/config.ts';
import { type RouteEntry, RTN, TABLE } from '../../src/nic/rtnetlink-read.ts';
import { HopReader, HopWriter, QUESTION, QUESTIONS, SLOT } from '../../src/plane/xdp/neighbours.ts';
import { CONTROL, RouteReader, tableSize } from '../../src/plane/xdp/routes.ts';
import { type Facts, placesOf, wordsOf, writeRoutes } from '../../src/plane/xdp/routes-build.ts';
import { HEADER } from '../../src/plane/xdp/ways.ts';

const LAYOUT = { places: 512, ways: 64 };

function bytes(text: string): Uint8Array {
  return parseIp(text) as Uint8Array;
}

function route(
  prefix: string,
  iface: number,
  more: Partial<RouteEntry> & { gateway?: string } = {},
): RouteEntry {
  const [address, bits] = prefix.split('/');
  const { gateway, ...rest } = more;
  return {
    family: address.includes(':') ? 6 : 4,
    table: TABLE.MAIN,
    type: RTN.UNICAST,
    prefix: bytes(address),
    bits: Number(bits),
    priority: 0,
    way: { iface, gateway: gateway === undefined ? undefined : bytes(gateway) },
    source: undefined,
    mtu: 0,
    ...rest,
  };
}

function link(index: number, mtu = 1500) {
  const mac = Uint8Array.of(2, 0, 0, 0, 0, index);
  return {
    index,
    name: `eth${index}`,
    flags: 1,
    mtu,
    mac,
    kind: 'veth',
    vlan: undefined,
    master: 0,
    xdp: undefined,
  };
}

function facts(routes: RouteEntry[]): Facts {
  const address = (iface: number, text: string, bits: number) => ({
    iface,
    family: text.includes(':') ? 6 : 4,
    address: bytes(text),
    bits,
    scope: 0,
    flags: 0,
    origin: 0,
  });
  return {
    links: new Map([1, 2, 3].map(i => [i, link(i, 1500 - i)])),
    addresses: [
      address(2, '192.0.2.10', 32),
      address(2, '192.0.2.1', 24),
      address(3, '198.51.100.1', 24),
      address(3, '2001:db8:3::1', 64),
    ],
    routes,
  };
}

function tables(routes: RouteEntry[], own?: ReadonlySet<string>) {
  const control = new Int32Array(CONTROL.size);
  const words = new Int32Array(tableSize(LAYOUT) * 2);
  const reader = new RouteReader(control, words, LAYOUT);
  const write = (all: RouteEntry[]) => writeRoutes(control, words, LAYOUT, facts(all), own);
  assert.ok(write(routes));
  const found = new Route();
  const find = (text: string) => {
    const address = Int32Array.from(wordsOf(bytes(text)));
    return reader.find(text.includes(':') ? 6 : 4, address, found) ? found : undefined;
  };
  return { find, write, generation: () => reader.generation() };
}

test('the longest prefix counts, the local table before main, the lower metric first; nothing leads nowhere', () => {
  const { find } = tables(
    [
      route('0.0.0.0/0', 1, { gateway: '203.0.113.1' }),
      route('192.0.2.0/24', 2),
      route('192.0.2.128/25', 3, { priority: 20 }),
      route('192.0.2.128/25', 1, { priority: 10, mtu: 1400 }),
      route('10.0.0.0/8', 2, { gateway: '192.0.2.254' }),
      route('10.1.0.0/16', 2, { type: 7, way: undefined }),
      route('10.1.2.0/24', 3, { gateway: '198.51.100.9' }),
      route('192.0.2.1/32', 2, { type: RTN.LOCAL, table: TABLE.LOCAL }),
      route('127.0.0.0/8', 1, { type: RTN.LOCAL, table: TABLE.LOCAL }),
      route('127.1.0.0/16', 3),
      route('255.255.255.255/32', 3, { type: RTN.BROADCAST, table: TABLE.LOCAL }),
      route('2001:db8::/32', 3, { gateway: 'fe80::1' }),
      route('2001:db8:3::/64', 3),
      route('::/0', 1, { table: 100 }),
    ],
    new Set([bytes('192.0.2.10').join()]),
  );
  const look = (text: string) => {
    const r = find(text);
    return r && [r.iface, r.mtu, r.local, r.hopFamily, [...r.hop], [...r.source]];
  };
  const w = (text: string) => wordsOf(bytes(text));
  assert.deepEqual(look('8.8.8.8'), [1, 1499, false, 4, w('203.0.113.1'), w('192.0.2.1')]);
  assert.deepEqual(look('0.0.0.0')?.[0], 1);
  // On the link itself: the address is its own next hop. A VIP is not what the host speaks from.
  assert.deepEqual(look('192.0.2.7'), [2, 1498, false, 4, w('192.0.2.7'), w('192.0.2.1')]);
  assert.deepEqual(look('192.0.2.200')?.slice(0, 2), [1, 1400]);
  assert.deepEqual(look('10.2.0.1'), [2, 1498, false, 4, w('192.0.2.254'), w('192.0.2.1')]);
  assert.equal(look('10.1.0.1'), undefined);
  assert.deepEqual(look('10.1.2.3'), [3, 1497, false, 4, w('198.51.100.9'), w('198.51.100.1')]);
  assert.equal(look('10.1.3.1'), undefined);
  assert.equal(look('192.0.2.1')?.[2], true);
  assert.equal(look('127.1.2.3')?.[2], true);
  assert.equal(look('255.255.255.255'), undefined);
  assert.deepEqual(look('255.255.255.254')?.[0], 1);
  assert.deepEqual(look('2001:db8::5'), [3, 1497, false, 6, w('fe80::1'), w('2001:db8:3::1')]);
  assert.deepEqual(look('2001:db8:3::9')?.[4], w('2001:db8:3::9'));
  assert.equal(look('2001:db9::1'), undefined);
  assert.equal(look('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'), undefined);
});

test('any set of prefixes: found is what a search through all of them finds', () => {
  const prefix = fc.tuple(fc.nat(0xffff), fc.integer({ min: 0, max: 16 }), fc.nat(2), fc.boolean());
  fc.assert(
    fc.property(
      fc.array(prefix, { maxLength: 40 }),
      fc.array(fc.nat(0xffff), { maxLength: 40 }),
      (rows, asked) => {
        const all = rows.map(([value, bits, priority, local], i) => {
          const kept = bits === 0 ? 0 : value & (0xffff << (16 - bits)) & 0xffff;
          const table = local ? TABLE.LOCAL : TABLE.MAIN;
          // Each has an MTU of its own, to tell them apart. The prefix's 16 bits are the first, over a family of 32.
          return route(`${kept >> 8}.${kept & 255}.0.0/${bits}`, 1, { priority, mtu: 1000 + i, table });
        });
        const { find } = tables(all);
        const holds = (r: RouteEntry, value: number) =>
          r.bits === 0 || (value ^ ((r.prefix[0] << 8) | r.prefix[1])) >>> (16 - r.bits) === 0;
        for (const value of [...asked, ...all.map(r => (r.prefix[0] << 8) | r.prefix[1]), 0, 0xffff]) {
          const best = all
            .filter(r => holds(r, value))
            .sort((a, b) => b.table - a.table || b.bits - a.bits || a.priority - b.priority)[0];
          const found = find(`${value >> 8}.${value & 255}.3.4`);
          if (best === undefined) assert.equal(found, undefined);
          else {
            const mtu = all.filter(
              r =>
                r.bits === best.bits &&
                r.table === best.table &&
                r.priority === best.priority &&
                holds(r, value),
            );
            assert.ok(
              mtu.some(r => r.mtu === found?.mtu),
              `${value}: ${found?.mtu}`,
            );
          }
        }
      },
    ),
    { numRuns: 200, seed: 7 },
  );
});

test('a new table counts as a whole, is told by its generation, and is refused when there is no room', () => {
  const { find, write, generation } = tables([route('0.0.0.0/0', 1)]);
  assert.equal(generation(), 1);
  assert.ok(write([route('0.0.0.0/0', 2)]));
  assert.deepEqual([generation(), find('8.8.8.8')?.iface], [2, 2]);
  assert.ok(write([route('0.0.0.0/0', 3)]));
  assert.deepEqual([generation(), find('8.8.8.8')?.iface], [3, 3]);
  const many = Array.from({ length: 300 }, (_, i) => route(`10.${i >> 7}.${(i & 127) * 2}.0/24`, 1));
  assert.ok(placesOf(4, many).length > LAYOUT.places);
  assert.equal(write(many), false);
  const different = Array.from({ length: 70 }, (_, i) => route(`10.0.${i}.0/24`, 1, { mtu: 1000 + i }));
  assert.equal(write(different), false);
  assert.deepEqual([generation(), find('8.8.8.8')?.iface], [3, 3]);
});

function hopMemory(slots: number) {
  return {
    control: new Int32Array(CONTROL.size),
    slots: new Int32Array(slots * SLOT.size),
    questions: new Int32Array(QUESTIONS * QUESTION.size),
    headers: new Uint8Array(slots * HEADER),
    ports: new Int32Array(slots),
  };
}

test('a hop that is missing is asked for once a turn, given a slot, and keeps it', () => {
  const memory = hopMemory(16);
  const [reader, writer] = [new HopReader(memory), new HopWriter(memory)];
  const address = Int32Array.of(0x0a000001, 0, 0, 0);
  assert.equal(reader.hop(3, 4, address), -1);
  assert.equal(reader.hop(3, 4, address), -1);
  const [question, ...none] = writer.questions();
  assert.deepEqual([question, none], [{ iface: 3, family: 4, address }, []]);
  memory.control[CONTROL.tick]++;
  assert.equal(reader.hop(3, 4, address), -1);
  assert.equal(writer.questions().length, 1);
  const header = Uint8Array.from({ length: HEADER }, (_, i) => i);
  assert.ok(writer.put(question, true, 1, header));
  const slot = reader.hop(3, 4, address);
  assert.ok(slot >= 0);
  assert.deepEqual(reader.headers.subarray(slot * HEADER, (slot + 1) * HEADER), header);
  assert.equal(reader.ports[slot], 1);
  // Other interface, other family: other hops.
  assert.deepEqual([reader.hop(2, 4, address), reader.hop(3, 6, address)], [-1, -1]);
  assert.ok(writer.put(question, false, 1, header));
  assert.equal(reader.hop(3, 4, address), -1);
  assert.ok(writer.put(question, true, 0, header));
  assert.equal(reader.hop(3, 4, address), slot);
  // Three quarters of the slots, and no more; those that stand are still found.
  let put = 1;
  for (let i = 2; i < 40; i++)
    if (writer.put({ iface: 3, family: 4, address: Int32Array.of(i, 0, 0, 0) }, true, 0, header)) put++;
  assert.equal(put, 12);
  assert.equal(reader.hop(3, 4, address), slot);
  assert.equal(reader.hop(3, 4, Int32Array.of(39, 0, 0, 0)), -1);
});

test('a route notes the slot of its hop: it counts while the hop is known, and until the way is asked for anew', () => {
  const memory = hopMemory(16);
  const [reader, writer] = [new HopReader(memory), new HopWriter(memory)];
  const header = new Uint8Array(HEADER);
  const [one, other] = [1, 2].map(n => ({
    iface: 3,
    family: 4,
    address: Int32Array.of(0x0a000000 + n, 0, 0, 0),
  }));
  const route = new Route();
  const lead = ({ iface, address }: typeof one) => {
    route.iface = iface;
    route.hop.set(address);
    route.noted = -1;
    return reader.slotOf(route);
  };
  assert.deepEqual([lead(one), route.noted], [-1, -1]);
  for (const hop of [one, other]) writer.put(hop, true, 0, header);
  const [first, second] = [one, other].map(hop => reader.hop(hop.iface, hop.family, hop.address));
  assert.deepEqual([reader.slotOf(route), route.noted], [first, first]);
  assert.equal(reader.slotOf(route), first);
  writer.put(one, false, 0, header);
  assert.deepEqual([reader.slotOf(route), route.noted], [-1, -1]);
  writer.put(one, true, 0, header);
  assert.equal(reader.slotOf(route), first);
  assert.deepEqual([lead(other), route.noted], [second, second]);
});

test('more questions than the ring holds: the latest stand, and the others are asked again', () => {
  const memory = hopMemory(16);
  const [reader, writer] = [new HopReader(memory), new HopWriter(memory)];
  for (let i = 0; i < QUESTIONS + 100; i++) reader.hop(1, 4, Int32Array.of(i, 0, 0, 0));
  const found = writer.questions();
  assert.equal(found.length, QUESTIONS);
  assert.equal(found.at(-1)?.address[0], QUESTIONS + 99);
  assert.deepEqual(writer.questions(), []);
});
