// Queries as bytes, well-formed and not: what is answered, with which rcode, and what is met with silence.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COUNTER, COUNTERS, queryCell } from '../../src/dns/counters.ts';
import { RCODE } from '../../src/dns/message.ts';
import { decode } from './decode.ts';
import { client, query, Server, zonesOf } from './serve.ts';

const ZONE = `$TTL 60
@ SOA ns root 1 2 3 4 5
@ NS ns
ns A 192.0.2.1
www A 192.0.2.2
`;
const server = new Server(zonesOf({ z: ZONE }));

function edit(text: string, change: (bytes: Uint8Array, view: DataView) => void, how = {}): Uint8Array {
  const bytes = query(text, how);
  change(bytes, new DataView(bytes.buffer));
  return bytes;
}

// A query whose name is given in raw octets.
function rawQuery(name: number[]): Uint8Array {
  return Uint8Array.from([0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...name]);
}

test('draft dns0x20, RFC 4343: the question comes back byte for byte', () => {
  const reply = server.ask('wWw.Z A');
  assert.deepEqual(Buffer.from(reply.question).toString('latin1').slice(0, 7), '\x03wWw\x01Z\0');
  assert.equal(reply.answer[0].owner, 'wWw.Z.');
});

test('RFC 1035 §4.1.1: id, opcode and RD are copied, RA and Z are 0, AD and CD cleared', () => {
  const reply = server.ask('www.z A', { id: 0xbeef, flags: 0x0100 | 0x0400 | 0x0200 | 0x00f0 });
  assert.equal(reply.id, 0xbeef);
  assert.equal(reply.flags, 0x8500);
  assert.equal(reply.answer.length, 1);
  assert.equal(server.ask('www.z A').flags, 0x8400);
});

test('RFC 1035 §7.3: no word to responses, to less than a header, and to port 0', () => {
  const cell = (name: 'dropped_short' | 'dropped_response' | 'dropped_port') =>
    server.counters[COUNTER[name]];
  const before = [cell('dropped_short'), cell('dropped_response'), cell('dropped_port')];
  assert.equal(server.raw(new Uint8Array(0)).length, 0);
  assert.equal(server.raw(query('www.z A').slice(0, 11)).length, 0);
  assert.equal(server.raw(query('www.z A', { flags: 0x8000 })).length, 0);
  assert.equal(server.raw(query('www.z A'), { ...client(), port: 0 }).length, 0);
  const after = [cell('dropped_short'), cell('dropped_response'), cell('dropped_port')];
  assert.deepEqual(after, [before[0] + 2, before[1] + 1, before[2] + 1]);
});

test('RFC 8906 §3.1.3: other opcodes are NOTIMP, NOTIFY and UPDATE are REFUSED, with the question', () => {
  const flags = (opcode: number) => ({ flags: opcode << 11 });
  for (const [opcode, rcode] of [
    [1, 4],
    [2, 4],
    [3, 4],
    [4, 5],
    [5, 5],
    [6, 4],
    [15, 4],
  ]) {
    const reply = server.ask('z SOA', flags(opcode));
    assert.equal(reply.rcode, rcode, `opcode ${opcode}`);
    assert.equal((reply.flags >> 11) & 15, opcode);
    assert.equal(reply.questions, 1);
    assert.equal(reply.aa, false);
  }
  // DSO has no question (RFC 8490 §5.4), and no QDCOUNT is a reason for another word.
  const dso = server.raw(rawQuery([]).map((b, i) => (i === 2 ? 6 << 3 : i === 5 ? 0 : b)));
  assert.equal(decode(dso).rcode, 4);
});

test('RFC 9619: QDCOUNT other than 1 is FORMERR, the header alone', () => {
  for (const count of [0, 2, 65535]) {
    const bytes = server.raw(edit('www.z A', (_, view) => view.setUint16(4, count)));
    assert.equal(bytes.length, 12, `QDCOUNT ${count}`);
    assert.equal(decode(bytes).rcode, 1);
  }
});

test('RFC 1035 §4.1.2: a question that cannot be read is FORMERR, the header alone', () => {
  const label = (n: number, size: number) =>
    Array.from({ length: n }, () => [size, ...new Array(size).fill(0x61)]).flat();
  const bad: Record<string, number[]> = {
    'cut in the name': [3, 0x77, 0x77],
    'no root': [1, 0x7a],
    'no type': [1, 0x7a, 0],
    'cut in the class': [1, 0x7a, 0, 0, 1, 0],
    'pointer to itself': [0xc0, 12, 0, 1, 0, 1],
    'pointer forward': [0xc0, 40, 0, 1, 0, 1],
    'pointer to the header': [0xc0, 0, 0, 1, 0, 1],
    'label type 01': [0x40, 1, 0, 0, 1, 0, 1],
    'label type 10': [0x80, 1, 0, 0, 1, 0, 1],
    '256 octets': [...label(3, 63), ...label(1, 62), 0, 0, 1, 0, 1],
  };
  for (const [what, name] of Object.entries(bad)) {
    const bytes = server.raw(rawQuery(name));
    assert.equal(bytes.length, 12, what);
    assert.equal(decode(bytes).rcode, 1, what);
    assert.equal(decode(bytes).id, 0x1234, what);
  }
  // 255 octets are a name, if one of no zone here.
  const reply = decode(server.raw(rawQuery([...label(3, 63), ...label(1, 61), 0, 0, 1, 0, 1])));
  assert.equal(reply.rcode, 5);
});

test('RFC 2181 §11: labels are any octets: NUL, dot and 0xff do not exist here', () => {
  const reply = decode(server.raw(rawQuery([4, 0, 0x2e, 0xff, 0x5c, 1, 0x7a, 0, 0, 1, 0, 1])));
  assert.equal(reply.rcode, 3);
  assert.equal(reply.authority[0].owner, 'z.');
});

test('records that a query has no use for, and octets behind it, do not hinder', () => {
  const root = [0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0];
  for (const count of [6, 8, 10]) {
    const head = edit('www.z A', (_, view) => view.setUint16(count, 1));
    const reply = decode(server.raw(Uint8Array.from([...head, ...root])));
    assert.equal(reply.answer.length, 1, `count at ${count}`);
  }
  const trailing = decode(server.raw(Uint8Array.from([...query('www.z A'), 1, 2, 3])));
  assert.equal(trailing.answer.length, 1);
  // But a count of records that are not there is FORMERR.
  const missing = decode(server.raw(edit('www.z A', (_, view) => view.setUint16(6, 1))));
  assert.equal(missing.rcode, 1);
  assert.equal(missing.questions, 1);
});

test('RFC 8906: types nobody knows are NODATA; OPT is not one to ask for', () => {
  for (const type of ['TYPE0', 'TYPE666', 'TYPE65535', 'TYPE249', 'TYPE254']) {
    const reply = server.ask(`www.z ${type}`);
    assert.deepEqual([reply.rcode, reply.aa, reply.authority.length], [0, true, 1], type);
  }
  assert.equal(server.ask('www.z OPT').rcode, 1);
});

test('classes other than IN are REFUSED, without AA', () => {
  for (const qclass of [0, 2, 3, 4, 254, 255]) {
    const reply = server.ask('www.z A', { class: qclass });
    assert.deepEqual([reply.rcode, reply.aa, reply.answer.length], [5, false, 0], `class ${qclass}`);
  }
});

test('RFC 5936 §4.2: zones are not handed out: REFUSED over TCP, NOTIMP over UDP', () => {
  for (const type of ['AXFR', 'IXFR']) {
    const [udp, tcp] = [server.ask(`z ${type}`), server.ask(`z ${type}`, { tcp: true })];
    assert.deepEqual([udp.rcode, tcp.rcode], [4, 5]);
    assert.equal(udp.answer.length + tcp.answer.length, 0);
  }
});

test('RFC 1035 §4.1.4: names are compressed without regard to case, and keep theirs where written', () => {
  const s = new Server(
    zonesOf({
      z: '$TTL 9\n@ SOA Ns.Z. rOOT 1 2 3 4 5\n@ NS nS.z.\nns A 192.0.2.1\nm MX 5 www.NS\nwww.ns A 192.0.2.3\nv SRV 1 2 3 WWW.ns\n',
    }),
  );
  const bytes = s.raw(query('z SOA'));
  // Owner 2, fixed 10, «Ns» + pointer 5, «rOOT» + pointer 7, five words.
  assert.equal(bytes.length, 12 + 7 + 12 + 5 + 7 + 20);
  assert.match(s.show('z SOA'), /SOA Ns\.z\. rOOT\.z\. /);
  assert.match(s.show('m.z MX'), /MX 5 www\.NS\.z\.\nadd www\.NS\.z\. 9 A/);
  // RFC 2782, RFC 3597 §4: never in SRV, which the decoder checks.
  assert.match(s.show('v.z SRV'), /SRV 1 2 3 WWW\.ns\.z\.\nadd WWW\.ns\.z\. 9 A/);
});

test('RFC 1035 §4.1.4: pointers stay below 0x4000 in the longest of replies', () => {
  const hosts = Array.from(
    { length: 900 },
    (_, i) => `@ MX ${i} a-rather-long-host-name-number-${i}.other.example.`,
  );
  const s = new Server(zonesOf({ z: `$TTL 9\n@ SOA ns root 1 2 3 4 5\n@ NS ns\n${hosts.join('\n')}\n` }));
  const reply = s.ask('z MX', { tcp: true });
  assert.equal(reply.answer.length, 900);
  assert.equal(reply.answer[899].data, '899 a-rather-long-host-name-number-899.other.example.');
});

test('every query is counted once, by protocol and rcode, or as dropped', () => {
  const s = new Server(zonesOf({ z: ZONE }));
  s.ask('www.z A');
  s.ask('www.z A', { tcp: true, edns: 1232 });
  s.ask('nope.z A');
  s.raw(new Uint8Array(3));
  const told = COUNTERS.map((row, i) => [row.key, s.counters[i]]).filter(([, n]) => n !== 0);
  assert.deepEqual(told, [
    ['udp_noerror', 1],
    ['udp_nxdomain', 1],
    ['tcp_noerror', 1],
    ['dropped_short', 1],
    ['edns', 1],
  ]);
  assert.equal(new Set(COUNTERS.map(row => row.key)).size, COUNTERS.length);
  assert.equal(COUNTERS[queryCell(RCODE.BADVERS, true)].key, 'tcp_badvers');
});
