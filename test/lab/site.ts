// The lab's two sites: who stands where, and what runs there.
//   client ── router ─┬─ LAN a (192.0.2.0/24): director, d1, d2 (DR)        director ── LAN n (10.0.0.0/24): n1, n2 (NAT)
//                     └─ LAN b (203.0.113.0/24): t1, t2 (TUN, FullNAT)      IPv6 beside all of it
// VIPs stand in LAN a. Real servers run nginx and nsd, and send by their own default route: n by the director, d and t by the router.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cards, type Host, Lab, type Running, until, write } from './hosts.ts';

export const FAMILIES = [4, 6] as const;
export type Family = (typeof FAMILIES)[number];
export type Mode = 'nat' | 'dr' | 'tun' | 'fullnat';
export const MODES: readonly Mode[] = ['nat', 'dr', 'tun', 'fullnat'];

/** The last part of every VIP's addresses. */
const VIP_NUMBER: Record<Mode, number> = { nat: 101, dr: 102, tun: 103, fullnat: 104 };
export const LOCAL: Record<Family, string[]> = {
  4: ['192.0.2.150', '192.0.2.151'],
  6: ['2001:db8:a::150', '2001:db8:a::151'],
};
/** The ports that programs of the client get from its kernel; those that stories give out, each once in so many connections. */
const CLIENT_PORTS = '50000 60999';
const STORY_PORTS = { first: 1024, end: 10_000 } as const;
export const CLIENT: Record<Family, string> = { 4: '198.51.100.2', 6: '2001:db8:c::2' };
export const DIRECTOR: Record<Family, string> = { 4: '192.0.2.1', 6: '2001:db8:a::1' };
const LAN = {
  a: { 4: (n: number) => `192.0.2.${n}`, 6: (n: number) => `2001:db8:a::${n}` },
  b: { 4: (n: number) => `203.0.113.${n}`, 6: (n: number) => `2001:db8:b::${n}` },
  n: { 4: (n: number) => `10.0.0.${n}`, 6: (n: number) => `fd00:0:0:1::${n}` },
} as const;
type LanName = keyof typeof LAN;
/** Which servers a mode has, and the ports that they listen on. */
export const SERVERS: Record<Mode, { lan: LanName; names: [string, string]; web: number; dns: number }> = {
  nat: { lan: 'n', names: ['n1', 'n2'], web: 8080, dns: 5353 },
  dr: { lan: 'a', names: ['d1', 'd2'], web: 80, dns: 53 },
  tun: { lan: 'b', names: ['t1', 't2'], web: 80, dns: 53 },
  fullnat: { lan: 'b', names: ['t1', 't2'], web: 8080, dns: 5353 },
};

export function vip(mode: Mode, family: Family): string {
  return LAN.a[family](VIP_NUMBER[mode]);
}

/** The own address of a mode's first or second server. */
export function serverAddress(mode: Mode, family: Family, i: 0 | 1): string {
  return LAN[SERVERS[mode].lan][family](11 + i);
}

/** As it stands in a URL. */
export function host(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

export class Site {
  readonly lab = new Lab();
  readonly dir = mkdtempSync(join(tmpdir(), 'gtm-lab-'));
  readonly client: Host;
  readonly router: Host;
  readonly director: Host;
  readonly servers = new Map<string, Host>();
  /** nginx of each server. */
  readonly web = new Map<string, Running>();
  readonly dns = new Map<string, Running>();

  #port: number = STORY_PORTS.first;

  readonly #cards: readonly Cards[];

  /** `modes`: whose servers there are; those of FullNAT are TUN's. `cards`: what the director's two links are made of, if not of veths. */
  constructor(modes: readonly Mode[] = MODES, cards: readonly Cards[] = []) {
    this.#cards = cards;
    const { lab } = this;
    this.client = lab.host('client');
    this.router = lab.host('router');
    this.director = lab.host('director');
    for (const lan of ['a', 'b'] as const) lab.bridge(this.router, `br-${lan}`, gateway(lan));
    // A switch of the director's: the router has no address there.
    lab.bridge(this.router, 'br-n');
    lab.link(
      { host: this.client, name: 'eth0', addresses: [`${CLIENT[4]}/24`, `${CLIENT[6]}/64`] },
      { host: this.router, name: 'to-client', addresses: ['198.51.100.254/24', '2001:db8:c::254/64'] },
    );
    this.#plug(this.director, 'eth0', 'a', 1, { queues: 2, cards: cards[0] });
    this.#plug(this.director, 'eth1', 'n', 1, { queues: 2, cards: cards[1] });
    this.setQueues(1);
    for (const mode of (['nat', 'dr', 'tun'] as const).filter(m => modes.includes(m)))
      SERVERS[mode].names.forEach((name, i) => {
        const server = lab.host(name);
        this.servers.set(name, server);
        this.#plug(server, 'eth0', SERVERS[mode].lan, 11 + i);
        for (const family of FAMILIES) {
          const by = mode === 'nat' ? LAN.n[family](1) : LAN[SERVERS[mode].lan][family](254);
          server.ip(`-${family}`, 'route', 'add', 'default', 'via', by);
        }
        if (mode !== 'nat') holdVips(server, mode);
      });
    for (const [each, ways] of [
      [this.client, ['198.51.100.254', '2001:db8:c::254']],
      [this.director, [LAN.a[4](254), LAN.a[6](254)]],
    ] as const)
      FAMILIES.forEach((family, i) => void each.ip(`-${family}`, 'route', 'add', 'default', 'via', ways[i]));
    // The servers behind the director can be reached by themselves, for comparison.
    this.router.ip('route', 'add', '10.0.0.0/24', 'via', LAN.a[4](1));
    this.router.ip('-6', 'route', 'add', 'fd00:0:0:1::/64', 'via', LAN.a[6](1));
    this.router.forward(true);
    this.director.forward(true);
    // A connection of DR whose end the director saw half of is kept for two minutes: who had its port again would go where it went.
    // The kernel gives out the same ones again and again, as it shuffles them every ten seconds.
    this.client.sysctl('net.ipv4.ip_local_port_range', CLIENT_PORTS);
    // Redirects would lead clients past the director.
    for (const each of [this.router, this.director]) each.sysctl('net.ipv4.conf.all.send_redirects', 0);
  }

  /** In an emulated machine, which is slow. */
  get emulated(): boolean {
    return this.#cards.length > 0;
  }

  /** A port of the client that no connection had for a long time. */
  freshPort(): number {
    const port = this.#port++;
    if (this.#port === STORY_PORTS.end) this.#port = STORY_PORTS.first;
    return port;
  }

  /** Starts nginx and nsd on every real server; resolves when all of them answer. */
  async startServers(): Promise<void> {
    for (const name of this.servers.keys()) {
      this.startWeb(name);
      this.startDns(name);
    }
    for (const [name, server] of this.servers)
      for (const port of [80, 8080])
        await until(
          `nginx of ${name}`,
          async () => (await server.run('curl', ['-s', `http://127.0.0.1:${port}/whoami`])).code === 0,
          60_000,
        );
  }

  startWeb(name: string): void {
    const dir = join(this.dir, name);
    mkdirSync(join(dir, 'up'), { recursive: true });
    mkdirSync(this.files, { recursive: true });
    const conf = write(dir, 'nginx.conf', nginxConf(name, dir, this.files));
    this.web.set(name, this.#server(name).start('nginx', ['-e', 'stderr', '-c', conf]));
  }

  startDns(name: string): void {
    const dir = join(this.dir, `${name}-dns`);
    mkdirSync(dir, { recursive: true });
    const mode = MODES.find(m => SERVERS[m].names.includes(name)) as Mode;
    const conf = write(dir, 'nsd.conf', nsdConf(dir, mode, Number(name[1]) - 1));
    write(dir, 'lab.zone', zone(name));
    this.dns.set(name, this.#server(name).start('nsd', ['-d', '-P', join(dir, 'pid'), '-c', conf]));
  }

  /** Receive queues of the director's links: 1 or 2. */
  setQueues(count: number): void {
    if (this.emulated) return;
    // Both ends of each: native XDP wants no fewer queues than the other end sends by.
    for (const name of ['eth0', 'eth1'])
      for (const [at, link] of [
        [this.director, name],
        [this.router, `dir-${name}`],
      ] as const)
        at.ethtool('-L', link, 'rx', `${count}`, 'tx', `${count}`);
  }

  /** Where the files lie that every nginx serves. */
  get files(): string {
    return join(this.dir, 'files');
  }

  async close(): Promise<void> {
    await this.lab.close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  #server(name: string): Host {
    return this.servers.get(name) as Host;
  }

  #plug(
    at: Host,
    name: string,
    lan: LanName,
    n: number,
    made: { queues?: number; cards?: Cards } = {},
  ): void {
    const addresses = [`${LAN[lan][4](n)}/24`, `${LAN[lan][6](n)}/64`];
    const port = `${at.name}-${name}`.replace('director', 'dir');
    this.lab.link(
      { host: at, name, addresses },
      { host: this.router, name: port, bridge: `br-${lan}` },
      made,
    );
  }
}

function gateway(lan: LanName): string[] {
  return [`${LAN[lan][4](254)}/24`, `${LAN[lan][6](254)}/64`];
}

// What a real server of DR or TUN needs: the VIPs on lo, unheard of by ARP, and packets from a tunnel taken as they come.
function holdVips(server: Host, mode: 'dr' | 'tun'): void {
  for (const name of ['all', 'eth0']) {
    server.sysctl(`net.ipv4.conf.${name}.arp_ignore`, 1);
    server.sysctl(`net.ipv4.conf.${name}.arp_announce`, 2);
    server.sysctl(`net.ipv4.conf.${name}.rp_filter`, 0);
  }
  server.ip('addr', 'add', `${vip(mode, 4)}/32`, 'dev', 'lo');
  server.ip('addr', 'add', `${vip(mode, 6)}/128`, 'dev', 'lo', 'preferred_lft', '0');
}

function nginxConf(name: string, dir: string, files: string): string {
  const ports = [80, 8080].flatMap(p => [`listen ${p} backlog=4096;`, `listen [::]:${p} backlog=4096;`]);
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(t => `${t}_temp_path ${dir}/${t};`);
  return `daemon off; master_process off; worker_processes 1; user root; pid ${dir}/nginx.pid; error_log stderr;
events { worker_connections 8192; }
http {
  access_log off; sendfile on; keepalive_requests 1000000; keepalive_timeout 300s; client_max_body_size 2g;
  reset_timedout_connection on; ${temp.join(' ')}
  server { ${ports.join(' ')}
    location = /whoami { default_type text/plain; return 200 "${name} $remote_addr\\n"; }
    location /up/ { root ${dir}; dav_methods PUT; }
    location / { root ${files}; }
  }
}
`;
}

function nsdConf(dir: string, mode: Mode, i: number): string {
  const own = FAMILIES.flatMap(f => [53, 5353].map(port => `${serverAddress(mode, f, i as 0 | 1)}@${port}`));
  const vips = mode === 'nat' ? [] : FAMILIES.map(f => `${vip(mode, f)}@53`);
  return `server:
${[...own, ...vips].map(a => `  ip-address: ${a}`).join('\n')}
  ip-freebind: yes
  server-count: 1
  username: ""
  zonesdir: "${dir}"
  database: ""
  zonelistfile: "${dir}/zone.list"
  xfrdfile: "${dir}/xfrd.state"
  xfrdir: "${dir}"
  ipv4-edns-size: 4096
  ipv6-edns-size: 4096
  minimal-responses: yes
remote-control:
  control-enable: no
zone:
  name: lab
  zonefile: lab.zone
`;
}

function zone(name: string): string {
  const long = Array.from({ length: 12 }, (_, i) => `"${String(i).padStart(3, '0')}${'x'.repeat(230)}"`);
  return `$ORIGIN lab.
$TTL 1
@ IN SOA ns hostmaster 1 3600 600 86400 1
@ IN NS ns
ns IN A 192.0.2.1
whoami IN TXT "${name}"
big IN TXT ${long.join(' ')}
`;
}
