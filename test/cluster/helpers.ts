// Real redis-servers on loopback, a proxy that can cut or block the way to one, and nodes to put over them.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Redis } from 'ioredis';
import { openRedisCoordinator } from '../../src/cluster/redis.ts';
import type { Clock } from '../../src/kit/clock.ts';
import type { Log } from '../../src/kit/log.ts';
import { seeded } from '../../src/kit/rng.ts';
import type { Coordinator, NodeReport, Override, PeerView } from '../../src/model/records.ts';

export const SECRET = 'a secret of more than sixteen';
export const clock: Clock = { mono: () => performance.now(), wall: () => Date.now() };

/** A folder that is gone when the test is over. */
export function folder(t: { after(fn: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'switchyard-cluster-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A log that keeps its lines. */
export function notebook(): Log & { lines: string[] } {
  const lines: string[] = [];
  const say = (_: object, message: string) => void lines.push(message);
  return { lines, debug: say, info: say, warn: say, error: say };
}

export function wait(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

/** Waits until `what` holds, at most `ms`; returns how long that took. */
export async function until(what: () => unknown, ms: number, subject: string): Promise<number> {
  const start = performance.now();
  while (!what()) {
    if (performance.now() - start > ms) throw new Error(`not within ${ms} ms: ${subject}`);
    await wait(2);
  }
  return performance.now() - start;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise(resolve => server.close(resolve));
  return port;
}

/** A redis-server of our own. */
export class Server {
  readonly port: number;
  readonly #dir: string;
  readonly #args: string[];
  #child: ChildProcess | undefined;

  constructor(port: number, dir: string, args: string[]) {
    this.port = port;
    this.#dir = dir;
    this.#args = args;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async run(): Promise<void> {
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#dir, '--save', ''];
    this.#child = spawn('redis-server', [...this.#args, ...args], { stdio: 'ignore' });
    for (let i = 0; i < 200; i++) {
      if (await answers(this.port)) return;
      await wait(20);
    }
    throw new Error('redis-server does not answer');
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise(resolve => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  /** Says something to it with a plain client. */
  async say<T>(what: (r: Redis) => Promise<T>, options: { password?: string } = {}): Promise<T> {
    const redis = new Redis({ port: this.port, host: '127.0.0.1', lazyConnect: true, ...options });
    try {
      await redis.connect();
      return await what(redis);
    } finally {
      redis.disconnect();
    }
  }
}

type Test = { after(fn: () => unknown): void };

export async function redisServer(t: Test, args: string[] = []): Promise<Server> {
  const server = new Server(await freePort(), folder(t), args);
  t.after(() => server.kill());
  await server.run();
  return server;
}

/** A sentinel that watches one master under the name `main`. */
export async function sentinel(t: Test, master: Server): Promise<Server> {
  const file = join(folder(t), 'sentinel.conf');
  writeFileSync(file, `sentinel monitor main 127.0.0.1 ${master.port} 1\n`);
  const server = new Server(await freePort(), folder(t), [file, '--sentinel']);
  t.after(() => server.kill());
  await server.run();
  return server;
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.setTimeout(200, () => socket.destroy());
    socket.once('data', () => {
      resolve(true);
      socket.destroy();
    });
    socket.on('error', () => {});
    socket.once('close', () => resolve(false));
  });
}

/** A way to a server that can be cut (connections closed, new ones too) and opened again. */
export class Way {
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer(client => this.#join(client));
  readonly #target: number;
  #open = true;
  port = 0;

  constructor(target: number) {
    this.#target = target;
  }

  async listen(): Promise<void> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve));
    this.port = (this.#server.address() as { port: number }).port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  cut(): void {
    this.#open = false;
    for (const s of this.#sockets) s.destroy();
  }

  mend(): void {
    this.#open = true;
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #join(client: Socket): void {
    if (!this.#open) return void client.destroy();
    const server = connect(this.#target, '127.0.0.1');
    for (const [a, b] of [
      [client, server],
      [server, client],
    ]) {
      this.#sockets.add(a);
      a.pipe(b);
      a.on('error', () => b.destroy());
      a.on('close', () => {
        this.#sockets.delete(a);
        b.destroy();
      });
    }
  }
}

export async function proxy(t: Test, target: Server): Promise<Way> {
  const p = new Way(target.port);
  await p.listen();
  t.after(() => p.close());
  return p;
}

export interface Node {
  c: Coordinator;
  log: ReturnType<typeof notebook>;
  stateDir: string;
  name: string;
  changes: () => number;
  /** The other's view. */
  peer(name: string): PeerView | undefined;
}

export interface NodeOptions {
  urls: string[];
  secret?: string;
  lifetime?: number;
  stateDir?: string;
  skew?: number;
  cluster?: string;
}

/** A started node; closed with the test. */
export async function node(t: Test, name: string, o: NodeOptions): Promise<Node> {
  const log = notebook();
  const stateDir = o.stateDir ?? folder(t);
  const c = openRedisCoordinator({
    cluster: o.cluster ?? 'test',
    node: name,
    nodes: ['fra-1', 'nyc-1', 'sin-1'],
    urls: o.urls,
    secret: o.secret ?? SECRET,
    lifetime: o.lifetime ?? 1200,
    stateDir,
    clock: o.skew === undefined ? clock : { mono: clock.mono, wall: () => Date.now() + (o.skew as number) },
    log,
    rng: seeded(7),
  });
  t.after(() => c.close());
  let changes = 0;
  c.onChange(() => changes++);
  await c.start();
  return {
    c,
    log,
    stateDir,
    name,
    changes: () => changes,
    peer: other => c.peers().find(p => p.node === other),
  };
}

export function report(site: string, capacity = 1): NodeReport {
  return {
    site,
    director: { [`web-${site}`]: { capacity, connections: 3, rate: 1.5 } },
    sights: { other: 'up' },
  };
}

export function override(target: string, state: Override['state'], rest: Partial<Override> = {}): Override {
  return {
    target,
    state,
    reason: 'kernel upgrade',
    who: 'anna',
    since: Date.now(),
    clock: { ms: 0, count: 0 },
    node: '',
    ...rest,
  };
}
