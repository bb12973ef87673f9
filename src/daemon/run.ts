// A process of one or several nodes, in the foreground: load → forward → API → join → probe, answer → signals → a clean end.
// Forwarding begins first and ends last: what lies between two runs is a gap for its clients. What only the rest needs is loaded after it.
//   serve.ts: one node of the cluster          demo.ts: all nodes of the sample, and its real servers
import { resolve } from 'node:path';
import type { DemoServers } from '../admin/node.ts';
import type { AdminServer } from '../admin/server.ts';
import { MemoryBus } from '../cluster/memory.ts';
import { type Diagnostic, formatDiagnostic, summarize } from '../kit/diag.ts';
import { GtmError, reason } from '../kit/errors.ts';
import type { Coordinator } from '../model/records.ts';
import type { Config } from '../model/schema.ts';
import type { Ahead } from '../plane/xdp/ahead.ts';
import { newRng, systemClock } from './clock.ts';
import { isSound, type Loaded, Loader, type Sound } from './loader.ts';
import { type LogLevel, makeLog, type RootLog } from './log.ts';
import { Node } from './node.ts';
import { progressBar } from './progress.ts';
import { untilStopped } from './shutdown.ts';
import { watchFolders } from './watch.ts';

export interface RunOptions {
  config: string;
  /** Of that file, where it has been started already. */
  loader?: Loader;
  /** What was begun before the file is read. */
  ahead?: Ahead | undefined;
  log: { level: LogLevel; format?: 'json' | 'text' };
}

/** The running nodes of a process, and what they were started from. */
export interface Running {
  loaded: Sound;
  nodes: readonly Node[];
}

/**
 * Runs the named nodes of a cluster file until a signal ends them; returns the exit code (1: the files have faults,
 * which are printed). `ready` is called once all nodes are; `startServers` starts
 * the demo's real servers, which each node's API then has.
 */
export async function runNodes(
  options: RunOptions,
  namesOf: (config: Config) => string[],
  ready: (running: Running) => void,
  startServers?: (config: Config) => Promise<DemoServers>,
): Promise<number> {
  const file = resolve(options.config);
  const loader = options.loader ?? new Loader(file, process.env);
  const { ahead } = options;
  const reading = firstLoad(loader);
  // Meanwhile:
  const logs = makeLog({ level: options.log.level, format: options.log.format ?? 'json' });
  ahead?.openProgram();
  const loaded = await reading;
  complain(loaded);
  if (!isSound(loaded)) {
    await Promise.all([loader.close(), ahead?.close()]);
    return 1;
  }
  const nodes: Node[] = [];
  const admins: AdminServer[] = [];
  const bus = new MemoryBus();

  // One reload at a time; what comes meanwhile asks for one more after it.
  let reloading: Promise<Diagnostic[]> = Promise.resolve([]);
  let seen = loaded.digest;
  let closing = false;
  const reload = (asked: boolean, touched?: readonly string[]): Promise<Diagnostic[]> => {
    reloading = reloading.then(async () => {
      const fresh = await loader.load(touched).catch(e => unread(file, e));
      if (closing) return [];
      if ('folders' in fresh) watch.cover(fresh.folders);
      // A file was touched and says what it said before: nobody asked, so nobody is told.
      if (!asked && fresh.digest === seen) return fresh.diagnostics;
      seen = fresh.digest;
      if ('sources' in fresh && isSound(fresh)) for (const n of nodes) await n.replace(fresh);
      else for (const n of nodes) n.refuse(fresh.diagnostics);
      loader.hold(nodes.flatMap(n => n.held));
      return fresh.diagnostics;
    });
    return reloading;
  };

  const watch = watchFolders(
    touched => void reload(false, touched),
    e => logs.of('files').warn({}, `files: cannot be watched: ${reason(e)}; send SIGHUP to reload`),
  );
  watch.cover(loaded.folders);
  try {
    const demo = await startServers?.(loaded.config);
    const stopped = untilStopped(() => void reload(true));
    for (const name of namesOf(loaded.config)) {
      nodes.push(
        new Node({
          name,
          loaded,
          coordinator: await coordinatorFor(name, loaded, bus, logs),
          stateDir: stateDirOf(loaded),
          log: logs.of(name),
          clock: systemClock,
          rng: newRng(),
          reload: () => reload(true),
          ...(ahead && { ahead }),
          ...(demo && { demo }),
        }),
      );
    }
    // Everything forwards before anything is probed, or the first probes of the other site would find it closed.
    await all(nodes.map(n => n.forward()));
    // What no plane took.
    void ahead?.close();
    // The API tells how the rest comes up.
    await all([...nodes.map(n => n.join()), ...nodes.map(n => openAdminOf(n, admins))]);
    await all(nodes.map(n => n.start()));
    ready({ loaded, nodes });
    return await stopped;
  } finally {
    closing = true;
    watch.close();
    await Promise.all([...nodes.map(n => n.leave()), ...[...admins, loader].map(n => n.close())]);
    await Promise.all([...nodes.map(n => n.close()), ahead?.close()]);
  }
}

// Waits for everything, also where something fails: nothing is to come up behind a process that ends.
async function all(work: readonly Promise<void>[]): Promise<void> {
  for (const done of await Promise.allSettled(work)) if (done.status === 'rejected') throw done.reason;
}

async function openAdminOf(node: Node, into: AdminServer[]): Promise<void> {
  const { admin } = node.self;
  if (admin === undefined) return;
  const [{ openAdmin }, { adminNode }] = await Promise.all([
    import('../admin/server.ts'),
    import('./api.ts'),
  ]);
  into.push(await openAdmin({ listen: admin.listen, node: adminNode(node), log: node.o.log }));
}

async function coordinatorFor(
  name: string,
  loaded: Loaded,
  bus: MemoryBus,
  logs: RootLog,
): Promise<Coordinator> {
  const config = loaded.config as Config;
  const { redis, secret, lifetime } = config.coordinator;
  const common = {
    lifetime,
    stateDir: stateDirOf(loaded),
    clock: systemClock,
    log: logs.of(name),
    rng: newRng(),
  };
  if (redis.length === 0) return bus.join(name, common);
  if (secret === undefined) throw new GtmError('GTM_CONFIG', 'coordinator: redis needs a secret');
  const { openRedisCoordinator } = await import('../cluster/redis.ts');
  return openRedisCoordinator({
    cluster: config.cluster,
    node: name,
    nodes: Object.keys(config.nodes),
    urls: redis,
    secret,
    ...common,
  });
}

/** `state_dir`, relative to the folder that the process runs in. */
export function stateDirOf(loaded: Loaded): string {
  return resolve((loaded.config as Config).state_dir);
}

async function firstLoad(loader: Loader): Promise<Loaded> {
  const bar = progressBar(process.stderr, () => performance.now());
  try {
    return await loader.load(undefined, bar.show);
  } finally {
    bar.done();
  }
}

// A load that did not come to its end: no word on the files, and so another one each time.
function unread(file: string, e: unknown) {
  const fault: Diagnostic = {
    file,
    line: 0,
    col: 0,
    severity: 'error',
    code: 'GTM-C00A',
    message: reason(e),
  };
  return { diagnostics: [fault], digest: '' };
}

function complain({ diagnostics, sources }: Loaded): void {
  const told = diagnostics.filter(d => d.severity !== 'note');
  for (const d of told) process.stderr.write(`${formatDiagnostic(d, sources)}\n`);
  if (told.length > 0) process.stderr.write(`${summarize(diagnostics)}\n`);
}
