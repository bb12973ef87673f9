// `gtm demo`: every node of a cluster file and its loopback real servers in one process, and a text of what to try.
import { styleText } from 'node:util';
import type { DemoServers } from '../admin/node.ts';
import { GtmError } from '../kit/errors.ts';
import { formatEndpoint } from '../kit/ip.ts';
import { nearest } from '../kit/suggest.ts';
import type { Config } from '../model/schema.ts';
import { DemoServer } from './demo-server.ts';
import { type Running, type RunOptions, runNodes } from './run.ts';
import { serverKey } from './targets.ts';

/** Runs the demo until a signal ends it; returns the exit code. */
export async function runDemo(options: RunOptions): Promise<number> {
  const fleet = new Fleet();
  try {
    const all = (c: Config) => Object.keys(c.nodes);
    // A person reads this one.
    const log = { ...options.log, format: 'text' as const };
    return await runNodes(
      { ...options, log },
      all,
      running => process.stdout.write(welcome(running, fleet)),
      async config => {
        await fleet.startAll(config);
        return fleet;
      },
    );
  } finally {
    await fleet.stopAll();
  }
}

/** The demo's real servers: every one in the file that is on loopback, each once. */
class Fleet implements DemoServers {
  readonly #servers = new Map<string, { site: string; server: DemoServer }>();

  async startAll(config: Config): Promise<void> {
    const taken = new Set<string>();
    for (const vip of Object.values(config.vips)) {
      for (const rs of vip.services.filter(s => s.protocol === 'tcp').flatMap(s => s.real_servers)) {
        const key = serverKey(rs);
        if (taken.has(key) || !(rs.address.startsWith('127.') || rs.address === '::1')) continue;
        taken.add(key);
        const name = rs.name ?? key;
        this.#servers.set(name, { site: vip.site, server: new DemoServer(name, rs.address, rs.port) });
      }
    }
    await Promise.all([...this.#servers.values()].map(s => s.server.start()));
  }

  list() {
    return [...this.#servers.values()].map(({ site, server: s }) => ({
      name: s.name,
      site,
      address: s.address,
      port: s.port,
      running: s.running,
    }));
  }

  async stop(name: string): Promise<void> {
    await this.#named(name).stop();
  }

  async start(name: string): Promise<void> {
    await this.#named(name).start();
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#servers.values()].map(s => s.server.stop()));
  }

  #named(name: string): DemoServer {
    const found = this.#servers.get(name);
    if (found !== undefined) return found.server;
    const names = [...this.#servers.keys()];
    const guess = nearest(name, names);
    const hint = guess === undefined ? `there are ${names.join(', ')}` : `did you mean ${guess}?`;
    throw new GtmError('GTM_NOT_FOUND', `no real server «${name}» in this demo; ${hint}`);
  }
}

function welcome({ loaded, nodes }: Running, fleet: Fleet): string {
  const config = loaded.config as Config;
  const colour = process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined;
  const bold = (text: string) => (colour ? styleText('bold', text) : text);
  const lines = [
    bold(
      `Switchyard is up: cluster «${config.cluster}», ${nodes.length} nodes, ${fleet.list().length} real servers`,
    ),
    '',
  ];
  for (const [name, n] of Object.entries(config.nodes)) {
    const dns = n.dns?.listen.map(e => formatEndpoint(e.address, e.port)).join(' ') ?? '-';
    const admin =
      n.admin === undefined ? '-' : `http://${formatEndpoint(n.admin.listen.address, n.admin.listen.port)}/`;
    lines.push(`  ${name.padEnd(8)} dns ${dns.padEnd(16)} page ${admin}`);
    for (const [vip, v] of Object.entries(config.vips).filter(([, v]) => v.site === n.site)) {
      for (const s of v.services) {
        const at = v.addresses.map(a => formatEndpoint(a, s.port)).join(' ');
        const behind = s.real_servers.map(r => r.name ?? serverKey(r)).join(', ');
        lines.push(`  ${''.padEnd(8)} vip ${at} (${vip}) → ${behind}`);
      }
    }
  }
  lines.push(
    '',
    'Try, in another terminal:',
    ...examples(config, loaded.zones[0]?.name, fleet),
    '',
    'Ctrl-C ends it.',
    '',
  );
  return lines.join('\n');
}

// A question, a connection, a failure: the story in three commands, with names that this file really has.
function examples(config: Config, zone: string | undefined, fleet: Fleet): string[] {
  const dns = Object.values(config.nodes).find(n => n.dns !== undefined)?.dns?.listen[0];
  const vip = Object.values(config.vips)[0];
  const first = fleet.list()[0]?.name;
  const out: string[] = [];
  if (dns !== undefined && zone !== undefined) out.push(`  dig @${dns.address} -p ${dns.port} www.${zone}`);
  if (vip !== undefined) out.push(`  curl http://${formatEndpoint(vip.addresses[0], vip.services[0].port)}/`);
  if (first !== undefined)
    out.push(`  npx gtm demo stop ${first}    (then: npx gtm status; and: npx gtm demo start ${first})`);
  return out;
}
