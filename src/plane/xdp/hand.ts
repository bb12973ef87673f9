// One forward worker as the main thread sees it: started with its wires, told what to do, heard, and started again when it ended.
// Invariant: what was asked is always answered: by the worker, or empty when it ended.
import type { Worker } from 'node:worker_threads';
import { reason } from '../../kit/errors.ts';
import type { ConnectionRow, ServiceSpec } from '../../model/service.ts';
import type { Wake } from '../../nic/wake.ts';
import { serviceBlock } from './counters.ts';
import type { Fault, FromWorker, ToWorker, WorkerStart } from './message.ts';
import { employ, type Thread } from './thread.ts';
import type { Wires } from './wires.ts';

/** What a worker gets to say its last word, milliseconds. */
const PATIENCE = 3000;

export interface Applied {
  faults: readonly Fault[];
  restored: number;
  note?: string;
}

export class Hand {
  readonly wires: Wires;
  /** Counters of the services of the last apply, in their order. */
  block: Float64Array = new Float64Array(0);
  /** Its last word, once it said it. */
  table: Uint8Array | undefined;
  readonly #worker: Worker;
  readonly #wake: Wake;
  readonly #signal: Int32Array;
  readonly #applies = new Map<number, (applied: Applied) => void>();
  readonly #questions = new Map<number, (rows: readonly ConnectionRow[]) => void>();
  readonly #ready: Promise<void>;
  readonly #exit: Promise<string>;
  #id = 0;

  constructor(thread: Thread, start: WorkerStart, wires: Wires, wake: Wake) {
    this.#wake = wake;
    this.wires = wires;
    this.#signal = thread.signal;
    const { worker } = thread;
    this.#worker = worker;
    let why = 'it exited';
    let isReady = (): void => {};
    let isNot = (_: Error): void => {};
    this.#ready = new Promise((resolve, reject) => {
      isReady = resolve;
      isNot = reject;
    });
    this.#ready.catch(() => {});
    worker.on('message', (m: FromWorker) => {
      if (m.type === 'ready') isReady();
      else this.#hear(m);
    });
    worker.on('error', e => {
      why = reason(e);
    });
    this.#exit = new Promise(resolve =>
      worker.once('exit', () => {
        isNot(new Error(why));
        this.#settle(why);
        resolve(why);
      }),
    );
    employ(thread, start);
  }

  /** When its loop runs. Rejects when it ended before. */
  ready(): Promise<void> {
    return this.#ready;
  }

  /** Why it ended, when it did. */
  ended(): Promise<string> {
    return this.#exit;
  }

  apply(services: readonly ServiceSpec[], table: Uint8Array | undefined): Promise<Applied> {
    this.block = serviceBlock(services);
    const id = ++this.#id;
    return new Promise(resolve => {
      this.#applies.set(id, resolve);
      this.#post({ type: 'apply', id, services, blocks: this.block, ...(table !== undefined && { table }) });
    });
  }

  weigh(vip: string, realServer: string, weight: number): void {
    this.#post({ type: 'weigh', vip, realServer, weight });
  }

  connections(limit: number): Promise<readonly ConnectionRow[]> {
    const id = ++this.#id;
    return new Promise(resolve => {
      this.#questions.set(id, resolve);
      this.#post({ type: 'connections', id, limit });
    });
  }

  /** Ends the worker and takes its table. Its wires stay, for whoever ended it. */
  async end(): Promise<void> {
    this.#post({ type: 'close' });
    const timer = setTimeout(() => void this.#worker.terminate(), PATIENCE);
    await this.#exit;
    clearTimeout(timer);
  }

  #hear(message: FromWorker): void {
    if (message.type === 'applied') {
      this.#applies.get(message.id)?.(message);
      this.#applies.delete(message.id);
    } else if (message.type === 'connections') {
      this.#questions.get(message.id)?.(message.rows);
      this.#questions.delete(message.id);
    } else if (message.type === 'closed') this.table = message.table;
  }

  #settle(why: string): void {
    const faults = [{ key: '', fault: `the forwarding worker ended and is being started again: ${why}` }];
    for (const resolve of this.#applies.values()) resolve({ faults, restored: 0 });
    this.#applies.clear();
    for (const resolve of this.#questions.values()) resolve([]);
    this.#questions.clear();
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message);
    Atomics.add(this.#signal, 0, 1);
    this.#wake.ring();
  }
}
