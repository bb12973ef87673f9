// The pages on DR, NAT and TUN, typed line by line into hosts of the kernel under test, with plane: ipvs.
//   client 198.51.100.7 ─ router ─ 192.0.2.0/24: director .2 (and 10.0.0.1 inside) · far: 203.0.113.0/24
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { readPage } from '../docs-page.ts';
import { type Host, Lab, until, write } from '../lab/hosts.ts';
import { scratch } from './plane-kit.ts';

const GTM = join(import.meta.dirname, '..', '..', 'src', 'main.js');
/** Where the real servers of a page stand. */
const PLACE = {
  'dr.md': { net: '192.0.2', gateway: '192.0.2.1', port: 80 },
  'nat.md': { net: '10.0.0', gateway: undefined, port: 8080 },
  'tun.md': { net: '203.0.113', gateway: '203.0.113.1', port: 80 },
} as const;

function build(lab: Lab, page: keyof typeof PLACE): Record<string, Host> {
  const { net, gateway } = PLACE[page];
  const names = ['client', 'router', 'director', 'switch', 'web-1', 'web-2'];
  const hosts = Object.fromEntries(names.map(n => [n, lab.host(n)]));
  const { client, router, director } = hosts;
  const swi = hosts['switch'];
  for (const bridge of ['dc', 'far', 'inside']) lab.bridge(swi, bridge);
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
  const bridge = net === '192.0.2' ? 'dc' : net === '10.0.0' ? 'inside' : 'far';
  for (const n of [1, 2]) {
    plug(hosts[`web-${n}`], 'eth0', `${net}.1${n}`, bridge);
    if (gateway !== undefined) hosts[`web-${n}`].ip('route', 'add', 'default', 'via', gateway);
  }
  return hosts;
}

async function play(name: keyof typeof PLACE): Promise<string> {
  const { cluster, blocks } = readPage(name);
  const lab = new Lab();
  const bin = scratch();
  try {
    const hosts = build(lab, name);
    const config = write(
      bin,
      'gtm.yaml',
      cluster.replace('plane: xdp', 'plane: ipvs').replace('cluster:', `state_dir: ${bin}\ncluster:`),
    );
    const servers = [1, 2].map(n =>
      hosts[`web-${n}`].start(process.execPath, [
        GTM,
        'real-server',
        '--name',
        `web-${n}`,
        '--listen',
        `0.0.0.0:${PLACE[name].port}`,
      ]),
    );
    await Promise.all(servers.map(s => s.says(/listens/, 40_000)));
    const node = hosts['director'].start(process.execPath, [GTM, 'serve', '-c', config]);
    let lines = 0;
    for (const block of blocks) {
      if (block.answers.length > 0)
        await until(
          'both are up',
          async () => {
            const { out } = await hosts['director'].run('ipvsadm', ['-Ln']);
            return out.match(/(Route|Tunnel|Masq) +1 /g)?.length === 2;
          },
          30_000,
        ).catch(e => {
          throw new Error(`${e}\n${node.output()}`);
        });
      const said: string[] = [];
      for (const host of block.hosts)
        for (const line of block.lines) {
          lines++;
          const gtm = `gtm() { '${process.execPath}' '${GTM}' "$@" ${line.includes('setup') ? `--state ${bin}/${host}` : ''}; }`;
          const { code, out, err } = await hosts[host].run('sh', ['-c', `${gtm}\n${line}`], {
            timeout: 30_000,
          });
          assert.equal(code, 0, `${host}: ${line}: ${err}${out}`);
          said.push(...out.split('\n').filter(l => l !== ''));
        }
      if (block.answers.length > 0)
        assert.deepEqual(said.sort(), [...block.answers].sort(), block.lines.join('; '));
    }
    assert.equal(await node.stop(), 0);
    return `${lines} lines typed`;
  } finally {
    await lab.close();
  }
}

export const PAGES: Record<string, () => Promise<string>> = Object.fromEntries(
  (Object.keys(PLACE) as (keyof typeof PLACE)[]).map(name => [
    `docs/${name} does what it says`,
    () => play(name),
  ]),
);
