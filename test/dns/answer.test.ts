// RFC 1034 §4.3.2 and what later RFCs made of it, as tables: a question, and the reply as text (see serve.ts, show).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_CHAIN } from '../../src/dns/answer.ts';
import { Server, zonesOf } from './serve.ts';

const EXAMPLE = `$TTL 600
@ 900 SOA ns1 Host 7 3600 900 86400 60
@ NS ns1
@ NS ns.other.
@ MX 10 mail
@ MX 20 mail
@ MX 30 host.sub
ns1 A 192.0.2.1
mail A 192.0.2.2
mail AAAA 2001:db8::2
multi A 192.0.2.10
multi A 192.0.2.11
a.b.c A 192.0.2.3
alias CNAME multi
alias2 CNAME alias
out CNAME www.elsewhere.
over CNAME www.example.net.
overgone CNAME gone.example.net.
gone CNAME nowhere
tosub CNAME host.sub
loop CNAME loop2
loop2 CNAME loop
self CNAME self
* TXT "top"
*.wild A 192.0.2.20
x.wild TXT "x"
deep.ent.wild A 192.0.2.21
*.wildc CNAME multi
sub NS ns.sub
sub NS ns1
sub DS 1 8 2 0000000000000000000000000000000000000000000000000000000000000000
ns.sub A 192.0.2.40
*.sub A 192.0.2.99
nods NS ns.other.
wildglue NS ns.wildglue
wildglue NS ns.x.wildglue
*.wildglue A 192.0.2.41
y.x.wildglue A 192.0.2.42
d DNAME target
d TXT "at dname"
x.target A 192.0.2.50
dnet DNAME example.net.
toolong DNAME ${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}
dself DNAME x.dself
dup DNAME @
longer DNAME target2
y.target2 CNAME z.y.longer
z.y.target2 A 192.0.2.51
back.target CNAME d
_s._tcp SRV 0 5 80 mail
_s._tcp SRV 0 5 81 mail
steered 30 POOL web
steered TXT "beside"
*.steered 30 POOL web
tosteered CNAME steered
v4 30 POOL v4
down 30 POOL down
todown CNAME down
empty 30 POOL empty
slow 5 POOL web
`;
const NET = `$TTL 100
@ SOA ns root 1 2 3 4 50
@ NS ns
@ POOL web
@ MX 5 ns
ns A 198.51.100.1
www A 198.51.100.2
x A 198.51.100.3
`;
const POOLS = {
  web: { addresses: ['127.1.0.10', '127.2.0.10', '2001:db8::10'], ttl: 10 },
  v4: { addresses: ['127.1.0.10'], ttl: 10 },
  down: { addresses: [], ttl: 0, servfail: true },
  empty: { addresses: [], ttl: 10 },
};
const SOA = 'auth example.com. 60 SOA ns1.example.com. Host.example.com. 7 3600 900 86400 60';
const NETSOA = 'auth example.net. 50 SOA ns.example.net. root.example.net. 1 2 3 4 50';
const MULTI = ['multi.example.com. 600 A 192.0.2.10', 'multi.example.com. 600 A 192.0.2.11'];
const REFERRAL = [
  'auth sub.example.com. 600 NS ns.sub.example.com.',
  'auth sub.example.com. 600 NS ns1.example.com.',
  'add ns.sub.example.com. 600 A 192.0.2.40',
  'add ns1.example.com. 600 A 192.0.2.1',
];

const server = new Server(zonesOf({ 'example.com': EXAMPLE, 'example.net': NET }, Object.keys(POOLS)), POOLS);

type Row = [ask: string, ...reply: string[]];

function table(name: string, rows: Row[]): void {
  test(name, () => {
    for (const [ask, ...reply] of rows) assert.equal(server.show(ask), reply.join('\n'), ask);
    assert.deepEqual(server.faults, []);
  });
}

table('RFC 1034 §4.3.2 3.a: the RRset, whole and in the order of the file, with AA', [
  ['multi.example.com A', 'NOERROR aa', ...MULTI],
  ['example.com SOA', 'NOERROR aa', SOA.replace('auth ', '').replace(' 60 ', ' 900 ')],
]);

table('RFC 1034 §4.1, RFC 1035: outside all zones REFUSED, without AA and SOA', [
  ['www.example.org A', 'REFUSED'],
  ['com A', 'REFUSED'],
  ['. NS', 'REFUSED'],
  ['xexample.com A', 'REFUSED'],
]);

table('RFC 2308 §2: NXDOMAIN and NODATA, with the SOA whose TTL is min(TTL, MINIMUM) (§5)', [
  ['x.mail.example.com A', 'NXDOMAIN aa', SOA],
  ['multi.example.com AAAA', 'NOERROR aa', SOA],
  ['gone.example.net A', 'NXDOMAIN aa', NETSOA],
]);

table('RFC 8020, RFC 4592 §2.2.2: an empty non-terminal exists', [
  ['b.c.example.com A', 'NOERROR aa', SOA],
  ['c.example.com A', 'NOERROR aa', SOA],
  ['x.b.c.example.com A', 'NXDOMAIN aa', SOA],
]);

table('RFC 4592: wildcards', [
  // §2.2.1: from the closest encloser, the owner as asked.
  ['y.wild.example.com A', 'NOERROR aa', 'y.wild.example.com. 600 A 192.0.2.20'],
  ['p.q.r.wild.example.com A', 'NOERROR aa', 'p.q.r.wild.example.com. 600 A 192.0.2.20'],
  ['y.wild.example.com TXT', 'NOERROR aa', SOA],
  // An existing name blocks it, and so does an empty non-terminal.
  ['x.wild.example.com A', 'NOERROR aa', SOA],
  ['y.x.wild.example.com A', 'NXDOMAIN aa', SOA],
  ['ent.wild.example.com A', 'NOERROR aa', SOA],
  ['y.ent.wild.example.com A', 'NXDOMAIN aa', SOA],
  // §2.1.1: the label itself can be asked for; below it nothing is synthesized.
  ['*.wild.example.com A', 'NOERROR aa', '*.wild.example.com. 600 A 192.0.2.20'],
  ['y.*.wild.example.com A', 'NXDOMAIN aa', SOA],
  // §2.2.3: with a CNAME.
  ['y.wildc.example.com A', 'NOERROR aa', 'y.wildc.example.com. 600 CNAME multi.example.com.', ...MULTI],
]);

table('RFC 1034 §4.3.2 3.b: a delegation comes before wildcards and data below, AA is off, glue is given', [
  ['sub.example.com A', 'NOERROR', ...REFERRAL],
  ['sub.example.com NS', 'NOERROR', ...REFERRAL],
  ['host.sub.example.com A', 'NOERROR', ...REFERRAL],
  ['ns.sub.example.com A', 'NOERROR', ...REFERRAL],
  ['*.sub.example.com ANY', 'NOERROR', ...REFERRAL],
  ['nods.example.com TXT', 'NOERROR', 'auth nods.example.com. 600 NS ns.other.'],
  // A wildcard below the cut stands for a server that has no address of its own.
  [
    'wildglue.example.com A',
    'NOERROR',
    'auth wildglue.example.com. 600 NS ns.wildglue.example.com.',
    'auth wildglue.example.com. 600 NS ns.x.wildglue.example.com.',
    'add ns.wildglue.example.com. 600 A 192.0.2.41',
  ],
]);

table('RFC 4035 §3.1.4.1: DS at a cut is the parent’s, with AA', [
  ['sub.example.com DS', 'NOERROR aa', `sub.example.com. 600 DS 00010802${'00'.repeat(32)}`],
  ['nods.example.com DS', 'NOERROR aa', SOA],
  ['x.sub.example.com DS', 'NOERROR', ...REFERRAL],
  ['example.com DS', 'NOERROR aa', SOA],
]);

table('RFC 1034 §3.6.2, RFC 6604 §3: chains of CNAMEs, with the rcode of the last name', [
  [
    'alias2.example.com A',
    'NOERROR aa',
    'alias2.example.com. 600 CNAME alias.example.com.',
    'alias.example.com. 600 CNAME multi.example.com.',
    ...MULTI,
  ],
  ['alias.example.com CNAME', 'NOERROR aa', 'alias.example.com. 600 CNAME multi.example.com.'],
  ['alias.example.com ANY', 'NOERROR aa', 'alias.example.com. 600 CNAME multi.example.com.'],
  ['alias.example.com MX', 'NOERROR aa', 'alias.example.com. 600 CNAME multi.example.com.', SOA],
  ['gone.example.com A', 'NOERROR aa', 'gone.example.com. 600 CNAME nowhere.example.com.', SOA],
  ['out.example.com A', 'NOERROR aa', 'out.example.com. 600 CNAME www.elsewhere.'],
  ['tosub.example.com A', 'NOERROR aa', 'tosub.example.com. 600 CNAME host.sub.example.com.', ...REFERRAL],
  // Over zones that are served here too.
  [
    'over.example.com A',
    'NOERROR aa',
    'over.example.com. 600 CNAME www.example.net.',
    'www.example.net. 100 A 198.51.100.2',
  ],
  ['overgone.example.com A', 'NXDOMAIN aa', 'overgone.example.com. 600 CNAME gone.example.net.', NETSOA],
]);

table('loops of CNAMEs end with what there is, no record twice', [
  [
    'loop.example.com A',
    'NOERROR aa',
    'loop.example.com. 600 CNAME loop2.example.com.',
    'loop2.example.com. 600 CNAME loop.example.com.',
  ],
  [
    'LOOP.example.com A',
    'NOERROR aa',
    'LOOP.example.com. 600 CNAME loop2.example.com.',
    'loop2.example.com. 600 CNAME LOOP.example.com.',
  ],
  ['self.example.com A', 'NOERROR aa', 'self.example.com. 600 CNAME self.example.com.'],
]);

table('RFC 6672: DNAME', [
  // §2.4: at its owner it redirects nothing.
  ['d.example.com TXT', 'NOERROR aa', 'd.example.com. 600 TXT 08617420646e616d65'],
  ['d.example.com DNAME', 'NOERROR aa', 'd.example.com. 600 DNAME target.example.com.'],
  ['d.example.com A', 'NOERROR aa', SOA],
  // §3.1: the CNAME made up has its TTL.
  [
    'x.d.example.com A',
    'NOERROR aa',
    'd.example.com. 600 DNAME target.example.com.',
    'x.d.example.com. 600 CNAME x.target.example.com.',
    'x.target.example.com. 600 A 192.0.2.50',
  ],
  [
    'x.d.example.com CNAME',
    'NOERROR aa',
    'd.example.com. 600 DNAME target.example.com.',
    'x.d.example.com. 600 CNAME x.target.example.com.',
  ],
  // Whatever else is asked, ANY too, goes on with the substitute (§3.2).
  [
    'y.d.example.com ANY',
    'NXDOMAIN aa',
    'd.example.com. 600 DNAME target.example.com.',
    'y.d.example.com. 600 CNAME y.target.example.com.',
    SOA,
  ],
  [
    'y.d.example.com A',
    'NXDOMAIN aa',
    'd.example.com. 600 DNAME target.example.com.',
    'y.d.example.com. 600 CNAME y.target.example.com.',
    SOA,
  ],
  [
    'x.dnet.example.com A',
    'NOERROR aa',
    'dnet.example.com. 600 DNAME example.net.',
    'x.dnet.example.com. 600 CNAME x.example.net.',
    'x.example.net. 100 A 198.51.100.3',
  ],
  // §2.2: a substitute of over 255 octets is YXDOMAIN.
  [
    `${'e'.repeat(60)}.toolong.example.com A`,
    'YXDOMAIN aa',
    `toolong.example.com. 600 DNAME ${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.example.com.`,
  ],
  // It may come again, and stands once: with a shorter name, or when a CNAME led back to it.
  [
    'multi.dup.dup.example.com A',
    'NOERROR aa',
    'dup.example.com. 600 DNAME example.com.',
    'multi.dup.dup.example.com. 600 CNAME multi.dup.example.com.',
    'multi.dup.example.com. 600 CNAME multi.example.com.',
    ...MULTI,
  ],
  [
    'y.longer.example.com A',
    'NOERROR aa',
    'longer.example.com. 600 DNAME target2.example.com.',
    'y.longer.example.com. 600 CNAME y.target2.example.com.',
    'y.target2.example.com. 600 CNAME z.y.longer.example.com.',
    'z.y.longer.example.com. 600 CNAME z.y.target2.example.com.',
    'z.y.target2.example.com. 600 A 192.0.2.51',
  ],
  [
    'back.d.example.com DNAME',
    'NOERROR aa',
    'd.example.com. 600 DNAME target.example.com.',
    'back.d.example.com. 600 CNAME back.target.example.com.',
    'back.target.example.com. 600 CNAME d.example.com.',
  ],
  // One that leads below itself is followed once.
  [
    'y.dself.example.com A',
    'NOERROR aa',
    'dself.example.com. 600 DNAME x.dself.example.com.',
    'y.dself.example.com. 600 CNAME y.x.dself.example.com.',
  ],
]);

table('RFC 8482 §4.1: ANY gets one RRset', [
  ['multi.example.com ANY', 'NOERROR aa', ...MULTI],
  [
    'steered.example.com ANY',
    'NOERROR aa',
    'steered.example.com. 10 A 127.1.0.10',
    'steered.example.com. 10 A 127.2.0.10',
  ],
  ['empty.example.com ANY', 'NOERROR aa', SOA],
  ['c.example.com ANY', 'NOERROR aa', SOA],
  ['y.wild.example.com ANY', 'NOERROR aa', 'y.wild.example.com. 600 A 192.0.2.20'],
]);

table('RFC 1035 §3.3.9, RFC 2782: addresses of targets in the zone, each once, never glue', [
  [
    'example.com MX',
    'NOERROR aa',
    'example.com. 600 MX 10 mail.example.com.',
    'example.com. 600 MX 20 mail.example.com.',
    'example.com. 600 MX 30 host.sub.example.com.',
    'add mail.example.com. 600 A 192.0.2.2',
    'add mail.example.com. 600 AAAA 2001:db8::2',
  ],
  [
    '_s._tcp.example.com SRV',
    'NOERROR aa',
    '_s._tcp.example.com. 600 SRV 0 5 80 mail.example.com.',
    '_s._tcp.example.com. 600 SRV 0 5 81 mail.example.com.',
    'add mail.example.com. 600 A 192.0.2.2',
    'add mail.example.com. 600 AAAA 2001:db8::2',
  ],
  [
    'example.com NS',
    'NOERROR aa',
    'example.com. 600 NS ns1.example.com.',
    'example.com. 600 NS ns.other.',
    'add ns1.example.com. 600 A 192.0.2.1',
  ],
]);

table('POOL: what steering picks, with the smaller TTL; NODATA for what neither it nor the zone has', [
  [
    'steered.example.com A',
    'NOERROR aa',
    'steered.example.com. 10 A 127.1.0.10',
    'steered.example.com. 10 A 127.2.0.10',
  ],
  ['steered.example.com AAAA', 'NOERROR aa', 'steered.example.com. 10 AAAA 2001:db8::10'],
  ['slow.example.com AAAA', 'NOERROR aa', 'slow.example.com. 5 AAAA 2001:db8::10'],
  ['steered.example.com TXT', 'NOERROR aa', 'steered.example.com. 600 TXT 06626573696465'],
  ['steered.example.com MX', 'NOERROR aa', SOA],
  ['steered.example.com TYPE65400', 'NOERROR aa', SOA],
  ['v4.example.com AAAA', 'NOERROR aa', SOA],
  ['empty.example.com A', 'NOERROR aa', SOA],
  ['down.example.com A', 'SERVFAIL'],
  ['todown.example.com A', 'SERVFAIL'],
  ['down.example.com TXT', 'NOERROR aa', SOA],
  ['a.b.steered.example.com AAAA', 'NOERROR aa', 'a.b.steered.example.com. 10 AAAA 2001:db8::10'],
  [
    'tosteered.example.com AAAA',
    'NOERROR aa',
    'tosteered.example.com. 600 CNAME steered.example.com.',
    'steered.example.com. 10 AAAA 2001:db8::10',
  ],
  // At the apex, where a CNAME may not stand.
  ['example.net AAAA', 'NOERROR aa', 'example.net. 10 AAAA 2001:db8::10'],
  [
    'example.net NS',
    'NOERROR aa',
    'example.net. 100 NS ns.example.net.',
    'add ns.example.net. 100 A 198.51.100.1',
  ],
]);

test('a chain of CNAMEs ends after as many names as are allowed', () => {
  const links = Array.from({ length: 40 }, (_, i) => `n${i} CNAME n${i + 1}`).join('\n');
  const s = new Server(zonesOf({ z: `$TTL 9\n@ SOA n n 1 2 3 4 5\n@ NS n\n${links}\n` }));
  const reply = s.ask('n0.z A', { edns: 1232 });
  assert.equal(reply.answer.length, MAX_CHAIN);
  assert.equal(reply.rcode, 0);
  assert.equal(s.ask('n38.z A').rcode, 3);
});

test('RFC 1034 §4.2: zones nested in one another: the longest apex answers, DS is the parent’s', () => {
  const parent = `$TTL 60
@ SOA ns root 1 2 3 4 5
@ NS ns
child NS ns.child
child DS 1 8 2 0000000000000000000000000000000000000000000000000000000000000000
ns.child A 192.0.2.1
www.child A 192.0.2.66
plain TXT "p"
`;
  const child = `$TTL 60
@ SOA ns root 2 2 3 4 5
@ NS ns
ns A 192.0.2.1
host A 192.0.2.2
up CNAME plain.p.
`;
  const s = new Server(zonesOf({ p: parent, 'child.p': child, 'un.plain.p': child }));
  assert.equal(s.show('host.child.p A'), 'NOERROR aa\nhost.child.p. 60 A 192.0.2.2');
  assert.match(s.show('www.child.p A'), /^NXDOMAIN aa\nauth child\.p\. 5 SOA/);
  assert.match(s.show('child.p SOA'), /^NOERROR aa\nchild\.p\. 60 SOA ns\.child\.p\. root\.child\.p\. 2 /);
  assert.match(s.show('child.p DS'), /^NOERROR aa\nchild\.p\. 60 DS 0001/);
  assert.match(s.show('up.child.p TXT'), /plain\.p\. 60 TXT/);
  // The parent does not delegate this one, so it has no say: the zone itself answers.
  assert.match(s.show('un.plain.p DS'), /^NOERROR aa\nauth un\.plain\.p\. 5 SOA/);
  assert.match(s.show('x.plain.p A'), /^NXDOMAIN aa\nauth p\. 5 SOA/);
});

test('the root zone can be served', () => {
  const s = new Server(
    zonesOf({
      '.': '$TTL 9\n@ SOA a b 1 2 3 4 5\n@ NS a\na A 192.0.2.1\ncom NS ns.com\nns.com A 192.0.2.2\n',
    }),
  );
  assert.match(s.show('. SOA'), /^NOERROR aa\n\. 9 SOA a\. b\. 1/);
  assert.match(s.show('org A'), /^NXDOMAIN aa\nauth \. 5 SOA/);
  assert.equal(s.show('x.com A'), 'NOERROR\nauth com. 9 NS ns.com.\nadd ns.com. 9 A 192.0.2.2');
});
