// The entry of the loader: reads, checks and compiles the cluster's files on a thread of its own, so that a million names
// keep nobody waiting; probes and heartbeats go on. The library and the arena's book live here, between loads.
//   main ─load→ library → store.put (zone by zone) → store.commit ─loaded→ main      main ─hold→ store
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { type Diagnostic, hasErrors } from '../kit/diag.ts';
import { reason } from '../kit/errors.ts';
import type { Config } from '../model/schema.ts';
import type { Excerpt } from './excerpts.ts';
import { type Env, type Keeper, Library, type Reading } from './library.ts';
import { type Block, ZoneStore } from './store.ts';

export interface LoaderStart {
  file: string;
  env: Env;
  /** Of a loader that ended by itself: it is left as it is, and filled up from its end. */
  arena?: SharedArrayBuffer;
}

export type ToLoader =
  /** With `paths`, only these may have changed. */
  | { kind: 'load'; id: number; paths?: readonly string[] }
  /** Generations that somebody may answer from. */
  | { kind: 'hold'; generations: readonly number[] };

export interface ZoneFile {
  name: string;
  file: string;
}

/** What a load came to. Lists are left out when they are those of the load before. */
export interface LoadedMessage {
  kind: 'loaded';
  id: number;
  arena: SharedArrayBuffer;
  config?: Config;
  diagnostics: Diagnostic[];
  excerpts: Excerpt[];
  digest: string;
  zones?: ZoneFile[];
  folders?: string[];
  /** Without errors: a generation, held until told otherwise, and the byte offset of its directory. */
  generation?: number;
  directory?: number;
  /** Zones that were read for it. */
  read: number;
}

export type FromLoader = LoadedMessage | { kind: 'progress'; done: number; of: number; part: number };

/** Octets of blocks written in a load from which on its garbage is collected at once. */
const LARGE = 8 << 20;
/** Milliseconds between two words on the progress. */
const PROGRESS_MS = 100;

class LoaderWorker implements Keeper<Block> {
  readonly #port: MessagePort;
  readonly #store: ZoneStore;
  readonly #library: Library<Block>;
  #zones: readonly ZoneFile[] = [];
  #folders = '';
  #fault: unknown;
  #read = 0;
  #written = 0;

  constructor({ file, env, arena }: LoaderStart, port: MessagePort) {
    this.#port = port;
    this.#store = new ZoneStore(arena);
    this.#library = new Library(file, env, this, Date.now);
    port.on('message', (message: ToLoader) => {
      if (message.kind === 'hold') this.#store.hold(message.generations);
      else this.#load(message.id, message.paths);
    });
  }

  take(...[zone, sound, pools]: Parameters<Keeper<Block>['take']>): Block | undefined {
    this.#read++;
    if (!sound) return undefined;
    try {
      const block = this.#store.put(zone, pools);
      this.#written += block.size;
      return block;
    } catch (e) {
      // One fault stands for all: what has no memory for one zone has none for the next.
      this.#fault ??= e;
      return undefined;
    }
  }

  drop(block: Block): void {
    this.#store.drop(block);
  }

  #load(id: number, paths: readonly string[] | undefined): void {
    this.#read = 0;
    this.#written = 0;
    this.#fault = undefined;
    let last = 0;
    const reading = this.#library.load(paths && new Set(paths), (done, of, part) => {
      if (Date.now() - last < PROGRESS_MS) return;
      last = Date.now();
      this.#tell({ kind: 'progress', done, of, part });
    });
    this.#tell(this.#outcome(id, reading));
    if (this.#written > LARGE) collect();
  }

  #outcome(id: number, reading: Reading<Block>): LoadedMessage {
    const { config, zones, diagnostics, excerpts, digest } = reading;
    const same =
      zones.length === this.#zones.length &&
      zones.every((z, i) => z.name === this.#zones[i].name && z.file === this.#zones[i].file);
    if (!same) this.#zones = zones.map(({ name, file }) => ({ name, file }));
    const folders = reading.folders();
    const message: LoadedMessage = {
      kind: 'loaded',
      id,
      arena: this.#store.arena,
      ...(config && { config }),
      diagnostics,
      excerpts,
      digest,
      ...(!same && { zones: [...this.#zones] }),
      ...(folders.join('\n') !== this.#folders && { folders }),
      read: this.#read,
    };
    if (config !== undefined && !hasErrors(diagnostics)) {
      try {
        if (this.#fault !== undefined) throw this.#fault;
        const blocks = zones.map(z => z.kept as Block);
        const made = this.#store.commit(this.#zones, () => zones.map(z => z.origin), blocks);
        Object.assign(message, { generation: made.id, directory: made.directory });
      } catch (e) {
        const where = { file: this.#library.file, line: 0, col: 0 };
        diagnostics.push({ ...where, severity: 'error', code: 'GTM-C04A', message: reason(e) });
      }
    }
    this.#folders = folders.join('\n');
    return message;
  }

  #tell(message: FromLoader): void {
    this.#port.postMessage(message);
  }
}

// Records and texts lie outside of the heap, where the collector does not see them press: without this a large zone's
// would stay until the next large load.
function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  gc();
}

new LoaderWorker(workerData as LoaderStart, parentPort as MessagePort);
