// What the parts of the packet path share: tables, options, the packet's result, the seams. One for each Director.
// Invariant: everything here is made once; the packet path fills it anew and allocates nothing.
import type { Memory } from '../kit/memory.ts';
import type { Rng } from '../kit/rng.ts';
import { Route, type Routes, SYSCTL, type Sysctl } from './config.ts';
import { Defence } from './defence.ts';
import { Isn, type IsnSource } from './forward/isn.ts';
import { Life } from './life.ts';
import { Packet } from './packet/parse.ts';
import type { Flow } from './sched/scheduler.ts';
import type { Dest } from './service.ts';
import { Services } from './services.ts';
import { DROP, HOST, Out, TRANSMIT, type Verdict } from './verdict.ts';

/** The director's own messages: room for outer headers, then at most 1280 bytes. */
const SCRATCH = 64 + 1280;

export class Core {
  readonly sysctl: Sysctl;
  readonly services: Services;
  readonly life: Life;
  readonly defence: Defence;
  readonly routes: Routes;
  readonly out: Out = new Out();
  /** The packet that an ICMP error quotes; a template's key; a packet that goes out. */
  readonly quote = new Packet();
  readonly key = new Packet();
  readonly outgoing = new Packet();
  readonly route = new Route();
  readonly words: Int32Array = new Int32Array(4);
  /** Source address of a message. */
  readonly from: Int32Array = new Int32Array(4);
  readonly scratch: Uint8Array = new Uint8Array(SCRATCH);
  /** Monotonic ms as they were given. */
  ms = 0;
  /** Grows when the routes change. */
  generation = 0;
  /** Identification of the director's own IPv4 packets. */
  id: number;
  readonly seed: number;
  readonly isn: Isn;
  /** The first service makes the director look at packets, one family at a time. */
  enabled4 = false;
  enabled6 = false;
  /** What schedule() says where it opened no connection: CONTINUE or a verdict. */
  refusal = 0;
  readonly flow4: Flow = {
    family: 4,
    source: new Uint8Array(4),
    sourcePort: 0,
    destination: new Uint8Array(4),
  };
  readonly flow6: Flow = {
    family: 6,
    source: new Uint8Array(16),
    sourcePort: 0,
    destination: new Uint8Array(16),
  };

  constructor(
    capacity: number,
    routes: Routes,
    local: readonly string[],
    sysctl: Partial<Sysctl>,
    rng: Rng,
    memory: Memory,
    isn?: IsnSource,
  ) {
    this.sysctl = { ...SYSCTL, ...sysctl };
    this.routes = routes;
    this.services = new Services(local, rng, () => this.ms);
    this.seed = rng() | 0;
    this.id = rng() & 0xffff;
    this.isn = new Isn(isn ?? { key: Int32Array.of(this.seed, this.id, 0, 0), since: 0 });
    this.life = new Life(capacity, rng(), 0, this.services, memory);
    this.defence = new Defence(this.sysctl, this.life);
  }

  /** The verdict DROP for the reason `why`. */
  drop(why: number): Verdict {
    this.out.reason = why;
    return DROP;
  }

  /** The verdict HOST: the packet as it is in `p`. */
  host(p: Packet, why: number): Verdict {
    this.#show(p);
    this.out.reason = why;
    return HOST;
  }

  /** The verdict TRANSMIT: `p` as it is now, by `route`, in fragments if it is longer than the route's MTU. */
  transmit(p: Packet, route: Route, why: number): Verdict {
    const { out } = this;
    this.#show(p);
    out.route = route;
    // What came in fragments leaves in fragments no larger than they were.
    if (p.largest > 0) out.fragment = p.largest < route.mtu ? p.largest : route.mtu;
    else if (out.length > route.mtu) out.fragment = route.mtu;
    out.reason = why;
    return TRANSMIT;
  }

  #show(p: Packet): void {
    const { out } = this;
    out.frame = p.frame;
    out.offset = p.at;
    out.length = p.end - p.at;
    out.family = p.family;
    out.fragment = 0;
  }

  /** Whether the way to a server is known; asked once a generation of the routes. */
  reach(dest: Dest): boolean {
    if (dest.routed !== this.generation) {
      dest.reachable = this.#ask(dest.family, dest.d, dest.route);
      dest.routed = this.generation;
    }
    return dest.reachable;
  }

  /** Whether the way to a packet's destination is known: core.route, asked anew. */
  reachDestination(p: Packet): boolean {
    return this.reachAddress(p.family, p.d0, p.d1, p.d2, p.d3);
  }

  /** The same of the client of connection `c`. */
  reachClient(c: number): boolean {
    const { table } = this.life;
    table.clientOf(c, this.words);
    return this.#ask(table.familyOf(c), this.words, this.route);
  }

  reachAddress(family: number, a0: number, a1: number, a2: number, a3: number): boolean {
    const { words } = this;
    words[0] = a0;
    words[1] = a1;
    words[2] = a2;
    words[3] = a3;
    return this.#ask(family, words, this.route);
  }

  #ask(family: number, address: Int32Array, route: Route): boolean {
    route.noted = -1;
    return this.routes.find(family, address, route);
  }
}
