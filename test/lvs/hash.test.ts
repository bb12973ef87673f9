// The schedulers that hash: sh and mh against the definitions, and the hash itself against published vectors.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { siphash13 } from '../../src/kit/hash.ts';
import { parseIp } from '../../src/kit/ip.ts';
import { DestTable } from '../../src/lvs/sched/dests.ts';
import { makeScheduler } from '../../src/lvs/sched/index.ts';
import { MH_PRIMES, makeMh } from '../../src/lvs/sched/mh.ts';
import { OVERLOAD } from '../../src/lvs/sched/scheduler.ts';
import { clients, flow, picks, table } from './fixture.ts';
import { sipHash } from './siphash.ts';

const ZERO = { k0: 0n, k1: 0n };
const some = clients(20_000);

test('the reference SipHash of these tests gives the published vectors', () => {
  const counting = (n: number) => Uint8Array.from({ length: n }, (_, i) => i);
  // The SipHash paper, appendix A: SipHash-2-4, key 00 … 0f, message 00 … 0e.
  const key = { k0: 0x0706050403020100n, k1: 0x0f0e0d0c0b0a0908n };
  assert.equal(sipHash(2, 4, key, counting(15)), 0xa129ca6149be45e5n);
  // SipHash-1-3 of the reference implementation, key 0, messages of 0, 3, 4 and 8 bytes.
  assert.equal(sipHash(1, 3, ZERO, counting(0)), 0xd1fba762150c532cn);
  assert.equal(sipHash(1, 3, ZERO, counting(3)), 0x4d4c9a4a8ef6e0adn);
  assert.equal(sipHash(1, 3, ZERO, counting(4)), 0x7cc43f98813e4dbdn);
  assert.equal(sipHash(1, 3, ZERO, counting(8)), 0xead411e67ebe2eean);
});

test('siphash13 is the low half of SipHash-1-3 of four little-endian bytes', () => {
  assert.equal(siphash13(0x03020100, 0, 0), 0x813e4dbd);
  const u32 = fc.integer({ min: 0, max: 0xffffffff });
  fc.assert(
    fc.property(u32, u32, u32, (word, k0, k1) => {
      const bytes = Uint8Array.of(word, word >>> 8, word >>> 16, word >>> 24);
      const whole = sipHash(1, 3, { k0: BigInt(k0), k1: BigInt(k1) }, bytes);
      assert.equal(siphash13(word, k0, k1), Number(whole & 0xffffffffn));
      assert.equal(siphash13(word | 0, k0, k1), Number(whole & 0xffffffffn));
    }),
  );
});

/** The bucket of a client, by the definition: the top 8 bits of key times the golden ratio. */
function bucket(key: number): number {
  return Number(((BigInt(key) * 0x61c88647n) & 0xffffffffn) >> 24n);
}

test('sh fills 256 buckets in list order, each server as often in a row as its weight says', () => {
  const dests = table(2, 1);
  const sh = makeScheduler('sh', dests, []);
  for (const client of some.slice(0, 500)) {
    const [a, b, c, d] = client.source;
    const at = bucket(((a << 24) | (b << 16) | (c << 8) | d) >>> 0);
    assert.equal(sh.pick(client), at % 3 === 2 ? 1 : 0);
  }
});

test('sh spreads clients over servers of weight 1 evenly, and gives the same client the same server', () => {
  const sh = makeScheduler('sh', table(1, 1, 1, 1), []);
  const seen = [0, 0, 0, 0];
  for (const client of some) seen[sh.pick(client)]++;
  for (const n of seen) assert.ok(Math.abs(n - 5000) < 500, seen.join(' '));
  assert.equal(new Set(picks(sh, 20)).size, 1);
});

test('sh folds an IPv6 address by XOR of its words', () => {
  const sh = makeScheduler('sh', table(1, 1, 1), []);
  // 2001:db8 ^ 0 ^ 0 ^ 1 = 20010db9.
  assert.equal(sh.pick(flow('2001:db8::1')), bucket(0x20010db9) % 3);
});

for (const name of ['sh', 'mh'] as const) {
  test(`${name} ignores the client's port unless ${name}-port is set`, () => {
    const servers = (flags: string[]) => {
      const scheduler = makeScheduler(name, table(1, 1, 1, 1), flags);
      return new Set(Array.from({ length: 100 }, (_, i) => scheduler.pick(flow('198.51.100.7', 4000 + i))));
    };
    assert.equal(servers([]).size, 1);
    assert.equal(servers([`${name}-port`]).size, 4);
    assert.equal(servers([name === 'sh' ? 'mh-port' : 'sh-port']).size, 1, 'the other one’s flag');
  });

  test(`${name} refuses the clients of a server that is not available; ${name}-fallback sends them on`, () => {
    for (const disable of ['quiesced', 'overloaded']) {
      const dests = table(1, 1, 1, 1);
      const strict = makeScheduler(name, dests, []);
      const lenient = makeScheduler(name, dests, [`${name}-fallback`]);
      const before = some.map(c => strict.pick(c));
      if (disable === 'quiesced') dests.reweight(1, 0);
      else dests.flags[1] = OVERLOAD;
      strict.update();
      lenient.update();
      const moved = [0, 0, 0, 0];
      some.forEach((client, i) => {
        const home = before[i];
        assert.equal(strict.pick(client), home === 1 ? -1 : home);
        const to = lenient.pick(client);
        if (home === 1) moved[to]++;
        else assert.equal(to, home, 'nobody else moves');
      });
      assert.equal(moved[1], 0);
      // sh looks on from twice the bucket's number: 2 · (1, 5, 9 …) is 2 in every fourth, so one server takes them all.
      const takers = name === 'sh' ? [2] : [0, 2, 3];
      for (const at of [0, 2, 3]) assert.equal(moved[at] > 500, takers.includes(at), moved.join(' '));
    }
  });
}

/** The table by the definition, slowly: every server lists its whole permutation and claims its first free entry, in turns. */
function maglev(addresses: Uint8Array[], port: number, turns: number[], size: number): number[] {
  const hash = (key: bigint, a: Uint8Array) => {
    const word = (((a[0] << 24) | (a[1] << 16) | (a[2] << 8) | a[3]) + port) >>> 0;
    const bytes = Uint8Array.of(word, word >>> 8, word >>> 16, word >>> 24);
    return Number(sipHash(1, 3, { k0: key, k1: key }, bytes) & 0xffffffffn);
  };
  const lists = addresses.map(a => {
    const offset = hash(2654435761n, a) % size;
    const skip = (hash(2654446892n, a) % (size - 1)) + 1;
    return Array.from({ length: size }, (_, j) => (offset + j * skip) % size);
  });
  const entry: number[] = new Array(size).fill(-1);
  let left = size;
  while (left > 0) {
    lists.forEach((list, at) => {
      for (let turn = 0; turn < turns[at] && left > 0; turn++) {
        const free = list.find(e => entry[e] < 0) as number;
        entry[free] = at;
        left--;
      }
    });
  }
  return entry;
}

test('mh is the table of the definition, for every client', () => {
  const dests = table(30, 10, 0, 20);
  const addresses = [0, 1, 2, 3].map(at => dests.address.slice(at * 16, at * 16 + 4));
  const entry = maglev(addresses, 80, [3, 1, 0, 2], MH_PRIMES[8]);
  const mh = makeMh(8)(dests, { fallback: false, port: false });
  for (const client of some.slice(0, 1000)) {
    const [a, b, c, d] = client.source;
    const home = siphash13((a << 24) | (b << 16) | (c << 8) | d, 2654435761, 2654435761) % 251;
    assert.equal(mh.pick(client), entry[home]);
  }
});

test('mh: of an IPv6 server behind an IPv4 service the first word alone counts, as in the kernel', () => {
  const behind = (...servers: string[]) => {
    const dests = new DestTable();
    dests.serviceFamily = 4;
    for (const s of servers) dests.add(parseIp(s) as Uint8Array, 80, 1);
    const mh = makeScheduler('mh', dests, []);
    return some.slice(0, 500).map(c => mh.pick(c));
  };
  assert.deepEqual(behind('2001:db8::1', '2001:db9::1'), behind('32.1.13.184', '32.1.13.185'));
});

test('mh shares the clients by weight, within two per cent', () => {
  const shares = (...weights: number[]) => {
    const mh = makeScheduler('mh', table(...weights), []);
    const seen = weights.map(() => 0);
    for (const client of some) seen[mh.pick(client)]++;
    return seen.map(n => n / some.length);
  };
  for (const s of shares(1, 1, 1, 1, 1)) assert.ok(Math.abs(s - 0.2) < 0.02, String(s));
  const [heavy, light] = shares(300, 100);
  assert.ok(Math.abs(heavy - 0.75) < 0.02 && Math.abs(light - 0.25) < 0.02);
  // 65535 : 1 is more than the table's six bits of weight can tell: the light one still gets something.
  const [, least] = shares(65535, 1);
  assert.ok(least > 0 && least < 0.05);
});

test('mh moves few clients of the others when one of n servers is removed: at most 1/n and two per cent in all', () => {
  for (const n of [3, 5, 10]) {
    const dests = table(...new Array(n).fill(100));
    const mh = makeScheduler('mh', dests, []);
    const before = some.map(c => dests.id[mh.pick(c)]);
    dests.remove(1);
    mh.update();
    const moved = some.filter((c, i) => dests.id[mh.pick(c)] !== before[i]).length / some.length;
    assert.ok(moved <= 1 / n + 0.02, `${n} servers: ${moved}`);
  }
});

test('mh keeps its map over a weight of 0 and back, and so does a server that begins with 0', () => {
  const dests = table(5, 5, 5);
  const mh = makeScheduler('mh', dests, []);
  const before = some.map(c => mh.pick(c));
  dests.reweight(2, 0);
  mh.update();
  dests.reweight(2, 5);
  mh.update();
  assert.deepEqual(
    some.map(c => mh.pick(c)),
    before,
  );
  dests.add(Uint8Array.of(10, 9, 9, 9), 80, 0);
  mh.update();
  assert.deepEqual(
    some.map(c => mh.pick(c)),
    before.map(at => at + 1),
  );
});

test('every prime of the list is one, and its table is filled whole', () => {
  for (const [index, size] of Object.entries(MH_PRIMES)) {
    for (let d = 2; d * d <= size; d++) assert.notEqual(size % d, 0, `${size}`);
    const mh = makeMh(Number(index) as keyof typeof MH_PRIMES)(table(1, 2), { fallback: false, port: false });
    for (const client of some.slice(0, 200)) assert.ok(mh.pick(client) >= 0);
  }
});
