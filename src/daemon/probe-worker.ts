// The entry of the probe thread: the prober with every kind of probe, and nothing else that could make one late.
//   main ─targets→ prober → probes ─results, those of one turn of the loop together→ main
import { type MessagePort, parentPort } from 'node:worker_threads';
import { silent } from '../kit/log.ts';
import type { Ask } from '../probe/dns.ts';
import { makeProbes } from '../probe/index.ts';
import { type ProbeResult, Prober, type ProbeTarget } from '../probe/prober.ts';
import { newRng, systemClock } from './clock.ts';
import { Knocker } from './knock.ts';
import { Pinger } from './ping.ts';

export type ToProbes =
  /** Load the code that these targets need. */
  | { kind: 'load'; targets: readonly ProbeTarget[] }
  /** Probe exactly these from now on; the number comes back with results. */
  | { kind: 'set'; round: number; targets: readonly ProbeTarget[] }
  | { kind: 'close' };

export type FromProbes =
  | { kind: 'loaded' }
  /** What came of targets of that round. */
  | { kind: 'results'; round: number; results: [id: string, result: ProbeResult][] };

// Its code is loaded at the first question: most clusters have no dns check.
const ask: Ask = async question => (await import('../net/ask.ts')).ask(question);

class ProbeWorker {
  readonly #port: MessagePort;
  readonly #pinger = new Pinger();
  readonly #knocker = new Knocker(newRng());
  readonly #prober: Prober;
  #results: [string, ProbeResult][] = [];
  #round = 0;

  constructor(port: MessagePort) {
    this.#port = port;
    this.#prober = new Prober({
      probes: makeProbes(ask, this.#pinger.ping, () => this.#knocker.load()),
      clock: systemClock,
      rng: newRng(),
      log: silent,
      onResult: (id, result) => {
        if (this.#results.push([id, result]) === 1) setImmediate(() => this.#tell());
      },
    });
    port.on('message', (message: ToProbes) => {
      if (message.kind === 'load') void this.#load(message.targets);
      else if (message.kind === 'set') this.#set(message.round, message.targets);
      else void this.#close();
    });
  }

  async #load(targets: readonly ProbeTarget[]): Promise<void> {
    await this.#prober.load(targets);
    this.#port.postMessage({ kind: 'loaded' } satisfies FromProbes);
  }

  #set(round: number, targets: readonly ProbeTarget[]): void {
    this.#tell();
    this.#round = round;
    this.#prober.set(targets);
  }

  #tell(): void {
    if (this.#results.length === 0) return;
    const message: FromProbes = { kind: 'results', round: this.#round, results: this.#results };
    this.#results = [];
    this.#port.postMessage(message);
  }

  async #close(): Promise<void> {
    this.#prober.close();
    this.#knocker.close();
    await this.#pinger.close();
    // Nothing is left to wait for: the thread ends.
    this.#port.close();
  }
}

// Nobody reads where a socket's error came from, and its stack is a good part of what a failed probe costs.
Error.stackTraceLimit = 0;
new ProbeWorker(parentPort as MessagePort);
