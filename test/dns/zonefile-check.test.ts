// Zones whose lines are well-formed and which are wrong nevertheless: the line and the code of each fault.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { checkZone } from '../../src/dns/zonefile/check.ts';
import { hasErrors } from '../../src/kit/diag.ts';
import { meaning, ORIGIN, parse, wire } from './zonefile-helper.ts';

// Lines 1 to 4 of every zone below.
const BASE = `$TTL 60
@ SOA ns.other. host 1 2 3 4 5
  NS ns.other.
  NS ns2.other.
`;

test('a rich zone without a fault', () => {
  const text = `${BASE}
    NS ns1
    MX 10 mail
    MX 0 .
    POOL web
ns1 A 192.0.2.1
    AAAA 2001:db8::1
mail POOL web
www POOL web
    TXT "beside a pool"
    MX 10 mail
alias CNAME www
sub NS ns.sub
    NS ns.out.side.
    NS a.deep.ns.sub
    DS 1 8 2 abcd
ns.sub A 192.0.2.2
a.deep.ns.sub AAAA 2001:db8::2
self NS self
self A 192.0.2.3
*.w A 192.0.2.4
_sip._tcp SRV 1 2 3 any.w
d DNAME elsewhere.
  TXT "beside a dname"
x SRV 1 2 3 y.d
`;
  assert.deepEqual(meaning(text, { pools: new Set(['web']) }), []);
});

// what follows BASE, from line 5 -> lines and codes
const ROWS: [string, string[]][] = [
  ['@ SOA a. b. 1 2 3 4 5', ['5 GTM-Z031']],
  ['@ SOA ns.other. host 1 2 3 4 5', ['5 GTM-Z042']],
  ['a SOA a. b. 1 2 3 4 5', ['5 GTM-Z032']],
  ['www.example.net. A 192.0.2.1\n A 192.0.2.2', ['5 GTM-Z034']],
  ['com. A 192.0.2.1', ['5 GTM-Z034']],
  ['wwwexample.com. A 192.0.2.1', ['5 GTM-Z034']],
  ['a CNAME b.x.\na A 192.0.2.1', ['6 GTM-Z035']],
  ['a A 192.0.2.1\nb A 192.0.2.1\nA CNAME b.x.', ['7 GTM-Z035']],
  ['a CNAME b.x.\na CNAME c.x.', ['6 GTM-Z035']],
  ['a CNAME b.x.\na CNAME B.x.', ['6 GTM-Z042']],
  ['a CNAME b.x.\na NSEC c CNAME\n RRSIG CNAME 8 3 60 20300101000000 20260101000000 1 @ AwEA', []],
  ['a DNAME b.x.\na DNAME c.x.', ['6 GTM-Z036']],
  ['a DNAME b.x.\na.a.a A 192.0.2.1', ['6 GTM-Z037']],
  ['@ DNAME b.x.\nwww A 192.0.2.1', ['6 GTM-Z037']],
  ['a DNAME b.x.\nba A 192.0.2.1', []],
  ['a POOL web\n A 192.0.2.1\n AAAA ::1', ['6 GTM-Z038', '7 GTM-Z038']],
  ['a CNAME b.x.\n POOL web', ['5 GTM-Z038']],
  ['a POOL web\n POOL api', ['6 GTM-Z038']],
  ['a POOL web\n POOL web', ['6 GTM-Z042']],
  ['a POOL wbe', ['5 GTM-Z039']],
  ['a NS ns.x.\n POOL web', ['6 GTM-Z040']],
  ['a NS ns.x.\nb.a POOL web', ['6 GTM-Z046']],
  ['a 5 A 192.0.2.1\na 7 A 192.0.2.2\n 3 A 192.0.2.3\n 9 TXT x', ['6 GTM-Z041']],
  ['a A 192.0.2.1\n TXT x\nA A 192.0.2.1\n TXT X', ['7 GTM-Z042']],
  ['a MX 10 Mail.x.\n MX 10 mail.x.', ['6 GTM-Z042']],
  ['a TXT A\n TXT a\n TXT A', ['7 GTM-Z042']],
  ['a MX 10 b\nb CNAME c.x.\nc NS b\nd SRV 1 2 3 B', ['5 GTM-Z043', '7 GTM-Z043', '8 GTM-Z043']],
  ['@ NS ns1', ['5 GTM-Z044']],
  ['@ NS a.sub\nsub NS x.y.', ['5 GTM-Z045']],
  ['sub NS ns.sub\n NS sub', ['5 GTM-Z044', '6 GTM-Z044']],
  ['sub NS ns1', ['5 GTM-Z045']],
  ['a NS ns.b\nb NS ns.x.', ['5 GTM-Z045']],
  ['a MX 10 b\n SRV 1 2 3 c\nb TXT x', ['5 GTM-Z045', '6 GTM-Z045']],
  ['*.w A 192.0.2.1\nx.w TXT x\na MX 10 y.x.w', ['7 GTM-Z045']],
  ['*.w CNAME a.b.\na MX 10 y.z.w', []],
  ['a NS ns.x.\na TXT x\nb.a A 192.0.2.1\nc.b.a NS d.x.', ['6 GTM-Z046', '7 GTM-Z046', '8 GTM-Z046']],
  ['*.w NS ns.x.', ['5 GTM-Z047']],
  ['a DS 1 8 2 ab', ['5 GTM-Z048']],
  ['@ DS 1 8 2 ab', ['5 GTM-Z048']],
];

test('what a zone may not say, at the line that says it', () => {
  const pools = new Set(['web', 'api']);
  for (const [text, expected] of ROWS) assert.deepEqual(meaning(BASE + text, { pools }), expected, text);
});

test('no SOA and no NS at the apex', () => {
  assert.deepEqual(meaning('$TTL 1\nwww A 192.0.2.1'), ['0 GTM-Z030', '0 GTM-Z033']);
  assert.deepEqual(meaning(''), ['0 GTM-Z030', '0 GTM-Z033']);
});

test('what only seems to be missing is not reported of a part of a zone', () => {
  assert.deepEqual(
    meaning('$TTL 1\n@ NS ns1\n MX 10 mail\na DS 1 8 2 ab\nb CNAME c\nb A 192.0.2.1', { partial: true }),
    ['6 GTM-Z035'],
  );
});

test('the sample zone', () => {
  const text = readFileSync(new URL('../../../zones/example.com.zone', import.meta.url), 'utf8');
  assert.deepEqual(meaning(text, { pools: new Set(['web', 'api']) }), []);
});

test('messages name what is meant', () => {
  const says = (text: string) => {
    const { records } = parse(BASE + text);
    return checkZone(records, ORIGIN, { pools: new Set(['web']) }).map(d => [
      d.file,
      d.severity,
      d.message,
      d.help,
    ]);
  };
  assert.deepEqual(says('a POOL wbe'), [['z', 'error', 'there is no pool «wbe»', 'did you mean web?']]);
  assert.deepEqual(says('a 5 A 192.0.2.1\n 3 A 192.0.2.2'), [
    ['z', 'warning', 'the A records of a.example.com. have TTLs 5 and 3: 3, the lowest, is taken', undefined],
  ]);
  assert.deepEqual(
    says('sub NS a.sub\n TXT x').map(m => m[2]),
    [
      'TXT at sub.example.com. never answers: sub.example.com. is delegated',
      'NS points to a.sub.example.com., which has no address',
    ],
  );
});

test('without the cluster’s pools none is unknown', () => {
  assert.deepEqual(meaning(`${BASE}a POOL anything`), []);
});

test('the root zone', () => {
  const { records } = parse(
    '. 1 SOA a. b. 1 2 3 4 5\n. 1 NS a.\na. 1 A 192.0.2.1\ncom. 1 NS ns.com.\nns.com. 1 A 192.0.2.2',
    {
      origin: wire('.'),
    },
  );
  assert.deepEqual(checkZone(records, wire('.')), []);
});

test('a large zone is checked in a time that grows with its size', () => {
  const rows = [
    '$TTL 60\n@ SOA ns host 1 2 3 4 5\n NS ns\nns A 192.0.2.1\nsub NS ns.sub\nns.sub A 192.0.2.2\n',
  ];
  for (let i = 0; i < 50_000; i++) rows.push(`h${i} A 10.0.${i >> 8}.${i & 255}\n MX 10 h${i >> 1}\n`);
  // One set of many records.
  for (let i = 0; i < 50_000; i++) rows.push(`big A 10.1.${i >> 8}.${i & 255}\n`);
  const { records, diagnostics } = parse(rows.join(''));
  assert.deepEqual(diagnostics, []);
  const start = process.cpuUsage();
  const faults = checkZone(records, ORIGIN);
  const took = process.cpuUsage(start).user / 1000;
  assert.deepEqual(faults, []);
  assert.ok(took < 5000, `${took} ms of CPU`);
});

test('faults are bounded', () => {
  const { records } = parse(`${BASE}${'a A 192.0.2.1\n'.repeat(5000)}`);
  const faults = checkZone(records, ORIGIN);
  assert.equal(faults.length, 1001);
  assert.ok(hasErrors(faults));
});
