// Probes as the node sees them: a thread of their own looks, so that nothing done here delays a probe.
//   set(targets) ─→ probe-worker: probe/prober ─results→ onResult
// Invariant: what is wanted stands here, and a thread that ends by itself is started again and given it. Once set() has
// returned, no result of a target that it removed or changed is handed on.
import { Worker } from 'node:worker_threads';
import type { Clock } from '../kit/clock.ts';
import { reason } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';
import { lateness, Pace } from '../probe/pace.ts';
import { contentOf, type ProbeResult, type ProbeTarget } from '../probe/prober.ts';
import type { FromProbes, ToProbes } from './probe-worker.ts';

const WORKER = new URL('./probe-worker.js', import.meta.url);
const RESTART_MS = 1000;
/** What the thread gets to load its code, and to end. */
const START_MS = 5000;
const END_MS = 1000;
/** Without a word for so much longer than the shortest interval and its time-out, it stands still. */
const SILENCE_MS = 3000;

export interface ProbingOptions {
  clock: Clock;
  log: Log;
  onResult: (id: string, result: ProbeResult) => void;
  /** Probes begin late, or not at all (what, in words), or are on time again (undefined). */
  onPace: (fault: string | undefined) => void;
}

interface Wanted {
  content: string;
  interval: number;
  /** The round that it came with. */
  since: number;
}

export class Probing {
  /** Late or silent now, in words. */
  fault: string | undefined;
  readonly pace: Pace;
  readonly #o: ProbingOptions;
  readonly #timer: NodeJS.Timeout;
  #targets: readonly ProbeTarget[] = [];
  #wanted = new Map<string, Wanted>();
  #round = 0;
  #worker: Worker | undefined;
  #restart: NodeJS.Timeout | undefined;
  #heard: number;
  #loaded: (() => void) | undefined;
  #closed = false;

  /** Nothing is started before the first targets. */
  constructor(options: ProbingOptions) {
    this.#o = options;
    this.#heard = options.clock.mono();
    this.pace = new Pace(this.#heard);
    this.#timer = setInterval(() => this.#judge(), 1000).unref();
  }

  /** Starts the thread and loads what these targets need, so that their first probes are not delayed by it. */
  load(targets: readonly ProbeTarget[]): Promise<void> {
    if (targets.length === 0) return Promise.resolve();
    return new Promise(resolve => {
      const enough = setTimeout(resolve, START_MS);
      this.#loaded = () => {
        clearTimeout(enough);
        resolve();
      };
      this.#spawn();
      this.#post({ kind: 'load', targets: targets.map(plain) });
    });
  }

  /** Probes exactly these from now on; unchanged ones go on undisturbed. */
  set(targets: readonly ProbeTarget[]): void {
    this.#round++;
    this.#targets = targets;
    const before = this.#wanted;
    this.#wanted = new Map();
    for (const target of targets) {
      const content = contentOf(target);
      const old = before.get(target.id);
      const since = old?.content === content ? old.since : this.#round;
      this.#wanted.set(target.id, { content, interval: target.check.interval, since });
    }
    if (this.#worker === undefined && targets.length > 0 && this.#restart === undefined) this.#spawn();
    this.#postTargets();
  }

  /** How many targets there are. */
  get targets(): number {
    return this.#targets.length;
  }

  /** Ends every probe, and the thread. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    clearTimeout(this.#restart);
    this.#loaded?.();
    const worker = this.#worker;
    if (worker === undefined) return;
    const ended = new Promise<void>(resolve => worker.once('exit', () => resolve()));
    worker.postMessage({ kind: 'close' } satisfies ToProbes);
    const enough = setTimeout(() => void worker.terminate(), END_MS);
    await ended;
    clearTimeout(enough);
  }

  #postTargets(): void {
    this.#post({ kind: 'set', round: this.#round, targets: this.#targets.map(plain) });
  }

  #post(message: ToProbes): void {
    this.#worker?.postMessage(message);
  }

  #spawn(): void {
    const worker = new Worker(WORKER, { name: 'probes' });
    let why = 'it ended';
    this.#worker = worker;
    this.#heard = this.#o.clock.mono();
    worker.on('message', (message: FromProbes) => this.#hear(message));
    worker.on('error', e => {
      why = reason(e);
    });
    worker.on('exit', () => {
      this.#worker = undefined;
      if (this.#closed) return;
      this.#o.log.error({}, `probes: their thread ended: ${why}; it starts again in ${RESTART_MS / 1000}s`);
      this.#restart = setTimeout(() => {
        this.#restart = undefined;
        this.#spawn();
        this.#postTargets();
      }, RESTART_MS);
    });
  }

  #hear(message: FromProbes): void {
    this.#heard = this.#o.clock.mono();
    if (message.kind === 'loaded') {
      this.#loaded?.();
      return;
    }
    for (const [id, result] of message.results) {
      const wanted = this.#wanted.get(id);
      if (this.#closed || wanted === undefined || message.round < wanted.since) continue;
      this.pace.add(result.ok, result.late, wanted.interval);
      try {
        this.#o.onResult(id, result);
      } catch (e) {
        this.#o.log.error({ id }, `probe ${id}: its result was not taken: ${reason(e)}`);
      }
    }
  }

  #judge(): void {
    const now = this.#o.clock.mono();
    const silent = now - this.#heard;
    const shortest = Math.min(
      ...this.#targets.map(({ check: c }) => c.interval * (1 + c.jitter) + c.timeout),
    );
    const was = this.fault;
    if (silent > shortest + SILENCE_MS) this.fault = `no probe has ended for ${Math.round(silent / 1000)} s`;
    else if (this.pace.turn(now)) this.fault = lateness(this.pace.last);
    if ((was === undefined) !== (this.fault === undefined)) this.#o.onPace(this.fault);
  }
}

// Nothing but what a probe is: callers' targets hold more.
function plain({ id, address, port, check, via }: ProbeTarget): ProbeTarget {
  return { id, address, port, check, ...(via !== undefined && { via }) };
}
