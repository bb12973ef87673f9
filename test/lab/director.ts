// The director of the lab: `gtm serve` in its namespace, with a cluster file that is written anew for each change.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Running, until, write } from './hosts.ts';
import {
  DIRECTOR,
  type Family,
  LOCAL,
  MODES,
  type Mode,
  SERVERS,
  type Site,
  serverAddress,
  vip,
} from './site.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.js');
/** Where it answers the command. */
export const ADMIN = '127.0.0.1:8053';
/** What its table of connections holds: little enough to be flooded. */
export const CONNECTIONS = 10_000;
/** Where the director answers DNS: its own address, on the interface that XDP has too. */
export const DNS_PORT = 5300;
const FAMILIES: readonly Family[] = [4, 6];

/** What a story may change about a mode's services. */
export interface Change {
  /** Of the first and the second real server. */
  weights?: readonly [number, number];
  scheduler?: string;
  tunnel?: 'ipip' | 'gue' | 'gre';
  /** The real servers are asked at their addresses of the other family. */
  mixed?: true;
  /** What the check asks for. */
  check?: string;
}

export type Plane = 'proxy' | 'xdp' | 'ipvs';

export interface ServiceRow {
  key: string;
  fault?: string;
  realServers: { name: string; weight: number; active: number; connections: number }[];
}

/** A real server as the status shows it. */
export interface Health {
  name: string;
  state: string;
  result: string;
}

export class Director {
  /** Counts from the next start on. */
  moderation: 'adaptive' | 'off' = 'adaptive';
  readonly #site: Site;
  readonly #plane: Plane;
  readonly #modes: readonly Mode[];
  readonly #dir: string;
  #changes: Partial<Record<Mode, Change>> = {};
  #running: Running | undefined;

  constructor(site: Site, plane: Plane, modes: readonly Mode[] = MODES) {
    this.#site = site;
    this.#plane = plane;
    this.#modes = modes;
    this.#dir = join(site.dir, plane);
    mkdirSync(this.#dir, { recursive: true });
  }

  get pid(): number {
    return this.#running?.pid ?? 0;
  }

  /** What it said last that is more than a remark about the file. */
  get log(): string {
    const lines = (this.#running?.output() ?? '').split('\n').filter(line => /^\{|rror/.test(line));
    return lines.slice(-8).join('\n');
  }

  /** All that it said since its start. */
  get said(): string {
    return this.#running?.output() ?? '';
  }

  async start(): Promise<void> {
    this.#write();
    const file = join(this.#dir, 'gtm.yaml');
    this.#running = this.#site.director.start(process.execPath, [MAIN, 'serve', '--node', 'd1', '-c', file]);
    await this.#running.says(/ready/, 60_000);
    const up = async () => (await this.services()).every(s => s.realServers.every(r => r.weight > 0));
    await until('every real server is up', up, 40_000);
  }

  async stop(signal?: NodeJS.Signals): Promise<void> {
    await this.#running?.stop(signal);
    this.#running = undefined;
  }

  /** Writes the file with these changes, and none of before, and waits until they count. */
  async change(changes: Partial<Record<Mode, Change>>): Promise<void> {
    this.#changes = changes;
    this.#write();
    const { code, out, err } = await this.#curl(
      ...['--fail-with-body', '-d', '{}', '-H', 'Content-Type: application/json'],
      `http://${ADMIN}/v1/reload`,
    );
    if (code !== 0) throw new Error(`reload: ${out}${err}`);
    await until('the services are applied', async () => (await this.services()).every(s => !s.fault), 5000);
  }

  async services(): Promise<ServiceRow[]> {
    const { out } = await this.#curl(`http://${ADMIN}/v1/services`);
    return (JSON.parse(out || '{"items":[]}') as { items: ServiceRow[] }).items;
  }

  /** The real servers of a VIP's services that have a check. */
  async health(vip: string): Promise<Health[]> {
    const { out } = await this.#curl(`http://${ADMIN}/v1/status`);
    const { vips } = JSON.parse(out || '{"vips":[]}') as { vips: { name: string; realServers: Health[] }[] };
    return (vips.find(v => v.name === vip)?.realServers ?? []).filter(r => r.state !== 'unchecked');
  }

  /** When a real server of a VIP was found down, after `from`; both milliseconds since 1970. */
  async verdict(vip: string, from: number): Promise<number | undefined> {
    const { out } = await this.#curl('-H', 'Accept: application/json', `http://${ADMIN}/v1/events?after=0`);
    const { items } = JSON.parse(out || '{"items":[]}') as {
      items: { at: string; subject: string; message: string }[];
    };
    const down = items.find(
      e => Date.parse(e.at) > from && e.subject.endsWith(` of ${vip}`) && e.message.startsWith('down'),
    );
    return down && Date.parse(down.at);
  }

  /** What became of frames so far and where they stand now, by the metrics; what is 0 is left out. */
  async frames(): Promise<string> {
    const { out } = await this.#curl(`http://${ADMIN}/metrics`);
    const rows = out.matchAll(/^gtm_lvs_(?:\w+_)?frames(?:_total)?\{(.*)\} (-?[1-9]\d*)$/gm);
    const plain = (labels: string) => labels.replaceAll(/\w+="([^"]*)",?/g, '$1 ').trim();
    return [...rows].map(([, labels, n]) => `${plain(labels)} ${n}`).join(', ');
  }

  #curl(...args: string[]): ReturnType<Site['director']['run']> {
    return this.#site.director.run('curl', ['-sS', '-m', '20', ...args]);
  }

  #write(): void {
    write(this.#dir, 'lab.test.zone', this.#zone());
    const xdp = `, interfaces: [eth0, eth1], connections: ${CONNECTIONS}, moderation: ${this.moderation}`;
    const vips = this.#modes.flatMap(mode => FAMILIES.map(family => this.#vip(mode, family)));
    write(
      this.#dir,
      'gtm.yaml',
      `cluster: lab
state_dir: ${join(this.#dir, 'state')}
sites: { one: {} }
nodes:
  d1: { site: one, dns: { listen: ["${DIRECTOR[4]}:${DNS_PORT}"] }, admin: { listen: "${ADMIN}" },
        director: { plane: ${this.#plane}${this.#plane === 'xdp' ? xdp : ''} } }
vips:
${vips.join('\n')}
pools:
  web: { policy: weighted, answers: 4, ttl: 1s, members: [${this.#modes.map(m => `{ vip: ${m}4 }`).join(', ')}] }
zones: { lab.test: lab.test.zone }
`,
    );
  }

  #zone(): string {
    return '@ 60 IN SOA ns hostmaster 1 3600 600 86400 60\n@ 60 IN NS ns\nns 60 IN A 192.0.2.1\nwww 60 IN POOL web\n';
  }

  #vip(mode: Mode, family: Family): string {
    const {
      weights = [1, 1],
      scheduler = 'rr',
      tunnel = 'ipip',
      check: asked = '/whoami',
    } = this.#changes[mode] ?? {};
    const { names, web, dns } = SERVERS[mode];
    const at = this.#changes[mode]?.mixed === undefined ? family : family === 4 ? 6 : 4;
    const servers = (port: number) =>
      ([0, 1] as const).map(
        i =>
          `{ name: ${names[i]}-v${family}, address: "${serverAddress(mode, at, i)}", port: ${port}, weight: ${weights[i]} }`,
      );
    const more = [
      ...(mode === 'tun' ? [`tunnel: { type: ${tunnel} }`] : []),
      ...(mode === 'fullnat' ? [`local_addresses: ["${LOCAL[family].join('", "')}"]`] : []),
    ];
    const service = (protocol: string, port: number, to: number, check: string) =>
      `      - { protocol: ${protocol}, port: ${port}, scheduler: ${scheduler}, forward: ${[mode, ...more].join(', ')},${check}
          real_servers: [${servers(to).join(', ')}] }`;
    // A kernel in a process takes its time.
    const slow = this.#plane === 'ipvs' || this.#site.emulated;
    const pace = slow ? 'interval: 2s, timeout: 1900ms' : 'interval: 500ms, timeout: 300ms';
    const check = ` check: { http: { path: ${asked} }, ${pace}, rise: 1, fall: 2 },`;
    return `  ${mode}${family}:
    site: one
    addresses: ["${vip(mode, family)}"]
    services:
${service('tcp', 80, web, check)}
${service('udp', 53, dns, '')}`;
  }
}
