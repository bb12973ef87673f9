// What the lab tells, as a table: each row is a story about one mode, family and protocol, told by programs that no one here wrote.
// A story throws when it is not as it should be.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Director, DNS_PORT } from './director.ts';
import { type Outcome, until } from './hosts.ts';
import {
  CLIENT,
  DIRECTOR,
  type Family,
  host,
  LOCAL,
  type Mode,
  SERVERS,
  type Site,
  serverAddress,
  vip,
} from './site.ts';

export interface Context {
  site: Site;
  director: Director;
  mode: Mode;
  family: Family;
  /** xdp or proxy: what the server sees of the client depends on it. */
  plane: 'proxy' | 'xdp';
  queues: number;
  /** SHA-256 of the files that every server has, by name. */
  hashes: ReadonlyMap<string, string>;
}

export interface Story {
  name: string;
  protocol: 'tcp' | 'udp' | 'any';
  /** Where it is told; everywhere if nothing is said. */
  modes?: readonly Mode[];
  planes?: readonly Context['plane'][];
  families?: readonly Family[];
  /** Told once more on links of two queues. */
  queues?: true;
  /** Resolves to what is worth being said beside that it is so. */
  tell(c: Context): Promise<unknown>;
}

/** Options of every curl: quiet, with faults on stderr, brackets in URLs as they are. */
const CURL = ['-gsS', '--fail-early', '-m', '20'];

export const STORIES: readonly Story[] = [
  { name: 'both servers answer, in turn', protocol: 'tcp', queues: true, tell: inTurn },
  { name: 'the server sees who asks', protocol: 'tcp', planes: ['xdp'], tell: source },
  { name: 'a file of 64 MiB comes whole', protocol: 'tcp', queues: true, tell: c => download(c, 'medium') },
  {
    name: 'a file of 1 GiB comes whole',
    protocol: 'tcp',
    modes: ['nat', 'tun'],
    families: [4],
    planes: ['xdp'],
    tell: c => download(c, 'large'),
  },
  { name: 'a file of 32 MiB is put whole, whatever the MTU on the way', protocol: 'tcp', tell: upload },
  { name: '200 connections at once', protocol: 'tcp', queues: true, tell: many },
  ...(['gue', 'gre'] as const).map(
    (tunnel): Story => ({
      name: `through ${tunnel.toUpperCase()}`,
      protocol: 'tcp',
      modes: ['tun'],
      planes: ['xdp'],
      tell: c => through(c, tunnel),
    }),
  ),
  { name: 'TOA tells the server who asks', protocol: 'tcp', modes: ['fullnat'], planes: ['xdp'], tell: toa },
  {
    name: 'servers die, DNS answers move, and come back',
    protocol: 'tcp',
    modes: ['nat'],
    families: [4],
    planes: ['xdp'],
    tell: dnsMoves,
  },
  { name: 'both servers answer dig', protocol: 'udp', queues: true, tell: dig },
  { name: 'an answer in fragments comes whole', protocol: 'udp', queues: true, tell: fragments },
  {
    name: 'a server without a listener refuses, and dig hears of it',
    protocol: 'udp',
    planes: ['xdp'],
    queues: true,
    tell: refused,
  },
  {
    name: 'answers do not pass the director',
    protocol: 'tcp',
    modes: ['dr', 'tun'],
    planes: ['xdp'],
    tell: past,
  },
  { name: 'weight 0 lets an open connection finish', protocol: 'tcp', tell: quiesce },
  { name: 'a server that dies is left out', protocol: 'tcp', tell: death },
  { name: 'an idle connection goes on', protocol: 'tcp', tell: idle },
  {
    name: 'ping and a port that is no service stay with the host',
    protocol: 'any',
    planes: ['xdp'],
    tell: others,
  },
  {
    name: 'what a server begins goes out as its own',
    protocol: 'tcp',
    modes: ['nat'],
    planes: ['xdp'],
    tell: begun,
  },
  {
    name: 'weights are shares, with every scheduler that has them',
    protocol: 'tcp',
    modes: ['nat'],
    families: [4],
    tell: shares,
  },
  {
    name: 'a restart: no reset, a short gap, open connections finish',
    protocol: 'tcp',
    modes: ['nat', 'fullnat', 'dr'],
    families: [4],
    planes: ['xdp'],
    queues: true,
    tell: restart,
  },
];

function url(c: Context, path: string): string {
  return `http://${host(vip(c.mode, c.family))}${path}`;
}

async function sure(run: Promise<Outcome>): Promise<string> {
  const { code, out, err } = await run;
  if (code !== 0) throw new Error(`exit code ${code}: ${err.trim().slice(0, 500)}${out.slice(0, 200)}`);
  return out;
}

function curl(c: Context, ...args: string[]): Promise<string> {
  return sure(c.site.client.run('curl', [...CURL, ...args], { timeout: 60_000 }));
}

/** Who answered, by name, out of so many requests of a connection each. */
async function answers(c: Context, count: number, path = '/whoami'): Promise<Map<string, number>> {
  const out = await curl(c, '-H', 'Connection: close', ...Array.from({ length: count }, () => url(c, path)));
  const found = new Map<string, number>();
  for (const line of out.trim().split('\n')) {
    const name = line.split(' ')[0];
    found.set(name, (found.get(name) ?? 0) + 1);
  }
  return found;
}

async function inTurn(c: Context): Promise<void> {
  const found = await answers(c, 10);
  assert.deepEqual([...found.keys()].sort(), SERVERS[c.mode].names);
  // Workers take turns each for itself.
  if (c.queues === 1) assert.deepEqual([...found.values()], [5, 5]);
}

async function source(c: Context): Promise<void> {
  const out = await curl(c, url(c, '/whoami'));
  const seen = out.trim().split(' ')[1];
  if (c.mode === 'fullnat') assert.ok(LOCAL[c.family].includes(seen), `seen: ${seen}`);
  else assert.equal(seen, CLIENT[c.family]);
}

async function download(c: Context, file: string): Promise<void> {
  const into = join(c.site.dir, 'got');
  try {
    await curl(c, '-m', '100', '-o', into, url(c, `/${file}`));
    assert.equal(await hashOf(into), c.hashes.get(file));
  } finally {
    rmSync(into, { force: true });
  }
}

async function upload(c: Context): Promise<void> {
  const name = `up-${c.plane}-${c.mode}-${c.family}`;
  await curl(c, '-T', join(c.site.files, 'small'), url(c, `/up/${name}`));
  const got = SERVERS[c.mode].names.flatMap(server => {
    const dir = join(c.site.dir, server, 'up');
    return readdirSync(dir)
      .filter(f => f === name)
      .map(f => join(dir, f));
  });
  assert.equal(got.length, 1);
  assert.equal(await hashOf(got[0]), c.hashes.get('small'));
  rmSync(got[0]);
}

async function many(c: Context): Promise<void> {
  const out = await curl(
    c,
    '--parallel',
    '--parallel-immediate',
    '--parallel-max',
    '200',
    ...Array.from({ length: 200 }, () => url(c, '/whoami')),
  );
  assert.equal(out.trim().split('\n').length, 200);
}

async function through(c: Context, tunnel: 'gue' | 'gre'): Promise<void> {
  await c.director.change({ [c.mode]: { tunnel } });
  try {
    await inTurn(c);
    await upload(c);
    await dig(c);
  } finally {
    await c.director.change({});
  }
}

async function toa(c: Context): Promise<void> {
  const { names, web } = SERVERS[c.mode];
  const module = JSON.stringify(new URL('../../src/realserver/toa-server.js', import.meta.url));
  const script = `import(${module}).then(m => m.serveToa({ listen: '[::]:${web}', ready: console.log }))`;
  await Promise.all(names.map(n => c.site.web.get(n)?.stop('SIGKILL')));
  const readers = names.map(n => c.site.servers.get(n)?.start(process.execPath, ['-e', script]));
  try {
    await Promise.all(readers.map(r => r?.says(/./)));
    const out = await until('the checks have found them', async () => {
      const { code, out } = await c.site.client.run('curl', [
        ...CURL,
        '--local-port',
        '40000-40100',
        url(c, '/whoami'),
      ]);
      return code === 0 ? out : undefined;
    });
    const [, client, port] = /^client \[?([0-9a-f.:]+?)\]?:(\d+), peer/.exec(out) ?? [];
    assert.equal(client, CLIENT[c.family], out);
    assert.ok(Number(port) >= 40_000 && Number(port) <= 40_100, out);
  } finally {
    await Promise.all(readers.map(r => r?.stop('SIGKILL')));
    for (const n of names) c.site.startWeb(n);
    await until('nginx answers', async () => (await answers(c, 4).catch(() => new Map())).size === 2);
  }
}

async function dnsMoves(c: Context): Promise<string> {
  const answer = async () => {
    const args = [
      `@${DIRECTOR[4]}`,
      '-p',
      `${DNS_PORT}`,
      '+short',
      '+tries=1',
      '+time=1',
      'www.lab.test',
      'A',
    ];
    return (await c.site.client.run('dig', args)).out.trim().split('\n');
  };
  const own = vip(c.mode, 4);
  await until('all VIPs are answered', async () => (await answer()).length === 4);
  const begun = performance.now();
  await Promise.all(SERVERS[c.mode].names.map(n => c.site.web.get(n)?.stop('SIGKILL')));
  try {
    await until('the VIP is left out', async () => {
      const found = await answer();
      return found.length === 3 && !found.includes(own);
    });
    return `${((performance.now() - begun) / 1000).toFixed(1)} s to the first good answer`;
  } finally {
    for (const n of SERVERS[c.mode].names) c.site.startWeb(n);
    await until('it is back', async () => (await answer()).includes(own));
  }
}

function ask(c: Context, ...args: string[]): Promise<Outcome> {
  return c.site.client.run('dig', [`@${vip(c.mode, c.family)}`, '+tries=1', '+time=2', '+short', ...args]);
}

async function dig(c: Context): Promise<void> {
  const found = new Set<string>();
  for (let i = 0; i < 6; i++) found.add((await sure(ask(c, 'whoami.lab', 'TXT'))).trim());
  assert.deepEqual(
    [...found].sort(),
    SERVERS[c.mode].names.map(n => `"${n}"`),
  );
}

async function fragments(c: Context): Promise<void> {
  const out = await sure(ask(c, '+bufsize=4096', '+ignore', '+notcp', 'big.lab', 'TXT'));
  assert.ok(out.length > 2700, `${out.length} octets`);
  assert.equal(out.match(/x{230}/g)?.length, 12);
}

async function refused(c: Context): Promise<void> {
  const { names } = SERVERS[c.mode];
  await Promise.all(names.map(n => c.site.dns.get(n)?.stop('SIGKILL')));
  try {
    const begun = performance.now();
    // dig itself hides refusals; its socket hears of them at once.
    const { out, err } = await ask(c, '+time=4', 'whoami.lab', 'TXT');
    assert.match(out + err, /connection refused/);
    assert.ok(performance.now() - begun < 3000);
  } finally {
    for (const n of names) c.site.startDns(n);
    await until('nsd answers', async () => (await ask(c, 'whoami.lab', 'TXT')).out.includes('"'), 5000);
    await until('nsd answers', async () => (await ask(c, 'whoami.lab', 'TXT')).out.includes('"'), 5000);
  }
}

async function past(c: Context): Promise<void> {
  // On the router's end of the director's cable: what XDP takes is not seen by a tap behind it.
  const filter = `src host ${vip(c.mode, c.family)} and tcp src port 80`;
  const dump = c.site.router.start('tcpdump', ['-nni', 'dir-eth0', filter]);
  await dump.says(/listening on/);
  await download(c, 'medium');
  await new Promise(resolve => setTimeout(resolve, 200));
  await dump.stop('SIGINT');
  assert.match(dump.output(), /\b0 packets captured/);
}

async function quiesce(c: Context): Promise<void> {
  const into = join(c.site.dir, 'slow');
  const slow = curl(c, '--limit-rate', '4M', '-o', into, url(c, '/small'));
  const row = async () =>
    (await c.director.services()).find(
      s => s.key.startsWith('tcp') && s.key.includes(`${host(vip(c.mode, c.family))}:`),
    );
  const busy = await until('a connection is open', async () =>
    (await row())?.realServers.find(r => r.active > 0),
  );
  const i = busy.name.startsWith(SERVERS[c.mode].names[0]) ? 0 : 1;
  try {
    await c.director.change({ [c.mode]: { weights: i === 0 ? [0, 1] : [1, 0] } });
    const found = await answers(c, 6);
    assert.deepEqual([...found], [[SERVERS[c.mode].names[1 - i], 6]]);
    await slow;
    assert.equal(await hashOf(into), c.hashes.get('small'));
  } finally {
    await slow.catch(() => {});
    rmSync(into, { force: true });
    await c.director.change({});
  }
}

async function death(c: Context): Promise<void> {
  const [first, second] = SERVERS[c.mode].names;
  await c.site.web.get(first)?.stop('SIGKILL');
  try {
    await until('the other answers alone', async () => {
      const { code, out } = await c.site.client.run('curl', [
        ...['-gs', '-m', '2', '-H', 'Connection: close'],
        ...Array.from({ length: 8 }, () => url(c, '/whoami')),
      ]);
      const names = out.trim().split('\n');
      return code === 0 && names.length === 8 && names.every(n => n.startsWith(`${second} `));
    });
  } finally {
    c.site.startWeb(first);
  }
  await until('both answer again', async () => (await answers(c, 8)).size === 2);
}

async function idle(c: Context): Promise<void> {
  // One connection, two requests, and 4 s between: nc would say the same in more words.
  const script = `exec 3<>/dev/tcp/${vip(c.mode, c.family)}/80; ask() { printf 'GET /whoami HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' >&3; timeout 3 sed -u '/^[a-z][0-9] /q' <&3 | tail -1; }; ask; sleep 4; ask`;
  const out = await sure(c.site.client.run('bash', ['-c', script]));
  const [before, after, ...none] = out.trim().split('\n');
  assert.match(before, /^[ndt][12] /);
  assert.deepEqual([after, none], [before, []]);
}

async function others(c: Context): Promise<void> {
  const load = download(c, 'medium');
  try {
    const out = await sure(
      c.site.client.run('ping', ['-c', '20', '-i', '0.02', '-W', '1', vip(c.mode, c.family)]),
    );
    assert.match(out, / 0% packet loss/);
    const { err } = await c.site.client.run('curl', [...CURL, url(c, '/').replace(/\/$/, ':81/')]);
    assert.match(err, /refused|Failed to connect/);
  } finally {
    await load;
  }
}

async function begun(c: Context): Promise<void> {
  const [server] = SERVERS[c.mode].names.map(n => c.site.servers.get(n));
  const script = `require('http').createServer((q,s)=>s.end(q.socket.remoteAddress)).listen(9000,'::',()=>console.log('ready'))`;
  const listener = c.site.client.start(process.execPath, ['-e', script]);
  try {
    await listener.says(/ready/);
    const out = await sure(
      server?.run('curl', [...CURL, `http://${host(CLIENT[c.family])}:9000/`]) as Promise<Outcome>,
    );
    assert.equal(out.replace('::ffff:', ''), serverAddress(c.mode, c.family, 0));
  } finally {
    await listener.stop('SIGKILL');
  }
}

async function shares(c: Context): Promise<void> {
  const address = vip(c.mode, c.family);
  const held = `for i in {1..40}; do exec {fd}<>/dev/tcp/${address}/80 || exit 1; done; echo held; sleep 60`;
  try {
    for (const [scheduler, weights, share] of [
      ['rr', [1, 1], 20],
      ['wrr', [3, 1], 30],
      ['lc', [1, 1], 20],
      ['wlc', [3, 1], 30],
      ['sed', [3, 1], 30],
      ['nq', [3, 1], 30],
      ['fo', [3, 1], 40],
      ['ovf', [50, 1], 40],
    ] as const) {
      await c.director.change({ [c.mode]: { scheduler, weights } });
      const holder = c.site.client.start('bash', ['-c', held]);
      try {
        await holder.says(/held/);
        const row = await until(
          `${scheduler}: 40 connections are open`,
          async () => {
            const found = (await c.director.services()).find(
              s => s.key.startsWith('tcp') && s.key.includes(`${host(address)}:`),
            );
            return found?.realServers.reduce((sum, r) => sum + r.active, 0) === 40 ? found : undefined;
          },
          5000,
        );
        const active = row.realServers[0].active;
        assert.ok(Math.abs(active - share) <= 2, `${scheduler} ${weights.join(':')}: ${active} of 40`);
      } finally {
        await holder.stop('SIGKILL');
      }
    }
  } finally {
    await c.director.change({});
  }
}

async function restart(c: Context): Promise<string> {
  const into = join(c.site.dir, 'over');
  // With its first TTL: what the director's host says itself, not what servers say.
  const filter = `src host ${vip(c.mode, c.family)} and tcp[tcpflags] & tcp-rst != 0 and ip[8] == 64`;
  const dump = c.site.router.start('tcpdump', ['-nni', 'dir-eth0', filter]);
  await dump.says(/listening on/);
  const slow = curl(c, '-m', '40', '--limit-rate', '4M', '-o', into, url(c, '/small'));
  slow.catch(() => {});
  // A connection after another, each tried again for as long as it takes: the longest pause is the gap.
  const ask = `while :; do curl -gs -m 0.3 -o /dev/null ${url(c, '/whoami')} && date +%s%N; done`;
  const probe = c.site.client.start('bash', ['-c', ask]);
  try {
    await new Promise(resolve => setTimeout(resolve, 1000));
    await c.director.stop();
    await c.director.start();
    await slow;
    assert.equal(await hashOf(into), c.hashes.get('small'));
    await dump.stop('SIGINT');
    assert.match(dump.output(), /\b0 packets captured/);
    await probe.stop('SIGKILL');
    const times = probe
      .output()
      .trim()
      .split('\n')
      .map(t => Number(t) / 1e6);
    const gap = Math.max(...times.slice(1).map((t, i) => t - times[i]));
    assert.ok(times.length > 10 && gap < 20_000, `${Math.round(gap)} ms`);
    return `no answer for ${(gap / 1000).toFixed(1)} s`;
  } finally {
    await slow.catch(() => {});
    await probe.stop('SIGKILL');
    await dump.stop('SIGKILL');
    rmSync(into, { force: true });
    if (c.director.pid === 0) await c.director.start();
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(piece as Buffer);
  return hash.digest('hex');
}
