// One answer worker as the main thread sees it: start, swap, end. The worker never waits for this side.
//   launch → worker ─ready→ swap(served) ─swapped→ … ; a worker that ends by itself is launched again with what it last
// acknowledged, at most once a second.
// Invariant: a promise of swap() always settles: acknowledged, refused, the worker ended, closed, or out of patience.
import type { Worker } from 'node:worker_threads';
import { GtmError, reason } from '../kit/errors.ts';
import { formatEndpoint } from '../kit/ip.ts';
import type { Log } from '../kit/log.ts';
import type { FromWorker, Served, ToWorker } from './answer-path.ts';

export type Ready = FromWorker & { kind: 'ready' };

/** A worker under way, and what the main thread holds for it. */
export interface Launched {
  worker: Worker;
  /** Ends its sleep, after a message was posted. */
  ring?: () => void;
  /** Gives back what it was lent, once it has ended. */
  release?: () => void;
}

export interface ThreadOptions {
  /** For the log: «the worker», «udp worker 2». */
  name: string;
  served: Served;
  launch: (served: Served) => Launched;
  log: Log;
  /** The worker ended by itself, and why; it is being started again. */
  onFault?: (why: string) => void;
}

interface Swap {
  served: Served;
  /** The worker that has been asked. */
  asked?: Worker;
  settle: (fault?: GtmError) => void;
}

const RESTART_MS = 1000;
/** How long a swap may take, a restart of the worker included. */
const SWAP_MS = 10_000;
/** What TCP replies get to drain at close, and the worker to end after that. */
const DRAIN_MS = 200;
const END_MS = 1000;

export class AnswerThread {
  readonly #options: ThreadOptions;
  readonly #swaps = new Map<number, Swap>();
  #acknowledged: Served;
  #running: Launched | undefined;
  #ready = false;
  #restart: NodeJS.Timeout | undefined;
  #closed = false;
  #id = 0;

  constructor(options: ThreadOptions) {
    this.#options = options;
    this.#acknowledged = options.served;
  }

  /** Whether it is up and answers. */
  get ready(): boolean {
    return this.#ready;
  }

  /** The first start. Rejects with GTM_ANSWERS when the worker ends before it is ready. */
  start(): Promise<Ready> {
    return this.#spawn();
  }

  /** Resolves when the worker answers from this and nothing else any more. Rejects with GTM_SWAP: the old goes on. */
  swap(served: Served): Promise<void> {
    if (this.#closed) return Promise.reject(new GtmError('GTM_SWAP', 'answers: closed'));
    return new Promise((resolve, reject) => {
      const id = ++this.#id;
      const limit = setTimeout(
        () => this.#settle(id, `no word from ${this.#options.name} in ${SWAP_MS / 1000}s`),
        SWAP_MS,
      );
      const settle = (fault?: GtmError) => {
        clearTimeout(limit);
        if (fault === undefined) resolve();
        else reject(fault);
      };
      this.#swaps.set(id, { served, settle });
      this.#ask();
    });
  }

  /** Takes no more queries, lets TCP replies drain for 200 ms at most, and ends the worker. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#restart);
    for (const id of [...this.#swaps.keys()]) this.#settle(id, 'closed');
    const running = this.#running;
    if (running === undefined) return;
    const ended = new Promise<void>(resolve => running.worker.once('exit', () => resolve()));
    post(running, { kind: 'close', drain: DRAIN_MS });
    const enough = setTimeout(() => void running.worker.terminate(), DRAIN_MS + END_MS);
    await ended;
    clearTimeout(enough);
  }

  async #spawn(): Promise<Ready> {
    const running = this.#options.launch(this.#acknowledged);
    this.#running = running;
    const { worker } = running;
    let why = 'it ended';
    return new Promise((resolve, reject) => {
      worker.on('error', e => {
        why = reason(e);
      });
      worker.on('exit', () => {
        running.release?.();
        this.#ended(why);
        const { name } = this.#options;
        reject(new GtmError('GTM_ANSWERS', `answers: ${name} ended at its start: ${why}`));
      });
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'ready') {
          if (message.listening.length > 0) {
            this.#ready = true;
            this.#ask();
          }
          resolve(message);
        } else this.#hear(message);
      });
    });
  }

  #hear(message: FromWorker): void {
    if (message.kind === 'fault') this.#options.log.error({}, `answers: ${message.message}`);
    else if (message.kind === 'swapped') {
      const swap = this.#swaps.get(message.id);
      if (swap !== undefined && message.fault === undefined) this.#acknowledged = swap.served;
      this.#settle(message.id, message.fault);
    }
  }

  // Asks for every swap that has not been asked for, in order.
  #ask(): void {
    const running = this.#running;
    if (!this.#ready || running === undefined) return;
    for (const [id, swap] of this.#swaps) {
      if (swap.asked !== undefined) continue;
      swap.asked = running.worker;
      post(running, { kind: 'swap', id, served: swap.served });
    }
  }

  #settle(id: number, fault?: string): void {
    const swap = this.#swaps.get(id);
    this.#swaps.delete(id);
    swap?.settle(
      fault === undefined ? undefined : new GtmError('GTM_SWAP', `answers: not swapped: ${fault}`),
    );
  }

  #ended(why: string): void {
    const served = this.#ready;
    this.#running = undefined;
    this.#ready = false;
    // A snapshot may have been its end: it is not given to the next one.
    for (const [id, swap] of this.#swaps)
      if (swap.asked !== undefined) this.#settle(id, `${this.#options.name} ended: ${why}`);
    if (this.#closed || !(served || this.#restart !== undefined)) return;
    const { log, name, onFault } = this.#options;
    log.error({}, `answers: ${name} ended: ${why}; it starts again in ${RESTART_MS / 1000}s`);
    onFault?.(why);
    this.#again();
  }

  #again(): void {
    this.#restart = setTimeout(() => void this.#attempt(), RESTART_MS);
  }

  async #attempt(): Promise<void> {
    const { log, name } = this.#options;
    try {
      const { listening, faults } = await this.#spawn();
      for (const f of faults) log.error({}, f.message);
      // With nothing open it is no use: its end brings the next attempt.
      if (listening.length === 0) await this.#running?.worker.terminate();
      const where = listening.map(e => formatEndpoint(e.address, e.port)).join(', ');
      if (where !== '') log.info({}, `answers: ${name} is back: ${where}`);
    } catch (e) {
      // The end of a worker has been told already, and the next attempt is under way; not so if there was none.
      if (this.#running !== undefined || this.#closed || (e as GtmError).code === 'GTM_ANSWERS') return;
      log.error({}, `answers: ${name} cannot start: ${reason(e)}`);
      this.#again();
    }
  }
}

function post({ worker, ring }: Launched, message: ToWorker): void {
  worker.postMessage(message);
  ring?.();
}
