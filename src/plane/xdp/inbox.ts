// Frames from one worker to another that owns their flow: a ring of copies in shared memory, one writer and one reader.
// Invariant: the writer alone moves `head`, the reader alone `tail`; a full ring drops, and nobody waits.

/** Frames that it holds; a power of two. */
const SLOTS = 256;
const CONTROL = { head: 0, tail: 16, asleep: 32, words: 48 } as const;

/** Told to both workers. Each slot: the frame's length, its port, then its octets. */
export interface InboxPlace {
  control: Int32Array;
  lengths: Int32Array;
  bytes: Uint8Array;
  frameSize: number;
}

export function makeInbox(frameSize: number): InboxPlace {
  return {
    control: new Int32Array(new SharedArrayBuffer(CONTROL.words * 4)),
    lengths: new Int32Array(new SharedArrayBuffer(SLOTS * 8)),
    bytes: new Uint8Array(new SharedArrayBuffer(SLOTS * frameSize)),
    frameSize,
  };
}

/** The writer's side. */
export class Outbox {
  readonly #place: InboxPlace;
  #head = 0;

  constructor(place: InboxPlace) {
    this.#place = place;
    this.#head = Atomics.load(place.control, CONTROL.head);
  }

  /** Copies a frame in. False: it is full. */
  put(bytes: Uint8Array, at: number, length: number, port: number): boolean {
    const { control, lengths, bytes: to, frameSize } = this.#place;
    if (((this.#head - Atomics.load(control, CONTROL.tail)) | 0) >= SLOTS || length > frameSize) return false;
    const slot = this.#head & (SLOTS - 1);
    const base = slot * frameSize;
    for (let i = 0; i < length; i++) to[base + i] = bytes[at + i];
    lengths[slot * 2] = length;
    lengths[slot * 2 + 1] = port;
    this.#head = (this.#head + 1) | 0;
    return true;
  }

  /** Shows what was put. True: the reader sleeps and is to be woken. */
  publish(): boolean {
    const { control } = this.#place;
    if (Atomics.load(control, CONTROL.head) === this.#head) return false;
    Atomics.store(control, CONTROL.head, this.#head);
    return Atomics.load(control, CONTROL.asleep) === 1;
  }
}

/** The reader's side. */
export class Inbox {
  length = 0;
  port = 0;
  readonly #place: InboxPlace;
  #tail = 0;

  constructor(place: InboxPlace) {
    this.#place = place;
    this.#tail = Atomics.load(place.control, CONTROL.tail);
  }

  /** Frames that are there. */
  waiting(): number {
    return (Atomics.load(this.#place.control, CONTROL.head) - this.#tail) | 0;
  }

  /** Copies the next frame to `at` and says its `length` and `port`. */
  take(to: Uint8Array, at: number): void {
    const { lengths, bytes, frameSize } = this.#place;
    const slot = this.#tail & (SLOTS - 1);
    const base = slot * frameSize;
    const length = lengths[slot * 2];
    this.length = length;
    this.port = lengths[slot * 2 + 1];
    for (let i = 0; i < length; i++) to[at + i] = bytes[base + i];
    this.#tail = (this.#tail + 1) | 0;
    Atomics.store(this.#place.control, CONTROL.tail, this.#tail);
  }

  /** Said before going to sleep (1) and after (0): a writer then wakes us. */
  sleep(word: 0 | 1): void {
    Atomics.store(this.#place.control, CONTROL.asleep, word);
  }
}
