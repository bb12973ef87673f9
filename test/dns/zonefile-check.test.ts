// Zones whose lines are well-formed and which are wrong nevertheless: the line and the code of each fault.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { checkZone } from '../../src/dns/zonefile/check.ts';
import { hasErrors } from '../../src/kit/diag.ts';
import { BASE, MEANING, SHA256 } from './broken-meaning.ts';
import { meaning, ORIGIN, parse, wire } from './zonefile-helper.ts';

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
    DS 1 8 2 ${SHA256}
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

test('what a zone may not say, at the line that says it', () => {
  const pools = new Set(['web', 'api']);
  for (const [text, expected] of MEANING) assert.deepEqual(meaning(BASE + text, { pools }), expected, text);
});

test('no SOA and no NS at the apex', () => {
  assert.deepEqual(meaning('$TTL 1\nwww A 192.0.2.1'), ['0 GTM-Z030', '0 GTM-Z033']);
  assert.deepEqual(meaning(''), ['0 GTM-Z030', '0 GTM-Z033']);
});

test('what only seems to be missing is not reported of a part of a zone', () => {
  assert.deepEqual(
    meaning(`$TTL 1\n@ NS ns1\n MX 10 mail\na DS 1 8 2 ${SHA256}\nb CNAME c\nb A 192.0.2.1`, {
      partial: true,
    }),
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

test('warnings are bounded, told by their number beyond that, and never refuse a zone', () => {
  const check = (text: string) => checkZone(parse(`${BASE}${text}`).records, ORIGIN);
  const faults = check('a A 192.0.2.1\n'.repeat(5000));
  assert.ok(!hasErrors(faults));
  assert.equal(faults.length, 1001);
  const { code, severity, line, message } = faults[1000];
  assert.deepEqual([code, severity, line], ['GTM-Z028', 'warning', faults[999].line + 1]);
  assert.equal(message, '3999 more warnings are not listed; the first is here');
  assert.equal(check('a A 192.0.2.1\n'.repeat(1001)).at(-1)?.code, 'GTM-Z042');
  assert.equal(
    check('a A 192.0.2.1\n'.repeat(1002)).at(-1)?.message,
    '1 more warning is not listed; the first is here',
  );
});

test('an error behind many warnings is found', () => {
  const text = `${'a A 192.0.2.1\n'.repeat(5000)}b CNAME c.x.\nb A 192.0.2.1\n`;
  const errors = checkZone(parse(`${BASE}${text}`).records, ORIGIN).filter(d => d.severity === 'error');
  assert.deepEqual(
    errors.map(d => d.code),
    ['GTM-Z035'],
  );
});

test('errors are bounded', () => {
  const names = Array.from({ length: 5000 }, (_, i) => `a${i} CNAME c.x.\na${i} A 192.0.2.1\n`);
  const faults = checkZone(parse(`${BASE}${names.join('')}`).records, ORIGIN);
  assert.equal(faults.length, 1001);
  assert.deepEqual([faults[1000].code, faults[1000].message], ['GTM-Z029', 'stopped after 1000 errors']);
});
