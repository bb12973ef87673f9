// $GENERATE: what BIND makes of the same lines, and faults at their own column.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is what is read
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { rangeSize } from '../../src/dns/zonefile/generate.ts';
import { differences } from './every-type.ts';
import { lines, parse, places } from './zonefile-helper.ts';

const APEX = '$TTL 60\n@ SOA ns.x. host 1 2 3 4 5\n@ NS ns.x.\n';
const made = (text: string) => {
  const { records, diagnostics } = parse(`${APEX}${text}\n`);
  assert.deepEqual(diagnostics, [], text);
  return lines(records).slice(2);
};

test('one record for each number', () => {
  assert.deepEqual(made('$GENERATE 1-3 host-$ A 192.0.2.$'), [
    'host-1.example.com. 60 IN A 192.0.2.1',
    'host-2.example.com. 60 IN A 192.0.2.2',
    'host-3.example.com. 60 IN A 192.0.2.3',
  ]);
  assert.deepEqual(made('$generate 0-9/4 ${10,4,d}.x 1h IN TXT "n $" "\\$"'), [
    '0010.x.example.com. 3600 IN TXT "n 0" "$"',
    '0014.x.example.com. 3600 IN TXT "n 4" "$"',
    '0018.x.example.com. 3600 IN TXT "n 8" "$"',
  ]);
  assert.deepEqual(rangeSize({ start: 0, stop: 9, step: 4 }), 3);
});

// Lines that BIND 9.18 takes. (An offset there holds for a bare `$` behind it, too; here it is its own alone.)
const LINES = [
  '$GENERATE 1-2 a$ A 192.0.2.$',
  '$GENERATE 0-255/51 $.2.0.192.in-addr PTR host-${0,3}',
  '$GENERATE 17-18 ${0,7,n} PTR a',
  '$GENERATE 17-18 ${0,0,n} PTR a',
  '$GENERATE 171-172 x${0,4,N}y PTR a',
  '$GENERATE 4095-4096 ${0,15,N}.ip6 PTR $.nibble',
  '$GENERATE 300-301 ${0,4,X} PTR ${-200,5}.',
  '$GENERATE 300-301 ${0,6,x}.hex PTR ${0,2,o}.',
  '$GENERATE 1-2 a\\$b$ TXT "x \\$ $$ $"',
  '$GENERATE 1-2 a$$b$ TXT x',
  '$GENERATE 1-2 m$ MX "10 m$"',
  '$GENERATE 1-2 c$ IN 77 A 192.0.2.$',
  '$GENERATE 1-2 d$ 1h IN A 192.0.2.$',
  '$GENERATE 1-2 e${5} A 192.0.2.$',
  '$GENERATE 1-2 f${-5,4,d} A 192.0.2.$',
  '$GENERATE 1-2 g${-5,4,x} A 192.0.2.$',
  '$GENERATE 1-6/2 h$ A 192.0.2.$ ; a comment',
  '$GENERATE 1-1 i${0,0} CNAME $.$.x.',
  '$GENERATE 1-2 @ A 192.0.2.$',
  '$GENERATE 3-4 k$.example.com. AAAA 2001:db8::${0,4,x}',
  '$GENERATE 7-7 l$ SRV "0 $ ${5060} l"',
  '$GENERATE 1-2 n$ HTTPS "1 . alpn=h$"',
  'o TXT before\n$GENERATE 1-1 p A 192.0.2.$\n TXT "inherits the owner before"',
];

test('as BIND reads it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'generate-'));
  try {
    const text = `${APEX}${LINES.join('\n')}\n`;
    const [zone, dump] = [join(folder, 'zone'), join(folder, 'dump')];
    writeFileSync(zone, text);
    const compile = [
      '-i',
      'none',
      '-k',
      'ignore',
      '-r',
      'ignore',
      '-n',
      'ignore',
      '-o',
      dump,
      'example.com',
      zone,
    ];
    await promisify(execFile)('named-compilezone', compile);
    const [ours, theirs] = [parse(text), parse(readFileSync(dump))];
    assert.deepEqual(ours.diagnostics, []);
    assert.deepEqual(differences(ours.records, theirs.records), []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

// line 4 -> place and code, a part of the message
const BROKEN: [string, string, RegExp][] = [
  ['$GENERATE', '10 GTM-Z022', /\$GENERATE without its range/],
  ['$GENERATE 5-1 a$ A 192.0.2.$', '11 GTM-Z021', /«5-1»: the range begins above its end/],
  ['$GENERATE 1-5/0 a$ A 192.0.2.$', '11 GTM-Z021', /the step is 0/],
  ['$GENERATE -1-5 a$ A 192.0.2.$', '11 GTM-Z021', /START-STOP or START-STOP\/STEP/],
  ['$GENERATE 1-2147483648 a$ A 192.0.2.$', '11 GTM-Z021', /over 2147483647/],
  ['$GENERATE 1-2', '14 GTM-Z022', /without its owner/],
  ['$GENERATE 1-2 a$', '17 GTM-Z008', /no record type/],
  ['$GENERATE 1-2 a$ AX x', '18 GTM-Z009', /«AX»/],
  ['$GENERATE 1-2 a$ CH A 192.0.2.1', '18 GTM-Z007', /class «CH»/],
  ['$GENERATE 1-2 a$ A', '19 GTM-Z011', /for 1: A without its address/],
  ['$GENERATE 1-2 "a$" A 192.0.2.$', '15 GTM-Z019', /not written in quotes/],
  ['$GENERATE 1-2 a${0,3,q} A 192.0.2.$', '16 GTM-Z021', /«\$\{0,3,q\}» is not \$\{OFFSET/],
  ['$GENERATE 1-2 a$ TXT ab${0', '24 GTM-Z021', /brace that opens here is not closed/],
  ['$GENERATE 1-2 a$ TXT "ab ${0,999}"', '26 GTM-Z021', /width up to 255/],
  ['$GENERATE 2147483647-2147483647 a${1} A 192.0.2.1', '33 GTM-Z021', /beyond 31 bits/],
  ['$GENERATE 254-300 a$ A 192.0.2.$', '24 GTM-Z012', /for 256: .*«192\.0\.2\.256».*256 is over 255/],
  ['$GENERATE 1-2 a..$ A 192.0.2.$', '15 GTM-Z004', /for 1 the owner «a\.\.1» is no name: empty label/],
  ['$GENERATE 65534-65540 a$ MX $ m', '29 GTM-Z013', /for 65536: «65536» is no preference/],
  ['$GENERATE 1-2 a$ MX "10 m..$"', '25 GTM-Z004', /for 1: the exchange «m\.\.1»/],
  ['$GENERATE 1-2 a$ MX "10"', '24 GTM-Z011', /for 1: MX without its exchange/],
  ['$GENERATE 1-2 a$ MX "10 m$ x"', '28 GTM-Z017', /for 1: MX takes 2 fields/],
  ['$GENERATE 1-2 a$ TXT "(x"', '22 GTM-Z021', /parenthesis/],
  ['$GENERATE 1-5000000 a$ A 192.0.2.1', '11 GTM-Z027', /more than 4194304 records/],
];

test('each fault stands at its word, says for which number, and is told once', () => {
  for (const [text, place, message] of BROKEN) {
    const { records, diagnostics } = parse(`${APEX}${text}\nlast A 192.0.2.99\n`);
    assert.deepEqual(places(diagnostics), [`z:4:${place}`], text);
    assert.match(diagnostics[0].message, message, text);
    assert.equal(lines(records).at(-1), 'last.example.com. 60 IN A 192.0.2.99', text);
  }
});

test('all $GENERATE of a zone together are bounded', () => {
  const text = `${APEX}$GENERATE 1-1000 a$ A 192.0.2.1\n$GENERATE 1-4194304 b$ A 192.0.2.1\n`;
  const { records, diagnostics } = parse(text);
  assert.deepEqual(places(diagnostics), ['z:5:11 GTM-Z027']);
  assert.equal(records.count, 1002);
});
