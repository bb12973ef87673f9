// Faults beside those of named-checkzone and nsd-checkzone: what we refuse, both of them refuse. Where we are stricter, or
// one of them cannot know better, the row is named below with its reason; a reason that no row needs is a failure too.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { checkZone } from '../../src/dns/zonefile/check.ts';
import { hasErrors } from '../../src/kit/diag.ts';
import { BASE, MEANING } from './broken-meaning.ts';
import { SYNTAX } from './broken-syntax.ts';
import { ORIGIN, parse } from './zonefile-helper.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'faults-'));
after(() => rmSync(folder, { recursive: true }));

const PEERS = {
  bind: (zone: string) => ['named-checkzone', '-i', 'local', 'example.com', zone],
  nsd: (zone: string) => ['nsd-checkzone', 'example.com', zone],
} as const;
type Peer = keyof typeof PEERS;

interface Verdict {
  takes: boolean;
  /** The first line that it names. */
  line: number;
}

async function verdict(peer: Peer, text: string): Promise<Verdict> {
  const file = join(folder, peer);
  writeFileSync(file, text);
  const [program, ...args] = PEERS[peer](file);
  try {
    await run(program, args);
    return { takes: true, line: 0 };
  } catch (e) {
    const { code, stdout, stderr } = e as { code?: unknown; stdout: string; stderr: string };
    if (typeof code !== 'number') throw e;
    const line = new RegExp(`${file}:(\\d+):`).exec(stdout + stderr)?.[1] ?? '0';
    return { takes: false, line: Number(line) };
  }
}

/** Rows that we refuse and one of them takes, and why we do not. */
const STRICTER: readonly { peers: readonly Peer[]; rows: readonly string[]; why: string }[] = [
  {
    peers: ['nsd'],
    rows: [
      '@ MX 65536 mail',
      '@ MX -1 mail',
      '@ CAA 256 issue "x"',
      '@ SOA a b 4294967296 2 3 4 5',
      '@ TLSA 3 1 256 ab',
      '@ NSEC3PARAM 1 0 65536 -',
      '@ AFSDB 65536 a',
      '@ LOC 91 N 4 E 0m',
      '@ LOC 52 60 N 4 E 0m',
      '@ LOC 52 N 4 E 0m 90000001m',
    ],
    why: 'a number that does not fit is cut, and so another one is served than was written',
  },
  {
    peers: ['bind', 'nsd'],
    rows: ['www 2147483648 A 192.0.2.1'],
    why: 'a TTL over 31 bits is taken, and by resolvers as 0 (RFC 2181 §8): the opposite of what was meant',
  },
  {
    peers: ['nsd'],
    rows: [
      'www A "192.0.2.1"',
      'www "A" 192.0.2.1',
      '@ SMIMEA 3 1 1 "ab"',
      '@ NSEC a "A"',
      '@ HTTPS 1 . "alpn=h2"',
    ],
    why: 'quotes are strings (RFC 1035 §5.1); BIND and Knot refuse these, so such a zone cannot be moved',
  },
  { peers: ['bind', 'nsd'], rows: ['"www" A 192.0.2.1'], why: 'an owner is a name, and no string' },
  {
    peers: ['nsd'],
    rows: ['@ TXT "\\256"', '@ TXT a\\1', '@ NS a\\300', '@ HTTPS 1 . alpn="\\256"'],
    why: 'an escape is three digits up to 255 (RFC 1035 §5.1); else it is read as other octets than were written',
  },
  { peers: ['nsd'], rows: ['@ TXT ( a'], why: 'with an open parenthesis the file may be cut short' },
  {
    peers: ['bind'],
    rows: ['@ TXT ( a ( b ) )'],
    why: 'parentheses do not nest (RFC 1035 §5.1); NSD says so, too',
  },
  { peers: ['nsd'], rows: ['www TYPE252 \\# 0'], why: 'AXFR is a question, and never data (RFC 6895 §3.1)' },
  {
    peers: ['nsd'],
    rows: ['www 1h30 A 192.0.2.1'],
    why: 'a number without a unit behind one with it is a slip',
  },
  { peers: ['nsd'], rows: ['www TYPE731 \\# 2 ab'], why: 'the length and the data disagree (RFC 3597 §5)' },
  {
    peers: ['nsd'],
    rows: ['@ RRSIG A 8 3 60 20300101000000 20260230000000 1 @ AwEA'],
    why: 'there is no February 30',
  },
  { peers: ['nsd'], rows: ['@ NSEC3 1 0 0 - a A'], why: 'five bits are no octet (RFC 5155 §3.3)' },
  { peers: ['nsd'], rows: ['@ IPSECKEY 10 0 2 a AwEA'], why: 'type 0 has no gateway (RFC 4025 §3.1)' },
  { peers: ['nsd'], rows: ['@ NS ns1'], why: 'the name server of the zone has no address' },
  {
    peers: ['bind', 'nsd'],
    rows: ['sub NS ns.sub\n NS sub'],
    why: 'a delegation to a name below it cannot be followed without its address (RFC 9471)',
  },
  {
    peers: ['bind'],
    rows: ['www.example.net. A 192.0.2.1\n A 192.0.2.2', 'com. A 192.0.2.1', 'wwwexample.com. A 192.0.2.1'],
    why: 'it warns and leaves the record out; what is not served should not look as if it were',
  },
  {
    peers: ['bind'],
    rows: ['a DNAME b.x.\na.a.a A 192.0.2.1', '@ DNAME b.x.\nwww A 192.0.2.1'],
    why: 'what stands below a DNAME is never answered (RFC 6672 §2.4)',
  },
  {
    peers: ['bind', 'nsd'],
    rows: ['a DNAME b.x.\n NS ns.x.'],
    why: 'below the apex a DNAME must not stand beside an NS (RFC 6672 §2.3), and Knot refuses it too',
  },
];

const APEX = '@ 60 SOA ns.other. host 1 2 3 4 5\n@ 60 NS ns.other.\n';
const ROWS = [...SYNTAX.map(row => row[0]), ...MEANING.map(row => row[0])];

/** A row as a whole zone; one with an SOA of its own stands for that of the others. */
function zoneOf(row: string): string {
  if (MEANING.some(([text]) => text === row)) return `${BASE}${row}\n`;
  return `${row.includes(' SOA ') ? '@ 60 NS ns.other.\n' : APEX}$TTL 60\n${row}\n`;
}

/** Our verdict on it. */
function ours(text: string): Verdict {
  const { records, diagnostics } = parse(text);
  const all = [...diagnostics, ...checkZone(records, ORIGIN, { partial: hasErrors(diagnostics) })];
  const error = all.find(d => d.severity === 'error');
  return { takes: error === undefined, line: error?.line ?? 0 };
}

test('two hundred kinds of faults and more', () => {
  assert.equal(new Set(ROWS).size, ROWS.length);
  assert.ok(ROWS.length >= 200, `${ROWS.length}`);
});

test('what we refuse, BIND and NSD refuse, but for what is named here; and what both refuse, we do', async () => {
  // They do not know POOL, and would refuse it for that.
  const rows = ROWS.filter(row => !/\bPOOL\b/.test(row));
  const mine = new Map(rows.map(row => [row, ours(zoneOf(row))]));
  const surprises: string[] = [];
  const theirs: Record<Peer, Map<string, Verdict>> = { bind: new Map(), nsd: new Map() };
  const compare = async (peer: Peer) => {
    assert.ok((await verdict(peer, APEX)).takes, `${peer} takes a zone without a fault`);
    const named = new Set(STRICTER.flatMap(s => (s.peers.includes(peer) ? s.rows : [])));
    for (const row of rows) {
      const told = await verdict(peer, zoneOf(row));
      theirs[peer].set(row, told);
      if (!mine.get(row)?.takes && told.takes !== named.has(row))
        surprises.push(`${peer} ${told.takes ? 'takes' : 'refuses'}: ${row}`);
    }
    for (const row of named) if (mine.get(row)?.takes !== false) surprises.push(`we do not refuse: ${row}`);
  };
  await Promise.all([compare('bind'), compare('nsd')]);
  let sameLine = 0;
  for (const row of rows) {
    const [we, bind, nsd] = [mine.get(row), theirs.bind.get(row), theirs.nsd.get(row)];
    if (we?.takes && !bind?.takes && !nsd?.takes) surprises.push(`both refuse, and we take: ${row}`);
    if (we === undefined || we.takes || bind === undefined || bind.line === 0) continue;
    // The parenthesis that is never closed we name where it opens, BIND where the file ends.
    if (we.line === bind.line) sameLine++;
    else if (row !== '@ TXT ( a') surprises.push(`line ${we.line}, and ${bind.line} for BIND: ${row}`);
  }
  assert.deepEqual(surprises, []);
  assert.ok(sameLine >= 150, `${sameLine} faults on the line that BIND names`);
});
