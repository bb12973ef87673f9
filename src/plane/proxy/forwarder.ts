// All services of a worker: reconciles what is open to what is wanted.
// Invariant: a service that stays keeps its socket, its connections and its scheduler's state; one that goes closes its
// socket at once, and its open TCP connections go on until they end.
import type { ConnectionRow } from '../../model/service.ts';
import type { Listener, Warn } from './listener.ts';
import type { Fault, Job } from './message.ts';
import { Service } from './service.ts';
import { TcpListener } from './tcp.ts';
import { UdpListener } from './udp.ts';

interface Entry {
  service: Service;
  listener: Listener;
  listening: boolean;
}

/** Steps in which close() looks whether all has ended, milliseconds. */
const STEP = 10;

export class Forwarder {
  readonly #warn: Warn;
  readonly #entries = new Map<string, Entry>();
  #leaving: Listener[] = [];

  constructor(warn: Warn) {
    this.#warn = warn;
  }

  /** Forwards exactly these services. One that could not be opened is named in the result and tried again at the next call. */
  async apply(jobs: readonly Job[]): Promise<Fault[]> {
    const wanted = new Set(jobs.map(j => j.spec.key));
    for (const [key, entry] of this.#entries) {
      if (wanted.has(key)) continue;
      entry.listener.stop();
      this.#leaving.push(entry.listener);
      this.#entries.delete(key);
    }
    this.#leaving = this.#leaving.filter(l => l.open > 0);
    const faults = await Promise.all(jobs.map(job => this.#put(job)));
    return faults.flatMap((fault, i) => (fault === undefined ? [] : [{ key: jobs[i].spec.key, fault }]));
  }

  weigh(vip: string, realServer: string, weight: number): void {
    for (const { service } of this.#entries.values()) {
      if (service.spec.vip === vip) service.weigh(realServer, weight);
    }
  }

  /** What is open, at most `limit` rows. */
  connections(limit: number): ConnectionRow[] {
    const rows: ConnectionRow[] = [];
    const now = performance.now();
    for (const { listener } of this.#entries.values()) listener.list(rows, limit, now);
    for (const listener of this.#leaving) listener.list(rows, limit, now);
    return rows;
  }

  /** Takes nothing new; what is open gets `grace` milliseconds to end, then it is cut. */
  async close(grace: number): Promise<void> {
    await this.apply([]);
    const until = performance.now() + grace;
    while (this.#leaving.some(l => l.open > 0) && performance.now() < until) await pause(STEP);
    for (const l of this.#leaving) l.cut();
    await pause(STEP);
  }

  async #put(job: Job): Promise<string | undefined> {
    let entry = this.#entries.get(job.spec.key);
    if (entry === undefined) {
      const service = new Service(job);
      const Kind = job.spec.protocol === 'tcp' ? TcpListener : UdpListener;
      entry = { service, listener: new Kind(service, this.#warn), listening: false };
      this.#entries.set(job.spec.key, entry);
    } else entry.service.update(job);
    if (entry.listening) return undefined;
    const fault = await entry.listener.listen();
    entry.listening = fault === undefined;
    return fault;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
