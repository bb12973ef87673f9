// The answer workers as the node sees them: start, swap, count, close.
//   dgram: one portable worker does UDP and TCP      batch: N workers block in UDP, one portable worker does TCP
// Which of them, `io` says; `auto` takes batches where the system has them, and tells why where it does not.
// Invariant: what was swapped in is served by all workers or by none: one that refuses takes the others back.
import { Worker } from 'node:worker_threads';
import { COUNTERS } from '../dns/counters.ts';
import type { Settings } from '../dns/settings.ts';
import { GtmError, reason } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';
import { NET_COUNTERS } from '../net/responder.ts';
import type { TcpLimits } from '../net/tcp.ts';
import { type Libc, openLibc } from '../nic/libc.ts';
import type { Answering, Endpoint, ListenFault, Served } from './answer-path.ts';
import { AnswerThread, type Ready, type ThreadOptions } from './answer-thread.ts';
import type { WorkerStart } from './answer-worker.ts';
import { batchLauncher, closeShares, openShares } from './batch-launch.ts';

const WORKER = new URL('./answer-worker.js', import.meta.url);
/** A free port has to be free for UDP and for TCP: so often another is tried. */
const PORT_TRIES = 10;

const KEYS = [...COUNTERS, ...NET_COUNTERS].map(row => row.key);

export interface AnswersOptions extends Served {
  /** Port 0: any that is free for UDP and TCP. */
  listen: readonly Endpoint[];
  /** Default: auto. */
  io?: 'auto' | 'batch' | 'dgram';
  /** For UDP; default 1. Only batches take more than one. */
  workers?: number;
  /** For each listen address; `idle` in milliseconds. */
  tcp: TcpLimits;
  /** Most octets of a reply over UDP. */
  udpSize: number;
  log: Log;
  /** A worker ended by itself, and why; it is being started again. */
  onFault?: (why: string) => void;
}

export class Answers {
  readonly #options: AnswersOptions;
  readonly #answering: Answering;
  readonly #counters: Float64Array[] = [];
  #threads: AnswerThread[] = [];
  #listening: readonly Endpoint[] = [];
  #served: Served;
  #libc: Libc | undefined;
  #closed = false;
  /** The last swap and what it left to be taken back. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(options: AnswersOptions) {
    this.#options = options;
    this.#answering = { udpSize: options.udpSize };
    const { snapshot, arena, state, settings } = options;
    this.#served = { snapshot, arena, state, settings };
  }

  /**
   * Resolves when every address is open; rejects with the first fault's code (GTM_LISTEN_…) and the words of all, or
   * with GTM_NIC where batches are wanted that the system does not have.
   */
  static async start(options: AnswersOptions): Promise<Answers> {
    const answers = new Answers(options);
    try {
      await answers.#choose();
      for (let left = PORT_TRIES; ; left--) {
        const faults = await (answers.#libc === undefined ? answers.#portable() : answers.#batched());
        if (faults.length === 0) return answers;
        await answers.close();
        const unlucky = faults.every(f => f.code === 'GTM_LISTEN_IN_USE' && f.chosen);
        if (!unlucky || left === 0) throw new GtmError(faults[0].code, faults.map(f => f.message).join('; '));
      }
    } catch (e) {
      await answers.close();
      throw e;
    }
  }

  /** Where it listens, over UDP and TCP alike. */
  endpoints(): readonly Endpoint[] {
    return this.#listening;
  }

  /** How UDP is done, and by how many workers that are up. */
  udp(): { io: 'batch' | 'dgram'; workers: number } {
    const batch = this.#libc !== undefined;
    // The portable worker is the last one; beside batches it does TCP.
    const threads = batch ? this.#threads.slice(0, -1) : this.#threads;
    return { io: batch ? 'batch' : 'dgram', workers: threads.filter(t => t.ready).length };
  }

  /**
   * Resolves when every worker answers from this snapshot and state, and from nothing else any more. Rejects with
   * GTM_SWAP (it cannot be opened, or a worker ended over it): the old one goes on. One after the other. Without
   * `settings` those of before go on.
   */
  swap(
    snapshot: SharedArrayBuffer,
    state: Uint32Array,
    arena?: SharedArrayBuffer,
    settings: Settings | undefined = this.#served.settings,
  ): Promise<void> {
    const served = { snapshot, arena, state, settings };
    const turn = this.#turn.then(() => this.#swapAll(served));
    this.#turn = turn.then(
      () => {
        this.#served = served;
      },
      () => this.#swapAll(this.#served).catch(e => this.#stuck(e)),
    );
    return turn;
  }

  /** All counters by their key (dns/counters.ts, net/responder.ts), since the first start, of all workers. */
  counters(): Record<string, number> {
    return Object.fromEntries(KEYS.map((key, i) => [key, this.#counters.reduce((sum, c) => sum + c[i], 0)]));
  }

  /** Takes no more queries, lets TCP replies drain for 200 ms at most, and ends the workers. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#threads.map(t => t.close()));
  }

  async #swapAll(served: Served): Promise<void> {
    await Promise.all(this.#threads.map(t => t.swap(served)));
  }

  // A worker that cannot go back answers from what it has, and the others from the old: nothing but its end helps.
  #stuck(fault: unknown): void {
    if (!this.#closed) this.#options.log.error({}, `answers: not all workers went back: ${reason(fault)}`);
  }

  async #choose(): Promise<void> {
    const { io = 'auto', log, workers = 1 } = this.#options;
    if (io === 'dgram') return;
    try {
      this.#libc = await openLibc();
      log.info({}, `answers: udp in batches, ${workers === 1 ? 'one worker' : `${workers} workers`}`);
    } catch (e) {
      if (io === 'batch') throw e;
      log.info(
        {},
        `answers: udp by node:dgram, one worker: batches are not to be had: ${(e as Error).message}`,
      );
    }
  }

  async #portable(): Promise<Fault[]> {
    const { listen, udpSize } = this.#options;
    const ready = await this.#run([this.#portableThread(listen, udpSize)]);
    this.#listening = ready[0].listening;
    // It looks for ports by itself.
    return ready[0].faults.map(f => ({ ...f, chosen: false }));
  }

  async #batched(): Promise<Fault[]> {
    const { listen, udpSize, workers = 1 } = this.#options;
    const answering = this.#answering;
    const libc = this.#libc as Libc;
    const { shares, listening, faults } = openShares(libc, listen, workers);
    this.#listening = listening;
    const threads = shares.map((share, i) => {
      const common = { answering, udpSize, counters: this.#newCounters(i) };
      const launch = batchLauncher({ libc, listening, share, workers, start: common });
      return this.#thread(workers === 1 ? 'the udp worker' : `udp worker ${i + 1}`, launch);
    });
    const chosen = listen.some(e => e.port === 0);
    const tcp = this.#portableThread(listening, undefined);
    try {
      const [ready] = await this.#run([tcp]);
      const all = [
        ...faults.map(f => ({ ...f, chosen: false })),
        ...ready.faults.map(f => ({ ...f, chosen })),
      ];
      if (all.length > 0) {
        closeShares(libc, shares);
        return all;
      }
    } catch (e) {
      closeShares(libc, shares);
      throw e;
    }
    // Who is answered over UDP finds TCP open. What came meanwhile waits in the sockets.
    const ready = await this.#run(threads, [tcp]);
    return ready.flatMap(r => r.faults).map(f => ({ ...f, chosen }));
  }

  #run(threads: AnswerThread[], running: AnswerThread[] = []): Promise<Ready[]> {
    this.#threads = [...threads, ...running];
    this.#closed = false;
    return Promise.all(threads.map(t => t.start()));
  }

  #portableThread(listen: readonly Endpoint[], udpSize: number | undefined): AnswerThread {
    const { tcp } = this.#options;
    const answering = this.#answering;
    const counters = this.#newCounters(this.#options.workers ?? 1);
    // After a restart it has the ports that were chosen.
    const where = () => (this.#listening.length > 0 ? this.#listening : listen);
    return this.#thread(udpSize === undefined ? 'the tcp worker' : 'the worker', served => {
      const start: WorkerStart = { served, answering, counters, listen: where(), tcp, udpSize };
      return { worker: new Worker(WORKER, { workerData: start, name: 'answers' }) };
    });
  }

  #thread(name: string, launch: ThreadOptions['launch']): AnswerThread {
    const { log, onFault } = this.#options;
    return new AnswerThread({ name, served: this.#served, launch, log, ...(onFault && { onFault }) });
  }

  #newCounters(i: number): Float64Array {
    this.#counters[i] ??= new Float64Array(new SharedArrayBuffer(KEYS.length * 8));
    return this.#counters[i];
  }
}

/** `chosen`: the port was ours to choose, so that another may be tried. */
type Fault = ListenFault & { chosen: boolean };
