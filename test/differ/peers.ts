// NSD, Knot and `gtm serve` as processes on loopback, each in a folder of its own, serving the same zones: unsigned, no
// rate limits, minimal responses, UDP replies of up to 1232 octets.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { query } from '../dns/serve.ts';
import { freePort } from '../ports.ts';
import { Client } from './client.ts';
import { type Zone, zoneText } from './zones.ts';

const GTM = join(import.meta.dirname, '..', '..', 'src', 'main.js');
/** How long a start and an end may take: a loaded machine takes its time. */
const START_MS = 30_000;
const END_MS = 10_000;
const TRIES = 5;

/** A server that can be asked. */
export interface Peer {
  readonly name: string;
  ask(message: Uint8Array, tcp: boolean): Promise<Uint8Array>;
  close(): Promise<void>;
}

type Kind = (folder: string, port: number, zones: readonly Zone[]) => { name: string; command: string[] };

export const nsd: Kind = (folder, port, zones) => {
  const settings = [
    `ip-address: 127.0.0.1@${port}`,
    'server-count: 1',
    'username: ""',
    'chroot: ""',
    'pidfile: ""',
    'database: ""',
    'rrl-ratelimit: 0',
    'refuse-any: no',
    'minimal-responses: yes',
    'confine-to-zone: no',
    'ipv4-edns-size: 1232',
    `zonesdir: ${folder}`,
    `logfile: ${folder}/log`,
    `xfrdfile: ${folder}/xfrd`,
    `xfrdir: ${folder}`,
    `zonelistfile: ${folder}/zonelist`,
  ];
  const rows = zones.map((z, i) => `zone:\n  name: ${z.origin}\n  zonefile: ${i}.zone\n`);
  const control = 'remote-control:\n  control-enable: no\n';
  writeFileSync(join(folder, 'conf'), `server:\n  ${settings.join('\n  ')}\n${control}${rows.join('')}`);
  return { name: 'nsd', command: ['nsd', '-d', '-c', join(folder, 'conf')] };
};

export const knot: Kind = (folder, port, zones) => {
  const rows = zones.map((z, i) => `  - domain: ${z.origin}\n    file: ${folder}/${i}.zone\n`);
  const text = `server:
    rundir: ${folder}
    listen: 127.0.0.1@${port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    udp-max-payload: 1232
database:
    storage: ${folder}
log:
  - target: ${folder}/log
    any: warning
template:
  - id: default
    storage: ${folder}
    semantic-checks: off
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
zone:
${rows.join('')}`;
  writeFileSync(join(folder, 'conf'), text);
  return { name: 'knot', command: ['knotd', '-c', join(folder, 'conf')] };
};

/** The UDP sockets of `gtm serve`. */
export type Io = 'auto' | 'dgram';

export const switchyard =
  (io: Io): Kind =>
  (folder, port, zones) => {
    const rows = zones.map((z, i) => `  "${z.origin}": ${i}.zone\n`);
    const text = `cluster: differ
sites: { here: {} }
nodes: { one: { site: here, dns: { listen: ["127.0.0.1:${port}"], io: ${io} } } }
vips: {}
zones:
${rows.join('')}`;
    writeFileSync(join(folder, 'gtm.yaml'), text);
    const command = [process.execPath, GTM, 'serve', '--node', 'one', '-q', '-c', join(folder, 'gtm.yaml')];
    return { name: 'switchyard', command };
  };

/** Starts a server and waits until it answers for every zone. Throws, with its log, when it does not. */
export async function start(kind: Kind, zones: readonly Zone[]): Promise<Peer> {
  // A port that was free may be somebody else's a moment later.
  for (let left = TRIES; ; left--) {
    try {
      return await attempt(kind, zones);
    } catch (e) {
      if (left === 1 || !/in use/.test((e as Error).message)) throw e;
    }
  }
}

async function attempt(kind: Kind, zones: readonly Zone[]): Promise<Peer> {
  const folder = mkdtempSync(join(tmpdir(), 'differ-'));
  zones.forEach((zone, i) => {
    writeFileSync(join(folder, `${i}.zone`), zoneText(zone));
  });
  const port = await freePort();
  const { name, command } = kind(folder, port, zones);
  let said = '';
  const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  const end = () => child.kill('SIGTERM');
  process.once('exit', end);
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (text: Buffer) => {
      said = (said + text.toString()).slice(-2000);
    });
  const client = new Client(port);
  const close = async () => {
    client.close();
    process.removeListener('exit', end);
    if (child.exitCode === null && child.signalCode === null) end();
    // Its children would outlive a killed server: that is for the last.
    const stuck = setTimeout(() => child.kill('SIGKILL'), END_MS);
    await exited;
    clearTimeout(stuck);
    rmSync(folder, { recursive: true, force: true });
    if (child.signalCode === 'SIGKILL') throw new Error(`${name} does not end`);
  };
  try {
    await ready(child, client, zones);
  } catch (e) {
    const log = name === 'switchyard' ? '' : readFileSync(join(folder, 'log'), 'utf8').slice(-2000);
    await close();
    throw new Error(`${name}: ${(e as Error).message}\n${said}${log}`);
  }
  return { name, ask: (message, tcp) => client.ask(message, tcp), close };
}

async function ready(child: ChildProcess, client: Client, zones: readonly Zone[]): Promise<void> {
  const limit = performance.now() + START_MS;
  const questions = zones.map(z => query(`${z.origin} SOA`));
  // TCP may come up after UDP.
  for (const [message, tcp] of [...questions.map(q => [q, false] as const), [questions[0], true] as const]) {
    for (;;) {
      if (child.exitCode !== null) throw new Error('it ended');
      const reply = await client.ask(message, tcp, 25, 1).catch(() => undefined);
      // AA and an answer: the zone is there.
      if (reply !== undefined && (reply[2] & 4) !== 0 && reply[7] === 1) break;
      if (performance.now() > limit) throw new Error('does not serve all zones');
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }
}
