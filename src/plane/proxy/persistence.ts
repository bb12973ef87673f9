// Persistence templates: which server a client address goes back to (ip_vs_core.c, ip_vs_sched_persist).
// A template lives for the persistence time after the client's last connection began or ended, and as long as one is
// open. Invariant: the map is in order of use, and never larger than its limit: the one used longest ago makes room.
import type { RealServer } from './real-server.ts';

/** What a template with open connections is prolonged by when its time is over, milliseconds; the kernel's value. */
const PROLONG = 60_000;
/** Templates looked at for expiry at each use: enough that the dead are gone sooner than new ones come. */
const SWEEP = 4;

interface Template {
  server: RealServer;
  /** Monotonic milliseconds. */
  until: number;
  open: number;
}

export class Templates {
  readonly #map = new Map<string, Template>();
  #lifetime = 0;
  #limit = 0;

  get size(): number {
    return this.#map.size;
  }

  /** `lifetime`: milliseconds; 0 ends persistence and forgets all. */
  configure(lifetime: number, limit: number): void {
    this.#lifetime = lifetime;
    this.#limit = limit;
    if (lifetime === 0) this.#map.clear();
  }

  /**
   * The server that the client goes back to; undefined if there is none, or it was removed. A weight of 0 does not
   * matter: quiescing keeps the clients it has (the kernel's expire_quiescent_template=0), nor does overload.
   */
  find(client: string, now: number): RealServer | undefined {
    const t = this.#map.get(client);
    if (t === undefined || (t.until <= now && t.open === 0) || t.server.at < 0) return undefined;
    return t.server;
  }

  /** The client's next connections go to `server`. */
  bind(client: string, server: RealServer, now: number): void {
    if (this.#lifetime === 0) return;
    const open = this.#map.get(client)?.open ?? 0;
    this.#put(client, { server, until: now + this.#lifetime, open });
    this.#sweep(now);
  }

  /** A connection of the client began (`step` 1) or ended (-1). */
  use(client: string, step: 1 | -1, now: number): void {
    const t = this.#map.get(client);
    if (t === undefined) return;
    t.open = Math.max(0, t.open + step);
    t.until = now + this.#lifetime;
    this.#put(client, t);
  }

  #put(client: string, t: Template): void {
    this.#map.delete(client);
    this.#map.set(client, t);
  }

  #sweep(now: number): void {
    let left = SWEEP;
    for (const [client, t] of this.#map) {
      const over = t.until <= now;
      if (this.#map.size > this.#limit || (over && t.open === 0)) this.#map.delete(client);
      else if (over) this.#put(client, { ...t, until: now + PROLONG });
      if (!over || --left === 0) return;
    }
  }
}
