// What five servers (gdnsd, Knot, NSD, PowerDNS, BIND) say to odd queries, and what is taken of it here: one row each, in
// bytes over the whole chain. Rows of TCP framing are over a real socket.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openTcp, type TcpListener } from '../../src/net/tcp.ts';
import { framed, now, RawClient, sleep } from '../net/sockets.ts';
import { decode } from './decode.ts';
import { type Asking, client, option, query, Server, show, zonesOf } from './serve.ts';

const ZONE = `$TTL 60
@ SOA ns root 1 2 3 4 30
@ NS ns
ns A 192.0.2.1
www A 192.0.2.2
a.ent A 192.0.2.3
*.wild A 192.0.2.4
c1 CNAME c2
c2 CNAME c3
c3 CNAME www
lost CNAME nope
sub NS ns.sub
ns.sub A 192.0.2.5
big TXT ${Array.from({ length: 7 }, () => `"${'x'.repeat(99)}"`).join(' ')}
`;
const settings = {
  cookies: { secrets: ['00112233445566778899aabbccddeeff'], require: false },
  ecs: true,
  tcp_idle: 5000,
  chaos: { version: 'Switchyard' },
};
const s = new Server(zonesOf({ z: ZONE }), {}, { settings, seconds: () => 1559731985 });

const SOA = 'auth z. 30 SOA ns.z. root.z. 1 2 3 4 30';
const WWW = 'NOERROR aa\nwww.z. 60 A 192.0.2.2';
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const edns = (...options: string[]): Asking => ({ edns: 1232, options: bytes(options.join('')) });
/** A query with octets put at offsets, and more behind it. */
function patched(text: string, put: Record<number, number>, more = '', how: Asking = {}): Uint8Array {
  const message = Uint8Array.from([...query(text, how), ...bytes(more)]);
  for (const [at, value] of Object.entries(put)) message[Number(at)] = value;
  return message;
}

/** The reply as text, with what the row is about behind it. */
function said(message: Uint8Array, tcp = false): string {
  const reply = s.raw(message, client({ tcp }));
  if (reply.length === 0) return 'nothing';
  const m = decode(reply);
  const form = m.questions === 0 ? ` (${reply.length} octets)` : '';
  return show(m) + form;
}

const OPT = '00 0029 04d0 00000000 0000';
const RR = '03777777c00c 0001 0001 0000003c 0004 c0000201'.replace('c00c', '00');

type Row = [what: string, messages: Uint8Array[], reply: string];

const ROWS: Row[] = [
  [
    'RFC 1035 §4.1.1: AA, AD, RA, Z set in a query are nobody’s business',
    [0x0400, 0x0020, 0x0080, 0x0040].map(flags => query('www.z A', { flags })),
    WWW,
  ],
  ['RFC 1035 §4.1.1: TC set in a query: answered', [query('www.z A', { flags: 0x0200 })], WWW],
  ['RFC 4035 §3.1.6: CD set in a query: answered, cleared', [query('www.z A', { flags: 0x0010 })], WWW],
  [
    'RFC 1035 §7.3: QR set, less than a header, nothing at all: not a word',
    [query('www.z A', { flags: 0x8000 }), query('www.z A').slice(0, 11), new Uint8Array(0)],
    'nothing',
  ],
  [
    'RFC 8906 §3.1.3: opcodes 1, 2, 3, 6, 15: NOTIMP',
    [1, 2, 3, 6, 15].map(code => query('www.z A', { flags: code << 11 })),
    'NOTIMP',
  ],
  ['RFC 1996 §3.12: NOTIFY to who is no secondary: REFUSED', [query('z SOA', { flags: 4 << 11 })], 'REFUSED'],
  ['RFC 2136 §3.3: UPDATE: REFUSED', [query('z SOA', { flags: 5 << 11 })], 'REFUSED'],
  [
    'RFC 8906 §3.1.1, RFC 3597 §2: types 666 and 0: NODATA',
    [query('www.z TYPE666'), query('www.z TYPE0')],
    `NOERROR aa\n${SOA}`,
  ],
  ['RFC 6891 §6.1.1: type OPT asked for: FORMERR', [query('www.z OPT')], 'FORMERR'],
  ['RFC 5936 §4.2: AXFR over UDP: NOTIMP', [query('z AXFR')], 'NOTIMP'],
  [
    'RFC 8482 §4.1: ANY at the apex: one RRset',
    [query('z ANY')],
    'NOERROR aa\nz. 60 SOA ns.z. root.z. 1 2 3 4 30',
  ],
  [
    'RFC 4892: version.bind in CH: as the operator set it',
    [query('version.bind TXT', { class: 3 })],
    `NOERROR\nversion.bind. 0 TXT ${Buffer.from('\nSwitchyard').toString('hex')}`,
  ],
  ['RFC 4892: other names in CH: REFUSED', [query('www.z TXT', { class: 3 })], 'REFUSED'],
  ['RFC 1035 §3.2.5: class ANY: REFUSED', [query('www.z A', { class: 255 })], 'REFUSED'],
  [
    'RFC 2136 §2.4, RFC 1035 §3.2.4: class NONE, 0, HS: REFUSED, without AA',
    [254, 0, 4].map(value => query('www.z A', { class: value })),
    'REFUSED',
  ],
  ['RFC 6891 §6.1.3: EDNS version 1: BADVERS', [query('www.z A', { edns: 1232, version: 1 })], 'BADVERS'],
  [
    'RFC 6891 §6.1.2, §6.1.4, §6.2.3: an unknown option, DO, unknown flags, size 0: answered',
    [
      query('www.z A', edns(option(65001, 'ab'))),
      query('www.z A', { edns: 1232, ednsFlags: 0x8000 }),
      query('www.z A', { edns: 1232, ednsFlags: 0x7fff }),
      query('www.z A', { edns: 0 }),
    ],
    WWW,
  ],
  ['RFC 2181 §9: 700 octets for who has no EDNS: TC, and no record', [query('big.z TXT')], 'NOERROR aa tc'],
  [
    'RFC 7873 §5.2.3: a client cookie: NOERROR (and 24 octets, below)',
    [query('www.z A', edns(option(10, 'ab'.repeat(8))))],
    WWW,
  ],
  [
    'RFC 7873 §5.2.2: cookies of 7, 12 and 41 octets: FORMERR',
    [7, 12, 41].map(n => query('www.z A', edns(option(10, 'ab'.repeat(n))))),
    'FORMERR',
  ],
  [
    'RFC 7873 §5.4: a cookie and no question: NOERROR',
    [bytes(`0001 0000 0000 0000 0000 0001 00 0029 04d0 00000000 000c ${option(10, 'ab'.repeat(8))}`)],
    'NOERROR (51 octets)',
  ],
  [
    'RFC 7871 §7.1.2: a client subnet of a bad family, too long a prefix, too few or too many octets, bits behind it, a scope: FORMERR',
    [
      '0003 18 00 c00002',
      '0001 21 00 c000020100',
      '0001 18 00 c000',
      '0001 18 00 c0000200',
      '0001 17 00 c00001',
      '0001 18 01 c00002',
    ].map(data => query('www.z A', edns(option(8, data)))),
    'FORMERR',
  ],
  ['RFC 6891 §6.1.1: two OPT: FORMERR', [patched('www.z A', { 11: 2 }, OPT + OPT)], 'FORMERR'],
  [
    'RFC 6891 §6.1.2: OPT not owned by the root: FORMERR',
    [patched('www.z A', { 11: 1 }, `0178${OPT}`)],
    'FORMERR',
  ],
  [
    'RFC 6891 §6.1.2: an option over the end of its OPT: FORMERR',
    [patched('www.z A', { 11: 1 }, '00 0029 04d0 00000000 0004 000a 0008')],
    'FORMERR',
  ],
  [
    'RFC 9619 §4: no question, or two: FORMERR',
    [patched('www.z A', { 5: 0 }), patched('www.z A', { 5: 2 }, '037777770178000001 0001')],
    'FORMERR (12 octets)',
  ],
  [
    'RFC 1035 §4.1: a record in answer, authority or additional: passed over',
    [7, 9, 11].map(at => patched('www.z A', { [at]: 1 }, RR)),
    WWW,
  ],
  ['RFC 1035 §4.1: octets behind the message: passed over', [patched('www.z A', {}, 'deadbeef')], WWW],
  [
    'RFC 1035 §4.1.2, §2.3.4: a question cut short, a pointer, a label of type 0x40, a name of 256 octets: FORMERR, a header alone',
    [
      query('www.z A').slice(0, 20),
      patched('www.z A', { 12: 0xc0 }),
      patched('www.z A', { 12: 0x40 }),
      bytes(`0001 0000 0001 0000 0000 0000 ${`3f${'61'.repeat(63)}`.repeat(4)} 00 0001 0001`),
    ],
    'FORMERR (12 octets)',
  ],
  [
    'RFC 2181 §11: NUL in a label: a name like others',
    [patched('aaa.z A', { 14: 0 })],
    `NXDOMAIN aa\n${SOA}`,
  ],
  [
    'draft dns0x20, RFC 4343: the question’s case is kept',
    [query('wWw.Z A')],
    'NOERROR aa\nwWw.Z. 60 A 192.0.2.2',
  ],
  ['RFC 8020 §2: an empty non-terminal: NODATA', [query('ent.z A')], `NOERROR aa\n${SOA}`],
  ['RFC 4592 §2.2.1: a wildcard', [query('x.wild.z A')], 'NOERROR aa\nx.wild.z. 60 A 192.0.2.4'],
  ['RFC 2308 §2.1: NXDOMAIN', [query('nope.z A')], `NXDOMAIN aa\n${SOA}`],
  ['RFC 2308 §2.2: NODATA', [query('www.z AAAA')], `NOERROR aa\n${SOA}`],
  [
    'RFC 1034 §3.6.2: a chain of three CNAMEs: all of it, and the address',
    [query('c1.z A')],
    'NOERROR aa\nc1.z. 60 CNAME c2.z.\nc2.z. 60 CNAME c3.z.\nc3.z. 60 CNAME www.z.\nwww.z. 60 A 192.0.2.2',
  ],
  [
    'RFC 6604 §3: a CNAME to what is not there: NXDOMAIN',
    [query('lost.z A')],
    `NXDOMAIN aa\nlost.z. 60 CNAME nope.z.\n${SOA}`,
  ],
  ['RFC 4035 §3.1.4.1: DS at a cut without one: NODATA, with AA', [query('sub.z DS')], `NOERROR aa\n${SOA}`],
  ['RFC 5936 §4.2: AXFR over TCP, for nobody: REFUSED', [query('z AXFR', { tcp: true })], 'REFUSED'],
];

for (const [what, messages, reply] of ROWS)
  test(what, () => {
    for (const message of messages) assert.equal(said(message, /over TCP/.test(what)), reply);
  });

test('RFC 1035 §4.1.1, RFC 4035 §3.1.6: RA, Z, AD and CD are clear in every reply', () => {
  for (let bit = 0; bit < 11; bit++) {
    const reply = decode(s.raw(query('www.z A', { flags: 1 << bit })));
    assert.equal(reply.flags & 0x00f0, 0, `bit ${bit}`);
  }
});

test('RFC 8906 §3.1.3: NOTIMP keeps the question; BADVERS has our version and no data', () => {
  assert.equal(s.ask('www.z A', { flags: 2 << 11 }).questions, 1);
  assert.equal(s.ask('www.z A', { edns: 1232, version: 1 }).opt?.version, 0);
});

test('RFC 9018 §4: the cookie that comes back has 24 octets, and a good subnet has scope 0', () => {
  const options = (...data: string[]) => s.ask('www.z A', edns(...data)).opt?.options ?? '';
  assert.match(options(option(10, 'ab'.repeat(8))), /^000a0018(ab){8}01000000/);
  assert.equal(options(option(8, '0001 18 00 c00002')), option(8, '0001 18 00 c00002'));
});

test('RFC 7828 §3.3.2: TCP keepalive is answered', () => {
  assert.equal(s.options('www.z A', option(11, ''), { tcp: true }), 'NOERROR 11:0032');
});

let listener: TcpListener;
before(async () => {
  listener = await openTcp({
    address: '127.0.0.1',
    port: 0,
    respond: s.respond,
    now,
    onError: e => assert.fail(e),
    connections: 10,
    idle: 5000,
  });
});
after(() => listener.close(0));

async function overTcp(write: (client: RawClient) => Promise<void>, replies: number): Promise<RawClient> {
  const tcp = new RawClient(listener.address().port);
  await tcp.connected();
  tcp.socket.setNoDelay(true);
  await write(tcp);
  await tcp.until(() => tcp.messages.length === replies || tcp.ended || tcp.closed, 'the replies');
  tcp.socket.destroy();
  return tcp;
}

const two = framed(Buffer.from(query('www.z A', { id: 1 })), Buffer.from(query('nope.z A', { id: 2 })));

test('RFC 7766 §6.2.1: two queries in one segment: both answered', async () => {
  const tcp = await overTcp(async c => void c.socket.write(two), 2);
  assert.deepEqual(
    tcp.messages.map(m => [decode(m).id, decode(m).rcode]),
    [
      [1, 0],
      [2, 3],
    ],
  );
});

test('RFC 7766 §8: octets that come one by one are the message they make', async () => {
  const tcp = await overTcp(async c => {
    for (const byte of two) {
      c.socket.write(Uint8Array.of(byte));
      await sleep(1);
    }
  }, 2);
  assert.deepEqual(
    tcp.messages.map(m => show(decode(m))),
    [WWW, `NXDOMAIN aa\n${SOA}`],
  );
});

test('RFC 1035 §4.2.2: a length of 0 closes the connection', async () => {
  const tcp = await overTcp(async c => void c.socket.write(Uint8Array.of(0, 0)), 1);
  assert.deepEqual([tcp.messages.length, tcp.ended || tcp.closed], [0, true]);
});
