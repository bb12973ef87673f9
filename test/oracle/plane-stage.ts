// The hosts of whole stories in the kernel under test: a client, a router, a director for `gtm serve` with plane: ipvs, and
// real servers that `gtm realserver` prepares.
//   client 10.1.0.2 ─ router 10.2.0.254 ─ switch ─ director 10.2.0.1, rs1 10.2.0.11, rs2 10.2.0.12, rs3 10.2.0.13
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type Host, Lab, type Outcome, paced, write } from '../lab/hosts.ts';
import { scratch } from './plane-kit.ts';

export const GTM = join(import.meta.dirname, '..', '..', 'src', 'main.js');
export const VIP = {
  dr: '10.2.0.100',
  ipip: '10.2.0.101',
  gue: '10.2.0.102',
  gre: '10.2.0.103',
  nat: '10.2.0.104',
} as const;
export const VIP6 = '2001:db8:2::100';
export const RS = { rs1: '10.2.0.11', rs2: '10.2.0.12', rs3: '10.2.0.13' } as const;

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

export interface Stage {
  lab: Lab;
  client: Host;
  router: Host;
  director: Host;
  rs: Record<keyof typeof RS, Host>;
  config: string;
}

export function stage(): Stage {
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

export function gtm(host: Host, ...args: string[]): Promise<Outcome> {
  return host.run(process.execPath, [GTM, ...args], { timeout: 30_000 });
}

/** The name of the server that answered; `-` for none. */
export async function ask(client: Host, vip: string, ms = paced(2000)): Promise<string> {
  const url = `http://${vip.includes(':') ? `[${vip}]` : vip}/`;
  const { out } = await client.run('curl', ['-s', '--max-time', String(ms / 1000), url]);
  return out.split(' ')[0] || '-';
}

/** What the hosts know, for a story that went wrong. */
export async function known({ client, router, director, rs }: Stage): Promise<string> {
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
export async function faults(host: Host, ...wish: string[]): Promise<string[]> {
  const { out, err } = await gtm(host, 'realserver', 'check', '--json', ...wish);
  assert.notEqual(out, '', err);
  return (JSON.parse(out) as { findings: { name: string }[] }).findings.map(f => f.name);
}

export async function setup(host: Host, state: string, ...wish: string[]): Promise<void> {
  const { code, err } = await gtm(host, 'realserver', 'setup', '--yes', '--state', state, ...wish);
  assert.equal(code, 0, err);
}
