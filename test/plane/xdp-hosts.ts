// The hosts of the plane's tests: a client, a director and two real servers.
//   client ─ front (10.1.0.0/24) ─ director ─ back (10.2.0.0/24) ─ servers; they stand on the front too, for answers in DR and TUN.
//   Client addresses: 10.1.0.2 on the link; 10.9.0.2 beyond it, whose answers go by the servers' default route, the director.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ConnectionRow, ServiceCounters, ServiceSpec } from '../../src/model/service.ts';
import { type Host, Lab } from '../lab/hosts.ts';

export const VIP = '10.1.0.100';
export const VIP6 = 'fd01::100';

export interface Net {
  client: Host;
  director: Host;
  servers: readonly Host[];
  /** Takes the director's back link away; puts another in its place. */
  unplug(): void;
  replug(): void;
  close(): Promise<void>;
}

/** Builds them; the servers listen on 80 and 8080. `queues` of the director's links. */
export async function buildNet(queues = 1): Promise<Net> {
  const lab = new Lab();
  try {
    const wire = lab.host('wire');
    lab.bridge(wire, 'front');
    lab.bridge(wire, 'back');
    const [client, director] = ['client', 'director'].map(n => lab.host(n));
    const plug = (host: Host, name: string, bridge: string, addresses: string[], q = 1) => {
      const far = `${host.name}-${name}`.slice(0, 15);
      lab.link({ host, name, addresses }, { host: wire, name: far, bridge }, { queues: q });
      // VLAN tags are to be in the frames, as on a wire, not beside them.
      wire.ethtool('-K', far, 'txvlan', 'off');
    };
    plug(client, 'eth0', 'front', ['10.1.0.2/24', 'fd01::2/64']);
    client.ip('addr', 'add', '10.9.0.2/32', 'dev', 'lo');
    client.ip('addr', 'add', 'fd09::2/128', 'dev', 'lo');
    plug(director, 'eth0', 'front', ['10.1.0.1/24', 'fd01::1/64'], queues);
    plug(director, 'eth1', 'back', ['10.2.0.1/24', 'fd02::1/64'], queues);
    director.ip('route', 'add', '10.9.0.0/24', 'via', '10.1.0.2');
    director.ip('route', 'add', 'fd09::/64', 'via', 'fd01::2');
    client.ip('route', 'add', '10.2.0.0/24', 'via', '10.1.0.1');
    client.ip('route', 'add', 'fd02::/64', 'via', 'fd01::1');
    director.forward(true);
    const servers = [1, 2].map(i => {
      const host = lab.host(`rs${i}`);
      plug(host, 'eth0', 'back', [`10.2.0.1${i}/24`, `fd02::1${i}/64`]);
      plug(host, 'eth1', 'front', [`10.1.0.1${i}/24`, `fd01::1${i}/64`]);
      host.ip('route', 'add', 'default', 'via', '10.2.0.1');
      host.ip('-6', 'route', 'add', 'default', 'via', 'fd02::1');
      // The VIP stands here too, unheard of by ARP (arp_ignore, arp_announce) and neighbour discovery (on lo).
      for (const name of ['all', 'eth0', 'eth1']) {
        host.sysctl(`net.ipv4.conf.${name}.arp_ignore`, 1);
        host.sysctl(`net.ipv4.conf.${name}.arp_announce`, 2);
        host.sysctl(`net.ipv4.conf.${name}.rp_filter`, 0);
      }
      host.ip('addr', 'add', `${VIP}/32`, 'dev', 'lo');
      host.ip('addr', 'add', `${VIP6}/128`, 'dev', 'lo');
      return host;
    });
    await Promise.all(
      servers.map(s =>
        s
          .start(process.execPath, [join(import.meta.dirname, 'xdp-server.js'), s.name, '80', '8080'])
          .says(/ready/),
      ),
    );
    const space = /\d+/.exec((await director.run('readlink', ['/proc/self/ns/net'])).out)?.[0];
    const close = async () => {
      await lab.close();
      rmSync(`/sys/fs/bpf/switchyard/net-${space}`, { recursive: true, force: true });
    };
    const unplug = () => {
      director.ip('link', 'del', 'eth1');
    };
    const replug = () => plug(director, 'eth1', 'back', ['10.2.0.1/24', 'fd02::1/64'], queues);
    return { client, director, servers, unplug, replug, close };
  } catch (e) {
    await lab.close();
    throw e;
  }
}

/** The plane in the director's namespace. */
export class Director {
  readonly #child: ChildProcess;
  readonly #answers: ((line: string) => void)[] = [];
  readonly #ended: Promise<number>;
  log = '';

  private constructor(host: Host, stateDir: string, interfaces: string, attach: string) {
    const script = join(import.meta.dirname, 'xdp-child.js');
    this.#child = spawn(...host.inside(process.execPath, [script, stateDir, interfaces, attach]), {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', text => {
      this.log += text;
    });
    if (this.#child.stdout)
      createInterface({ input: this.#child.stdout }).on('line', line => this.#answers.shift()?.(line));
    this.#ended = new Promise(resolve => {
      this.#child.once('exit', code => {
        for (const answer of this.#answers.splice(0)) answer('{"failed":"it ended"}');
        resolve(code ?? -1);
      });
    });
    this.#child.stdin?.on('error', () => {});
  }

  static async start(
    host: Host,
    stateDir: string,
    interfaces = 'eth0,eth1',
    attach = 'auto',
  ): Promise<Director> {
    const director = new Director(host, stateDir, interfaces, attach);
    await director.#answer();
    return director;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }
  async apply(services: readonly ServiceSpec[]): Promise<unknown> {
    return this.#ask({ apply: services });
  }
  async weigh(vip: string, server: string, weight: number): Promise<void> {
    await this.#ask({ weigh: [vip, server, weight] });
  }
  async counters(): Promise<ServiceCounters[]> {
    return (await this.#ask({ counters: true })) as ServiceCounters[];
  }
  async connections(): Promise<ConnectionRow[]> {
    return (await this.#ask({ connections: 1000 })) as ConnectionRow[];
  }
  async figures(): Promise<Record<string, number>> {
    return (await this.#ask({ figures: true })) as Record<string, number>;
  }
  /** Its workers end as if something were broken. */
  async crash(): Promise<void> {
    await this.#ask({ crash: true });
  }
  /** A clean stop; the exit code. */
  async close(): Promise<number> {
    await this.#ask({});
    return this.#ended;
  }
  /** As when the power is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  async #ask(what: object): Promise<unknown> {
    this.#child.stdin?.write(`${JSON.stringify(what)}\n`);
    return this.#answer();
  }

  #answer(): Promise<unknown> {
    return new Promise((resolve, reject) =>
      this.#answers.push(line => {
        const said = JSON.parse(line) as { failed?: string };
        if (typeof said?.failed === 'string') reject(new Error(`${said.failed}\n${this.log}`));
        else resolve(said);
      }),
    );
  }
}

/** A folder that is taken away afterwards. */
export function scratch(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'xdp-state-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
