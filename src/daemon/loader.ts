// The loader as the main thread sees it: files in, a generation of zones in shared memory out.
// Invariant: loads run one after the other; a promise of load() always settles. A loader that ends by itself costs the
// load under way, is started again with the next one, and nothing that is answered from is touched by that.
import { Worker } from 'node:worker_threads';
import type { Diagnostic, SourceOf } from '../kit/diag.ts';
import { GtmError, reason } from '../kit/errors.ts';
import type { Config } from '../model/schema.ts';
import { sourceOf } from './excerpts.ts';
import type { Env, Progress } from './library.ts';
import type { FromLoader, LoadedMessage, LoaderStart, ToLoader, ZoneFile } from './loader-worker.ts';

const WORKER = new URL('./loader-worker.js', import.meta.url);

/** What a load came to. */
export interface Loaded {
  /** The cluster file, as it was named. */
  file: string;
  /** Only when there is no error in it. */
  config?: Config;
  diagnostics: Diagnostic[];
  sources: SourceOf;
  /** Equal ones mean nothing changed. */
  digest: string;
  /** In the order of the directory. */
  zones: readonly ZoneFile[];
  /** The folders in which a change may be one of these files. */
  folders: readonly string[];
  /** Only when there is no error anywhere. */
  compiled?: Compiled;
  /** Zones that were read, and not known from the load before. */
  read: number;
}

/** The zones of one load, in memory shared with the workers until `Loader.hold` leaves their generation out. */
export interface Compiled {
  generation: number;
  arena: SharedArrayBuffer;
  /** Byte offset of the directory. */
  directory: number;
}

/** What a node can run on. */
export type Sound = Loaded & Required<Pick<Loaded, 'config' | 'compiled'>>;

/** Whether there is no error anywhere. */
export function isSound(loaded: Loaded): loaded is Sound {
  return loaded.config !== undefined && loaded.compiled !== undefined;
}

interface Request {
  resolve: (loaded: Loaded) => void;
  reject: (fault: GtmError) => void;
  progress: Progress | undefined;
}

export class Loader {
  readonly #file: string;
  readonly #env: Env;
  #worker: Worker | undefined;
  #arena: SharedArrayBuffer | undefined;
  #zones: readonly ZoneFile[] = [];
  #folders: readonly string[] = [];
  readonly #requests = new Map<number, Request>();
  #id = 0;
  #closed = false;
  /** Generations that began with another worker: this one does not know them. */
  #foreign = 0;
  #base = 0;

  constructor(file: string, env: Env) {
    this.#file = file;
    this.#env = env;
  }

  /** Begins to load the thread's program; the first load does so too. */
  start(): void {
    this.#worker ??= this.#spawn();
  }

  /** Reads what changed; with `paths`, only these may have. Rejects with GTM_LOADER if the thread ended over it. */
  load(paths?: readonly string[], progress?: Progress): Promise<Loaded> {
    if (this.#closed) return Promise.reject(new GtmError('GTM_LOADER', 'loader: closed'));
    const id = ++this.#id;
    const worker = this.#worker ?? this.#spawn();
    // Only a load under way keeps the process alive.
    worker.ref();
    return new Promise((resolve, reject) => {
      this.#requests.set(id, { resolve, reject, progress });
      this.#post(worker, { kind: 'load', id, ...(paths && { paths }) });
    });
  }

  /** Lets go of the zones of every load but those of these generations. */
  hold(generations: readonly number[]): void {
    if (this.#worker === undefined) return;
    const own = generations.filter(g => g > this.#base).map(g => g - this.#base);
    this.#post(this.#worker, { kind: 'hold', generations: own });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#worker?.terminate();
  }

  #spawn(): Worker {
    // Numbers go on where the last worker's ended.
    this.#base = this.#foreign;
    const start: LoaderStart = {
      file: this.#file,
      env: this.#env,
      ...(this.#arena && { arena: this.#arena }),
    };
    const worker = new Worker(WORKER, { workerData: start, name: 'loader' });
    let why = 'it ended';
    worker.on('error', e => {
      why = reason(e);
    });
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
      const fault = new GtmError('GTM_LOADER', `the files were not read: the loader ended: ${why}`);
      for (const [id, request] of this.#requests) {
        this.#requests.delete(id);
        request.reject(fault);
      }
    });
    worker.on('message', (message: FromLoader) => this.#hear(message));
    worker.unref();
    this.#worker = worker;
    return worker;
  }

  #hear(message: FromLoader): void {
    if (message.kind === 'progress') {
      const [first] = this.#requests.values();
      first?.progress?.(message.done, message.of, message.part);
      return;
    }
    const request = this.#requests.get(message.id);
    this.#requests.delete(message.id);
    if (this.#requests.size === 0) this.#worker?.unref();
    request?.resolve(this.#loaded(message));
  }

  #loaded(m: LoadedMessage): Loaded {
    // The same memory each time, whichever worker has filled it.
    this.#arena ??= m.arena;
    this.#zones = m.zones ?? this.#zones;
    this.#folders = m.folders ?? this.#folders;
    const loaded: Loaded = {
      file: this.#file,
      ...(m.config && { config: m.config }),
      diagnostics: m.diagnostics,
      sources: sourceOf(m.excerpts),
      digest: m.digest,
      zones: this.#zones,
      folders: this.#folders,
      read: m.read,
    };
    if (m.generation === undefined || m.directory === undefined) return loaded;
    const generation = this.#base + m.generation;
    this.#foreign = generation;
    return { ...loaded, compiled: { generation, arena: this.#arena, directory: m.directory } };
  }

  #post(worker: Worker, message: ToLoader): void {
    worker.postMessage(message);
  }
}
