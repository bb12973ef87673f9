// The answer path against the real NSD: the same zones, a thousand questions over UDP, the same rcode, AA, answer and
// authority, and the same glue in referrals. Where we differ on purpose stands in DEVIATIONS.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { below, seeded } from '../../src/kit/rng.ts';
import { decode, type Message, type Rr } from './decode.ts';
import { query, Server, show, zonesOf } from './serve.ts';

const ZONES = {
  'example.com': `$TTL 600
@ 900 SOA ns1 Host.Master 7 3600 900 86400 60
@ NS ns1
@ NS ns2.example.net.
@ MX 10 mail
@ MX 20 mail
@ TXT "apex"
@ CAA 0 issue "ca.example"
ns1 A 192.0.2.1
ns1 AAAA 2001:db8::1
mail A 192.0.2.2
Host.MiXed A 192.0.2.3
multi A 192.0.2.10
multi A 192.0.2.11
multi AAAA 2001:db8::10
alias CNAME multi
alias2 CNAME alias
out CNAME www.elsewhere.org.
other CNAME www.example.net.
othergone CNAME gone.example.net.
gone CNAME nowhere
intocut CNAME host.sub
loop CNAME loop2
loop2 CNAME loop
self CNAME self
*.wild A 192.0.2.20
*.wild TXT "wild"
host.wild MX 10 mail
a.b.wild A 192.0.2.21
*.wildc CNAME multi
*.wildself CNAME x.wildself
leaf.ent.deep A 192.0.2.30
x.*.star A 192.0.2.31
*.starred TXT "s"
sub.*.starred A 192.0.2.32
sub NS ns.sub
sub NS ns.below.sub
sub NS ns1
sub NS ns.sub2
ns.sub A 192.0.2.40
ns.below.sub AAAA 2001:db8::40
deep.sub TXT "hidden"
sub2 NS ns.sub2
sub2 DS 1 8 2 0000000000000000000000000000000000000000000000000000000000000000
ns.sub2 A 192.0.2.41
child NS ns.child
child DS 2 8 2 0000000000000000000000000000000000000000000000000000000000000000
ns.child A 192.0.2.42
plainchild NS ns1
d DNAME target
d TXT "at dname"
www.target A 192.0.2.50
alias.target CNAME www.target
toolong DNAME ${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}
dout DNAME example.net.
dloop DNAME x.dloop
_sip._tcp SRV 0 5 5060 multi
_sip._tcp SRV 0 6 5061 multi
_sip._tcp SRV 0 5 5062 www.example.net.
ptr PTR multi
long TXT ${Array.from({ length: 4 }, () => `"${'t'.repeat(250)}"`).join(' ')}
hinfo HINFO "cpu" "os"
odd TYPE4711 \\# 3 010203
`,
  'child.example.com': `$TTL 300
@ SOA ns root 1 2 3 4 30
@ NS ns
ns A 192.0.2.42
www A 192.0.2.43
up CNAME multi.example.com.
`,
  'example.net': `$TTL 100
@ SOA ns1.example.com. root.example.com. 1 2 3 4 50
@ NS ns1.example.com.
www A 198.51.100.1
multi A 198.51.100.2
`,
};

const TYPES = [
  'A',
  'AAAA',
  'NS',
  'SOA',
  'MX',
  'TXT',
  'CNAME',
  'DNAME',
  'DS',
  'SRV',
  'PTR',
  'CAA',
  'HINFO',
  'TYPE4711',
];

let nsd: ChildProcess;
let socket: Socket;
let port = 0;
const folder = mkdtempSync(join(tmpdir(), 'nsd-'));

before(async () => {
  port = await freePort();
  const zones = Object.entries(ZONES).map(([origin, text]) => {
    writeFileSync(join(folder, origin), text);
    return `zone:\n  name: ${origin}\n  zonefile: ${origin}\n`;
  });
  const settings = [
    `ip-address: 127.0.0.1@${port}`,
    'server-count: 1',
    'username: ""',
    'chroot: ""',
    'pidfile: ""',
    'database: ""',
    'rrl-ratelimit: 0',
    'minimal-responses: yes',
    'confine-to-zone: no',
    `zonesdir: ${folder}`,
    `logfile: ${folder}/log`,
    `xfrdfile: ${folder}/xfrd`,
    `zonelistfile: ${folder}/zonelist`,
  ];
  const config = join(folder, 'nsd.conf');
  const control = 'remote-control:\n  control-enable: no\n';
  writeFileSync(config, `server:\n  ${settings.join('\n  ')}\n${control}${zones.join('')}`);
  nsd = spawn('/usr/sbin/nsd', ['-d', '-c', config], { stdio: 'ignore' });
  socket = createSocket('udp4');
  for (let i = 0; ; i++) {
    if ((await ask(query('example.com SOA'), 100)) !== undefined) break;
    assert.ok(i < 100 && nsd.exitCode === null, 'nsd does not answer');
  }
});

after(async () => {
  socket.close();
  nsd.kill('SIGTERM');
  if (nsd.exitCode === null) await once(nsd, 'exit');
  rmSync(folder, { recursive: true });
});

async function freePort(): Promise<number> {
  const probe = createSocket('udp4').bind(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  return port;
}

function ask(message: Uint8Array, patience = 2000): Promise<Uint8Array | undefined> {
  return new Promise(resolve => {
    const timer = setTimeout(() => done(undefined), patience);
    const done = (reply: Uint8Array | undefined) => {
      clearTimeout(timer);
      socket.removeListener('message', done);
      resolve(reply === undefined ? undefined : Uint8Array.from(reply));
    };
    socket.on('message', done);
    socket.send(message, port, '127.0.0.1');
  });
}

// Names that stand in the zones, and some beside, above and below them.
function names(): string[] {
  const all = new Set<string>(['elsewhere.org', 'com', '.']);
  for (const [origin, text] of Object.entries(ZONES)) {
    for (const line of text.split('\n').slice(1, -1)) {
      const owner = line.split(' ')[0];
      const name = owner === '@' ? origin : `${owner}.${origin}`;
      for (const prefix of ['', 'x.', '*.', 'x.y.', 'www.']) all.add(prefix + name);
      all.add(name.toUpperCase());
      for (let at = name.indexOf('.'); at >= 0; at = name.indexOf('.', at + 1)) all.add(name.slice(at + 1));
    }
  }
  return [...all];
}

const set = (rrs: Rr[]) => rrs.map(r => `${r.owner} ${r.ttl} ${r.type} ${r.data}`.toLowerCase()).sort();

function same(ours: Message, theirs: Message): boolean {
  const glue = (m: Message) => (m.aa ? [] : set(m.additional));
  return (
    ours.rcode === theirs.rcode &&
    ours.aa === theirs.aa &&
    ours.tc === theirs.tc &&
    String(set(ours.answer)) === String(set(theirs.answer)) &&
    String(set(ours.authority)) === String(set(theirs.authority)) &&
    String(glue(ours)) === String(glue(theirs))
  );
}

/** Where we answer otherwise than NSD, and why. */
const DEVIATIONS: { why: string; applies: (ours: Message, theirs: Message) => boolean }[] = [
  {
    why: 'a truncated reply has no records, where NSD leaves the links of a chain that fit',
    applies: (ours, theirs) =>
      ours.tc && theirs.tc && ours.answer.length === 0 && ours.rcode === theirs.rcode,
  },
];

test('a thousand questions get the same answer from NSD', async () => {
  const server = new Server(zonesOf(ZONES), {});
  const rng = seeded(20261122);
  const all = names();
  const used = new Map<string, number>();
  const differ: string[] = [];
  for (let i = 0; i < 1000; i++) {
    const text = `${all[below(rng, all.length)]} ${TYPES[below(rng, TYPES.length)]}`;
    const how = { edns: i % 4 === 0 ? 512 : 1232, id: i };
    const theirs = decode((await ask(query(text, how))) ?? assert.fail(`nsd is silent: ${text}`));
    const ours = server.ask(text, how);
    assert.equal(ours.id, i);
    if (same(ours, theirs)) continue;
    const known = DEVIATIONS.find(d => d.applies(ours, theirs));
    if (known === undefined) differ.push(`${text}\n--- ours\n${show(ours)}\n--- nsd\n${show(theirs)}`);
    else used.set(known.why, (used.get(known.why) ?? 0) + 1);
  }
  assert.equal(differ.slice(0, 10).join('\n\n'), '');
  for (const d of DEVIATIONS)
    assert.ok((used.get(d.why) ?? 0) > 0, `no question shows this deviation: ${d.why}`);
});
