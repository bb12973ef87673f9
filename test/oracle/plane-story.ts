// Whole stories in the kernel under test: a client, a router, a director that runs `gtm serve` with plane: ipvs, and real
// servers that `gtm realserver` prepares. Every known mistake is made on one of them, seen in what the client gets, and named.
//   client 10.1.0.2 ─ router 10.2.0.254 ─ switch ─ director 10.2.0.1, rs1 10.2.0.11, rs2 10.2.0.12, rs3 10.2.0.13
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type Host, Lab, type Outcome, until, write } from '../lab/hosts.ts';
import { difference, scratch } from './plane-kit.ts';

const GTM = join(import.meta.dirname, '..', '..', 'src', 'main.js');
const VIP = {
  dr: '10.2.0.100',
  ipip: '10.2.0.101',
  gue: '10.2.0.102',
  gre: '10.2.0.103',
  nat: '10.2.0.104',
} as const;
const VIP6 = '2001:db8:2::100';
const RS = { rs1: '10.2.0.11', rs2: '10.2.0.12', rs3: '10.2.0.13' } as const;

// Not asked for the VIP by clients' way: the mistakes are to be seen by clients, too.
function service(vip: string, address: string, forward: string, servers: readonly string[]): string {
  return `  ${vip}:
    site: a
    addresses: [${address}]
    services:
      - protocol: tcp
        port: 80
        scheduler: rr
        ${forward}
        check: { http: { path: /healthz }, interval: 1s, timeout: 900ms, rise: 1, fall: 2, forwarded: false }
        real_servers: [${servers.map(a => `{ address: ${a}, port: 80 }`).join(', ')}]
`;
}

const CLUSTER = (stateDir: string) => `cluster: c
state_dir: ${stateDir}
sites: { a: {} }
nodes:
  d1: { site: a, admin: { listen: 127.0.0.1:8053 }, director: { plane: ipvs, drain: 5s } }
zones: {}
vips:
${service('dr', VIP.dr, 'forward: dr', [RS.rs1, RS.rs2])}${service('dr6', VIP6, 'forward: dr', ['2001:db8:2::11'])}${service('ipip', VIP.ipip, 'forward: tun', [RS.rs1])}${service('gue', VIP.gue, 'forward: tun\n        tunnel: { type: gue, port: 6080 }', [RS.rs1])}${service('gre', VIP.gre, 'forward: tun\n        tunnel: { type: gre }', [RS.rs1])}${service('nat', VIP.nat, 'forward: nat', [RS.rs3])}`;

interface Stage {
  lab: Lab;
  client: Host;
  router: Host;
  director: Host;
  rs: Record<keyof typeof RS, Host>;
  config: string;
}

function stage(): Stage {
  const lab = new Lab();
  const [client, router, director, swi, rs1, rs2, rs3] = [
    'client',
    'router',
    'director',
    'switch',
    'rs1',
    'rs2',
    'rs3',
  ].map(n => lab.host(n));
  lab.bridge(swi, 'br0');
  const plug = (host: Host, n: number) =>
    lab.link(
      { host, name: 'eth0', addresses: [`10.2.0.${n}/24`, `2001:db8:2::${n}/64`] },
      { host: swi, name: `p${n}`, bridge: 'br0' },
    );
  for (const [host, n] of [
    [director, 1],
    [rs1, 11],
    [rs2, 12],
    [rs3, 13],
    [router, 254],
  ] as const)
    plug(host, n);
  lab.link(
    { host: client, name: 'eth0', addresses: ['10.1.0.2/24', '2001:db8:1::2/64'] },
    { host: router, name: 'eth1', addresses: ['10.1.0.254/24', '2001:db8:1::254/64'] },
  );
  router.forward(true);
  client.ip('route', 'add', 'default', 'via', '10.1.0.254');
  client.ip('-6', 'route', 'add', 'default', 'via', '2001:db8:1::254');
  for (const host of [director, rs1, rs2, rs3]) {
    host.ip('route', 'add', 'default', 'via', '10.2.0.254');
    host.ip('-6', 'route', 'add', 'default', 'via', '2001:db8:2::254');
  }
  for (const vip of Object.values(VIP)) director.ip('addr', 'add', `${vip}/32`, 'dev', 'eth0');
  // Not preferred: or else the probes of real servers would come from the VIP, which those have themselves.
  director.ip('addr', 'add', `${VIP6}/128`, 'dev', 'eth0', 'preferred_lft', '0');
  director.sysctl('net.ipv4.ip_forward', 1);
  for (const d of ['all', 'eth0']) director.sysctl(`net.ipv4.conf.${d}.send_redirects`, 0);
  const folder = scratch();
  const config = write(folder, 'gtm.yaml', CLUSTER(folder));
  return { lab, client, router, director, rs: { rs1, rs2, rs3 }, config };
}

function gtm(host: Host, ...args: string[]): Promise<Outcome> {
  return host.run(process.execPath, [GTM, ...args], { timeout: 30_000 });
}

/** The name of the server that answered; `-` for none. */
async function ask(client: Host, vip: string, ms = 2000): Promise<string> {
  const url = `http://${vip.includes(':') ? `[${vip}]` : vip}/`;
  const { out } = await client.run('curl', ['-s', '--max-time', String(ms / 1000), url]);
  return out.split(' ')[0] || '-';
}

/** What the hosts know, for a story that went wrong. */
async function known({ client, router, director, rs }: Stage): Promise<string> {
  const look = async (host: Host, line: string) =>
    `${host.name}: ${line}\n${(await host.run('sh', ['-c', line])).out}`;
  return (
    await Promise.all([
      look(director, 'ipvsadm -Ln; ipvsadm -Lnc; ip neigh; ip -6 route get 2001:db8:1::2'),
      look(router, 'ip neigh; ip -6 route'),
      look(client, 'ip neigh; ip -6 route'),
      look(rs.rs1, 'ip neigh; ip -6 route; ip addr; nstat -az | grep -v " 0 "'),
    ])
  ).join('\n');
}

/** The names that `gtm realserver check` finds. */
async function faults(host: Host, ...wish: string[]): Promise<string[]> {
  const { out, err } = await gtm(host, 'realserver', 'check', '--json', ...wish);
  assert.notEqual(out, '', err);
  return (JSON.parse(out) as { findings: { name: string }[] }).findings.map(f => f.name);
}

async function setup(host: Host, state: string, ...wish: string[]): Promise<void> {
  const { code, err } = await gtm(host, 'realserver', 'setup', '--yes', '--state', state, ...wish);
  assert.equal(code, 0, err);
}

export const STORIES: Record<string, () => Promise<string | undefined>> = {
  'gtm serve drives IPVS, clients are served in DR, NAT and TUN, and mistakes are named': async () => {
    const all = stage();
    const { lab, client, director, rs, config } = all;
    const state = scratch();
    try {
      const servers = Object.entries(rs).map(([name, host]) =>
        host.start(process.execPath, [GTM, 'real-server', '--name', name, '--listen', '[::]:80']),
      );
      const node = director.start(process.execPath, [GTM, 'serve', '--node', 'd1', '-c', config]);
      await Promise.all(servers.map(s => s.says(/listens/, 30_000)));
      const ipvsadm = async () => {
        const { out } = await director.run('ipvsadm', ['-Ln']);
        return out.slice(out.indexOf('\n') + 1);
      };
      const up = async () => (await ipvsadm()).match(/(Route|Tunnel|Masq) +1 /g)?.length === 7;
      await until('all are up', up, 30_000).catch(async e => {
        throw new Error(`${e}\n${await ipvsadm()}\n${node.output()}`);
      });
      const seen: string[] = [];

      // DR: nothing is prepared yet.
      const dr = ['--mode', 'dr', '--vip', `${VIP.dr},${VIP6}`];
      assert.equal(await ask(client, VIP.dr), '-');
      assert.deepEqual(await faults(rs.rs1, ...dr), [
        'vip-answers-arp',
        'vip-in-arp-requests',
        'vip-missing',
        'vip-missing',
      ]);
      await Promise.all([setup(rs.rs1, join(state, '1'), ...dr), setup(rs.rs2, join(state, '2'), ...dr)]);
      assert.deepEqual(await faults(rs.rs1, ...dr), []);
      const names = [await ask(client, VIP.dr), await ask(client, VIP.dr)].sort();
      assert.deepEqual(names, ['rs1', 'rs2'], 'round robin');
      assert.equal(await ask(client, VIP6), 'rs1');
      seen.push('dr');

      // NAT: without the director as its gateway the answer goes past it.
      const nat = ['--mode', 'nat', '--vip', VIP.nat, '--director', '10.2.0.1'];
      assert.equal(await ask(client, VIP.nat), '-');
      assert.deepEqual(await faults(rs.rs3, ...nat), ['redirects', 'default-route']);
      await setup(rs.rs3, join(state, '3'), ...nat);
      assert.equal(await ask(client, VIP.nat), 'rs3');
      seen.push('nat');

      // TUN, in every coat; the filter of the reverse path is strict.
      for (const d of ['all', 'default']) rs.rs1.sysctl(`net.ipv4.conf.${d}.rp_filter`, 1);
      for (const type of ['ipip', 'gue', 'gre'] as const) {
        const tun = ['--mode', 'tun', '--tunnel', type, '--vip', VIP[type], '--interface', 'eth0'];
        assert.equal(await ask(client, VIP[type], 1000), '-');
        const found = await faults(rs.rs1, ...tun);
        if (type !== 'gue') assert.deepEqual(found.slice(0, 2), ['tunnel-device', 'rp-filter']);
        else assert.equal(found[0], 'gue-port');
        // GUE's header is the largest: what was set for it has room for GRE's.
        assert.ok(found.includes('mtu') === (type !== 'gre') && found.includes('vip-missing'), `${found}`);
        await setup(rs.rs1, join(state, '1'), ...tun);
        assert.equal(await ask(client, VIP[type]), 'rs1', type);
        seen.push(type);
      }
      const tun = ['--mode', 'tun', '--vip', VIP.ipip, '--interface', 'eth0'];
      rs.rs1.sysctl('net.ipv4.conf.gtm-ipip.rp_filter', 1);
      assert.deepEqual(await faults(rs.rs1, ...tun), ['rp-filter']);
      assert.equal(
        await ask(client, VIP.ipip, 1000),
        '-',
        'a strict filter drops what comes out of the tunnel',
      );
      rs.rs1.sysctl('net.ipv4.conf.gtm-ipip.rp_filter', 2);

      // What is listed, counted and open is what ipvsadm says.
      const { out: ours } = await gtm(director, 'lvs', 'ls', '-n');
      assert.equal(
        difference(
          ours.replaceAll(/ +\d+ +\d+ *$/gm, ''),
          (await ipvsadm()).replaceAll(/ +\d+ +\d+ *$/gm, ''),
        ),
        undefined,
      );
      const { out: stats } = await gtm(director, 'lvs', 'ls', '-n', '--stats', '--exact');
      const counted =
        /TCP {2}10\.2\.0\.104:80 +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)/.exec(stats)?.slice(1).map(Number) ?? [];
      assert.ok(counted.length === 5 && counted.every(n => n > 0), stats);
      const { out: conns } = await gtm(director, 'lvs', 'ls', '--conns');
      assert.match(conns, /TCP +\d\d:\d\d +\w+ +10\.1\.0\.2:\d+ +10\.2\.0\.104:80 +10\.2\.0\.13:80/);

      // A real server dies: its weight is 0 in the kernel; it comes back.
      await servers[1].stop();
      await until('rs2 has weight 0', async () => /10\.2\.0\.12:80 +Route +0 /.test(await ipvsadm()), 20_000);
      assert.equal(await ask(client, VIP.dr), 'rs1');
      const back = rs.rs2.start(process.execPath, [
        GTM,
        'real-server',
        '--name',
        'rs2',
        '--listen',
        '[::]:80',
      ]);
      await back.says(/listens/, 30_000);
      await until('rs2 has weight 1', async () => /10\.2\.0\.12:80 +Route +1 /.test(await ipvsadm()), 20_000);

      // It ends, and clients do not notice.
      assert.equal(await node.stop(), 0);
      assert.equal(await ask(client, VIP.nat), 'rs3');
      const { out: diff, err } = await gtm(
        director,
        'lvs',
        'diff',
        '--node',
        'd1',
        '-c',
        config,
        '--exit-code',
      );
      assert.equal(diff, '', err);
      return `served: ${seen.join(', ')}; ${counted[0]} connections counted`;
    } catch (e) {
      throw new Error(`${e instanceof Error ? e.stack : e}\n${await known(all)}`);
    } finally {
      await lab.close();
    }
  },

  'a real server is as it was after undo': async () => {
    const { lab, rs } = stage();
    const state = join(scratch(), 'state');
    const look = async () => {
      const what =
        'ip -o addr; ip route; ip -6 route; ip -o link | sed "s/ qdisc.*//"; ip fou show; cat /proc/sys/net/ipv4/conf/*/arp_* /proc/sys/net/ipv4/conf/*/rp_filter /proc/sys/net/ipv*/conf/*/accept_redirects';
      return (await rs.rs1.run('sh', ['-c', what])).out;
    };
    try {
      // What the kernel makes by itself with the first tunnel stays with it.
      for (const kind of ['ipip', 'sit', 'gre']) {
        rs.rs1.ip('link', 'add', 'x0', 'type', kind, 'local', RS.rs1, 'remote', 'any');
        rs.rs1.ip('link', 'del', 'x0');
      }
      await rs.rs1.run('ip', ['fou', 'show']);
      rs.rs1.ip('route', 'replace', 'default', 'via', '10.2.0.254', 'proto', 'static', 'metric', '50');
      rs.rs1.ip('route', 'del', 'default', 'via', '10.2.0.254', 'metric', '0');
      const before = await look();
      const vips = ['--vip', `${VIP.gue},${VIP6}`, '--interface', 'eth0'];
      await setup(rs.rs1, state, '--mode', 'tun', '--tunnel', 'gue', ...vips);
      await setup(rs.rs1, state, '--mode', 'dr', '--vip', '10.2.0.77');
      await setup(rs.rs1, state, '--mode', 'nat', '--vip', VIP.nat, '--director', '10.2.0.1');
      assert.notEqual(await look(), before);
      const { code, err } = await gtm(rs.rs1, 'realserver', 'undo', '--yes', '--state', state);
      assert.equal(code, 0, err);
      assert.equal(await look(), before);
      return undefined;
    } finally {
      await lab.close();
    }
  },
};
