// The EDNS options besides cookies: client subnet (RFC 7871), NSID (RFC 5001), TCP keepalive (RFC 7828), extended errors
// (RFC 8914); and the names of class CH (RFC 4892).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newClient } from '../../src/model/steering.ts';
import { decode } from './decode.ts';
import { client, option, query, Server, zonesOf } from './serve.ts';

const ZONE = `$TTL 60
@ SOA ns root 1 2 3 4 5
@ NS ns
ns A 192.0.2.1
www A 192.0.2.2
t TXT ${Array.from({ length: 10 }, () => `"${'x'.repeat(96)}"`).join(' ')}
`;
const zones = zonesOf({ z: ZONE });
const settings = {
  ecs: true,
  nsid: 'fra-1',
  tcp_idle: 10_000,
  chaos: { version: 'Switchyard', hostname: 'fra-1.example' },
  cookies: { secrets: ['00'.repeat(16)], require: false },
};
const s = new Server(zones, {}, { settings, seconds: () => 1 });
const bare = new Server(zones);
const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));

test('RFC 7871 §7.2.1: the subnet comes back as it was, with scope 0', () => {
  for (const data of [
    '0001 18 00 c00002',
    '0001 00 00',
    '0001 20 00 c0000201',
    '0001 13 00 c00020',
    '0002 38 00 20010db8000100',
    '0002 80 00 20010db8000000000000000000000001',
    '0000 00 00',
  ])
    assert.equal(s.options('www.z A', option(8, data)), `NOERROR 8:${data.replaceAll(' ', '')}`, data);
  assert.match(s.options('nope.z A', option(8, '0001 18 00 c00002')), /^NXDOMAIN 8:/);
});

test('RFC 7871 §7.1.2: a family nobody knows, lengths, bits behind the prefix, a scope: FORMERR', () => {
  for (const data of [
    '',
    '0001',
    '0001 18',
    '0003 18 00 c00002',
    '0001 21 00 c000020100',
    '0002 81 00 20010db800000000000000000000000100',
    '0001 18 00 c000',
    '0001 18 00 c0000200',
    '0001 17 00 c00001',
    '0001 18 18 c00002',
    '0000 08 00 0a',
    '0000 00 00 0a',
  ])
    assert.equal(s.options('www.z A', option(8, data)), 'FORMERR', data);
});

test('RFC 7871 §7.2.1: where it is off the option is one that nobody knows', () => {
  assert.equal(bare.options('www.z A', option(8, '0003 18 00 c00002')), 'NOERROR');
});

test('the client that policies see has the subnet, and has it no more at the next query', () => {
  const who = { ...newClient(false), port: 5353 };
  const ask = (options: string) => s.raw(query('www.z A', { edns: 1232, options: hex(options) }), who);
  ask(option(8, '0002 34 00 20010db8000ff0').replaceAll(' ', ''));
  assert.deepEqual([who.subnetFamily, who.subnetBits], [6, 52]);
  assert.deepEqual([...who.subnet.slice(0, 8)], [0x20, 0x01, 0x0d, 0xb8, 0, 0x0f, 0xf0, 0]);
  ask(option(8, '0001 08 00 0a').replaceAll(' ', ''));
  assert.deepEqual([who.subnetFamily, who.subnetBits, ...who.subnet.slice(0, 3)], [4, 8, 10, 0, 0]);
  ask('');
  assert.equal(who.subnetFamily, 0);
});

test('RFC 5001 §2: NSID tells the name that was set, to who asks for it', () => {
  assert.equal(s.options('www.z A', option(3, '')), 'NOERROR 3:6672612d31');
  assert.equal(s.options('www.z A', ''), 'NOERROR');
  assert.equal(bare.options('www.z A', option(3, '')), 'NOERROR');
});

test('RFC 7828 §3: keepalive is told over TCP in units of 100 ms, passed over on UDP; a time-out from a client is FORMERR', () => {
  assert.equal(s.options('www.z A', option(11, ''), { tcp: true }), 'NOERROR 11:0064');
  assert.equal(s.options('www.z A', option(11, '')), 'NOERROR');
  assert.equal(s.options('www.z A', option(11, '0064'), { tcp: true }), 'FORMERR');
  assert.equal(s.options('www.z A', option(11, '0064')), 'NOERROR');
  assert.equal(s.options('www.z A', '', { tcp: true }), 'NOERROR');
});

test('RFC 8467 §4: padding is for encrypted transports; here the option is passed over', () => {
  for (const tcp of [false, true])
    assert.equal(s.options('www.z A', option(12, '00'.repeat(9)), { tcp }), 'NOERROR');
});

test('RFC 8914: who has EDNS is told why it is refused', () => {
  assert.equal(bare.options('elsewhere A', ''), 'REFUSED 15:0014');
  assert.equal(bare.options('www.z A', '', { class: 4 }), 'REFUSED 15:0014');
  assert.equal(bare.options('z AXFR', '', { tcp: true }), 'REFUSED 15:0015');
  assert.equal(bare.options('www.z A', '', { flags: 2 << 11 }), 'NOTIMP 15:0015');
  assert.equal(bare.options('nope.z A', ''), 'NXDOMAIN');
  assert.equal(bare.ask('elsewhere A').opt, undefined);
});

test('RFC 6891 §6.1.1: all options together, in one OPT, beside a question as long as they get', () => {
  const all =
    option(10, 'ab'.repeat(8)) +
    option(8, '0002 80 00'.concat('ff'.repeat(16))) +
    option(3, '') +
    option(11, '');
  const long = `${Array.from({ length: 4 }, (_, i) => `${i}`.repeat(60)).join('.')}.z`;
  for (const tcp of [false, true]) {
    const bytes = s.raw(query(`${long} A`, { edns: 512, options: hex(all) }), client({ tcp }));
    const reply = decode(bytes);
    assert.ok(bytes.length <= 512);
    assert.deepEqual([reply.rcode, reply.questions], [3, 1]);
    assert.equal(reply.opt?.options.length, 2 * (28 + 24 + 9 + (tcp ? 6 : 0)));
  }
});

test('the room for options is taken off that for records, to the octet', () => {
  const plain = s.raw(query('t.z TXT', { edns: 4096 }), client({ tcp: true })).length;
  const cookie = option(10, 'ab'.repeat(8));
  const asked = (size: number) => s.ask('t.z TXT', { edns: size, options: hex(cookie) });
  const most = plain + 28;
  assert.ok(most <= 1232);
  assert.deepEqual([asked(most).tc, asked(most).opt?.options.length], [false, 56]);
  assert.deepEqual([asked(most - 1).tc, asked(most - 1).opt?.options.length], [true, 56]);
});

const chaos = (server: Server, text: string) => server.ask(text, { class: 3 });

test('RFC 4892: version.bind and version.server, hostname.bind and id.server say what was set', () => {
  const told = (name: string) => {
    const reply = chaos(s, `${name} TXT`);
    const data = reply.answer.map(r => Buffer.from(r.data, 'hex').subarray(1).toString());
    return [reply.rcode, reply.aa, ...data, ...reply.answer.map(r => `${r.ttl} ${r.owner}`)];
  };
  assert.deepEqual(told('version.bind'), [0, false, 'Switchyard', '0 version.bind.']);
  assert.deepEqual(told('VERSION.Server'), [0, false, 'Switchyard', '0 VERSION.Server.']);
  assert.deepEqual(told('hostname.bind'), [0, false, 'fra-1.example', '0 hostname.bind.']);
  assert.deepEqual(told('id.server'), [0, false, 'fra-1.example', '0 id.server.']);
  assert.equal(chaos(s, 'version.bind ANY').answer.length, 1);
  assert.deepEqual([chaos(s, 'version.bind A').rcode, chaos(s, 'version.bind A').answer], [0, []]);
});

test('class CH: what was not set, and every other name, is REFUSED', () => {
  for (const name of ['authors.bind', 'www.z', '.', 'x.version.bind', 'bind'])
    assert.equal(chaos(s, `${name} TXT`).rcode, 5, name);
  const half = new Server(zones, {}, { settings: { chaos: { version: 'v' } } });
  assert.deepEqual([chaos(half, 'version.bind TXT').rcode, chaos(half, 'id.server TXT').rcode], [0, 5]);
  for (const name of ['version.bind', 'id.server']) assert.equal(chaos(bare, `${name} TXT`).rcode, 5, name);
});
