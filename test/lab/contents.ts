// Stories about what goes through: who answers, who is seen, what comes whole, what stays with the host.
import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Outcome, paced, until } from './hosts.ts';
import { CLIENT, host, LOCAL, SERVERS, serverAddress, vip } from './site.ts';
import { answerers, ask, type Context, CURL, curl, hashOf, sure, url } from './telling.ts';

export async function inTurn(c: Context): Promise<void> {
  const { names } = SERVERS[c.mode];
  const found = await answerers(c, 10);
  assert.deepEqual([...new Set(found)].sort(), names);
  // Workers take turns each for itself.
  const next = (name: string) => names[name === names[0] ? 1 : 0];
  if (c.queues === 1) assert.deepEqual(found.slice(1), found.slice(0, -1).map(next), found.join(' '));
}

export async function source(c: Context): Promise<void> {
  const out = await curl(c, url(c, '/whoami'));
  const seen = out.trim().split(' ')[1];
  if (c.mode === 'fullnat') assert.ok(LOCAL[c.family].includes(seen), `seen: ${seen}`);
  else assert.equal(seen, CLIENT[c.family]);
}

export async function download(c: Context, file: string): Promise<void> {
  const into = join(c.site.dir, 'got');
  const hash = c.files.hash(file);
  try {
    await curl(c, '-m', `${paced(100)}`, '-o', into, url(c, `/${file}`));
    assert.equal(await hashOf(into), hash);
  } finally {
    rmSync(into, { force: true });
  }
}

export async function upload(c: Context): Promise<void> {
  const name = `up-${c.plane}-${c.mode}-${c.family}`;
  const hash = c.files.hash('small');
  await curl(c, '-T', join(c.site.files, 'small'), url(c, `/up/${name}`));
  const got = SERVERS[c.mode].names.flatMap(server => {
    const dir = join(c.site.dir, server, 'up');
    return readdirSync(dir)
      .filter(f => f === name)
      .map(f => join(dir, f));
  });
  assert.equal(got.length, 1);
  assert.equal(await hashOf(got[0]), hash);
  rmSync(got[0]);
}

export async function many(c: Context): Promise<void> {
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

export async function dig(c: Context): Promise<void> {
  const found = new Set<string>();
  for (let i = 0; i < 6; i++) found.add((await sure(ask(c, 'whoami.lab', 'TXT'))).trim());
  assert.deepEqual(
    [...found].sort(),
    SERVERS[c.mode].names.map(n => `"${n}"`),
  );
}

export async function fragments(c: Context): Promise<void> {
  const out = await sure(ask(c, '+bufsize=4096', '+ignore', '+notcp', 'big.lab', 'TXT'));
  assert.ok(out.length > 2700, `${out.length} octets`);
  assert.equal(out.match(/x{230}/g)?.length, 12);
}

export async function refused(c: Context): Promise<void> {
  const { names } = SERVERS[c.mode];
  await Promise.all(names.map(n => c.site.dns.get(n)?.stop('SIGKILL')));
  try {
    const begun = performance.now();
    // dig itself hides refusals; its socket hears of them at once.
    const { out, err } = await ask(c, `+time=${paced(4)}`, 'whoami.lab', 'TXT');
    assert.match(out + err, /connection refused/);
    assert.ok(performance.now() - begun < paced(3000));
  } finally {
    for (const n of names) c.site.startDns(n);
    await until('nsd answers', async () => (await ask(c, 'whoami.lab', 'TXT')).out.includes('"'), 5000);
    await until('nsd answers', async () => (await ask(c, 'whoami.lab', 'TXT')).out.includes('"'), 5000);
  }
}

export async function past(c: Context): Promise<void> {
  // On the router's end of the director's cable: what XDP takes is not seen by a tap behind it.
  const filter = `src host ${vip(c.mode, c.family)} and dst host ${CLIENT[c.family]} and tcp src port 80`;
  const dump = c.site.router.start('tcpdump', ['-nni', 'dir-eth0', filter]);
  await dump.says(/listening on/);
  await download(c, 'medium');
  await new Promise(resolve => setTimeout(resolve, 200));
  await dump.stop('SIGINT');
  assert.match(dump.output(), /\b0 packets captured/);
}

export async function idle(c: Context, pause = 4): Promise<void> {
  // One connection, two requests, and a pause between: nc would say the same in more words.
  const script = `exec 3<>/dev/tcp/${vip(c.mode, c.family)}/80; ask() { printf 'GET /whoami HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' >&3; timeout ${paced(3)} sed -u '/^[a-z][0-9] /q' <&3 | tail -1; }; ask; sleep ${pause}; ask`;
  const out = await sure(c.site.client.run('bash', ['-c', script], { timeout: (pause + 12) * 1000 }));
  const [before, after, ...none] = out.trim().split('\n');
  assert.match(before, /^[ndt][12] /);
  assert.deepEqual([after, none], [before, []]);
}

export async function others(c: Context): Promise<void> {
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

export async function begun(c: Context): Promise<void> {
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
