// The hosts of the l4 bench, and what stands between client and server in each row.
//   client 10.19.0.2 ── director 10.19.0.1 | 10.19.1.1 ── server 10.19.1.100, .101, … (nginx, iperf3)      server ── client for DR's answers
// Invariant: one director at a time; after each row nothing of it is left on the director's host. Closed connections are kept for a
// minute by whoever closed first: client, director or server. So each row has a VIP and servers of its own: else connect() would
// look for a free port behind those of the row before, or a server answer a SYN by what it remembers.
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Host, Lab, type Running, until, write } from '../test/lab/hosts.ts';

const LOCALS = ['10.19.1.50', '10.19.1.51', '10.19.1.52', '10.19.1.53'];
const IPERF = 5201;
const MAIN = join(import.meta.dirname, '..', 'src', 'main.js');
const UNPACK = join(import.meta.dirname, 'l4-unpack.js');
const ADMIN = 'http://127.0.0.1:8053';
/** nginx and HAProxy get one worker, as our planes have one thread that forwards. */
const FILES = 65_535;

/** What is measured, and the programs that it needs beside those of every row. */
export const ROWS = {
  routing: { name: 'plain routing', udp: true, needs: {} },
  nft: { name: 'nftables DNAT', udp: true, needs: { nft: 'nftables' } },
  nginx: { name: 'nginx stream', udp: false, needs: { nginx: 'nginx' } },
  haproxy: { name: 'HAProxy tcp', udp: false, needs: { haproxy: 'haproxy' } },
  proxy: { name: 'proxy plane', udp: true, needs: {} },
  'xdp-nat': { name: 'xdp NAT', udp: true, needs: {} },
  'xdp-dr': { name: 'xdp DR', udp: true, needs: {} },
  'xdp-tun': { name: 'xdp TUN', udp: true, needs: {} },
  'xdp-fullnat': { name: 'xdp FullNAT', udp: true, needs: {} },
} as const;
export type Row = keyof typeof ROWS;

/** A row's own addresses. `routed`: the server's address that is asked past the director, by plain routing. */
interface Place {
  vip: string;
  servers: readonly string[];
  routed: string;
}

const NAMES = Object.keys(ROWS) as Row[];

function placeOf(row: Row): Place {
  const i = NAMES.indexOf(row);
  const [a, b, routed] = [0, 1, 2].map(n => `10.19.1.${100 + 3 * i + n}`);
  return { vip: `10.19.0.${100 + i}`, servers: [a, b], routed };
}

/** A row that is running: the address that clients ask, and the process that forwards (none where the kernel does). */
export interface Standing {
  address: string;
  pid: number | undefined;
  /** Packets that the plane forwarded so far; undefined where nobody counts. */
  packets(): Promise<number | undefined>;
  stop(): Promise<void>;
}

export class Net {
  readonly lab = new Lab();
  readonly dir = mkdtempSync(join(tmpdir(), 'gtm-bench-'));
  readonly client: Host;
  readonly director: Host;
  readonly server: Host;

  constructor() {
    const { lab } = this;
    [this.client, this.director, this.server] = ['client', 'director', 'server'].map(n => lab.host(n));
    lab.link(
      { host: this.client, name: 'eth0', addresses: ['10.19.0.2/24'] },
      { host: this.director, name: 'eth0', addresses: ['10.19.0.1/24'] },
    );
    lab.link(
      { host: this.director, name: 'eth1', addresses: ['10.19.1.1/24'] },
      {
        host: this.server,
        name: 'eth0',
        addresses: NAMES.map(placeOf).flatMap(p => [...p.servers, p.routed].map(a => `${a}/24`)),
      },
    );
    lab.link(
      { host: this.client, name: 'eth1', addresses: ['10.19.2.2/24'] },
      { host: this.server, name: 'eth1', addresses: ['10.19.2.1/24'] },
    );
    this.client.ip('route', 'add', '10.19.1.0/24', 'via', '10.19.0.1');
    this.server.ip('route', 'add', 'default', 'via', '10.19.1.1');
    this.director.forward(true);
    this.director.sysctl('net.ipv4.conf.all.send_redirects', 0);
    for (const host of [this.client, this.director, this.server]) {
      host.sysctl('net.ipv4.ip_local_port_range', '1024 65535');
      host.sysctl('net.core.somaxconn', 65_535);
      host.sysctl('net.ipv4.tcp_max_syn_backlog', 65_535);
      host.sysctl('net.ipv4.tcp_max_tw_buckets', 262_144);
      for (const each of ['all', 'eth0', 'eth1']) host.sysctl(`net.ipv4.conf.${each}.rp_filter`, 0);
    }
    for (const each of ['all', 'eth0', 'eth1']) {
      this.server.sysctl(`net.ipv4.conf.${each}.arp_ignore`, 1);
      this.server.sysctl(`net.ipv4.conf.${each}.arp_announce`, 2);
    }
  }

  /** nginx on the server. */
  async startServer(): Promise<void> {
    const conf = write(
      this.dir,
      'server.conf',
      `daemon off; master_process off; worker_processes 1; worker_rlimit_nofile ${FILES}; user root; pid ${this.dir}/server.pid;
events { worker_connections 20000; }
http { access_log off; keepalive_requests 100000000; ${temps(this.dir)}
  server { listen 80 backlog=65535 reuseport; location / { default_type text/plain; return 200 "0123456789\\n"; } } }
`,
    );
    this.server.start('nginx', ['-e', 'stderr', '-c', conf]);
    const { servers } = placeOf('routing');
    await until(
      'nginx answers',
      async () => (await this.server.run('curl', ['-s', `http://${servers[0]}/`])).code === 0,
    );
  }

  /** Where a row's client asks the server by plain routing, while no row is started. */
  routed(row: Row): string {
    return placeOf(row).routed;
  }

  /** Puts a row between client and server; resolves when a request goes through. Rejects with why it does not. */
  async start(row: Row): Promise<Standing> {
    const place = placeOf(row);
    const { vip, servers } = place;
    const standing = await this.#start(row, place);
    // It answers datagrams from the address that it is bound to: of DR and TUN the VIP.
    const bound = row === 'xdp-dr' || row === 'xdp-tun' ? vip : servers[0];
    const iperf = this.server.start('iperf3', ['-s', '-B', bound, '-p', `${IPERF}`]);
    const stop = async () => {
      await iperf.stop('SIGKILL');
      await standing.stop();
    };
    try {
      const ask = ['-s', '-m', '1', '-o', '/dev/null', `http://${standing.address}/`];
      await until(`${ROWS[row].name} answers`, async () => (await this.client.run('curl', ask)).code === 0);
      return { ...standing, stop };
    } catch (e) {
      await stop();
      throw e;
    }
  }

  async close(): Promise<void> {
    await this.lab.close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  #start(row: Row, place: Place): Promise<Standing> {
    if (row === 'routing') return Promise.resolve(still(place.servers[0]));
    if (row === 'nft') return this.#nft(place);
    if (row === 'nginx') {
      const conf = write(this.dir, 'stream.conf', streamConf(this.dir, place));
      return this.#program(place, 'nginx', ['-e', 'stderr', '-c', conf]);
    }
    if (row === 'haproxy') {
      const conf = write(this.dir, 'haproxy.cfg', haproxyConf(place));
      return this.#program(place, 'haproxy', ['-db', '-f', conf]);
    }
    if (row === 'proxy') return this.#gtm(place, 'proxy', 'nat');
    return this.#gtm(place, 'xdp', row.slice(4));
  }

  async #nft({ vip, servers }: Place): Promise<Standing> {
    const rules = `table ip bench {
  chain in { type nat hook prerouting priority -100; ip daddr ${vip} tcp dport 80 dnat to numgen inc mod 2 map { 0 : ${servers[0]}, 1 : ${servers[1]} }
    ip daddr ${vip} meta l4proto { tcp, udp } th dport ${IPERF} dnat to ${servers[0]}
  }
}
`;
    const { code, err } = await this.director.run('nft', ['-f', '-'], { input: rules });
    if (code !== 0) throw new Error(`nft: ${err}`);
    const down = this.#vip(vip);
    return {
      ...still(vip),
      stop: async () => {
        await this.director.run('nft', ['delete', 'table', 'ip', 'bench']);
        down();
      },
    };
  }

  async #program({ vip }: Place, program: string, args: string[]): Promise<Standing> {
    const down = this.#vip(vip);
    const running = this.director.start(program, args);
    return {
      ...still(vip),
      pid: running.pid,
      stop: async () => {
        await running.stop();
        down();
      },
    };
  }

  async #gtm(place: Place, plane: 'proxy' | 'xdp', forward: string): Promise<Standing> {
    const { vip } = place;
    const down = plane === 'proxy' ? this.#vip(vip) : () => {};
    const undo = await this.#answers(forward, vip);
    const state = join(this.dir, `state-${plane}-${forward}`);
    const file = write(this.dir, 'gtm.yaml', gtmYaml(state, plane, forward, place));
    const running: Running = this.director.start(process.execPath, [
      MAIN,
      'serve',
      '--node',
      'd',
      '-c',
      file,
    ]);
    const stop = async () => {
      await running.stop();
      this.#unpin();
      undo();
      down();
    };
    try {
      await running.says(/ready/, 20_000);
    } catch (e) {
      await stop();
      throw e;
    }
    const packets = async () => {
      const { out } = await this.director.run('curl', ['-s', `${ADMIN}/v1/services`]);
      const { items } = JSON.parse(out || '{"items":[]}') as {
        items: { inPackets?: number; outPackets?: number }[];
      };
      const counted = items.filter(s => s.inPackets !== undefined);
      if (counted.length === 0) return undefined;
      return counted.reduce((sum, s) => sum + (s.inPackets ?? 0) + (s.outPackets ?? 0), 0);
    };
    return { address: vip, pid: running.pid, packets, stop };
  }

  // The VIP on the director's host, for those who bring none up themselves.
  #vip(vip: string): () => void {
    this.director.ip('addr', 'add', `${vip}/32`, 'dev', 'eth0');
    return () => void this.director.ip('addr', 'del', `${vip}/32`, 'dev', 'eth0');
  }

  // What the servers of a method need beside their addresses.
  async #answers(forward: string, vip: string): Promise<() => void> {
    if (forward !== 'dr' && forward !== 'tun') return () => {};
    const undo = this.#direct(vip);
    if (forward === 'dr') return undo;
    const unpack = this.server.start(process.execPath, [UNPACK, 'eth0']);
    await unpack.says(/ready/);
    return () => {
      void unpack.stop();
      undo();
    };
  }

  // The VIP on the server, and its answers past the director.
  #direct(vip: string): () => void {
    this.server.ip('addr', 'add', `${vip}/32`, 'dev', 'lo');
    this.server.ip('route', 'add', '10.19.0.2/32', 'via', '10.19.2.2');
    return () => {
      this.server.ip('addr', 'del', `${vip}/32`, 'dev', 'lo');
      this.server.ip('route', 'del', '10.19.0.2/32');
    };
  }

  // The program stays on the links of a director that stopped; the next row is to find them bare.
  #unpin(): void {
    const pins = `/sys/fs/bpf/switchyard/net-${statSync(`/run/netns/${this.director.netns}`).ino}`;
    if (existsSync(pins)) rmSync(pins, { recursive: true, force: true });
  }
}

/** A row that the kernel does by itself. */
export function still(address: string): Standing {
  return {
    address,
    pid: undefined,
    packets: () => Promise.resolve(undefined),
    stop: () => Promise.resolve(),
  };
}

function temps(dir: string): string {
  return ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map(t => `${t}_temp_path ${dir}/${t};`)
    .join(' ');
}

/** Where Debian's package libnginx-mod-stream puts it. */
export const STREAM = '/usr/lib/nginx/modules/ngx_stream_module.so';

function streamConf(dir: string, { vip, servers }: Place): string {
  return `load_module ${STREAM};
daemon off; master_process off; worker_processes 1; worker_rlimit_nofile ${FILES}; user root; pid ${dir}/stream.pid;
events { worker_connections 30000; }
stream {
  upstream web { ${servers.map(a => `server ${a}:80;`).join(' ')} }
  server { listen ${vip}:80 backlog=65535; proxy_pass web; }
  server { listen ${vip}:${IPERF}; proxy_pass ${servers[0]}:${IPERF}; }
}
`;
}

function haproxyConf({ vip, servers }: Place): string {
  return `global
  nbthread 1
  maxconn 5000
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen web
  bind ${vip}:80 backlog 65535
${servers.map((a, i) => `  server s${i} ${a}:80`).join('\n')}
listen iperf
  bind ${vip}:${IPERF}
  server s0 ${servers[0]}:${IPERF}
`;
}

function gtmYaml(state: string, plane: string, forward: string, { vip, servers }: Place): string {
  const more = forward === 'fullnat' ? `, local_addresses: [${LOCALS.join(', ')}]` : '';
  const service = (protocol: string, port: number, real: readonly string[]) =>
    `      - { protocol: ${protocol}, port: ${port}, scheduler: rr, forward: ${forward}${more}, max_connections: 1000000,
          real_servers: [${real.map(a => `{ address: ${a}, port: ${port}, weight: 1 }`).join(', ')}] }`;
  const links = plane === 'xdp' ? ', interfaces: [eth0, eth1]' : '';
  return `cluster: bench
state_dir: ${state}
sites: { one: {} }
nodes:
  d: { site: one, admin: { listen: "127.0.0.1:8053" }, director: { plane: ${plane}${links} } }
vips:
  web:
    site: one
    addresses: [${vip}]
    services:
${[service('tcp', 80, servers), service('tcp', IPERF, [servers[0]]), service('udp', IPERF, [servers[0]])].join('\n')}
zones: {}
`;
}
