// The cache of packets: what comes out of it is what the responder would have said, octet for octet and count for count.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeResponder } from '../../src/dns/chain.ts';
import { COUNTER, newCounters, queryCell } from '../../src/dns/counters.ts';
import { newPackets, PacketCache } from '../../src/dns/packet-cache.ts';
import { shareSettings } from '../../src/dns/settings.ts';
import { below, seeded } from '../../src/kit/rng.ts';
import { PICK_SERVFAIL, type Steering } from '../../src/model/steering.ts';
import { CachedServer } from './cached.ts';
import { decode } from './decode.ts';
import { client, fixedSteering, option, query, zonesOf } from './serve.ts';

const ZONE = `$TTL 60
@ SOA ns root 7 2 3 4 5
@ NS ns
@ MX 10 www
ns A 192.0.2.1
WwW A 192.0.2.2
www AAAA 2001:db8::2
alias CNAME www
away CNAME www.y.example.
long CNAME alias
d DNAME w
*.w A 192.0.2.3
*.W MX 5 www
sub NS ns.sub
ns.sub A 192.0.2.4
sub NS ns.elsewhere.
pool 30 POOL web
*.p POOL web
to CNAME pool
t TXT ${Array.from({ length: 12 }, () => `"${'x'.repeat(100)}"`).join(' ')}
half TXT ${Array.from({ length: 6 }, () => `"${'x'.repeat(100)}"`).join(' ')}
`;
const OTHER = `@ SOA ns root 1 2 3 4 5
www A 198.51.100.1
`;
const NAMES =
  'z,www.z,nope.z,a.nope.z,alias.z,away.z,long.z,a.d.z,a.b.w.z,c.w.z,x.sub.z,sub.z,pool.z,a.p.z,to.z,t.z,half.z,x,.,www.y.example'.split(
    ',',
  );
const TYPES = 'A,AAAA,NS,SOA,MX,TXT,CNAME,DS,ANY,AXFR,OPT,HTTPS,TYPE97,TYPE666'.split(',');

const zones = () => zonesOf({ z: ZONE, 'y.example': OTHER }, ['web']);

/** What all pools give at present, as long as nobody changes it. */
interface State {
  count: number;
  value: number;
}

/** Steering by a state that is read at each pick. */
function steeringBy(state: State): Steering {
  const steering = {
    picked: new Uint8Array(64),
    ttl: 0,
    pick(): number {
      steering.picked.fill(state.value & 255);
      steering.ttl = state.value % 50;
      return state.count;
    },
  };
  return steering;
}

/** The name with letters in upper case by chance. */
function mangle(message: Uint8Array, random: () => number): void {
  for (let at = 12; message[at] !== 0; at += message[at] + 1)
    for (let i = 1; i <= message[at]; i++)
      if (message[at + i] >= 0x61 && message[at + i] <= 0x7a && (random() & 1) === 0) message[at + i] -= 0x20;
}

test('any questions in any order, in any case: replies and counts are those of the responder', () => {
  const state = { count: 1, value: 0 };
  const server = new CachedServer(zones(), () => steeringBy(state));
  const rng = seeded(11);
  const SIZES = [undefined, 0, 512, 1232, 4096, 0x4141, 0x6161];
  for (let i = 0; i < 60_000; i++) {
    state.value = i;
    if (below(rng, 50) === 0) state.count = [1, 1, 2, 3, 0, PICK_SERVFAIL][below(rng, 6)];
    const text = `${NAMES[below(rng, NAMES.length)]} ${TYPES[below(rng, TYPES.length)]}`;
    const edns = SIZES[below(rng, SIZES.length)];
    const odd = below(rng, 10) === 0;
    const message = query(text, {
      id: below(rng, 65536),
      flags: [0, 0x100, 0x20, 0x2000, 0x110][below(rng, odd ? 5 : 2)],
      class: odd && below(rng, 3) === 0 ? 3 : 1,
      ...(edns !== undefined && { edns, version: odd ? below(rng, 2) : 0, ednsFlags: odd ? 0x8000 : 0 }),
      ...(odd && { options: Buffer.from(option(12, '0000'), 'hex') }),
    });
    if (below(rng, 3) === 0) mangle(message, rng);
    if (odd && below(rng, 4) === 0) message[below(rng, message.length)] ^= 1 << below(rng, 8);
    server.raw(odd && below(rng, 4) === 0 ? message.subarray(0, below(rng, message.length)) : message);
  }
  assert.ok(server.recalled > 15_000, `${server.recalled} came out of the cache`);
});

test('a question is kept when it comes for the second time; id and case are those of the query', () => {
  const server = new CachedServer(zones(), () => fixedSteering({}));
  for (const [i, name] of ['www.z', 'www.z', 'www.z', 'WWW.z', 'wWw.Z'].entries()) {
    const reply = server.raw(query(`${name} A`, { id: 100 + i }));
    assert.equal(reply[1], 100 + i);
    assert.deepEqual(reply.slice(12, 19), query(`${name} A`).slice(12, 19));
    assert.equal(server.recalled, Math.max(0, i - 1));
  }
  // Other questions, though they differ in bits of case alone: types 65 and 97, octets that are no letters.
  for (let n = 0; n < 4; n++)
    for (const text of ['www.z TYPE65', 'www.z TYPE97', '@ww.z A', '`ww.z A', '{ww.z A', '[ww.z A'])
      assert.deepEqual(server.raw(query(text)).slice(12, 21), query(text).slice(12, 21));
});

test('a pool is picked from at each query, with the TTL of now', () => {
  const state = { count: 1, value: 0 };
  const server = new CachedServer(zones(), () => steeringBy(state));
  for (const name of ['pool.z', 'to.z', 'any.p.z'])
    for (const type of ['A', 'AAAA']) {
      const before = server.recalled;
      for (state.value = 1; state.value < 20; state.value++) {
        const [rr] = decode(server.raw(query(`${name} ${type}`, { edns: 1232 }))).answer.slice(-1);
        assert.equal(rr.ttl, state.value);
        assert.ok(rr.data.startsWith(type === 'A' ? `${state.value}.` : state.value.toString(16)), rr.data);
      }
      assert.equal(server.recalled - before, 17);
    }
  assert.equal(server.counters[COUNTER.pool_answers], 6 * 19);
});

test('what a pool has no form for goes to the responder: more addresses, none, a failure', () => {
  const state = { count: 1, value: 7 };
  const server = new CachedServer(zones(), () => steeringBy(state));
  const ask = () => decode(server.raw(query('pool.z A')));
  for (let i = 0; i < 3; i++) ask();
  const answers: [number, number][] = [];
  for (state.count of [2, 0, PICK_SERVFAIL, 2]) {
    const { rcode, answer } = ask();
    answers.push([rcode, answer.length]);
  }
  assert.deepEqual(answers, [
    [0, 2],
    [0, 0],
    [2, 0],
    [0, 2],
  ]);
});

test('a fault of steering is the responder’s to answer', () => {
  const state = { count: 1, value: 7 };
  const whole = () => {
    const steering = steeringBy(state);
    const pick = steering.pick.bind(steering);
    const fails = () => assert.fail('a bug');
    return Object.assign(steering, { pick: () => (state.count < 0 ? fails() : pick(0, 4, client())) });
  };
  const server = new CachedServer(zones(), whole);
  const ask = () => decode(server.raw(query('pool.z A'))).rcode;
  assert.deepEqual([ask(), ask(), ask()], [0, 0, 0]);
  assert.equal(server.recalled, 1);
  state.count = -5;
  assert.equal(ask(), 2);
  assert.equal(server.counters[COUNTER.internal_errors], 1);
});

test('another snapshot: nothing is left of the one before', () => {
  const server = new CachedServer(zones(), () => fixedSteering({}));
  const ask = () => decode(server.raw(query('www.z A'))).answer.map(rr => rr.data);
  for (let i = 0; i < 3; i++) assert.deepEqual(ask(), ['192.0.2.2']);
  server.swap(zonesOf({ z: ZONE.replace('192.0.2.2', '203.0.113.9') }, ['web']), () => fixedSteering({}));
  for (let i = 0; i < 3; i++) assert.deepEqual(ask(), ['203.0.113.9']);
  assert.ok(server.recalled >= 2);
});

test('TCP, which shares the responder, fills nothing', () => {
  const cache = new PacketCache();
  const counters = newCounters();
  const respond = makeResponder({ zones: zones(), steering: fixedSteering({}), counters, cache });
  const packets = newPackets(512);
  const message = query('www.z A');
  const recall = () => {
    packets.bytes.set(message);
    return cache.recall(cache.hash(packets, 0, message.length), packets, 0, message.length, client());
  };
  const over = (tcp: boolean) =>
    respond(message, message.length, new Uint8Array(512), { ...client(), tcp }, 0);
  // The second time the reply is wanted, but it is TCP that asks the responder next.
  assert.deepEqual([recall(), recall()], [0, 0]);
  assert.ok(over(true) > 0);
  assert.equal(recall(), 0);
  const size = over(false);
  assert.equal(recall(), size);
  assert.equal(counters[queryCell(0, true)], 1);
  assert.equal(counters[queryCell(0, false)], 2);
});

test('with more questions than there is room for, some make room for others, and every reply is right', () => {
  const server = new CachedServer(zones(), () => fixedSteering({}));
  const ask = (i: number) => server.raw(query(`name${i}.w.z A`, { edns: 1232 }));
  for (let i = 0; i < 40_000; i++) for (let n = 0; n < 2; n++) ask(i);
  for (let i = 30_000; i < 40_000; i++) ask(i);
  assert.ok(server.recalled > 2_000 && server.recalled < 9_999, `${server.recalled} of 10,000 are there`);
});

test('names made up at random displace nothing', () => {
  const server = new CachedServer(zones(), () => fixedSteering({}));
  for (let i = 0; i < 3; i++) server.raw(query('www.z A'));
  for (let i = 0; i < 50_000; i++) server.raw(query(`random${i}.z A`));
  assert.ok(server.recalled < 10);
  const before = server.recalled;
  server.raw(query('www.z A'));
  assert.equal(server.recalled, before + 1);
});

test('nothing is kept where each reply has to be judged first, nor of what is the client’s own', () => {
  const twice = (server: CachedServer, text: string, options = '') => {
    const how = options === '' ? {} : { edns: 1232, options: Buffer.from(options, 'hex') };
    for (let i = 0; i < 3; i++) server.raw(query(text, how));
    return server.recalled;
  };
  const rrl = {
    responses_per_second: 1000,
    nxdomains_per_second: 1000,
    errors_per_second: 1000,
    slip: 2,
    window: 15_000,
    table: 64,
    exempt: [],
  };
  const plain = () => fixedSteering({});
  const settings = shareSettings({ rrl }, new Uint8Array(20));
  assert.equal(twice(new CachedServer(zones(), plain, settings), 'www.z A'), 0);
  const secrets = ['00'.repeat(16)];
  const require = { cookies: { secrets, require: true } };
  assert.equal(twice(new CachedServer(zones(), plain, require), 'www.z A'), 0);
  const server = new CachedServer(zones(), plain, { cookies: { secrets, require: false } });
  assert.equal(twice(server, 'www.z A', option(10, 'ab'.repeat(8))), 0);
  // The substitute has the case of the question in its rdata.
  assert.equal(twice(server, 'a.d.z A'), 0);
  assert.equal(server.raw(query('www.z A'), { ...client(), port: 0 }).length, 0);
  assert.equal(twice(server, 'www.z A'), 1);
});
