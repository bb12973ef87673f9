// EDNS(0), RFC 6891, and what follows for the size of replies: RFC 2181 §9 (truncation), RFC 9471 (glue).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OPT_LENGTH } from '../../src/dns/edns.ts';
import { newClient } from '../../src/model/steering.ts';
import { decode } from './decode.ts';
import { query, Server, zonesOf } from './serve.ts';

const strings = (n: number) => Array.from({ length: n }, () => `"${'t'.repeat(99)}"`).join(' ');
const glue = (label: string, n: number) =>
  Array.from(
    { length: n },
    (_, i) => `${label} NS ns${i}.${label}\nns${i}.${label} AAAA 2001:db8::${i}\n`,
  ).join('');
const ZONE = `$TTL 60
@ SOA ns root 1 2 3 4 5
@ NS ns
ns A 192.0.2.1
www A 192.0.2.2
t4 TXT ${strings(4)}
t7 TXT ${strings(7)}
t20 TXT ${strings(20)}
m MX 1 host
${Array.from({ length: 12 }, (_, i) => `host AAAA 2001:db8::${i}`).join('\n')}
to CNAME t7
${glue('few', 3)}
${glue('many', 12)}
far NS ns
${Array.from({ length: 20 }, (_, i) => `far NS a-long-name-of-a-server-${i}.elsewhere.`).join('\n')}
`;
const server = new Server(zonesOf({ z: ZONE }));

test('RFC 6891 §6.1.1: an OPT in the reply if there was one in the query, and only then', () => {
  assert.equal(server.ask('www.z A').opt, undefined);
  assert.deepEqual(server.ask('www.z A', { edns: 4096 }).opt, {
    size: 1232,
    version: 0,
    flags: 0,
    options: '',
  });
  for (const ask of ['nope.z A', 'www.example A', 'z AXFR'])
    assert.notEqual(server.ask(ask, { edns: 4096 }).opt, undefined, ask);
  assert.notEqual(server.ask('www.z A', { edns: 4096, flags: 2 << 11 }).opt, undefined);
});

test('RFC 6891 §6.1.4: DO comes back, all other flags do not', () => {
  assert.equal(server.ask('www.z A', { edns: 512, ednsFlags: 0xffff }).opt?.flags, 0x8000);
  assert.equal(server.ask('www.z A', { edns: 512, ednsFlags: 0x7fff }).opt?.flags, 0);
});

test('RFC 6891 §6.1.3: a version above 0 is BADVERS, with ours, and no data', () => {
  const reply = server.ask('www.z A', { edns: 1232, version: 1 });
  assert.deepEqual([reply.rcode, reply.opt?.version, reply.answer.length, reply.questions], [16, 0, 0, 1]);
  assert.equal(reply.flags & 15, 0);
});

test('RFC 6891 §6.1.2: options that nobody knows are passed over', () => {
  const options = Uint8Array.from([0xff, 0xf0, 0, 3, 1, 2, 3, 0, 3, 0, 0]);
  const reply = server.ask('www.z A', { edns: 1232, options });
  assert.deepEqual([reply.rcode, reply.answer.length, reply.opt?.options], [0, 1, '']);
});

test('RFC 6891 §6.1.1: two OPT, one not owned by the root, one out of its section, options that overrun: FORMERR', () => {
  const plain = query('www.z A');
  const opt = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];
  const withCounts = (bytes: number[], an: number, ar: number) => {
    const message = Uint8Array.from([...plain, ...bytes]);
    message[7] = an;
    message[11] = ar;
    return message;
  };
  const bad: Record<string, Uint8Array> = {
    'two OPT': withCounts([...opt, ...opt], 0, 2),
    'owner z': withCounts([1, 0x7a, ...opt], 0, 1),
    'owner by pointer': withCounts([0xc0, 18, ...opt.slice(1)], 0, 1),
    'in the answer section': withCounts(opt, 1, 0),
    'rdata over the end': withCounts([...opt.slice(0, 10), 1], 0, 1),
    'option over the rdata': withCounts([...opt.slice(0, 10), 4, 0, 10, 0, 1], 0, 1),
    'half an option': withCounts([...opt.slice(0, 10), 3, 0, 10, 0], 0, 1),
    'header cut': withCounts(opt.slice(0, 8), 0, 1),
  };
  for (const [what, message] of Object.entries(bad)) {
    const reply = decode(server.raw(message));
    assert.deepEqual(
      [reply.rcode, reply.answer.length, reply.questions, reply.opt],
      [1, 0, 1, undefined],
      what,
    );
  }
});

test('RFC 1035 §2.3.4, RFC 6891 §6.2.3: 512 octets without EDNS or with a smaller offer, at most 1232 of any larger', () => {
  const tc = (ask: string, how: object) => server.ask(ask, how).tc;
  assert.equal(tc('t4.z TXT', {}), false);
  assert.equal(tc('t7.z TXT', {}), true);
  for (const size of [0, 100, 512]) {
    assert.equal(tc('t4.z TXT', { edns: size }), false, `${size}`);
    assert.equal(tc('t7.z TXT', { edns: size }), true, `${size}`);
  }
  assert.equal(tc('t7.z TXT', { edns: 1232 }), false);
  assert.equal(tc('t20.z TXT', { edns: 65535 }), true);
  assert.equal(tc('t20.z TXT', { tcp: true }), false);
  assert.equal(tc('t20.z TXT', { tcp: true, edns: 512 }), false);
});

test('the last octet of the limit is used, OPT counted in', () => {
  const seven = server.raw(query('t7.z TXT'), { ...newClient(true), port: 1 }).length;
  assert.equal(server.ask('t7.z TXT', { edns: seven + OPT_LENGTH }).tc, false);
  assert.equal(server.ask('t7.z TXT', { edns: seven + OPT_LENGTH - 1 }).tc, true);
});

test('RFC 2181 §9: what is truncated has TC, no part of an RRset, and keeps question and OPT', () => {
  for (const ask of ['t20.z TXT', 'to.z TXT']) {
    const reply = server.ask(ask, { edns: 512 });
    assert.deepEqual([reply.tc, reply.aa, reply.questions], [true, true, 1], ask);
    assert.deepEqual([reply.answer, reply.authority, reply.additional], [[], [], []], ask);
    assert.equal(reply.opt?.size, 1232);
  }
});

test('additional records that do not fit are left out in silence', () => {
  assert.equal(server.ask('m.z MX', { edns: 1232 }).additional.length, 12);
  const small = server.ask('m.z MX');
  assert.deepEqual([small.tc, small.answer.length, small.additional.length], [false, 1, 12]);
  const tight = new Server(
    zonesOf({
      z: `${ZONE}${Array.from({ length: 20 }, (_, i) => `host AAAA 2001:db8:1::${i}`).join('\n')}\n`,
    }),
  );
  const cut = tight.ask('m.z MX');
  assert.deepEqual([cut.tc, cut.answer.length, cut.additional.length], [false, 1, 0]);
});

test('RFC 9471 §2: TC when glue within the delegation does not fit, and not for other addresses', () => {
  const few = server.ask('x.few.z A');
  assert.deepEqual([few.tc, few.authority.length, few.additional.length], [false, 3, 3]);
  const many = server.ask('x.many.z A');
  assert.deepEqual([many.tc, many.authority.length, many.additional.length, many.aa], [true, 0, 0, false]);
  const more = server.ask('x.many.z A', { edns: 1232 });
  assert.deepEqual([more.tc, more.authority.length, more.additional.length], [false, 12, 12]);
  const over = server.ask('x.far.z A', { edns: 1232 });
  assert.deepEqual([over.tc, over.authority.length, over.additional.length], [false, 21, 1]);
});
