// Stories about what changes meanwhile: weights, schedulers, tunnels, servers that die, links that narrow, restarts.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { dig, download, inTurn, upload } from './contents.ts';
import { DNS_PORT } from './director.ts';
import { paced, until } from './hosts.ts';
import { CLIENT, DIRECTOR, host, LOCAL, SERVERS, vip } from './site.ts';
import { answers, type Context, CURL, curl, hashOf, sure, url } from './telling.ts';

export async function through(c: Context, tunnel: 'gue' | 'gre'): Promise<void> {
  await c.director.change({ [c.mode]: { tunnel } });
  try {
    await inTurn(c);
    await upload(c);
    await dig(c);
  } finally {
    await c.director.change({});
  }
}

export async function toa(c: Context): Promise<void> {
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

/** Takes a server out of service; what comes back brings it back. */
export type Outage = (c: Context, name: string) => Promise<() => void>;

const stopped: Outage = async (c, name) => {
  await c.site.web.get(name)?.stop('SIGKILL');
  return () => c.site.startWeb(name);
};

export async function dnsMoves(c: Context, outage: Outage = stopped): Promise<string> {
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
  const back = await Promise.all(SERVERS[c.mode].names.map(n => outage(c, n)));
  try {
    await until('the VIP is left out', async () => {
      const found = await answer();
      return found.length === 3 && !found.includes(own);
    });
    return `${((performance.now() - begun) / 1000).toFixed(1)} s to the first good answer`;
  } finally {
    for (const undo of back) undo();
    await until('it is back', async () => (await answer()).includes(own));
  }
}

export async function narrow(c: Context): Promise<void> {
  const forget = () => {
    // What servers learned of the path is not to help the next story.
    for (const server of c.site.servers.values()) server.ip(`-${c.family}`, 'route', 'flush', 'cache');
  };
  forget();
  c.site.router.ip('link', 'set', 'to-client', 'mtu', '1300');
  try {
    await download(c, 'medium');
    // Who stands for the client in the servers' sight.
    const peers = c.mode === 'fullnat' ? LOCAL[c.family] : [CLIENT[c.family]];
    const learned = SERVERS[c.mode].names.flatMap(n =>
      peers.map(peer => c.site.servers.get(n)?.ip(`-${c.family}`, 'route', 'get', peer)),
    );
    assert.ok(
      learned.some(text => / mtu 1300/.test(text ?? '')),
      learned.join(),
    );
  } finally {
    c.site.router.ip('link', 'set', 'to-client', 'mtu', '1500');
    forget();
  }
}

export async function hashes(c: Context): Promise<string> {
  const [first, second] = SERVERS[c.mode].names;
  const clients = Array.from({ length: 64 }, (_, i) => `198.51.100.${i + 10}`);
  for (const address of clients) c.site.client.ip('addr', 'add', `${address}/24`, 'dev', 'eth0');
  const script = `for i in {10..73}; do curl ${CURL.join(' ')} --interface 198.51.100.$i ${url(c, '/whoami')}; done`;
  const ask = async () => {
    const out = await sure(c.site.client.run('bash', ['-c', script], { timeout: 60_000 }));
    return out
      .trim()
      .split('\n')
      .map(line => line.split(' ')[0]);
  };
  const said: string[] = [];
  try {
    for (const [scheduler, least, most] of [
      // sh and mh by weight, 48 of 64 expected; binomial spread is 3.5.
      ['sh', 32, 62],
      ['mh', 32, 62],
      // By the VIP alone: all to one.
      ['dh', 0, 64],
    ] as const) {
      await c.director.change({ [c.mode]: { scheduler, weights: [3, 1] } });
      const found = await ask();
      assert.equal(found.length, 64);
      assert.deepEqual(await ask(), found);
      const share = found.filter(n => n === first).length;
      assert.ok(share >= least && share <= most, `${scheduler}: ${share} of 64 to ${first}, else ${second}`);
      if (scheduler === 'dh') assert.ok(share === 0 || share === 64, `dh: ${share}`);
      said.push(`${scheduler} ${share}:${64 - share}`);
    }
    return said.join(', ');
  } finally {
    for (const address of clients) c.site.client.ip('addr', 'del', `${address}/24`, 'dev', 'eth0');
    await c.director.change({});
  }
}

export async function quiesce(c: Context): Promise<void> {
  const into = join(c.site.dir, 'slow');
  const hash = c.files.hash('small');
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
    assert.equal(await hashOf(into), hash);
  } finally {
    await slow.catch(() => {});
    rmSync(into, { force: true });
    await c.director.change({});
  }
}

export async function death(c: Context): Promise<void> {
  const [first, second] = SERVERS[c.mode].names;
  await c.site.web.get(first)?.stop('SIGKILL');
  try {
    await until('the other answers alone', async () => {
      const { code, out } = await c.site.client.run('curl', [
        ...['-gs', '-m', `${paced(2)}`, '-H', 'Connection: close'],
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

export async function shares(c: Context): Promise<void> {
  const address = vip(c.mode, c.family);
  const held = `for i in {1..40}; do exec {fd}<>/dev/tcp/${address}/80 || exit 1; done; echo held; sleep 60`;
  try {
    for (const [scheduler, weights, ...wanted] of [
      ['rr', [1, 1], 20],
      ['wrr', [3, 1], 30],
      ['lc', [1, 1], 20],
      ['wlc', [3, 1], 30],
      ['sed', [3, 1], 30],
      ['nq', [3, 1], 30],
      ['fo', [3, 1], 40],
      ['ovf', [50, 1], 40],
      // The better of two that chance picks.
      ['twos', [1, 1], 17, 20, 23],
      // The VIP is one destination: it stays with one server that has room, and moves on when that is over its weight.
      ['lblc', [100, 100], 0, 40],
      ['lblc', [20, 20], 20],
      // The same with a set: with room it has one member, else two, and the lighter one gets the next.
      ['lblcr', [100, 100], 0, 40],
      ['lblcr', [1, 1], 20],
    ] as const) {
      // The kernel under test has no twos.
      if (scheduler === 'twos' && c.plane === 'ipvs') continue;
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
        assert.ok(
          wanted.some(share => Math.abs(active - share) <= 2),
          `${scheduler} ${weights.join(':')}: ${active} of 40`,
        );
      } finally {
        await holder.stop('SIGKILL');
      }
    }
  } finally {
    await c.director.change({});
  }
}
