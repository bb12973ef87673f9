// Zone text → records, or faults at file, line and column. Texts are as an operator would write them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { formatName, nameLength, parseName, relativeName } from '../../src/dns/name.ts';
import { Lexer } from '../../src/dns/zonefile/lex.ts';
import { parseRecordLine, parseZone } from '../../src/dns/zonefile/parse.ts';
import { GtmError } from '../../src/kit/errors.ts';
import { SYNTAX } from './broken-syntax.ts';
import { lines, ORIGIN, parse, places, wire } from './zonefile-helper.ts';

/** The records of a text that has no fault. */
function records(text: string | Uint8Array, origin = ORIGIN): string[] {
  const { records, diagnostics } = parse(text, { origin });
  assert.deepEqual(diagnostics, []);
  return lines(records);
}

test('the example of RFC 1035 §5.3', () => {
  const text = `@   IN  SOA     VENERA      Action\\.domains (
                                 20     ; SERIAL
                                 7200   ; REFRESH
                                 600    ; RETRY
                                 3600000; EXPIRE
                                 60)    ; MINIMUM

        NS      A.ISI.EDU.
        NS      VENERA
        NS      VAXA
        MX      10      VENERA
        MX      20      VAXA

A       A       26.3.0.103

VENERA  A       10.1.0.52
        A       128.9.0.32

VAXA    A       10.2.0.27
        A       128.9.0.33


$INCLUDE <SUBSYS>ISI-MAILBOXES.TXT
`;
  const mailboxes = `MOE     MB      A.ISI.EDU.
LARRY   MB      A.ISI.EDU.
CURLEY  MB      A.ISI.EDU.
STOOGES MG      MOE
        MG      LARRY
        MG      CURLEY
`;
  const { records, diagnostics } = parse(text, {
    origin: wire('ISI.EDU.'),
    include: name => ({ file: name, text: mailboxes }),
  });
  // No $TTL and no TTL: the minimum of the SOA, with one warning (RFC 2308 §4).
  assert.deepEqual(places(diagnostics), ['z:1:9 GTM-Z026']);
  assert.deepEqual(lines(records), [
    'ISI.EDU. 60 IN SOA VENERA.ISI.EDU. Action\\.domains.ISI.EDU. 20 7200 600 3600000 60',
    'ISI.EDU. 60 IN NS A.ISI.EDU.',
    'ISI.EDU. 60 IN NS VENERA.ISI.EDU.',
    'ISI.EDU. 60 IN NS VAXA.ISI.EDU.',
    'ISI.EDU. 60 IN MX 10 VENERA.ISI.EDU.',
    'ISI.EDU. 60 IN MX 20 VAXA.ISI.EDU.',
    'A.ISI.EDU. 60 IN A 26.3.0.103',
    'VENERA.ISI.EDU. 60 IN A 10.1.0.52',
    'VENERA.ISI.EDU. 60 IN A 128.9.0.32',
    'VAXA.ISI.EDU. 60 IN A 10.2.0.27',
    'VAXA.ISI.EDU. 60 IN A 128.9.0.33',
    'MOE.ISI.EDU. 60 IN MB A.ISI.EDU.',
    'LARRY.ISI.EDU. 60 IN MB A.ISI.EDU.',
    'CURLEY.ISI.EDU. 60 IN MB A.ISI.EDU.',
    'STOOGES.ISI.EDU. 60 IN MG MOE.ISI.EDU.',
    'STOOGES.ISI.EDU. 60 IN MG LARRY.ISI.EDU.',
    'STOOGES.ISI.EDU. 60 IN MG CURLEY.ISI.EDU.',
  ]);
  assert.equal(records.files[records.file[11]], '<SUBSYS>ISI-MAILBOXES.TXT');
  assert.equal(records.line[12], 2);
});

test('the sample zone', () => {
  const text = readFileSync(new URL('../../../zones/example.com.zone', import.meta.url));
  assert.ok(records(text).includes('www.example.com. 10 IN POOL web'));
});

test('owner, TTL and class are inherited or stated in any order (RFC 1035 §5.1)', () => {
  const expected = (ttl: number) => [`www.example.com. ${ttl} IN A 192.0.2.1`];
  assert.deepEqual(records('$TTL 60\nwww A 192.0.2.1'), expected(60));
  assert.deepEqual(records('www 10 A 192.0.2.1'), expected(10));
  assert.deepEqual(records('www IN 10 A 192.0.2.1'), expected(10));
  assert.deepEqual(records('www 10 IN A 192.0.2.1'), expected(10));
  assert.deepEqual(records('www 10 class1 type1 192.0.2.1'), expected(10));
  assert.deepEqual(records('WWW.example.com. 1M in a 192.0.2.1'), ['WWW.example.com. 60 IN A 192.0.2.1']);
  assert.deepEqual(records('www 1 A 192.0.2.1\n\n \t; comment\n\t2 A 192.0.2.2\n'), [
    'www.example.com. 1 IN A 192.0.2.1',
    'www.example.com. 2 IN A 192.0.2.2',
  ]);
  // Owners that read like types, classes and TTLs.
  assert.deepEqual(records('A 1 A 192.0.2.1\nIN 1 A 192.0.2.1\n60 1 A 192.0.2.1'), [
    'A.example.com. 1 IN A 192.0.2.1',
    'IN.example.com. 1 IN A 192.0.2.1',
    '60.example.com. 1 IN A 192.0.2.1',
  ]);
});

test('TTLs: units, $TTL, the bounds of RFC 2181 §8', () => {
  const ttls = (text: string) => {
    const { records, diagnostics } = parse(text);
    return [...records.ttl.subarray(0, records.count), ...diagnostics.map(d => d.code)];
  };
  assert.deepEqual(
    ttls('$TTL 1h30m\na A 192.0.2.1\n$TTL 1w2d3s\n A 192.0.2.2\n 0 A 192.0.2.3'),
    [5400, 777603, 0],
  );
  assert.deepEqual(ttls('a 2147483647 A 192.0.2.1'), [2147483647]);
  // Without $TTL the last stated TTL holds; it is warned of once.
  assert.deepEqual(ttls('a 5 A 192.0.2.1\n A 192.0.2.2\n 6 A 192.0.2.3\n A 192.0.2.4'), [
    5,
    5,
    6,
    6,
    'GTM-Z026',
  ]);
  // With $TTL a stated TTL is that record's alone (RFC 2308 §4).
  assert.deepEqual(ttls('$TTL 9\na 5 A 192.0.2.1\n A 192.0.2.2'), [5, 9]);
  assert.deepEqual(ttls('@ SOA a b 1 2 3 4 7\n NS a'), [7, 7, 'GTM-Z026']);
  assert.deepEqual(ttls('@ 8 SOA a b 1 2 3 4 7\n NS a'), [8, 8, 'GTM-Z026']);
});

test('parentheses, comments, quotes, blanks, CRLF, a byte order mark, no final newline', () => {
  assert.deepEqual(records('\ufeffa 1 TXT ( "x;y" ; in \\"comment (\r\n z )\r\n\r\nb\t1\tTXT\t"("'), [
    'a.example.com. 1 IN TXT "x;y" "z"',
    'b.example.com. 1 IN TXT "("',
  ]);
  assert.deepEqual(records('(a 1 TXT) (b) "c""d"e ( ) ; f\n 2 TXT (\n\n\ng\n)'), [
    'a.example.com. 1 IN TXT "b" "c" "d" "e"',
    'a.example.com. 2 IN TXT "g"',
  ]);
  assert.deepEqual(records(''), []);
  assert.deepEqual(records('; nothing'), []);
  assert.deepEqual(records('\n\r\n  \n()\n'), []);
});

test('escapes in names and strings, both ways (RFC 1035 §5.1)', () => {
  assert.deepEqual(records('a\\.b\\ c\\;\\(\\"\\\\\\000\\@ 1 TXT a\\ b\\;c\\"d\\101'), [
    'a\\.b\\032c\\;\\(\\"\\\\\\000\\@.example.com. 1 IN TXT "a b;c\\"de"',
  ]);
  assert.deepEqual(records('\\$TTL 1 A 192.0.2.1\n\\@ 1 A 192.0.2.1'), [
    '\\$TTL.example.com. 1 IN A 192.0.2.1',
    '\\@.example.com. 1 IN A 192.0.2.1',
  ]);
  // Octets outside ASCII are taken as they stand.
  assert.deepEqual(records(Buffer.from('a 1 TXT "\xff"', 'latin1')), ['a.example.com. 1 IN TXT "\\255"']);
});

test('$ORIGIN is relative to the one before it; @ is the origin', () => {
  assert.deepEqual(records('$ORIGIN b\n$origin a\n@ 1 NS ns\n$ORIGIN .\nx 1 NS @'), [
    'a.b.example.com. 1 IN NS ns.a.b.example.com.',
    'x. 1 IN NS .',
  ]);
});

test('$INCLUDE: its origin and owner end with it, its $TTL does not (RFC 1035 §5.1)', () => {
  const files: Record<string, string> = {
    sub: 'x A 192.0.2.1\n$ORIGIN deep\n@ A 192.0.2.2\n$TTL 7',
    'a b': ' A 192.0.2.9',
  };
  const asked: string[] = [];
  const { records, diagnostics } = parse(
    '$TTL 5\nwww A 192.0.2.3\n$INCLUDE sub in\n A 192.0.2.4\n$INCLUDE "a b"\nz A 192.0.2.5',
    {
      include: (name, from) => {
        asked.push(`${from} ${name}`);
        return { file: `f/${name}`, text: files[name] };
      },
    },
  );
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(asked, ['z sub', 'z a b']);
  assert.deepEqual(lines(records), [
    'www.example.com. 5 IN A 192.0.2.3',
    'x.in.example.com. 5 IN A 192.0.2.1',
    'deep.in.example.com. 5 IN A 192.0.2.2',
    'www.example.com. 7 IN A 192.0.2.4',
    'www.example.com. 7 IN A 192.0.2.9',
    'z.example.com. 7 IN A 192.0.2.5',
  ]);
  assert.deepEqual(records.files, ['z', 'f/sub', 'f/a b']);
  assert.deepEqual([...records.line.subarray(0, 6)], [2, 1, 3, 4, 1, 6]);
});

test('$INCLUDE: refused, missing, looping, too deep; each names its chain', () => {
  const texts = (include: Parameters<typeof parse>[1]) =>
    parse('$INCLUDE a', include).diagnostics.map(d => `${d.file}:${d.line}:${d.col} ${d.code} ${d.message}`);
  assert.deepEqual(texts({}), ['z:1:10 GTM-Z023 cannot include «a»: files are not included here (z → a)']);
  assert.deepEqual(texts({ include: () => ({ fault: 'outside the zone folder' }) }), [
    'z:1:10 GTM-Z023 cannot include «a»: outside the zone folder (z → a)',
  ]);
  assert.deepEqual(
    texts({ include: file => ({ file, text: file === 'a' ? '\n$INCLUDE b' : '$INCLUDE a' }) }),
    ['b:1:10 GTM-Z024 «a» is included within itself: z → a → b → a'],
  );
  const deep = texts({ include: (name, from) => ({ file: `${from}${name}`, text: '$INCLUDE a' }) });
  assert.equal(deep.length, 1);
  assert.match(deep[0], /^za{15}:1:10 GTM-Z024 files are included more than 16 deep: z → za → /);
  const wide = parse('$INCLUDE a', {
    include: (_, from) => ({ file: `${from.length}`, text: '$INCLUDE a\n'.repeat(200) }),
    maxFaults: 10,
  });
  assert.ok(wide.diagnostics.length <= 11);
});

test('each fault stands at its token, says value and bound, and costs its own entry alone', () => {
  for (const [text, place, message, help] of SYNTAX) {
    const { records, diagnostics } = parse(`$TTL 60\n${text}\nlast A 192.0.2.99\n`);
    assert.deepEqual(places(diagnostics), [`z:${place}`], text);
    assert.match(diagnostics[0].message, message, text);
    if (help === undefined) assert.ok(!/did you mean/.test(diagnostics[0].help ?? ''), text);
    else assert.match(diagnostics[0].help ?? '', help, text);
    assert.equal(lines(records).at(-1), 'last.example.com. 60 IN A 192.0.2.99', text);
  }
});

test('a first record without owner or TTL', () => {
  assert.deepEqual(places(parse(' A 192.0.2.1').diagnostics), ['z:1:2 GTM-Z005']);
  assert.deepEqual(places(parse('www A 192.0.2.1').diagnostics), ['z:1:5 GTM-Z025']);
});

test('all faults of a file are found in one run', () => {
  const text = `$TTL 60
x A 192.0.2.1 )
@ SOA a b ( 1 2 3
    4 5
www A 192.0.2.300
a..b TXT ok
     MX 10
     TXT "x
mail MX mail ( ; never closed
   TXT inside
y A 192.0.2.2`;
  const { records, diagnostics } = parse(text);
  assert.deepEqual(places(diagnostics), [
    'z:2:15 GTM-Z003',
    'z:3:11 GTM-Z002',
    'z:5:7 GTM-Z012',
    'z:6:1 GTM-Z004',
    'z:7:11 GTM-Z011',
    'z:8:10 GTM-Z001',
    'z:9:14 GTM-Z002',
  ]);
  assert.deepEqual(lines(records), ['y.example.com. 60 IN A 192.0.2.2']);
});

test('what inherits an owner that is no name is no record, and what follows an unreadable entry has its owner', () => {
  const { records } = parse('$TTL 1\na A 192.0.2.1\nb..c A 192.0.2.2\n A 192.0.2.3\nd TXT "\n A 192.0.2.4');
  assert.deepEqual(lines(records), ['a.example.com. 1 IN A 192.0.2.1', 'd.example.com. 1 IN A 192.0.2.4']);
});

test('faults are bounded, and so is what they show', () => {
  const { diagnostics } = parse('x\n'.repeat(5000));
  assert.equal(diagnostics.length, 1001);
  assert.equal(diagnostics.at(-1)?.code, 'GTM-Z029');
  const [long] = parse(`www A ${'9'.repeat(70_000)}\u001b[0m`).diagnostics;
  assert.ok(long.message.length < 200);
  assert.match(parse('www A \u001b[0m').diagnostics[0].message, /«\\u\{1b\}\[0m»/);
});

test('columns count UTF-16 units, as editors do', () => {
  assert.deepEqual(places(parse('www 1 TXT é 𝄞 "\n').diagnostics), ['z:1:16 GTM-Z001']);
});

test('an entry of many tokens, and record data at its bound', () => {
  const strings = (n: number) => `a 1 TXT (${' x\n'.repeat(n)})`;
  assert.equal(parse(strings(30_000)).records.rdlength[0], 60_000);
  assert.deepEqual(places(parse(strings(32_768)).diagnostics), ['z:32768:2 GTM-Z018']);
  assert.equal(parse(`a 1 TYPE731 \\# 65535 ${'00'.repeat(65_535)}`).records.rdlength[0], 65_535);
  assert.deepEqual(places(parse(`a 1 TYPE731 \\# 65535 ${'00'.repeat(65_536)}`).diagnostics), [
    'z:1:22 GTM-Z018',
  ]);
});

test('a file of open parentheses is read in linear time', () => {
  const { diagnostics } = parse('a 1 TXT (\n'.repeat(200_000), { maxFaults: 1_000_000 });
  assert.equal(diagnostics.length, 200_000);
});

test('one line as one record', () => {
  const { owner, ttl, type } = parseRecordLine('www 60 A 192.0.2.1', ORIGIN);
  assert.deepEqual([formatName(owner), ttl, type], ['www.example.com.', 60, 1]);
  for (const text of ['www A 1', '', 'a A 192.0.2.1\nb A 192.0.2.1'])
    assert.throws(
      () => parseRecordLine(text),
      e => e instanceof GtmError && e.code === 'GTM_ZONE',
    );
});

test('names: text to wire, its faults, its bounds', () => {
  const ok = (text: string) => parseName(text) as Uint8Array;
  assert.equal(ok(`${'x'.repeat(63)}.`).length, 65);
  assert.equal(ok(`${`${'x'.repeat(62)}.`.repeat(4)}y.`).length, 255);
  assert.equal(parseName(`${`${'x'.repeat(62)}.`.repeat(4)}yy.`), 'name over 255 octets');
  assert.equal(parseName(`${'x'.repeat(64)}.`), 'label over 63 octets');
  for (const text of ['.a', 'a..', '..', 'a..b']) assert.equal(parseName(text), 'empty label', text);
  for (const text of ['a\\', '\\25', '\\256', '\\2x5']) assert.equal(parseName(text), 'bad escape', text);
  assert.equal(parseName(''), 'empty name');
  assert.equal(nameLength(ok('.')), 1);
  assert.equal(formatName(ok('a\\046b.C\\000.')), 'a\\.b.C\\000.');
});

test('names relative to an origin keep their bytes', () => {
  assert.equal(relativeName(wire('www.example.com.'), ORIGIN), 'www');
  assert.equal(relativeName(wire('example.com.'), ORIGIN), '@');
  assert.equal(relativeName(wire('www.Example.com.'), ORIGIN), 'www.Example.com.');
  assert.equal(relativeName(wire('wwwexample.com.'), ORIGIN), 'wwwexample.com.');
  assert.equal(relativeName(wire('a.'), wire('.')), 'a.');
  // The origin's bytes within a label are no origin.
  const inside = Uint8Array.from([...wire('x.').subarray(0, 2), ORIGIN.length, ...ORIGIN, 0]);
  assert.equal(relativeName(inside, Uint8Array.from([...ORIGIN, 0])), formatName(inside));
});

test('the lexer’s tokens, with line and column', () => {
  const lex = new Lexer(' a "b c" (\nd;e\n) f\\ g');
  assert.ok(lex.next());
  const tokens = Array.from(
    { length: lex.count },
    (_, i) => `${lex.line[i]}:${lex.col(i)}-${lex.endCol(i)} ${lex.text(i)}`,
  );
  assert.deepEqual(tokens, ['1:2-3 a', '1:4-9 b c', '2:1-2 d', '3:3-7 f\\ g']);
  assert.ok(lex.blank);
  assert.ok(!lex.next());
});

test('text in UTF-16 is a fault, not a crash', () => {
  const { records, diagnostics } = parseZone(Buffer.from('\ufeffwww 1 A 192.0.2.1\n', 'utf16le'), {
    origin: ORIGIN,
    file: 'z',
  });
  assert.equal(records.count, 0);
  assert.ok(diagnostics.length > 0);
});
