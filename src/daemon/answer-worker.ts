// The entry of an answer worker: the DNS sockets and the answer path of one snapshot, on a thread that waits for nobody.
//   sockets ─bytes→ respond (of this generation) ─bytes→ sockets
//   main ─swap→ a new responder, between two queries ─swapped→ main
// Invariant: `respond` is replaced whole or not at all; a snapshot that cannot be opened leaves the old one answering.
import { performance } from 'node:perf_hooks';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { makeResponder, type Respond } from '../dns/chain.ts';
import { COUNTERS } from '../dns/counters.ts';
import type { Settings } from '../dns/settings.ts';
import { openZones } from '../dns/zone/zones.ts';
import { GtmError, reason } from '../kit/errors.ts';
import { SECTION, section } from '../model/snapshot.ts';
import { openTcp, type TcpLimits, type TcpListener } from '../net/tcp.ts';
import { openUdp, type UdpSocket } from '../net/udp.ts';
import { openPools } from '../steer/pick.ts';
import { newRng } from './clock.ts';

export interface Endpoint {
  address: string;
  port: number;
}

export interface WorkerStart {
  listen: readonly Endpoint[];
  /** Connections at once, for each listen address; idle in milliseconds. */
  tcp: TcpLimits;
  /** Most octets of a reply over UDP. */
  udpSize: number;
  settings: Settings | undefined;
  snapshot: SharedArrayBuffer;
  state: Uint32Array;
  /** On shared memory: the cells of COUNTERS, then those of NET_COUNTERS. */
  counters: Float64Array;
}

export type ToWorker =
  | { kind: 'swap'; id: number; snapshot: SharedArrayBuffer; state: Uint32Array }
  | { kind: 'close'; drain: number };

export type FromWorker =
  /** Where it listens (ports chosen), and what could not be opened. */
  | { kind: 'ready'; listening: Endpoint[]; faults: { code: string; message: string }[] }
  | { kind: 'swapped'; id: number; fault?: string }
  /** Something to be logged that stops nothing. */
  | { kind: 'fault'; message: string };

/** A free port has to be free for UDP and for TCP: so often another is tried. */
const PORT_TRIES = 10;
/** Faults of one kind come in crowds: at most one line in so many milliseconds. */
const FAULT_PAUSE = 1000;

class AnswerWorker {
  readonly #start: WorkerStart;
  readonly #port: MessagePort;
  readonly #sockets: (UdpSocket | TcpListener)[] = [];
  #respond: Respond;
  #lastFault = Number.NEGATIVE_INFINITY;

  constructor(start: WorkerStart, port: MessagePort) {
    this.#start = start;
    this.#port = port;
    this.#respond = this.#responder(start.snapshot, start.state);
    port.on('message', (message: ToWorker) => {
      if (message.kind === 'swap') this.#swap(message);
      else void this.#close(message.drain);
    });
  }

  /** Opens every listen address and tells what came of it. */
  async open(): Promise<void> {
    const listening: Endpoint[] = [];
    const faults: { code: string; message: string }[] = [];
    for (const endpoint of this.#start.listen) {
      try {
        listening.push(await this.#listen(endpoint));
      } catch (e) {
        const code = e instanceof GtmError ? e.code : 'GTM_LISTEN';
        faults.push({ code, message: e instanceof GtmError ? e.message : reason(e) });
      }
    }
    this.#tell({ kind: 'ready', listening, faults });
  }

  async #listen({ address, port }: Endpoint): Promise<Endpoint> {
    const { counters, tcp: limits, udpSize } = this.#start;
    const common = {
      address,
      respond: ((query, length, out, client, at) => this.#respond(query, length, out, client, at)) as Respond,
      now,
      onError: (e: Error) => this.#complain('dns socket', e),
      counters: counters.subarray(COUNTERS.length),
    };
    for (let left = PORT_TRIES; ; left--) {
      const tcp = await openTcp({ ...common, port, ...limits });
      try {
        const chosen = tcp.address().port;
        const udp = await openUdp({ ...common, port: chosen, replySize: udpSize });
        this.#sockets.push(tcp, udp);
        return { address, port: chosen };
      } catch (e) {
        await tcp.close(0);
        if (port !== 0 || left === 0) throw e;
      }
    }
  }

  #responder(snapshot: SharedArrayBuffer, state: Uint32Array): Respond {
    return makeResponder({
      zones: openZones(section(snapshot, SECTION.zones)),
      steering: openPools(section(snapshot, SECTION.pools), state, newRng()),
      udpSize: this.#start.udpSize,
      settings: this.#start.settings,
      seconds,
      counters: this.#start.counters.subarray(0, COUNTERS.length),
      onFault: thrown => this.#complain('a query was answered SERVFAIL for a fault of our own', thrown),
    });
  }

  #swap({ id, snapshot, state }: ToWorker & { kind: 'swap' }): void {
    try {
      this.#respond = this.#responder(snapshot, state);
      this.#tell({ kind: 'swapped', id });
    } catch (e) {
      this.#tell({ kind: 'swapped', id, fault: reason(e) });
    }
  }

  async #close(drain: number): Promise<void> {
    await Promise.all(this.#sockets.map(s => s.close(drain)));
    // Nothing is left to wait for: the thread ends.
    this.#port.close();
  }

  #complain(what: string, thrown: unknown): void {
    if (now() - this.#lastFault < FAULT_PAUSE) return;
    this.#lastFault = now();
    const where = thrown instanceof Error ? (thrown.stack?.split('\n')[1]?.trim() ?? '') : '';
    this.#tell({ kind: 'fault', message: `${what}: ${reason(thrown)} ${where}`.trimEnd() });
  }

  #tell(message: FromWorker): void {
    this.#port.postMessage(message);
  }
}

// Whole seconds since 1970 in 32 bits, as cookies count them.
function seconds(): number {
  return Math.floor(Date.now() / 1000) | 0;
}

// Whole milliseconds: small integers take no memory.
function now(): number {
  return Math.floor(performance.now());
}

await new AnswerWorker(workerData as WorkerStart, parentPort as MessagePort).open();
