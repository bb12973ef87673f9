// When a worker lets frames gather: under many of them it pauses between turns, as network cards hold interrupts back under load
// (ethtool -C, adaptive-rx). One wake-up and one send then serve twenty frames instead of three.
//   many frames in a millisecond → pause · turn · pause · turn … ─the pauses bring few→ none for a while, a longer one each time
// Clients that ask again only once they were answered are slowed down by a pause that would hold them all: it brings few, and ends.
// Invariant: nothing is allocated; where frames are few each is handled at once.

/** The longest and the shortest pause, microseconds; the kernel may add its timer slack, 50 (prctl(2), PR_SET_TIMERSLACK). */
const PAUSE = { most: 250, least: 50 } as const;
/** Frames in a millisecond from which on pauses are tried. */
const MANY = 30;
/** Frames that pauses have to bring in the mean. */
const PAYS = 20;
/** What they are believed to bring at first. */
const HOPED = 24;
/** A turn of this many was not all: there is no time to pause. */
const BEHIND = 64;
/** Milliseconds without pauses after such as brought too few: doubled while they go on to. */
const OFF = { least: 1, most: 256 } as const;

export class Moderation {
  readonly #on: boolean;
  #since = 0;
  #frames = 0;
  /** Microseconds in which as many frames come as pay; 0: no pause. */
  #length = 0;
  #paused = false;
  /** Eight times the mean of what the last pauses brought. */
  #brought: number = HOPED << 3;
  #off: number = OFF.least;
  #until = 0;

  constructor(mode: 'adaptive' | 'off') {
    this.#on = mode === 'adaptive';
  }

  /** After a turn of `work` frames at `now` (whole milliseconds, never less than before): how many microseconds to pause before the next. */
  pause(work: number, now: number): number {
    if (!this.#on) return 0;
    if (this.#paused) this.#learn(work, now);
    this.#frames += work;
    if (now !== this.#since) {
      this.#length = now >= this.#until ? this.#lengthFor(this.#frames, now - this.#since) : 0;
      this.#frames = 0;
      this.#since = now;
    }
    this.#paused = this.#length > 0 && work > 0 && work < BEHIND;
    return this.#paused ? this.#length : 0;
  }

  #lengthFor(frames: number, ms: number): number {
    if (frames < MANY * ms) return 0;
    const length = Math.floor((1000 * PAYS * ms) / frames);
    return length < PAUSE.least ? 0 : Math.min(length, PAUSE.most);
  }

  #learn(work: number, now: number): void {
    this.#brought += work - (this.#brought >> 3);
    if (this.#brought > HOPED << 3) this.#off = OFF.least;
    if (this.#brought >= PAYS << 3) return;
    this.#brought = HOPED << 3;
    this.#length = 0;
    this.#until = now + this.#off;
    this.#off = Math.min(OFF.most, this.#off << 1);
  }
}
