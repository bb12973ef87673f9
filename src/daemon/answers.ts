// The answer worker as the main thread sees it: start, swap, count, close. The worker never waits for this side.
//   start → worker ─ready→ swap(snapshot, state) ─swapped→ … ; a worker that ends by itself is started again with the
// snapshot that it last acknowledged, at most once a second, on the same ports.
// Invariant: a promise of swap() always settles: acknowledged, refused, the worker ended, closed, or out of patience.
import { Worker } from 'node:worker_threads';
import { COUNTERS } from '../dns/counters.ts';
import type { Settings } from '../dns/settings.ts';
import { GtmError, reason } from '../kit/errors.ts';
import { formatEndpoint } from '../kit/ip.ts';
import type { Log } from '../kit/log.ts';
import { NET_COUNTERS } from '../net/responder.ts';
import type { TcpLimits } from '../net/tcp.ts';
import type { Endpoint, FromWorker, ToWorker, WorkerStart } from './answer-worker.ts';

const WORKER = new URL('./answer-worker.js', import.meta.url);
const RESTART_MS = 1000;
/** How long a swap may take, a restart of the worker included. */
const SWAP_MS = 10_000;
/** What TCP replies get to drain at close, and the worker to end after that. */
const DRAIN_MS = 200;
const END_MS = 1000;

const KEYS = [...COUNTERS, ...NET_COUNTERS].map(row => row.key);

export interface AnswersOptions {
  /** Port 0: any that is free for UDP and TCP. */
  listen: readonly Endpoint[];
  /** For each listen address; `idle` in milliseconds. */
  tcp: TcpLimits;
  /** Most octets of a reply over UDP. */
  udpSize: number;
  /** How it answers beyond the zones; made once for all workers (shareSettings). */
  settings?: Settings;
  snapshot: SharedArrayBuffer;
  state: Uint32Array;
  log: Log;
  /** The worker ended by itself, and why; it is being started again. */
  onFault?: (why: string) => void;
}

interface Swap {
  snapshot: SharedArrayBuffer;
  state: Uint32Array;
  /** The worker that has been asked. */
  asked?: Worker;
  settle: (fault?: GtmError) => void;
}

export class Answers {
  readonly #options: AnswersOptions;
  readonly #counters = new Float64Array(new SharedArrayBuffer(KEYS.length * 8));
  readonly #swaps = new Map<number, Swap>();
  #acknowledged: { snapshot: SharedArrayBuffer; state: Uint32Array };
  #listening: readonly Endpoint[];
  #worker: Worker | undefined;
  #ready = false;
  #restart: NodeJS.Timeout | undefined;
  #closed = false;
  #id = 0;

  private constructor(options: AnswersOptions) {
    this.#options = options;
    this.#acknowledged = options;
    this.#listening = options.listen;
  }

  /** Resolves when every address is open; rejects with the first fault's code (GTM_LISTEN_…) and the words of all. */
  static async start(options: AnswersOptions): Promise<Answers> {
    const answers = new Answers(options);
    try {
      const { faults } = await answers.#spawn();
      if (faults.length === 0) return answers;
      throw new GtmError(faults[0].code, faults.map(f => f.message).join('; '));
    } catch (e) {
      await answers.close();
      throw e;
    }
  }

  /** Where it listens, over UDP and TCP alike. */
  endpoints(): readonly Endpoint[] {
    return this.#listening;
  }

  /**
   * Resolves when the worker answers from this snapshot and state, and from nothing else any more. Rejects with
   * GTM_SWAP (it cannot be opened, or the worker ended over it): the old one goes on.
   */
  swap(snapshot: SharedArrayBuffer, state: Uint32Array): Promise<void> {
    if (this.#closed) return Promise.reject(new GtmError('GTM_SWAP', 'answers: closed'));
    return new Promise((resolve, reject) => {
      const id = ++this.#id;
      const limit = setTimeout(
        () => this.#settle(id, `no word from the worker in ${SWAP_MS / 1000}s`),
        SWAP_MS,
      );
      const settle = (fault?: GtmError) => {
        clearTimeout(limit);
        if (fault === undefined) resolve();
        else reject(fault);
      };
      this.#swaps.set(id, { snapshot, state, settle });
      this.#ask();
    });
  }

  /** All counters by their key (dns/counters.ts, net/responder.ts), since the first start. */
  counters(): Record<string, number> {
    return Object.fromEntries(KEYS.map((key, i) => [key, this.#counters[i]]));
  }

  /** Takes no more queries, lets TCP replies drain for 200 ms at most, and ends the worker. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#restart);
    for (const id of [...this.#swaps.keys()]) this.#settle(id, 'closed');
    const worker = this.#worker;
    if (worker === undefined) return;
    const ended = new Promise<void>(resolve => worker.once('exit', () => resolve()));
    this.#post(worker, { kind: 'close', drain: DRAIN_MS });
    const enough = setTimeout(() => void worker.terminate(), DRAIN_MS + END_MS);
    await ended;
    clearTimeout(enough);
  }

  #spawn(): Promise<FromWorker & { kind: 'ready' }> {
    const { tcp, udpSize, settings } = this.#options;
    const { snapshot, state } = this.#acknowledged;
    const counters = this.#counters;
    const start: WorkerStart = { listen: this.#listening, tcp, udpSize, settings, snapshot, state, counters };
    const worker = new Worker(WORKER, { workerData: start, name: 'answers' });
    this.#worker = worker;
    let why = 'it ended';
    return new Promise((resolve, reject) => {
      worker.on('error', e => {
        why = reason(e);
      });
      worker.on('exit', () => {
        this.#ended(why);
        reject(new GtmError('GTM_ANSWERS', `answers: the worker ended at its start: ${why}`));
      });
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'ready') {
          if (message.listening.length > 0) this.#serves(message.listening);
          resolve(message);
        } else this.#hear(message);
      });
    });
  }

  #serves(listening: readonly Endpoint[]): void {
    // After a restart some may be missing; what is wanted stays the first list, its ports chosen.
    if (this.#listening === this.#options.listen) this.#listening = listening;
    this.#ready = true;
    this.#ask();
  }

  #hear(message: FromWorker): void {
    if (message.kind === 'fault') this.#options.log.error({}, `answers: ${message.message}`);
    else if (message.kind === 'swapped') {
      const swap = this.#swaps.get(message.id);
      if (swap !== undefined && message.fault === undefined) this.#acknowledged = swap;
      this.#settle(message.id, message.fault);
    }
  }

  // Asks for every swap that has not been asked for, in order.
  #ask(): void {
    const worker = this.#worker;
    if (!this.#ready || worker === undefined) return;
    for (const [id, swap] of this.#swaps) {
      if (swap.asked !== undefined) continue;
      swap.asked = worker;
      this.#post(worker, { kind: 'swap', id, snapshot: swap.snapshot, state: swap.state });
    }
  }

  #post(worker: Worker, message: ToWorker): void {
    worker.postMessage(message);
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
    this.#worker = undefined;
    this.#ready = false;
    // A snapshot may have been its end: it is not given to the next one.
    for (const [id, swap] of this.#swaps)
      if (swap.asked !== undefined) this.#settle(id, `the worker ended: ${why}`);
    if (this.#closed || !(served || this.#restart !== undefined)) return;
    this.#options.log.error(
      {},
      `answers: the worker ended: ${why}; it starts again in ${RESTART_MS / 1000}s`,
    );
    this.#options.onFault?.(why);
    this.#restart = setTimeout(() => void this.#again(), RESTART_MS);
  }

  async #again(): Promise<void> {
    try {
      const { listening, faults } = await this.#spawn();
      for (const f of faults) this.#options.log.error({}, f.message);
      // With nothing open it is no use: its end brings the next attempt.
      if (listening.length === 0) await this.#worker?.terminate();
      const where = listening.map(e => formatEndpoint(e.address, e.port)).join(', ');
      if (where !== '') this.#options.log.info({}, `answers: the worker is back: ${where}`);
    } catch {
      // Its end has been told already, and the next attempt is under way.
    }
  }
}
