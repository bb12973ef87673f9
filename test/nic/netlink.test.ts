// Netlink: the bytes of messages, what is read of bytes that are wrong, and a kernel that answers, lists, and refuses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type GtmError, reason } from '../../src/kit/errors.ts';
import { findFamily, genlRequest, openGenl, readGenl } from '../../src/nic/genl.ts';
import { openLibc } from '../../src/nic/libc.ts';
import { errnoName, NETLINK, openNetlink } from '../../src/nic/netlink.ts';
import { Attributes, HEADER, NLM, Request, readMessages } from '../../src/nic/netlink-message.ts';
import {
  RTM,
  readAddress,
  readChange,
  readLink,
  readNeighbour,
  readRoute,
} from '../../src/nic/rtnetlink-read.ts';

const libc = await openLibc();
const RTM_GETLINK = 18;
const RTM_DELLINK = 17;
const IFLA_IFNAME = 3;
const IFINFOMSG = 16;

const LENGTHS = [0, 1, 2, 3, 4, 5, 255, 1000];

test('what is written is read again: every kind, nested, padded, over the size that a message begins with', () => {
  for (const length of LENGTHS) {
    const blob = Uint8Array.from({ length }, (_, i) => i & 255);
    const bytes = new Request(7, NLM.CREATE)
      .raw([1, 2, 3, 4])
      .bytes(1, blob)
      .text(2, 'eth0')
      .nest(3, r =>
        r
          .u8(1, 200)
          .u16(2, 60_000)
          .u32(3, 4_000_000_000)
          .u64(4, 1n << 63n),
      )
      .nest(4, r => r.be16(1, 80).be32(2, 0x0a000001).be64(3, 5n), false)
      .flag(5)
      .finish(9, NLM.ACK);
    assert.equal(bytes.length % 4, 0);
    const [message] = readMessages(bytes);
    assert.deepEqual(
      [message.type, message.flags, message.sequence],
      [7, NLM.REQUEST | NLM.CREATE | NLM.ACK, 9],
    );
    assert.deepEqual([...message.body.subarray(0, 4)], [1, 2, 3, 4]);
    const a = new Attributes(message.body, 4);
    assert.deepEqual(a.bytes(1), blob);
    assert.equal(a.text(2), 'eth0');
    const inner = a.nested(3) as Attributes;
    assert.deepEqual([inner.u8(1), inner.u16(2), inner.u32(3)], [200, 60_000, 4_000_000_000]);
    assert.equal(inner.u64(4), 1n << 63n);
    const big = a.nested(4) as Attributes;
    assert.deepEqual([big.be16(1), big.be32(2)], [80, 0x0a000001]);
    assert.deepEqual([...(big.bytes(2) as Uint8Array)], [10, 0, 0, 1]);
    assert.ok(a.has(5) && !a.has(6));
    assert.equal(a.list.length, 5);
    assert.equal(a.u32(5), undefined);
  }
});

test('lengths that do not fit end the reading, and nothing beyond the bytes is touched', () => {
  const good = new Request(7).raw([0, 0, 0, 0]).u32(1, 5).finish(1).slice();
  for (let cut = 0; cut < good.length; cut++)
    assert.deepEqual(readMessages(good.subarray(0, cut)), [], `cut at ${cut}`);
  for (const length of [0, 1, 3, 9, 0xffff]) {
    const bytes = good.slice(HEADER.size);
    bytes[4] = length & 255;
    bytes[5] = length >> 8;
    assert.equal(new Attributes(bytes, 4).u32(1), undefined);
  }
  assert.throws(() => new Request(1).bytes(1, new Uint8Array(65_536)), RangeError);
});

test('whatever bytes come, nothing is thrown and nothing beyond them is read', () => {
  const readers = [readLink, readAddress, readRoute, readNeighbour, readChange];
  const type = fc.constantFrom(...Object.values(RTM).flatMap(t => Object.values(t)));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), type, fc.constantFrom(0, 2, 10), (noise, of, family) => {
      const body = Uint8Array.from([family, ...noise]);
      for (const read of readers) read({ type: of, flags: 0, sequence: 0, body });
      for (const message of readMessages(noise)) assert.ok(message.body.length <= noise.length);
      for (const { value } of new Attributes(body, 4).list) assert.ok(value.length <= body.length);
    }),
    { numRuns: 2000, seed: 11 },
  );
});

test('a route with several ways leads by the first that is up', () => {
  // rtnexthop: length, flags, hops, interface; then its gateway.
  const way = (iface: number, flags: number, last: number) => [
    ...[16, 0, flags, 0, iface, 0, 0, 0],
    ...[8, 0, 5, 0, 10, 0, 0, last],
  ];
  const body = new Request(RTM.route.new)
    .raw([2, 0, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0])
    .bytes(9, Uint8Array.from([...way(3, 1, 1), ...way(4, 16, 2), ...way(5, 0, 3), ...way(6, 0, 4)]))
    .finish(1)
    .slice(HEADER.size);
  const route = readRoute({ type: RTM.route.new, flags: 0, sequence: 0, body });
  assert.deepEqual(route?.way, { iface: 5, gateway: Uint8Array.of(10, 0, 0, 3) });
  assert.deepEqual([route?.bits, route?.table, route?.family], [0, 254, 4]);
});

test('the kernel lists its links, answers for one, and refuses with its own words', () => {
  const route = openNetlink(libc, NETLINK.ROUTE, { strict: true });
  const header = new Uint8Array(IFINFOMSG);
  const names = route
    .dump('links', () => new Request(RTM_GETLINK).raw(header))
    .map(m => new Attributes(m.body, IFINFOMSG).text(IFLA_IFNAME));
  assert.ok(names.includes('lo'), `${names}`);
  const [lo] = route.request('link lo', new Request(RTM_GETLINK).raw(header).text(IFLA_IFNAME, 'lo'));
  assert.equal(new Attributes(lo.body, IFINFOMSG).text(IFLA_IFNAME), 'lo');
  const missing = () => new Request(RTM_GETLINK).raw(header).text(IFLA_IFNAME, 'no-such-link');
  assert.throws(
    () => route.request('link no-such-link', missing()),
    (e: GtmError) => {
      assert.equal(e.code, 'GTM_NETLINK');
      assert.equal(errnoName(e), 'ENODEV');
      assert.match(reason(e), /^link no-such-link failed: ENODEV/);
      return true;
    },
  );
  // A type that is none: the kernel's own words come with the refusal.
  const wrong = new Request(RTM_DELLINK).raw(header).u32(1, 1);
  assert.throws(() => route.request('nonsense', wrong), { code: 'GTM_NETLINK' });
  const results = route.batch('links', [
    missing(),
    ...Array.from({ length: 200 }, () => ask('lo')),
    missing(),
  ]);
  assert.equal(results.length, 202);
  assert.equal(errnoName(results[0]), 'ENODEV');
  assert.equal(errnoName(results[201]), 'ENODEV');
  assert.ok(results.slice(1, 201).every(r => Array.isArray(r) && r.length === 1));
  assert.deepEqual(route.receive(), { messages: [], lost: false });
  route.close();
  route.close();
  assert.throws(() => route.request('links', ask('lo')), { code: 'GTM_NETLINK' });

  function ask(name: string): Request {
    return new Request(RTM_GETLINK).raw(header).text(IFLA_IFNAME, name);
  }
});

test('a family of generic netlink is found by its name, with its groups; one that is none is undefined', () => {
  const genl = openGenl(libc);
  const control = findFamily(genl, 'nlctrl');
  assert.equal(control?.id, 0x10);
  assert.ok((control?.groups.get('notify') ?? 0) > 0);
  assert.equal(findFamily(genl, 'no-such-family'), undefined);
  const [reply] = genl.request('family', genlRequest({ id: 0x10, version: 2 }, 3).text(2, 'nlctrl'));
  assert.equal(readGenl(reply).attributes.text(2), 'nlctrl');
  genl.close();
});
