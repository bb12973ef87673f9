// Hosts out of network namespaces, joined by veth pairs and bridges, in which programs that no one here wrote are run.
//   new Lab() → host · link · bridge → run, start → close
// Invariant: nothing outlives the process: names hold its number, and whatever a killed one left is swept by the next.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PREFIX = 'swy';
const FOLDER = '/run/netns';
/** Off on both ends: AF_XDP sees frames as they are in memory, with checksums that nobody has filled in and lengths beyond the MTU. */
const OFFLOADS = ['tx', 'off', 'rx', 'off', 'sg', 'off', 'tso', 'off', 'gso', 'off', 'gro', 'off'];
/** What a program may say before it is cut. */
const MOST_OUTPUT = 8 << 20;

/** How much longer than here all may take where the lab is told: in a kernel that is a process, or in an emulated machine. */
const PACE = Number(process.env.LAB_PACE ?? 1);
/** How long it may take where the lab is told, in the unit that it is given in, what may take so long on a machine that is not slow. */
export const paced = (ms: number) => ms * PACE;

export interface Outcome {
  /** Exit code, or -1 when it was ended by a signal or by its time. */
  code: number;
  out: string;
  err: string;
}

export interface RunOptions {
  /** Milliseconds, on a machine that is not slow; 15 s if nothing is said. */
  timeout?: number;
  input?: string;
  env?: Record<string, string>;
}

/** A program that was started. */
export interface Running {
  readonly pid: number;
  /** What it has said so far, both ways. */
  output(): string;
  /** Waits until it has said so. Rejects with all that it said. */
  says(what: RegExp, ms?: number): Promise<void>;
  /** Ends it and waits for that. */
  stop(signal?: NodeJS.Signals): Promise<number>;
  readonly ended: Promise<number>;
}

let serial = 0;

export class Lab {
  readonly #hosts: Host[] = [];
  readonly #id: string;
  readonly #children = new Set<ChildProcess>();
  readonly #exit = () => this.#clear();
  readonly #signal = () => process.exit(130);
  #macs = 0;
  #closed = false;

  constructor() {
    sweep();
    this.#id = `${PREFIX}${process.pid}x${serial++}`;
    process.on('exit', this.#exit);
    process.on('SIGINT', this.#signal);
    process.on('SIGTERM', this.#signal);
  }

  /** A host with a loopback and nothing else. */
  host(name: string): Host {
    const netns = `${this.#id}-${name}`;
    sh('ip', 'netns', 'add', netns);
    const host = new Host(name, netns, this.#children);
    this.#hosts.push(host);
    host.ip('link', 'set', 'lo', 'up');
    // A lab has no duplicates: addresses of IPv6 can be used at once.
    host.sysctl('net.ipv6.conf.all.accept_dad', 0);
    host.sysctl('net.ipv6.conf.default.accept_dad', 0);
    host.sysctl('net.ipv6.conf.default.router_solicitations', 0);
    return host;
  }

  /** A cable: `ends` are host, name of the interface there, and its addresses (with lengths). `cards`: the network cards that it joins. */
  link(a: End, b: End, options: { queues?: number; cards?: Cards } = {}): void {
    const queues = String(options.queues ?? 1);
    const side = ({ host, name }: End) => [
      ...[name, 'netns', host.netns, 'numtxqueues', queues, 'numrxqueues', queues],
      ...['address', mac(++this.#macs)],
    ];
    if (options.cards === undefined)
      sh('ip', 'link', 'add', ...side(a), 'type', 'veth', 'peer', 'name', ...side(b));
    for (const [i, { host, name, addresses, bridge }] of [a, b].entries()) {
      if (options.cards === undefined) host.ethtool('-K', name, ...OFFLOADS);
      else sh('ip', 'link', 'set', options.cards[i], 'netns', host.netns, 'name', name);
      if (bridge !== undefined) host.ip('link', 'set', name, 'master', bridge);
      for (const address of addresses ?? []) host.ip('addr', 'add', address, 'dev', name);
      host.ip('link', 'set', name, 'up');
    }
  }

  /** A switch: a bridge in a host, that answers to addresses of its own if any are given. */
  bridge(host: Host, name: string, addresses: readonly string[] = []): void {
    host.ip(
      'link',
      'add',
      name,
      'address',
      mac(++this.#macs),
      'type',
      'bridge',
      'stp_state',
      '0',
      'mcast_snooping',
      '0',
    );
    for (const address of addresses) host.ip('addr', 'add', address, 'dev', name);
    host.ip('link', 'set', name, 'up');
  }

  /** Ends every program and takes every host away. */
  async close(): Promise<void> {
    if (this.#closed) return;
    const ended = [...this.#children].map(c => new Promise(resolve => c.once('exit', resolve)));
    this.#clear();
    await Promise.all(ended);
  }

  #clear(): void {
    if (this.#closed) return;
    this.#closed = true;
    process.off('exit', this.#exit);
    process.off('SIGINT', this.#signal);
    process.off('SIGTERM', this.#signal);
    for (const child of this.#children) child.kill('SIGKILL');
    for (const { netns } of this.#hosts) remove(netns);
  }
}

/** Two interfaces of this machine whose cable leads from the one to the other. */
export type Cards = readonly [string, string];

export interface End {
  host: Host;
  name: string;
  addresses?: readonly string[];
  /** The bridge that it is plugged into. */
  bridge?: string;
}

export class Host {
  readonly name: string;
  /** Of `ip netns`. */
  readonly netns: string;
  readonly #children: Set<ChildProcess>;

  constructor(name: string, netns: string, children: Set<ChildProcess>) {
    this.name = name;
    this.netns = netns;
    this.#children = children;
  }

  /** The words that run a program here. With the mounts of everybody: what is pinned in bpffs stays. */
  inside(program: string, args: readonly string[]): [string, string[]] {
    return ['nsenter', [`--net=${join(FOLDER, this.netns)}`, '--', program, ...args]];
  }

  ip(...args: string[]): string {
    return sh('ip', '-n', this.netns, ...args);
  }

  ethtool(...args: string[]): string {
    const [program, words] = this.inside('ethtool', args);
    return sh(program, ...words);
  }

  /** `name` with points, as sysctl(8) has it; of an interface's own name with a point in it, with slashes. */
  sysctl(name: string, value: string | number): void {
    const path = join('/proc/sys', name.includes('/') ? name : name.replaceAll('.', '/'));
    execFileSync(...this.inside('tee', [path]), { input: String(value), stdio: ['pipe', 'ignore', 'pipe'] });
  }

  /** Whether packets for others are sent on. */
  forward(on: boolean): void {
    this.sysctl('net.ipv4.ip_forward', on ? 1 : 0);
    this.sysctl('net.ipv6.conf.all.forwarding', on ? 1 : 0);
  }

  /** Runs a program to its end. */
  async run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const child = this.#spawn(program, args, options);
    const [out, err]: [string[], string[]] = [[], []];
    let said = 0;
    for (const [stream, into] of [
      [child.stdout, out],
      [child.stderr, err],
    ] as const)
      stream?.setEncoding('latin1').on('data', (text: string) => {
        said += text.length;
        if (said < MOST_OUTPUT) into.push(text);
      });
    child.stdin?.end(options.input ?? '');
    const timer = setTimeout(() => child.kill('SIGKILL'), paced(options.timeout ?? 15_000));
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', c => resolve(c ?? -1));
    });
    clearTimeout(timer);
    return { code, out: out.join(''), err: err.join('') };
  }

  /** Starts a program that goes on until it is stopped, or until the lab is closed. */
  start(program: string, args: readonly string[], options: RunOptions = {}): Running {
    const child = this.#spawn(program, args, options);
    child.stdin?.end(options.input ?? '');
    let text = '';
    const hear = (chunk: string) => {
      text = (text + chunk).slice(-MOST_OUTPUT);
    };
    child.stdout?.setEncoding('utf8').on('data', hear);
    child.stderr?.setEncoding('utf8').on('data', hear);
    const ended = new Promise<number>(resolve => {
      child.once('error', e => {
        hear(`${e}`);
        resolve(-1);
      });
      child.once('close', c => resolve(c ?? -1));
    });
    return {
      pid: child.pid ?? 0,
      output: () => text,
      ended,
      says: async (what, ms = 10_000) => {
        const until = performance.now() + paced(ms);
        while (!what.test(text)) {
          if (performance.now() > until || child.exitCode !== null || child.signalCode !== null)
            throw new Error(`${program} on ${this.name} did not say ${what}: ${text.slice(-2000)}`);
          await new Promise(resolve => setTimeout(resolve, 20));
        }
      },
      stop: (signal = 'SIGTERM') => {
        if (child.exitCode === null && child.signalCode === null) child.kill(signal);
        return ended;
      },
    };
  }

  #spawn(program: string, args: readonly string[], options: RunOptions): ChildProcess {
    const child = spawn(...this.inside(program, args), {
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    // A program that ends before it was told everything is no fault of ours.
    child.stdin?.on('error', () => {});
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }
}

/** Why no lab can be built on this machine; undefined when it can. */
export function labFault(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root: it builds network namespaces';
  const probe = `${PREFIX}${process.pid}probe`;
  try {
    sh('ip', 'netns', 'add', probe);
    remove(probe);
    return undefined;
  } catch (e) {
    return `network namespaces cannot be made: ${e instanceof Error ? e.message : e}`;
  }
}

/** Waits until `what` gives something, and returns it. Rejects with the text after `ms` at this machine's pace. */
export async function until<T>(
  text: string,
  what: () => Promise<T> | T,
  ms = 10_000,
): Promise<NonNullable<T>> {
  const end = performance.now() + paced(ms);
  for (;;) {
    const found = await what();
    if (found !== undefined && found !== null && found !== false) return found;
    if (performance.now() > end) throw new Error(`not so after ${paced(ms)} ms: ${text}`);
    await new Promise(resolve => setTimeout(resolve, 30));
  }
}

function sh(program: string, ...args: string[]): string {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (e) {
    const { stderr } = e as { stderr?: string };
    throw new Error(`${program} ${args.join(' ')}: ${stderr?.trim() || e}`);
  }
}

function mac(n: number): string {
  return `02:5a:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`;
}

// The processes of a namespace are ended by whoever started them; what they left running goes with their parents.
function remove(netns: string): void {
  // What a director pinned for its interfaces there.
  const pins = `/sys/fs/bpf/switchyard/net-${statSync(join(FOLDER, netns), { throwIfNoEntry: false })?.ino}`;
  if (existsSync(pins)) rmSync(pins, { recursive: true, force: true });
  try {
    execFileSync('ip', ['netns', 'del', netns], { stdio: 'ignore' });
  } catch {
    // It is gone already.
  }
}

// What a process left that was killed before it could clear up.
function sweep(): void {
  if (!existsSync(FOLDER)) return;
  for (const name of readdirSync(FOLDER)) {
    const pid = new RegExp(`^${PREFIX}(\\d+)(x|probe)`).exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) remove(name);
  }
}

/** The processor time of the machine that was not idle, in seconds; and of one process with its threads. */
export function busySeconds(): number {
  const [, user, nice, system, , , irq, soft, steal] = readFileSync('/proc/stat', 'utf8')
    .split(/\s+/)
    .map(Number);
  return (user + nice + system + irq + soft + steal) / 100;
}

export function processSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  return (fields[11] + fields[12]) / 100;
}

/** Writes a file for a program; the path. */
export function write(dir: string, name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}
