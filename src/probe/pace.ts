// How punctual probes are: how long after its moment each began, over windows of five seconds.
// A probe is late when that is more than a tenth of its interval, and more than LEAST_MS. A late probe finds a fault late,
// and the bound of detection (fall × (interval + jitter) + timeout) does not hold any more.

/** A window, ms: it is judged when it is through. */
export const WINDOW_MS = 5000;
/** What timers and a busy moment may take, ms. */
const LEAST_MS = 50;
/** Buckets of lateness, each a quarter wider than the one before: 1 ms to 20 minutes. */
const BUCKETS = 64;
const GROWTH = Math.log(1.25);

export interface PaceWindow {
  probes: number;
  /** How many of them were late. */
  late: number;
  /** Lateness that one of a hundred exceeded (to a quarter above), and the longest; ms. */
  p99: number;
  max: number;
}

export class Pace {
  /** Since the start. */
  probes = 0;
  failed = 0;
  late = 0;
  /** The last window that is through. */
  last: PaceWindow = { probes: 0, late: 0, p99: 0, max: 0 };
  readonly #buckets = new Uint32Array(BUCKETS);
  #window = { probes: 0, late: 0, max: 0 };
  #since: number;

  /** `now`: monotonic, ms. */
  constructor(now: number) {
    this.#since = now;
  }

  /** One probe: what came of it, how late it began and its interval, ms. */
  add(ok: boolean, late: number, interval: number): void {
    this.probes++;
    if (!ok) this.failed++;
    const w = this.#window;
    w.probes++;
    w.max = Math.max(w.max, late);
    this.#buckets[late < 1 ? 0 : Math.min(BUCKETS - 1, 1 + Math.floor(Math.log(late) / GROWTH))]++;
    if (late <= Math.max(LEAST_MS, interval / 10)) return;
    this.late++;
    w.late++;
  }

  /** Goes on to `now`; true when a window is through, and `last` is new. */
  turn(now: number): boolean {
    if (now - this.#since < WINDOW_MS) return false;
    const { probes, late, max } = this.#window;
    this.last = { probes, late, p99: Math.min(max, this.#quantile(probes * 0.99)), max };
    this.#window = { probes: 0, late: 0, max: 0 };
    this.#buckets.fill(0);
    this.#since = now;
    return true;
  }

  #quantile(rank: number): number {
    let seen = 0;
    for (let i = 0; i < BUCKETS; i++) {
      seen += this.#buckets[i];
      if (seen >= rank) return Math.exp(i * GROWTH);
    }
    return Number.POSITIVE_INFINITY;
  }
}

/** What to say of a window in which more than one probe in a hundred was late; undefined: nothing. */
export function lateness({ probes, late, p99, max }: PaceWindow): string | undefined {
  if (late * 100 <= probes) return undefined;
  const part = Math.round((late / probes) * 1000) / 10;
  return (
    `${part}% of ${probes} probes began late (p99 ${Math.round(p99)} ms, longest ${Math.round(max)} ms): ` +
    'faults are found later than the checks say; make intervals longer, or targets fewer'
  );
}
