// Response rate limiting: how much passes, what slips, whom it holds apart, and what is exempt.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KIND, newRateTable, RATE, RateLimiter } from '../../src/dns/ratelimit.ts';
import { shareSettings } from '../../src/dns/settings.ts';
import { parseIp } from '../../src/kit/ip.ts';
import { seeded } from '../../src/kit/rng.ts';
import type { RrlConfig } from '../../src/model/answering.ts';
import { schema } from '../../src/model/schema.ts';
import { type Client, newClient } from '../../src/model/steering.ts';
import { decode } from './decode.ts';
import { option, query, Server, zonesOf } from './serve.ts';

const RRL: RrlConfig = {
  responses_per_second: 10,
  nxdomains_per_second: 5,
  errors_per_second: 3,
  slip: 2,
  window: 15_000,
  table: 4096,
  exempt: [],
};

function from(address: string, tcp = false): Client {
  const bytes = parseIp(address) as Uint8Array;
  const who = { ...newClient(tcp), family: bytes.length === 4 ? 4 : 6, port: 5353 };
  who.address.set(bytes);
  return who;
}

function limiter(more: Partial<RrlConfig> = {}, seed = 7): RateLimiter {
  const rrl = { ...RRL, ...more };
  return new RateLimiter(rrl, newRateTable(rrl.table, seed));
}

/** How many of `times` replies at one moment pass. */
function passed(l: RateLimiter, who: string, kind: number, times: number, now: number, zone = 0): number {
  let count = 0;
  for (let i = 0; i < times; i++) if (l.judge(from(who), kind, zone, now) === RATE.pass) count++;
  return count;
}

test('a second’s worth passes at once, then the rate; a still second fills it up again', () => {
  const l = limiter();
  assert.equal(passed(l, '192.0.2.1', KIND.answer, 10, 5000), 10);
  assert.equal(passed(l, '192.0.2.1', KIND.answer, 1, 5100), 1);
  assert.equal(passed(l, '192.0.2.1', KIND.answer, 2, 5200), 1);
  assert.equal(passed(limiter(), '192.0.2.1', KIND.answer, 50, 5000), 10);
  const again = limiter();
  passed(again, '192.0.2.1', KIND.answer, 10, 5000);
  assert.equal(passed(again, '192.0.2.1', KIND.answer, 50, 6000), 10);
  assert.equal(passed(again, '192.0.2.1', KIND.answer, 50, 9_999_999), 10);
});

test('a steady stream at the rate is never touched, and one at twice the rate is held down for the window behind it', () => {
  const calm = limiter();
  for (let i = 0; i < 1000; i++)
    assert.equal(calm.judge(from('192.0.2.1'), KIND.answer, 0, i * 100), RATE.pass);
  const flood = limiter();
  let passes = 0;
  for (let i = 0; i < 2000; i++)
    if (flood.judge(from('192.0.2.1'), KIND.answer, 0, i * 50) === RATE.pass) passes++;
  assert.ok(passes >= 10 && passes <= 21, `${passes}`);
  // 100 s of twice the rate are 1,000 replies too many; at most 15 s of the rate are held against it.
  assert.notEqual(flood.judge(from('192.0.2.1'), KIND.answer, 0, 100_000 + 14_000), RATE.pass);
  assert.equal(flood.judge(from('192.0.2.1'), KIND.answer, 0, 100_000 + 15_500), RATE.pass);
});

test('one bucket for a /24 and for a /56, another for the next', () => {
  for (const [one, same, other] of [
    ['192.0.2.1', '192.0.2.254', '192.0.3.1'],
    ['2001:db8:0:1200::1', '2001:db8:0:12ff:ffff::', '2001:db8:0:1300::1'],
  ]) {
    const l = limiter();
    passed(l, one, KIND.answer, 10, 0);
    assert.equal(passed(l, same, KIND.answer, 5, 0), 0, same);
    assert.equal(passed(l, other, KIND.answer, 10, 0), 10, other);
  }
});

test('kinds are counted apart, each at its own rate; NXDOMAIN by zone; 0 is no limit', () => {
  const l = limiter();
  const who = '192.0.2.1';
  assert.deepEqual(
    [KIND.answer, KIND.referral, KIND.nxdomain, KIND.error].map(kind => passed(l, who, kind, 50, 0, 100)),
    [10, 10, 5, 3],
  );
  assert.equal(passed(l, who, KIND.nxdomain, 50, 0, 200), 5);
  assert.equal(passed(l, who, KIND.answer, 50, 0, 200), 0);
  assert.equal(passed(limiter({ errors_per_second: 0 }), who, KIND.error, 500, 0), 500);
});

test('slip: every so many-th of what is too much is told to use TCP', () => {
  const said = (slip: number) => {
    const l = limiter({ slip });
    passed(l, '192.0.2.1', KIND.answer, 10, 0);
    return Array.from({ length: 6 }, () => l.judge(from('192.0.2.1'), KIND.answer, 0, 0));
  };
  const { drop, slip } = RATE;
  assert.deepEqual(said(0), [drop, drop, drop, drop, drop, drop]);
  assert.deepEqual(said(1), [slip, slip, slip, slip, slip, slip]);
  assert.deepEqual(said(2), [drop, slip, drop, slip, drop, slip]);
  assert.deepEqual(said(3), [drop, drop, slip, drop, drop, slip]);
});

test('exempt prefixes have no limit', () => {
  const l = limiter({ exempt: ['192.0.2.0/25', '2001:db8::/32'] });
  assert.equal(passed(l, '192.0.2.1', KIND.answer, 100, 0), 100);
  assert.equal(passed(l, '2001:db8::1', KIND.answer, 100, 0), 100);
  // In the same bucket, but not exempt.
  assert.equal(passed(l, '192.0.2.200', KIND.answer, 100, 0), 0);
  assert.equal(passed(l, '192.0.3.1', KIND.answer, 100, 0), 10);
});

test('a flood from a million forged prefixes neither grows the table nor sets those free that are over their limit', () => {
  const l = limiter({ table: 1024 });
  passed(l, '192.0.2.1', KIND.answer, 1000, 0);
  const rng = seeded(5);
  const who = from('0.0.0.0');
  let passes = 0;
  for (let i = 0; i < 1_000_000; i++) {
    const n = rng();
    who.address[0] = n >>> 24;
    who.address[1] = n >>> 16;
    who.address[2] = n >>> 8;
    if (l.judge(who, KIND.answer, 0, 10) === RATE.pass) passes++;
  }
  // One query each: what they are is not known to anybody, and they are answered.
  assert.ok(passes > 990_000, `${passes}`);
  assert.equal(passed(l, '192.0.2.1', KIND.answer, 20, 20), 0);
});

test('two workers share the table, and so does the next snapshot', () => {
  const table = newRateTable(RRL.table, 1);
  const [one, two] = [new RateLimiter(RRL, table), new RateLimiter(RRL, table)];
  assert.equal(passed(one, '192.0.2.1', KIND.answer, 6, 0) + passed(two, '192.0.2.1', KIND.answer, 6, 0), 10);
  assert.equal(passed(new RateLimiter(RRL, table), '192.0.2.1', KIND.answer, 6, 0), 0);
});

const ZONE = `$TTL 60
@ SOA ns root 1 2 3 4 5
@ NS ns
ns A 192.0.2.1
www A 192.0.2.2
sub NS ns.sub
ns.sub A 192.0.2.3
`;

function server(more: Partial<RrlConfig> = {}): Server {
  const dns = schema.shape.nodes.valueType.shape.dns.unwrap().parse({
    listen: ['127.0.0.1:53'],
    rrl: { ...RRL, window: '15s', ...more },
  });
  const settings = shareSettings(
    dns,
    Uint8Array.from({ length: 20 }, (_, i) => i),
  );
  const s = new Server(zonesOf({ z: ZONE, y: ZONE }), {}, { settings, seconds: () => 1559731985 });
  s.now = 10_000;
  return s;
}

/** What comes back to `times` of the same question: answers, empty ones with TC, nothing. */
function asked(s: Server, text: string, times: number, how: object = {}, who = from('192.0.2.1')): number[] {
  const counts = [0, 0, 0];
  for (let i = 0; i < times; i++) {
    const bytes = s.raw(query(text, how), who);
    if (bytes.length === 0) counts[2]++;
    else if (decode(bytes).tc) counts[1]++;
    else counts[0]++;
  }
  return counts;
}

test('the chain: every kind of reply has its limit, what is dropped or slips is counted', () => {
  const s = server();
  assert.deepEqual(asked(s, 'www.z A', 30), [10, 10, 10]);
  assert.deepEqual(asked(s, 'www.z AAAA', 2), [0, 1, 1]);
  assert.deepEqual(asked(s, 'x.sub.z A', 30), [10, 10, 10]);
  assert.deepEqual(asked(s, 'nope.z A', 25), [5, 10, 10]);
  assert.deepEqual(asked(s, 'nope.y A', 25), [5, 10, 10]);
  assert.deepEqual(asked(s, 'elsewhere A', 23), [3, 10, 10]);
  assert.deepEqual(asked(s, 'z AXFR', 2), [0, 1, 1]);
  assert.deepEqual([s.count('slipped'), s.count('dropped_rate')], [52, 52]);
  // Another prefix hears everything.
  assert.deepEqual(asked(s, 'www.z A', 5, {}, from('198.51.100.1')), [5, 0, 0]);
});

test('what slips has the question, TC, and no record', () => {
  const s = server({ slip: 1 });
  asked(s, 'www.z A', 10);
  const reply = decode(s.raw(query('www.z A', { edns: 1232 }), from('192.0.2.1')));
  assert.deepEqual([reply.tc, reply.questions, reply.answer, reply.opt?.size], [true, 1, [], 1232]);
});

test('TCP and valid cookies prove where they come from, and have no limit', () => {
  const s = server();
  assert.deepEqual(asked(s, 'www.z A', 100, {}, from('192.0.2.1', true)), [100, 0, 0]);
  const first = decode(
    s.raw(query('www.z A', { edns: 1232, options: hex(option(10, 'ab'.repeat(8))) }), from('192.0.2.1')),
  );
  const options = hex(first.opt?.options ?? '');
  assert.deepEqual(asked(s, 'www.z A', 100, { edns: 1232, options }), [100, 0, 0]);
  // The cookie is good for one address only.
  assert.deepEqual(asked(s, 'www.z A', 30, { edns: 1232, options }, from('192.0.2.2')), [9, 10, 11]);
});

test('off unless it is set', () => {
  const s = new Server(zonesOf({ z: ZONE }));
  assert.deepEqual(asked(s, 'www.z A', 1000), [1000, 0, 0]);
});

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'));
}
