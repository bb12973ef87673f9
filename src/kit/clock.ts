// Time as pure code and tests see it. The real one is made in daemon/ alone.

/** `mono`: milliseconds that never step (for ages and time-outs); `wall`: milliseconds since 1970 (for people and schedules). */
export interface Clock {
  mono(): number;
  wall(): number;
}

/** A clock that stands until it is moved: for timed stories in tests. */
export class ManualClock implements Clock {
  #ms: number;
  readonly #origin: number;

  constructor(wall = Date.UTC(2026, 0, 1)) {
    this.#ms = 0;
    this.#origin = wall;
  }
  mono(): number {
    return this.#ms;
  }
  wall(): number {
    return this.#origin + this.#ms;
  }
  advance(ms: number): void {
    this.#ms += ms;
  }
}
