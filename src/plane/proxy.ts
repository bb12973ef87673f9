// The proxy plane: sockets in a worker thread; no privilege, any OS. This is its main-thread side.
//   apply, weigh ─message→ proxy-worker → proxy/forwarder → proxy/tcp ─accept→ proxy/connection ⇄ proxy/leg ×2
//                                           │            └→ proxy/udp ─datagram→ proxy/flow
//                                           └ proxy/service: table, lvs/sched, persistence, thresholds → which server
//   counters ←─ shared memory (proxy/counters) ←─ every byte and connection
// Invariant: the book here is what is wanted; a worker that ended is started again and given the book.
import { Worker } from 'node:worker_threads';
import { GtmError, reason } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';
import type { ConnectionRow, Plane, ServiceCounters, ServiceSpec } from '../model/service.ts';
import { Book } from './proxy/book.ts';
import type { Fault, FromWorker, ToWorker } from './proxy/message.ts';

const WORKER = new URL('./proxy-worker.js', import.meta.url);
/** What open connections get to end by themselves at close, and the worker to obey after that, milliseconds. */
const GRACE = 200;
const PATIENCE = 1000;
/** The pause before a worker is started again, milliseconds: doubled while they end soon after their start. */
const RESTART = { least: 100, most: 5000, settled: 10_000 };

export interface ProxyOptions {
  log: Log;
  /** Called when the forwarding worker ended by itself, with the reason; it is being started again. */
  onFault?: (reason: string) => void;
}

/** A plane that forwards through ordinary sockets. It opens nothing before the first apply. */
export function openProxyPlane(options: ProxyOptions): Plane {
  return new ProxyPlane(options);
}

class ProxyPlane implements Plane {
  readonly name = 'proxy';
  readonly #log: Log;
  readonly #onFault: (reason: string) => void;
  readonly #book = new Book();
  /** Calls of apply that wait for the worker, by their number. */
  readonly #waiting = new Map<number, (faults: readonly Fault[]) => void>();
  /** Calls of connections that wait for the worker, by their number. */
  readonly #asked = new Map<number, (rows: readonly ConnectionRow[]) => void>();
  #question = 0;
  #id = 0;
  #worker: Worker | undefined;
  #restart: NodeJS.Timeout | undefined;
  #pause = RESTART.least;
  #closed = false;

  constructor(options: ProxyOptions) {
    this.#log = options.log;
    this.#onFault = options.onFault ?? (() => {});
  }

  apply(services: readonly ServiceSpec[]): Promise<readonly Fault[]> {
    if (this.#closed) return Promise.reject(new GtmError('GTM_PLANE_CLOSED', 'the proxy plane is closed'));
    const doubled = this.#book.set(services);
    this.#start();
    return new Promise(resolve => {
      this.#waiting.set(this.#sendBook(), faults => resolve([...doubled, ...faults]));
    });
  }

  weigh(vip: string, realServer: string, weight: number): void {
    this.#book.weigh(vip, realServer, weight);
    this.#post({ type: 'weigh', vip, realServer, weight });
  }

  counters(): readonly ServiceCounters[] {
    return this.#book.read();
  }

  connections(limit: number): Promise<readonly ConnectionRow[]> {
    if (this.#worker === undefined || this.#closed) return Promise.resolve([]);
    return new Promise(resolve => {
      this.#asked.set(++this.#question, resolve);
      this.#post({ type: 'connections', id: this.#question, limit });
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#restart);
    const worker = this.#worker;
    if (worker === undefined) return;
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, GRACE + PATIENCE);
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      worker.once('exit', done);
      worker.on('message', (m: FromWorker) => {
        if (m.type === 'closed') done();
      });
      this.#post({ type: 'close', grace: GRACE });
    });
    await worker.terminate();
    this.#settle([]);
  }

  #start(): void {
    if (this.#worker !== undefined) return;
    clearTimeout(this.#restart);
    const worker = new Worker(WORKER, { name: 'proxy' });
    const started = performance.now();
    let why = 'it exited';
    this.#worker = worker;
    worker.on('message', (m: FromWorker) => this.#hear(m));
    worker.on('error', e => {
      why = reason(e);
    });
    worker.on('exit', () => {
      this.#worker = undefined;
      if (this.#closed) return;
      if (performance.now() - started > RESTART.settled) this.#pause = RESTART.least;
      this.#ended(why);
    });
  }

  #ended(why: string): void {
    const faults = this.#book.fail(`the forwarding worker ended and is being started again: ${why}`);
    this.#settle(faults);
    this.#log.error({ err: why, restartIn: this.#pause }, `proxy plane: worker ended: ${why}`);
    this.#restart = setTimeout(() => {
      this.#start();
      this.#sendBook();
    }, this.#pause).unref();
    this.#pause = Math.min(RESTART.most, this.#pause * 2);
    this.#onFault(why);
  }

  #hear(message: FromWorker): void {
    if (message.type === 'applied') {
      if (message.id === this.#id) this.#book.mark(message.faults);
      this.#waiting.get(message.id)?.(message.faults);
      this.#waiting.delete(message.id);
    } else if (message.type === 'connections') {
      this.#asked.get(message.id)?.(message.rows);
      this.#asked.delete(message.id);
    } else if (message.type === 'warned')
      this.#log.warn({ service: message.key }, `service ${message.key}: ${message.message}`);
  }

  #settle(faults: readonly Fault[]): void {
    for (const resolve of this.#waiting.values()) resolve(faults);
    this.#waiting.clear();
    for (const resolve of this.#asked.values()) resolve([]);
    this.#asked.clear();
  }

  #sendBook(): number {
    this.#post({ type: 'apply', id: ++this.#id, jobs: this.#book.jobs() });
    return this.#id;
  }

  #post(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }
}
