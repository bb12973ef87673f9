// Next hops as a worker finds them: (interface, address) → the slot of a link header; and how it asks for one that it misses.
//   slots: an open hash in shared memory, filled by the main thread alone, never emptied: a slot means one hop for ever
//   asked: a small ring that any worker writes and the main thread reads; what is overrun is asked again
// Invariant: a worker never waits and never asks for the same hop twice in one turn of the main thread.
import type { Route } from '../../lvs/config.ts';
import { CONTROL } from './routes.ts';
import { HEADER } from './ways.ts';

/** Words of a slot. State: 0 free, 1 taken but not to be used now, 2 to be used. */
export const SLOT = { state: 0, iface: 1, family: 2, address: 3, size: 8 } as const;
export const STATE = { free: 0, lost: 1, known: 2 } as const;
/** Words of a question; the stamp is its number + 1 once it stands. */
export const QUESTION = { stamp: 0, iface: 1, family: 2, address: 3, size: 8 } as const;
/** Questions that stand at a time; a power of two. */
export const QUESTIONS = 512;
/** What a worker remembers to have asked; a power of two. */
const REMEMBERED = 256;

/** Where a hop is looked for first; `mask` is the number of slots - 1. */
export function slotOf(iface: number, family: number, address: Int32Array, mask: number): number {
  let h = Math.imul(iface ^ (family << 16), 0x9e3779b1);
  for (let i = 0; i < 4; i++) h = Math.imul(h ^ address[i] ^ (h >>> 15), 0x85ebca6b);
  return (h ^ (h >>> 13)) & mask;
}

/** A worker's reader. */
export class HopReader {
  readonly headers: Uint8Array;
  readonly ports: Int32Array;
  readonly #control: Int32Array;
  readonly #slots: Int32Array;
  readonly #questions: Int32Array;
  readonly #mask: number;
  readonly #found: Uint8Array;
  readonly #askedHash = new Int32Array(REMEMBERED);
  readonly #askedTick = new Int32Array(REMEMBERED).fill(-1);

  /** `count` slots, a power of two. */
  constructor(memory: HopMemory) {
    this.#control = memory.control;
    this.#slots = memory.slots;
    this.#questions = memory.questions;
    this.headers = memory.headers;
    this.ports = memory.ports;
    this.#mask = memory.ports.length - 1;
    this.#found = new Uint8Array(memory.ports.length);
  }

  /** As Ways.hop(). */
  hop(iface: number, family: number, address: Int32Array): number {
    const slots = this.#slots;
    const first = slotOf(iface, family, address, this.#mask);
    for (let i = 0; i <= this.#mask; i++) {
      const slot = (first + i) & this.#mask;
      const at = slot * SLOT.size;
      // That the header stands, only the atomic look says; of a slot that was found before it is known.
      const state = this.#found[slot] === 1 ? slots[at] : Atomics.load(slots, at);
      if (state === STATE.free) break;
      if (!same(slots, at + SLOT.iface, iface, family, address)) continue;
      if (state !== STATE.known) break;
      this.#found[slot] = 1;
      return slot;
    }
    this.#ask(iface, family, address);
    return -1;
  }

  /** As Ways.slotOf(). */
  slotOf(route: Route): number {
    const { noted } = route;
    // A plain look: it was found before, and means this hop for ever.
    if (noted >= 0 && this.#slots[noted * SLOT.size] === STATE.known) return noted;
    const slot = this.hop(route.iface, route.hopFamily, route.hop);
    route.noted = slot;
    return slot;
  }

  #ask(iface: number, family: number, address: Int32Array): void {
    const hash = slotOf(iface, family, address, 0x7fffffff);
    const place = hash & (REMEMBERED - 1);
    const tick = Atomics.load(this.#control, CONTROL.tick);
    if (this.#askedTick[place] === tick && this.#askedHash[place] === hash) return;
    this.#askedTick[place] = tick;
    this.#askedHash[place] = hash;
    const n = Atomics.add(this.#control, CONTROL.head, 1);
    const at = (n & (QUESTIONS - 1)) * QUESTION.size;
    this.#questions[at + QUESTION.iface] = iface;
    this.#questions[at + QUESTION.family] = family;
    for (let i = 0; i < 4; i++) this.#questions[at + QUESTION.address + i] = address[i];
    Atomics.store(this.#questions, at + QUESTION.stamp, (n + 1) | 0);
    Atomics.notify(this.#control, CONTROL.head);
  }
}

export interface HopMemory {
  control: Int32Array;
  slots: Int32Array;
  questions: Int32Array;
  headers: Uint8Array;
  ports: Int32Array;
}

/** A question, taken out of the ring. */
export interface Question {
  iface: number;
  family: number;
  address: Int32Array;
}

/** The main thread's side of slots and questions. */
export class HopWriter {
  readonly #memory: HopMemory;
  readonly #mask: number;
  #tail = 0;
  #taken = 0;

  constructor(memory: HopMemory) {
    this.#memory = memory;
    this.#mask = memory.ports.length - 1;
  }

  /**
   * Gives a hop its header: `port` of the plane's interfaces, two MACs, and the tag control (0 = none). `known` false: not to
   * be used now. False when there is no slot left: three quarters are taken.
   */
  put(question: Question, known: boolean, port: number, header: Uint8Array): boolean {
    const { slots, headers, ports } = this.#memory;
    const { iface, family, address } = question;
    let slot = slotOf(iface, family, address, this.#mask);
    for (; ; slot = (slot + 1) & this.#mask) {
      const at = slot * SLOT.size;
      if (slots[at] === STATE.free) {
        if (!known) return true;
        if (this.#taken >= (this.#mask + 1) * 0.75) return false;
        this.#taken++;
        slots[at + SLOT.iface] = iface;
        slots[at + SLOT.family] = family;
        slots.set(address, at + SLOT.address);
        break;
      }
      if (same(slots, at + SLOT.iface, iface, family, address)) break;
    }
    if (known) {
      headers.set(header, slot * HEADER);
      ports[slot] = port;
    }
    Atomics.store(slots, slot * SLOT.size, known ? STATE.known : STATE.lost);
    return true;
  }

  /** What workers asked for since the last call. */
  questions(): Question[] {
    const { control, questions } = this.#memory;
    const head = Atomics.load(control, CONTROL.head);
    // Those that were overrun are asked again.
    if (((head - this.#tail) | 0) > QUESTIONS) this.#tail = (head - QUESTIONS) | 0;
    const found: Question[] = [];
    while (this.#tail !== head) {
      const at = (this.#tail & (QUESTIONS - 1)) * QUESTION.size;
      // Not written to its end yet: the next call finds it.
      if (Atomics.load(questions, at) !== ((this.#tail + 1) | 0)) break;
      found.push({
        iface: questions[at + QUESTION.iface],
        family: questions[at + QUESTION.family],
        address: questions.slice(at + QUESTION.address, at + QUESTION.address + 4),
      });
      this.#tail = (this.#tail + 1) | 0;
    }
    return found;
  }
}

function same(words: Int32Array, at: number, iface: number, family: number, address: Int32Array): boolean {
  return (
    words[at] === iface &&
    words[at + 1] === family &&
    words[at + 2] === address[0] &&
    words[at + 3] === address[1] &&
    words[at + 4] === address[2] &&
    words[at + 5] === address[3]
  );
}
