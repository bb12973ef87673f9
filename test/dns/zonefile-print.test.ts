// Zones as text: the print, parse(print(zone)) = zone, and the same nasty zone read by NSD.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { TYPE } from '../../src/dns/rr.ts';
import { checkZone } from '../../src/dns/zonefile/check.ts';
import { printZone } from '../../src/dns/zonefile/print.ts';
import { hasErrors } from '../../src/kit/diag.ts';
import { zoneUnder } from './arbitrary.ts';
import { lines, ORIGIN, parse, wire } from './zonefile-helper.ts';

test('one record a line, in columns, relative to the origin', () => {
  const { records } = parse(`$TTL 1h
@ SOA ns1 host 1 1h 2 3 60
  NS ns1
  CAA 0 issue "ca.example.net"
ns1 A 127.0.0.1
www 10 POOL web
a.very.long.name.that.is.wider.than.its.column MX 10 mail.example.net.
`);
  assert.equal(
    printZone(records, ORIGIN),
    `$ORIGIN example.com.
@                          3600 IN SOA   ns1 host 1 3600 2 3 60
@                          3600 IN NS    ns1
@                          3600 IN CAA   0 issue "ca.example.net"
ns1                        3600 IN A     127.0.0.1
www                          10 IN POOL  web
a.very.long.name.that.is.wider.than.its.column    3600 IN MX    10 mail.example.net.
`,
  );
  assert.match(
    printZone(records, ORIGIN, { absolute: true }),
    /^ns1\.example\.com\. +3600 IN A {5}127\.0\.0\.1$/m,
  );
});

test('parse(print(zone)) = zone, byte for byte, and the print is its own print', () => {
  const origins = [ORIGIN, wire('.'), wire('\\000\\.a.\\255.')];
  fc.assert(
    fc.property(
      fc.constantFrom(...origins).chain(o => fc.tuple(fc.constant(o), zoneUnder(o))),
      fc.boolean(),
      ([origin, zone], absolute) => {
        const text = printZone(zone, origin, { absolute });
        // The origin comes from the text alone.
        const { records, diagnostics } = parse(text, { origin: wire('elsewhere.') });
        assert.deepEqual(diagnostics, []);
        assert.equal(records.count, zone.count);
        for (let i = 0; i < zone.count; i++) {
          assert.deepEqual(records.ownerBytes(i), zone.ownerBytes(i));
          assert.deepEqual(records.rdataBytes(i), zone.rdataBytes(i));
          assert.equal(records.type[i], zone.type[i]);
          assert.equal(records.ttl[i], zone.ttl[i]);
          assert.equal(records.line[i], i + 2);
        }
        assert.equal(printZone(records, origin, { absolute }), text);
      },
    ),
    { numRuns: 600, seed: 1 },
  );
});

test('no octets make the parser throw or hang, and what it takes prints and parses again', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      ...['a', ' ', '\t', '\n', '\r\n', '(', ')', '"', '\\', ';', '@', '.', '$TTL 5', '$ORIGIN x', '\\#'],
    ),
    fc.constantFrom(
      ...[
        ' 60 ',
        ' IN ',
        ' A ',
        ' 192.0.2.1 ',
        ' TXT ',
        ' MX 10 ',
        ' AAAA ::1',
        ' SOA a b 1 2 3 4 5',
        ' TYPE9 ',
      ],
    ),
    fc.string({ maxLength: 4, unit: 'binary' }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), pieces => {
      const { records } = parse(`$TTL 1\n@ ${pieces.join('')}`);
      checkZone(records, ORIGIN);
      const again = parse(printZone(records, ORIGIN));
      assert.deepEqual(again.diagnostics, []);
      assert.deepEqual(lines(again.records), lines(records));
    }),
    { numRuns: 2500, seed: 2 },
  );
});

// Legal, and as unkind as RFC 1035 §5.1 allows. NSD does not know POOL, so it comes in its generic form.
const NASTY = String.raw`; comment first
$TTL 1h30m
@	IN	SOA	ns1 host\.master ( ; open
		2026112201 1H
		15m
	30D ; no unit is alike
		60 )
	NS	ns1
	IN	NS	ns2.example.com.
	1w	IN	MX	10 mail
	IN	7D	MX	20 mail.example.net.
	TXT	"quoted ; not a comment" unquoted\;semi "" ( "multi"
 "line" ) "esc \" \\ \065\000\255"
	CAA	0 issue "ca.example; a=b"
	CAA	128 iodef "mailto:a@b"
	HINFO	"PC AT" Linux
ns1	A	192.0.2.1
NS2	A	192.0.2.2
	AAAA	2001:DB8:0:0:0::2
	AAAA	::ffff:192.0.2.3
mail	0	A	192.0.2.4
in	1d2H3m4s	in	a	192.0.2.5
60	60	A	192.0.2.6
a\.b	A	192.0.2.7
sp\032ace	A	192.0.2.8
\000\255bin	TXT	bin
\064	TXT	at
paren	TXT	( ens

 )
*.wild	TXT	star
$ORIGIN sub.example.com.
@	A	192.0.2.9
deep	CNAME	@
$ORIGIN example.com.
_sip._tcp	SRV	1 2 5060 mail
dn	DNAME	other.example.
cut	NS	ns.cut
	DS	60485 5 1 2BB183AF5F22588179A53B0A ( 98631FAD
	1A292118 ) 
ns.cut	A	192.0.2.10
4.3.2.1.in-addr	PTR	host
gen	TYPE731	\# 6 abcd ( ef01
	2345 )
genA	TYPE1	\# 4 C0000201
pool	TYPE65400	\# 4 03776562
${'x'.repeat(63)}	TXT	${'y'.repeat(255)}
tail	TXT	last`;

test('a nasty zone reads as nsd-checkzone reads it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'zonefile-'));
  try {
    writeFileSync(join(folder, 'zone'), NASTY);
    const run = promisify(execFile);
    const { stdout } = await run('nsd-checkzone', ['-p', 'example.com', join(folder, 'zone')], {
      maxBuffer: 1 << 20,
    });
    const theirs = parse(stdout);
    const ours = parse(NASTY);
    assert.deepEqual(ours.diagnostics, []);
    assert.equal(hasErrors(theirs.diagnostics), false);
    assert.deepEqual(sorted(ours.records), sorted(theirs.records));
    assert.equal(ours.records.count, 35);
    // And the other way about: NSD reads what we print, but for the type it does not know.
    assert.equal(ours.records.type.indexOf(TYPE.POOL) >= 0, true);
    const printed = printZone(ours.records, ORIGIN).replace(/POOL {2}web/, 'TYPE65400 \\# 4 03776562');
    writeFileSync(join(folder, 'printed'), printed);
    const second = await run('nsd-checkzone', ['-p', 'example.com', join(folder, 'printed')], {
      maxBuffer: 1 << 20,
    });
    assert.deepEqual(sorted(parse(second.stdout).records), sorted(ours.records));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

// Owners are the same whatever their case; NSD prints them in lower case.
function sorted(records: Parameters<typeof lines>[0]): string[] {
  return lines(records)
    .map(line => line.replace(/^\S+/, owner => owner.toLowerCase()))
    .sort();
}
