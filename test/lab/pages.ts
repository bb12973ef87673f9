// The pages on the forwarding methods, typed line by line into hosts, with the cluster file that stands there.
//   client 198.51.100.7 ─ router ─ 192.0.2.0/24: director .2 (and 10.0.0.1 inside) · far: 203.0.113.0/24
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Block, readPage } from '../docs-page.ts';
import { type Host, Lab, type Running, until, write } from './hosts.ts';

const GTM = join(import.meta.dirname, '..', '..', 'src', 'main.js');
/** Where the real servers of a page stand, and where a server of ours listens on them; on a page without one it is typed. */
const PLACE = {
  'dr.md': { net: '192.0.2', gateway: '192.0.2.1', port: 80 },
  'nat.md': { net: '10.0.0', gateway: undefined, port: 8080 },
  'tun.md': { net: '203.0.113', gateway: '203.0.113.1', port: 80 },
  'fullnat.md': { net: '203.0.113', gateway: '203.0.113.1', port: undefined },
} as const;
const LINKS = { '192.0.2': 'dc', '10.0.0': 'inside', '203.0.113': 'far' } as const;

export type PageName = keyof typeof PLACE;
export const PAGE_NAMES = Object.keys(PLACE) as PageName[];

export interface Playing {
  /** The page's own cluster file says xdp. What is typed on the director is for ipvs, which does nothing there by itself. */
  plane: 'xdp' | 'ipvs';
  /** Tunnels end in user space, as on a kernel without the devices. */
  decap: boolean;
}

/** Types it all, and compares what the client sees. Resolves to what was done; rejects with the line that failed. */
export async function playPage(name: PageName, { plane, decap }: Playing): Promise<string> {
  const { cluster, blocks } = readPage(name);
  const lab = new Lab();
  const dir = mkdtempSync(join(tmpdir(), 'gtm-page-'));
  try {
    const hosts = build(lab, name);
    const { port } = PLACE[name];
    const servers = port === undefined ? [] : [1, 2].map(n => serve(hosts[`web-${n}`], port));
    await Promise.all(servers.map(s => s.says(/listens/, 40_000)));
    const file = cluster
      .replace('plane: xdp', `plane: ${plane}`)
      .replace('cluster:', `state_dir: ${dir}\ncluster:`);
    const node = hosts['director'].start(process.execPath, [
      GTM,
      'serve',
      '-c',
      write(dir, 'gtm.yaml', file),
    ]);
    const lines: string[] = [];
    for (const block of blocks) {
      if (!isFor(block, plane, decap)) continue;
      if (block.answers.length > 0) await up(hosts['director'], node);
      const said = await type(block, hosts, dir);
      if (block.answers.length > 0)
        assert.deepEqual(said.sort(), [...block.answers].sort(), block.lines.join('; '));
      lines.push(...block.hosts.flatMap(() => block.lines));
    }
    assert.ok(lines.length > 2, `${lines.length} lines`);
    assert.equal(await node.stop(), 0, node.output());
    return `${lines.length} lines typed`;
  } finally {
    await lab.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

function isFor({ hosts, lines }: Block, plane: Playing['plane'], decap: boolean): boolean {
  if (hosts.includes('director')) return plane === 'ipvs';
  if (lines.some(l => l.includes('realserver decap'))) return decap;
  return !(decap && lines.some(l => l.includes('--mode tun')));
}

/** What the lines say on stdout, those of all hosts. */
async function type(block: Block, hosts: Record<string, Host>, dir: string): Promise<string[]> {
  const said: string[] = [];
  for (const name of block.hosts)
    for (const line of block.lines) {
      const state = line.includes('setup') ? `--state ${dir}/${name}` : '';
      // What stays is ended with the shell: it is the shell.
      const gtm = `gtm() { ${block.stays ? 'exec ' : ''}'${process.execPath}' '${GTM}' "$@" ${state}; }`;
      const words = ['-c', `${gtm}\n${line}`];
      if (block.stays) {
        await hosts[name].start('sh', words).says(/\S/, 30_000);
        continue;
      }
      const { code, out, err } = await hosts[name].run('sh', words, { timeout: 30_000 });
      assert.equal(code, 0, `${name}: ${line}: ${err}${out}`);
      said.push(...out.split('\n').filter(l => l !== ''));
    }
  return said;
}

async function up(director: Host, node: Running): Promise<void> {
  const both = async () => {
    const { out } = await director.run('curl', ['-s', '-m', '5', 'http://127.0.0.1:8053/v1/services']);
    const { items } = JSON.parse(out || '{"items":[]}') as { items: { realServers: { weight: number }[] }[] };
    return items[0]?.realServers.filter(r => r.weight > 0).length === 2;
  };
  await until('both are up', both, 30_000).catch(e => {
    throw new Error(`${e}\n${node.output()}`);
  });
}

function serve(host: Host, port: number): Running {
  const listen = ['--listen', `0.0.0.0:${port}`];
  return host.start(process.execPath, [GTM, 'real-server', '--name', host.name, ...listen]);
}

function build(lab: Lab, page: PageName): Record<string, Host> {
  const { net, gateway } = PLACE[page];
  const names = ['client', 'router', 'director', 'switch', 'web-1', 'web-2'];
  const hosts = Object.fromEntries(names.map(n => [n, lab.host(n)]));
  const { client, router, director } = hosts;
  const swi = hosts['switch'];
  for (const bridge of Object.values(LINKS)) lab.bridge(swi, bridge);
  let ports = 0;
  const plug = (host: Host, name: string, address: string, bridge: string) =>
    lab.link({ host, name, addresses: [`${address}/24`] }, { host: swi, name: `p${ports++}`, bridge });
  plug(router, 'eth0', '192.0.2.1', 'dc');
  plug(router, 'eth1', '203.0.113.1', 'far');
  lab.link(
    { host: client, name: 'eth0', addresses: ['198.51.100.7/24'] },
    { host: router, name: 'eth2', addresses: ['198.51.100.1/24'] },
  );
  router.forward(true);
  client.ip('route', 'add', 'default', 'via', '198.51.100.1');
  plug(director, 'eth0', '192.0.2.2', 'dc');
  plug(director, 'eth1', '10.0.0.1', 'inside');
  director.ip('route', 'add', 'default', 'via', '192.0.2.1');
  for (const n of [1, 2]) {
    plug(hosts[`web-${n}`], 'eth0', `${net}.1${n}`, LINKS[net]);
    if (gateway !== undefined) hosts[`web-${n}`].ip('route', 'add', 'default', 'via', gateway);
  }
  return hosts;
}
