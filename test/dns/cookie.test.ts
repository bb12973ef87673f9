// DNS cookies, RFC 7873 and 9018: the examples of RFC 9018 Appendix A to the octet, ages, secrets that are rolled, and
// what the server does with each sort of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { COOKIE, Cookies } from '../../src/dns/cookie.ts';
import { parseIp } from '../../src/kit/ip.ts';
import { sipHash, sipKey } from '../../src/kit/siphash.ts';
import { type Client, newClient } from '../../src/model/steering.ts';
import { sipHash as slowSipHash } from '../lvs/siphash.ts';
import { decode } from './decode.ts';
import { client, option, query, Server, zonesOf } from './serve.ts';

const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

test('SipHash-2-4 is what its paper says, for every length and any key', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.uint8Array({ maxLength: 40 }),
      (key, message) => {
        const view = new DataView(key.buffer, key.byteOffset);
        const k = { k0: view.getBigUint64(0, true), k1: view.getBigUint64(8, true) };
        const out = new Uint8Array(10);
        sipHash(sipKey(text(key)), message, message.length, out, 1);
        const got = new DataView(out.buffer).getBigUint64(1, true);
        assert.equal(got, slowSipHash(2, 4, k, message));
        assert.deepEqual([out[0], out[9]], [0, 0]);
      },
    ),
    { seed: 3, numRuns: 500 },
  );
});

function from(address: string): Client {
  const bytes = parseIp(address) as Uint8Array;
  const who = { ...newClient(false), family: bytes.length === 4 ? 4 : 6, port: 5353 };
  who.address.set(bytes);
  return who;
}

/** What a server with these secrets makes of a cookie at a time, and the cookie that it sends back. */
function judge(secrets: string[], at: number, address: string, cookie: string): [number, string] {
  const jar = new Cookies(secrets, () => at | 0);
  const out = new Uint8Array(24);
  const worth = jar.take(hex(`ffff${cookie}`), 2, cookie.length / 2, from(address), 0);
  jar.write(out, 0);
  return [worth, text(out)];
}

const SECRET = 'e5e973e5a6b2a43f48e7dc849e37bfcf';
const A1 = '2464c4abcf10c957010000005cf79f111f8130c3eee29480';
const SEVEN = '198.51.100.100';

test('RFC 9018 Appendix A: its examples, to the octet', () => {
  // A.1, a client cookie alone.
  assert.deepEqual(judge([SECRET], 1559731985, SEVEN, '2464c4abcf10c957'), [COOKIE.client, A1]);
  // A.2, the same client 40 minutes later: valid, and renewed.
  assert.deepEqual(judge([SECRET], 1559734385, SEVEN, A1), [
    COOKIE.valid,
    '2464c4abcf10c957010000005cf7a871d4a564a1442aca77',
  ]);
  // A.3, reserved octets that are not 0 are hashed as they are; by then it is too old, so a new one is made.
  const a3 = 'fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5';
  assert.deepEqual(judge([SECRET], 1559728000, '203.0.113.203', a3), [COOKIE.valid, a3]);
  assert.deepEqual(judge([SECRET], 1559734700, '203.0.113.203', a3), [
    COOKIE.bad,
    'fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e',
  ]);
  // A.4, IPv6, and a secret that was rolled meanwhile.
  const [now, old] = ['445536bcd2513298075a5d379663c962', 'dd3bdf9344b678b185a6f5cb60fca715'];
  const a4 = '22681ab97d52c298010000005cf7c57926556bd0934c72f8';
  assert.deepEqual(judge([now, old], 1559741961, '2001:db8:220:1:59de:d0f4:8769:82b8', a4), [
    COOKIE.valid,
    '22681ab97d52c298010000005cf7c609a6bb79d16625507a',
  ]);
});

test('RFC 9018 §4.3: good for an hour, and five minutes ahead; renewed from half an hour on; over the wrap of time', () => {
  for (const start of [1559731985, 0x7fffff00, 0xfffffff0]) {
    const made = judge([SECRET], start, SEVEN, '2464c4abcf10c957')[1];
    const at = (age: number) => judge([SECRET], start + age, SEVEN, made);
    for (const age of [0, 1, 1799]) assert.deepEqual(at(age), [COOKIE.valid, made], `${age}`);
    for (const age of [1800, 3600, -1, -300]) {
      assert.equal(at(age)[0], COOKIE.valid, `${age}`);
      assert.notEqual(at(age)[1], made, `${age}`);
    }
    for (const age of [3601, 100_000, -301]) assert.equal(at(age)[0], COOKIE.bad, `${age}`);
  }
});

test('any octet changed, another address, version or secret: not ours', () => {
  const at = 1559731985;
  for (let i = 0; i < 24; i++) {
    const bytes = hex(A1);
    bytes[i] ^= 1;
    assert.equal(judge([SECRET], at, SEVEN, text(bytes))[0], COOKIE.bad, `octet ${i}`);
  }
  assert.equal(judge([SECRET], at, '198.51.100.101', A1)[0], COOKIE.bad);
  assert.equal(judge(['0'.repeat(32)], at, SEVEN, A1)[0], COOKIE.bad);
  // Another server's shape of cookie is not understood, but is no fault of form.
  assert.equal(judge([SECRET], at, SEVEN, A1.slice(0, 32))[0], COOKIE.bad);
  assert.equal(judge([SECRET], at, SEVEN, `${A1}00`)[0], COOKIE.bad);
});

test('a secret is rolled: new first, old behind it, then the old one goes; nobody is turned away meanwhile', () => {
  const fresh = '00112233445566778899aabbccddeeff';
  const at = 1559731985;
  const before = judge([SECRET], at, SEVEN, '2464c4abcf10c957')[1];
  assert.equal(judge([SECRET, fresh], at, SEVEN, before)[1], before);
  const [worth, after] = judge([fresh, SECRET], at, SEVEN, before);
  assert.equal(worth, COOKIE.valid);
  assert.notEqual(after, before);
  assert.deepEqual(judge([fresh], at, SEVEN, after), [COOKIE.valid, after]);
});

const ZONE = '$TTL 60\n@ SOA ns root 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.2\n';
const zones = zonesOf({ z: ZONE });
const seconds = () => 1559731985;

function server(require = false): Server {
  return new Server(zones, {}, { settings: { cookies: { secrets: [SECRET], require } }, seconds });
}

const CLIENT = '2464c4abcf10c957';
const full = (s: Server) => s.options('www.z A', option(10, CLIENT)).split(' ')[1].slice(3);

test('RFC 7873 §5.2: lengths of 8 and of 16 to 40 are cookies, all others FORMERR, whatever is asked', () => {
  const s = server();
  for (let length = 0; length <= 48; length++) {
    const good = length === 8 || (length >= 16 && length <= 40);
    const reply = s.options('www.z A', option(10, 'ab'.repeat(length)));
    assert.match(reply, good ? /^NOERROR 10:(ab){8}[0-9a-f]{32}$/ : /^FORMERR$/, `${length}`);
  }
  assert.equal(s.options('nowhere.example A', option(10, 'ab'.repeat(7))), 'FORMERR');
});

test('RFC 7873 §5.2.3, §5.2.5: with a client cookie every reply has a whole one, which then is valid', () => {
  const s = server();
  const cookie = full(s);
  assert.equal(cookie.length, 48);
  assert.equal(s.options('www.z A', option(10, cookie)), `NOERROR 10:${cookie}`);
  for (const ask of ['nope.z A', 'elsewhere A', 'z AXFR'])
    assert.match(s.options(ask, option(10, CLIENT)), new RegExp(`10:${cookie}`), ask);
  assert.match(
    s.options('www.z A', option(10, CLIENT), { flags: 2 << 11 }),
    new RegExp(`^NOTIMP 10:${cookie}`),
  );
  assert.deepEqual([s.count('cookie_client'), s.count('cookie_valid'), s.count('cookie_bad')], [5, 1, 0]);
});

test('RFC 7873 §5.2: of several the first counts; without one none comes back', () => {
  const s = server();
  assert.equal(s.options('www.z A', option(10, CLIENT) + option(10, '00')), `NOERROR 10:${full(s)}`);
  assert.equal(s.options('www.z A', option(65001, 'abcd')), 'NOERROR');
});

test('RFC 7873 §5.4: no question, only a cookie: NOERROR and a whole one; BADCOOKIE says that it is not ours', () => {
  const s = server();
  const ask = (cookie: string) => {
    const asked = query('www.z A', { edns: 1232, options: hex(option(10, cookie)) });
    const message = Uint8Array.from([...asked.slice(0, 12), ...asked.slice(12 + 7 + 4)]);
    message[5] = 0;
    return decode(s.raw(message));
  };
  const fresh = ask(CLIENT);
  assert.deepEqual([fresh.rcode, fresh.questions, fresh.answer, fresh.authority], [0, 0, [], []]);
  assert.equal(fresh.opt?.options, option(10, full(s)));
  assert.equal(ask(full(s)).rcode, 0);
  assert.equal(ask('00'.repeat(24)).rcode, 23);
  assert.equal(ask('00'.repeat(7)).rcode, 1);
  // Without a cookie it is what RFC 9619 says of it.
  const bare = Uint8Array.from([...query('www.z A').slice(0, 12)]);
  bare[5] = 0;
  assert.equal(decode(s.raw(bare)).rcode, 1);
});

test('require: BADCOOKIE with a good one for who knows cookies, TC for who does not; TCP needs none', () => {
  const s = server(true);
  const reply = s.ask('www.z A', { edns: 1232, options: hex(option(10, CLIENT)) });
  assert.deepEqual([reply.rcode, reply.answer, reply.aa, reply.tc], [23, [], false, false]);
  assert.match(s.options('www.z A', option(10, '00'.repeat(24))), /^BADCOOKIE 10:/);
  assert.equal(s.options('www.z A', option(10, full(s))), `NOERROR 10:${full(s)}`);
  for (const how of [{}, { edns: 1232 }]) {
    const plain = s.ask('www.z A', how);
    assert.deepEqual([plain.rcode, plain.tc, plain.answer], [0, true, []]);
  }
  assert.equal(s.ask('www.z A', { tcp: true }).answer.length, 1);
  assert.match(s.options('www.z A', option(10, CLIENT), { tcp: true }), /^NOERROR/);
});

test('the clock is asked again as time goes on', () => {
  let at = 1559731985;
  const s = new Server(
    zones,
    {},
    { settings: { cookies: { secrets: [SECRET], require: false } }, seconds: () => at },
  );
  const cookie = full(s);
  at += 3601;
  s.now = 200;
  assert.notEqual(s.options('www.z A', option(10, cookie)), `NOERROR 10:${cookie}`);
  assert.equal(s.count('cookie_bad'), 1);
});

test('without a clock or a secret the option is one that nobody knows', () => {
  const s = new Server(zones, {}, { settings: { cookies: { secrets: [], require: true } }, seconds });
  assert.equal(s.options('www.z A', option(10, '00')), 'NOERROR');
  assert.equal(s.raw(query('www.z A'), client()).length > 0, true);
});
