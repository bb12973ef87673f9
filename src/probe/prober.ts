// The scheduler of probes: when each target is looked at, never what a result means (that is health/'s).
//   set(targets) → each target: wait → queue for a slot → probe with a deadline → report → wait …
// Invariants: never two probes of one target at once; the next one starts interval × (1 … 1 + jitter) after the last
// one started, but for the second, which comes anywhere in the interval; a removed target is silent from that moment; at
// most `atOnce` probes run, first come first served.
import type { Clock } from '../kit/clock.ts';
import { reason } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';
import { type Rng, unit } from '../kit/rng.ts';
import { type Kind, type Probes, probeOf } from './index.ts';
import type { Probe, Target } from './probe.ts';

export interface ProbeTarget extends Target {
  /** Unique; what results are reported under. */
  id: string;
}

/** One look: `http 200 in 3 ms`, or what was wrong. */
export interface ProbeResult {
  ok: boolean;
  text: string;
  /** How long it took, and how long after its moment it began, ms. */
  ms: number;
  late: number;
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
  readonly #loaded = new Map<Kind, Probe>();
  readonly #atOnce: number;
  #queue: Entry[] = [];
  #running = 0;

  constructor(options: ProberOptions) {
    this.#o = options;
    this.#atOnce = options.atOnce ?? 512;
  }

  /** Probes exactly these from now on. Unchanged ones (same id and content) go on undisturbed. */
  set(targets: readonly ProbeTarget[]): void {
    const wanted = new Map(targets.map(t => [t.id, t]));
    const leaving = [...this.#entries.values()].filter(e => contentOf(wanted.get(e.id)) !== e.content);
    this.#remove(leaving);
    for (const [id, target] of wanted) if (!this.#entries.has(id)) this.#add(id, target);
  }

  /** Loads the code of the probes that these targets need, so that it does not delay the first of them. */
  async load(targets: readonly ProbeTarget[]): Promise<void> {
    const kinds = new Set(targets.map(probeOf));
    await Promise.all([...kinds].map(kind => this.#load(kind)));
  }

  /** Stops everything; the probes under way are told so by their signals. */
  close(): void {
    this.set([]);
  }

  #add(id: string, target: ProbeTarget): void {
    const entry: Entry = {
      id,
      target,
      kind: probeOf(target),
      content: contentOf(target),
      due: 0,
      busy: false,
      gone: false,
      first: true,
    };
    this.#entries.set(id, entry);
    this.#wait(entry, unit(this.#o.rng) * Math.min(target.check.interval, FIRST_SPREAD_MS));
  }

  #remove(leaving: readonly Entry[]): void {
    for (const entry of leaving) {
      this.#entries.delete(entry.id);
      entry.gone = true;
      clearTimeout(entry.timer);
    }
    this.#queue = this.#queue.filter(e => !e.gone);
    for (const entry of leaving) entry.stop?.(new Error('no longer probed'));
  }

  #wait(entry: Entry, ms: number): void {
    entry.due = this.#o.clock.mono() + ms;
    entry.timer = setTimeout(() => {
      this.#queue.push(entry);
      this.#next();
    }, ms);
  }

  #next(): void {
    while (this.#running < this.#atOnce) {
      const entry = this.#queue.shift();
      if (entry === undefined) return;
      if (entry.busy) {
        const late = Math.max(0, this.#o.clock.mono() - entry.due);
        this.#ended(entry, { ok: false, text: 'the last probe has not ended yet', ms: 0, late });
        continue;
      }
      this.#running++;
      const probe = this.#loaded.get(entry.kind);
      if (probe !== undefined) this.#look(entry, probe);
      // Loading a probe's code is our time, not the target's.
      else void this.#load(entry.kind).then(loaded => this.#look(entry, loaded));
    }
  }

  async #load(kind: Kind): Promise<Probe> {
    try {
      const probe = await this.#o.probes[kind]();
      this.#loaded.set(kind, probe);
      return probe;
    } catch (e) {
      return () => Promise.reject(e);
    }
  }

  // One look with its deadline. It ends at the deadline even if the probe does not heed its signal; `busy` then keeps
  // the next one from starting beside it.
  #look(entry: Entry, probe: Probe): void {
    const { clock } = this.#o;
    const { timeout } = entry.target.check;
    const start = clock.mono();
    const late = Math.max(0, start - entry.due);
    const end = (ok: boolean, text: string) => {
      clearTimeout(timer);
      if (entry.stop !== stop) return;
      entry.stop = undefined;
      this.#running--;
      if (!entry.gone) this.#ended(entry, { ok, text, ms: clock.mono() - start, late });
      this.#next();
    };
    const abort = new AbortController();
    const stop = (why: Error) => {
      abort.abort(why);
      end(false, why.message);
    };
    entry.stop = stop;
    const expire = (grace: boolean) => {
      if (!grace && clock.mono() - start - timeout > LATE_MS) timer = setTimeout(expire, GRACE_MS, true);
      else stop(new Error(`no answer in ${timeout}ms`));
    };
    let timer = setTimeout(expire, timeout, false);
    const settled = (ok: boolean, text: string) => {
      entry.busy = false;
      end(ok, text);
    };
    if (entry.gone) {
      stop(new Error('no longer probed'));
      return;
    }
    entry.busy = true;
    try {
      probe(entry.target, abort.signal).then(
        text => settled(true, text),
        fault => settled(false, words(fault)),
      );
    } catch (e) {
      settled(false, words(e));
    }
  }

  #ended(entry: Entry, result: ProbeResult): void {
    const { interval, jitter } = entry.target.check;
    const phase =
      entry.first && interval > FIRST_SPREAD_MS ? unit(this.#o.rng) : 1 + jitter * unit(this.#o.rng);
    entry.first = false;
    this.#wait(entry, Math.max(0, interval * phase - result.ms));
    if (result.ok) result.text += ` in ${Math.max(1, Math.round(result.ms))} ms`;
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
  kind: Kind;
  content: string;
  /** When the next probe should start. */
  due: number;
  timer?: NodeJS.Timeout;
  /** Ends the probe under way. */
  stop?: ((why: Error) => void) | undefined;
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

/** What a target is, to tell whether it changed: all but its id. */
export function contentOf(target: ProbeTarget | undefined): string {
  return target === undefined ? '' : JSON.stringify([target.address, target.port, target.check, target.via]);
}
