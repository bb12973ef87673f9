// The scheduler of probes: when each target is looked at, never what a result means (that is health/'s).
//   set(targets) → each target: wait → queue for a slot → probe with a deadline → report → wait …
// Invariants: never two probes of one target at once; the next one starts interval × (1 … 1 + jitter) after the last
// one started, but for the second, which comes anywhere in the interval; a removed target is silent from that moment; at
// most `atOnce` probes run, first come first served.
import type { Clock } from '../kit/clock.ts';
import { reason } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';
import { type Rng, unit } from '../kit/rng.ts';
import { kindOf, type Probes } from './index.ts';
import type { Probe, Target } from './probe.ts';

export interface ProbeTarget extends Target {
  /** Unique; what results are reported under. */
  id: string;
}

/** One look: `http 200 in 3 ms`, or what was wrong; `ms` is how long it took. */
export interface ProbeResult {
  ok: boolean;
  text: string;
  ms: number;
}

export interface ProberOptions {
  probes: Probes;
  clock: Clock;
  rng: Rng;
  log: Log;
  onResult: (id: string, result: ProbeResult) => void;
  /** Probes that may run at once, over all targets. */
  atOnce?: number;
}

/**
 * First probes are spread over the interval, but over no more than this: a node is ready after its first round. The second
 * ones are spread over the whole interval: thousands of targets that go on in step would be late in every round.
 */
const FIRST_SPREAD_MS = 200;
// A deadline that fires this late says that we stood still, and the answer may lie unread in the socket …
const LATE_MS = 25;
// … so the loop gets a moment to read it before the target is blamed.
const GRACE_MS = 50;

export class Prober {
  readonly #o: ProberOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #atOnce: number;
  #queue: Entry[] = [];
  #running = new Set<Promise<void>>();

  constructor(options: ProberOptions) {
    this.#o = options;
    this.#atOnce = options.atOnce ?? 512;
  }

  /** Probes exactly these from now on. Unchanged ones (same id and content) go on undisturbed. */
  set(targets: readonly ProbeTarget[]): void {
    const wanted = new Map(targets.map(t => [t.id, t]));
    for (const [id, entry] of this.#entries)
      if (contentOf(wanted.get(id)) !== entry.content) this.#remove(id, entry);
    for (const [id, target] of wanted) if (!this.#entries.has(id)) this.#add(id, target);
  }

  /** Stops everything; resolves when the probes under way have ended (or ignored it for 200 ms). */
  async close(): Promise<void> {
    this.set([]);
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>(resolve => {
      timer = setTimeout(resolve, 200);
    });
    await Promise.race([Promise.all(this.#running), enough]);
    clearTimeout(timer);
  }

  #add(id: string, target: ProbeTarget): void {
    const entry: Entry = { id, target, content: contentOf(target), busy: false, gone: false, first: true };
    this.#entries.set(id, entry);
    this.#wait(entry, unit(this.#o.rng) * Math.min(target.check.interval, FIRST_SPREAD_MS));
  }

  #remove(id: string, entry: Entry): void {
    this.#entries.delete(id);
    entry.gone = true;
    clearTimeout(entry.timer);
    entry.abort?.abort(new Error('no longer probed'));
    this.#queue = this.#queue.filter(e => e !== entry);
  }

  #wait(entry: Entry, ms: number): void {
    entry.timer = setTimeout(() => {
      this.#queue.push(entry);
      this.#next();
    }, ms);
  }

  #next(): void {
    while (this.#running.size < this.#atOnce) {
      const entry = this.#queue.shift();
      if (entry === undefined) return;
      const run: Promise<void> = this.#run(entry).finally(() => {
        this.#running.delete(run);
        this.#next();
      });
      this.#running.add(run);
    }
  }

  async #run(entry: Entry): Promise<void> {
    const { clock, rng, probes } = this.#o;
    const { interval, jitter } = entry.target.check;
    // Loading a probe's code is our time, not the target's.
    const load = probes[kindOf(entry.target.check)]();
    const probe = await load.catch(
      (e: unknown): Probe =>
        () =>
          Promise.reject(e),
    );
    if (entry.gone) return;
    const start = clock.mono();
    const [ok, text] = entry.busy
      ? [false, 'the last probe has not ended yet']
      : await this.#look(entry, probe);
    if (entry.gone) return;
    const ms = clock.mono() - start;
    const phase = entry.first && interval > FIRST_SPREAD_MS ? unit(rng) : 1 + jitter * unit(rng);
    entry.first = false;
    this.#wait(entry, Math.max(0, interval * phase - ms));
    this.#report(entry, { ok, text: ok ? `${text} in ${Math.max(1, Math.round(ms))} ms` : text, ms });
  }

  // One look with its deadline. It ends at the deadline even if the probe does not heed its signal; `busy` then keeps
  // the next one from starting beside it.
  #look(entry: Entry, probe: Probe): Promise<[boolean, string]> {
    const { clock } = this.#o;
    const abort = new AbortController();
    entry.abort = abort;
    entry.busy = true;
    const { timeout } = entry.target.check;
    const due = clock.mono() + timeout;
    return new Promise(resolve => {
      const expire = (grace: boolean) => {
        if (!grace && clock.mono() - due > LATE_MS) timer = setTimeout(expire, GRACE_MS, true);
        else abort.abort(new Error(`no answer in ${timeout}ms`));
      };
      let timer = setTimeout(expire, timeout, false);
      const end = (ok: boolean, text: string) => {
        clearTimeout(timer);
        resolve([ok, text]);
      };
      abort.signal.addEventListener('abort', () => end(false, words(abort.signal.reason)), { once: true });
      const settled = () => {
        entry.busy = false;
      };
      void new Promise<string>(begin => begin(probe(entry.target, abort.signal)))
        .then(
          text => end(true, text),
          fault => end(false, words(fault)),
        )
        .then(settled);
    });
  }

  #report(entry: Entry, result: ProbeResult): void {
    try {
      this.#o.onResult(entry.id, result);
    } catch (e) {
      this.#o.log.error({ id: entry.id }, `probe ${entry.id}: its result was not taken: ${reason(e)}`);
    }
  }
}

interface Entry {
  id: string;
  target: ProbeTarget;
  content: string;
  timer?: NodeJS.Timeout;
  abort?: AbortController;
  /** A probe has begun and not ended, whatever was reported of it. */
  busy: boolean;
  gone: boolean;
  /** Its first probe has not been reported yet. */
  first: boolean;
}

// Probes say it in their message; what comes from outside is kept to a line.
function words(fault: unknown): string {
  const text = fault instanceof Error && fault.message !== '' ? fault.message : reason(fault);
  return text.length <= 300 ? text : `${text.slice(0, 300)}…`;
}

function contentOf(target: ProbeTarget | undefined): string {
  return target === undefined ? '' : JSON.stringify([target.address, target.port, target.check]);
}
