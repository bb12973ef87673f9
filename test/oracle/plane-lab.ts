// The lab's stories of NAT, DR and TUN, told by the same programs inside the kernel under test, with plane: ipvs. Tunnels end in
// the kernel's own devices, which `gtm realserver setup` has made.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Director } from '../lab/director.ts';
import { FAMILIES, type Mode, SERVERS, Site, serverAddress, vip } from '../lab/site.ts';
import { STORIES, type Story } from '../lab/stories.ts';
import { answers, type Context, curl, Files, hashOf, url } from '../lab/telling.ts';
import { scratch } from './plane-kit.ts';

const GTM = join(import.meta.dirname, '..', '..', 'src', 'main.js');
/** A kernel in a process is slow, and its files lie in its memory. */
const SIZES = { small: 24 << 20, medium: 8 << 20 } as const;
/** Where the kernel fails, and how: it drops ICMPv6 errors of NAT real servers, as it sums them up without the pseudo header. */
const FAILS: ReadonlyMap<string, RegExp> = new Map([
  ['ipvs nat ipv6 udp: a server without a listener refuses, and dig hears of it', /timed out/],
]);
type Told = Pick<Context, 'site' | 'director' | 'files'>;

/** The stories of a mode, each for both families, over one site that the first of them builds. */
export function labStories(mode: Mode): Record<string, () => Promise<unknown>> {
  let opened: Promise<Told> | undefined;
  const here = [...STORIES, GONE].filter(s => isForHere(s, mode));
  return Object.fromEntries(
    here.flatMap(story =>
      FAMILIES.filter(family => story.families?.includes(family) ?? true).map(family => {
        const name = `ipvs ${mode} ipv${family} ${story.protocol}: ${story.name}`;
        const fails = FAILS.get(name);
        const tell = async () => {
          opened ??= open(mode);
          const told = await opened.catch(e => {
            opened = undefined;
            throw e;
          });
          try {
            const going = story.tell({ ...told, mode, family, plane: 'ipvs', queues: 1 });
            if (fails === undefined) return await going;
            await assert.rejects(going, fails);
            return 'the kernel does not, as is known of it';
          } catch (e) {
            throw new Error(`${e instanceof Error ? e.stack : e}\n${await known(told)}`);
          }
        };
        return [name, tell] as const;
      }),
    ),
  );
}

/** The kernel forwards on while the node is gone: a download goes on, and every client is answered. */
const GONE: Story = {
  name: 'the node ends and begins again: what is open goes on, and no client waits',
  protocol: 'tcp',
  families: [4],
  tell: async c => {
    const into = join(c.site.dir, 'over');
    const hash = c.files.hash('small');
    const slow = curl(c, '-m', '90', '--limit-rate', '2M', '-o', into, url(c, '/small'));
    slow.catch(() => {});
    try {
      await c.director.stop();
      assert.equal((await answers(c, 6)).size, 2);
      await c.director.start();
      await slow;
      assert.equal(await hashOf(into), hash);
    } finally {
      await slow.catch(() => {});
      rmSync(into, { force: true });
      if (c.director.pid === 0) await c.director.start();
    }
  },
};

function isForHere({ modes, planes }: Story, mode: Mode): boolean {
  return (modes?.includes(mode) ?? true) && (planes?.includes('ipvs') ?? true);
}

async function open(mode: Mode): Promise<Told> {
  const site = new Site([mode]);
  try {
    await site.startServers();
    const files = new Files(site.files, SIZES);
    for (const family of FAMILIES) {
      // Not preferred: or else what the director begins would come from the VIP.
      const words = family === 6 ? ['preferred_lft', '0'] : [];
      const address = `${vip(mode, family)}/${family === 4 ? 32 : 128}`;
      site.director.ip('addr', 'add', address, 'dev', 'eth0', ...words);
    }
    if (mode === 'tun') await Promise.all([0, 1].map(i => unwrap(site, i as 0 | 1)));
    const director = new Director(site, 'ipvs', [mode]);
    await director.start();
    return { site, director, files };
  } catch (e) {
    await site.close();
    throw e;
  }
}

// Every wrapping, of either family in either family.
async function unwrap(site: Site, i: 0 | 1): Promise<void> {
  const host = site.servers.get(SERVERS.tun.names[i]);
  const vips = FAMILIES.map(family => vip('tun', family)).join(',');
  const state = scratch();
  for (const outer of FAMILIES)
    for (const type of ['gue', 'gre']) {
      const args = [
        '--mode',
        'tun',
        '--tunnel',
        type,
        '--vip',
        vips,
        '--address',
        serverAddress('tun', outer, i),
      ];
      const words = ['realserver', 'setup', '--yes', '--state', join(state, 'state'), ...args];
      const outcome = await host?.run(process.execPath, [GTM, ...words], { timeout: 60_000 });
      if (outcome?.code !== 0) throw new Error(`gtm ${words.join(' ')}: ${outcome?.err}`);
    }
}

/** What the director knows, for a story that went wrong. */
async function known({ site, director }: Told): Promise<string> {
  const { out } = await site.director.run('sh', ['-c', 'ipvsadm -Ln; ipvsadm -Ln --stats; ip neigh']);
  return `${out}\n${director.log}`;
}
