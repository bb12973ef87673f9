// What every answer worker does besides its sockets: it holds the responder of one snapshot, and takes up the next.
//   main ─swap→ a new responder, between two queries ─swapped→ main
// Invariant: `respond` is replaced whole or not at all; a snapshot that cannot be opened leaves the old one answering.
import { performance } from 'node:perf_hooks';
import type { MessagePort } from 'node:worker_threads';
import { makeResponder, type Respond, type ResponderOptions } from '../dns/chain.ts';
import { COUNTERS } from '../dns/counters.ts';
import type { PacketCache } from '../dns/packet-cache.ts';
import type { Settings } from '../dns/settings.ts';
import { openZones } from '../dns/zone/zones.ts';
import { GtmError, reason } from '../kit/errors.ts';
import { SECTION, section } from '../model/snapshot.ts';
import { openPools } from '../steer/pick.ts';
import { newRng } from './clock.ts';

export interface Endpoint {
  address: string;
  port: number;
}

/** What is answered from: it changes with every swap. */
export interface Served {
  snapshot: SharedArrayBuffer;
  /** Where its zones lie, unless they are in the snapshot itself. */
  arena?: SharedArrayBuffer | undefined;
  state: Uint32Array;
  /** How is answered beyond the zones; see dns/settings.ts. */
  settings?: Settings | undefined;
}

/** How is answered: plain data, fixed at start. */
export type Answering = Omit<
  ResponderOptions,
  'zones' | 'steering' | 'settings' | 'counters' | 'seconds' | 'onFault' | 'cache'
>;

export interface PathStart {
  served: Served;
  answering: Answering;
  /** On shared memory: the cells of COUNTERS, then those of NET_COUNTERS. */
  counters: Float64Array;
}

export type ToWorker = { kind: 'swap'; id: number; served: Served } | { kind: 'close'; drain: number };

export interface ListenFault {
  code: string;
  message: string;
}

/** What is told of an address that could not be opened. */
export function toFault(thrown: unknown): ListenFault {
  if (thrown instanceof GtmError) return { code: thrown.code, message: thrown.message };
  return { code: 'GTM_LISTEN', message: reason(thrown) };
}

export type FromWorker =
  /** Where it listens (ports chosen), and what could not be opened. */
  | { kind: 'ready'; listening: Endpoint[]; faults: ListenFault[] }
  | { kind: 'swapped'; id: number; fault?: string }
  /** Something to be logged that stops nothing. */
  | { kind: 'fault'; message: string };

/** Faults of one kind come in crowds: at most one line in so many milliseconds. */
const FAULT_PAUSE = 1000;

export class AnswerPath {
  respond: Respond;
  /** The cells of NET_COUNTERS. */
  readonly netCounters: Float64Array;
  readonly #start: PathStart;
  readonly #port: MessagePort;
  readonly #cache: PacketCache | undefined;
  #lastFault = Number.NEGATIVE_INFINITY;

  /** `cache`: one that the worker's sockets ask first; it goes on to the responder of each snapshot. */
  constructor(start: PathStart, port: MessagePort, cache?: PacketCache) {
    this.#start = start;
    this.#port = port;
    this.#cache = cache;
    this.netCounters = start.counters.subarray(COUNTERS.length);
    this.respond = this.#responder(start.served);
  }

  /** Takes up what is to be served from now on, and says so. */
  swap({ id, served }: ToWorker & { kind: 'swap' }): void {
    try {
      this.respond = this.#responder(served);
      this.tell({ kind: 'swapped', id });
    } catch (e) {
      this.tell({ kind: 'swapped', id, fault: reason(e) });
    }
  }

  complain(what: string, thrown: unknown): void {
    if (now() - this.#lastFault < FAULT_PAUSE) return;
    this.#lastFault = now();
    const where = thrown instanceof Error ? (thrown.stack?.split('\n')[1]?.trim() ?? '') : '';
    this.tell({ kind: 'fault', message: `${what}: ${reason(thrown)} ${where}`.trimEnd() });
  }

  tell(message: FromWorker): void {
    this.#port.postMessage(message);
  }

  #responder({ snapshot, arena, state, settings }: Served): Respond {
    return makeResponder({
      ...this.#start.answering,
      zones: openZones(section(snapshot, SECTION.zones), arena),
      settings,
      steering: openPools(section(snapshot, SECTION.pools), state, newRng()),
      counters: this.#start.counters.subarray(0, COUNTERS.length),
      seconds,
      cache: this.#cache,
      onFault: thrown => this.complain('a query was answered SERVFAIL for a fault of our own', thrown),
    });
  }
}

/** Whole seconds since 1970 in 32 bits, as cookies count them. */
function seconds(): number {
  return Math.floor(Date.now() / 1000) | 0;
}

/** Whole milliseconds of a monotonic clock: small integers take no memory. */
export function now(): number {
  return Math.floor(performance.now());
}
