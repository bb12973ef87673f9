// The ways of the kernel, kept for the workers: listed once, listened to from then on.
//   openWays (main thread) ─shared memory→ readWays (each worker, routes-read.ts): routes.ts, neighbours.ts
// Invariant: a change that the kernel had to leave out makes everything be listed anew.
import { GtmError, reason } from '../../kit/errors.ts';
import { parseIp } from '../../kit/ip.ts';
import type { Log } from '../../kit/log.ts';
import { Route } from '../../lvs/config.ts';
import type { Libc } from '../../nic/libc.ts';
import { openRtnetlink, type Rtnetlink, watchRtnetlink } from '../../nic/rtnetlink.ts';
import type { Change, Link } from '../../nic/rtnetlink-read.ts';
import { type HopMemory, HopWriter, QUESTION, QUESTIONS, SLOT } from './neighbours.ts';
import { NeighbourKeeper } from './neighbours-keep.ts';
import { CONTROL, RouteReader, tableSize } from './routes.ts';
import { wordsOf, writeRoutes } from './routes-build.ts';
import type { KernelShared } from './routes-read.ts';
import { HEADER, type WaysSource } from './ways.ts';

/** Next hops that workers can know of; a power of two. */
const SLOTS = 16_384;
/** Room for so many places at which routes change: four times what is there now, and this. */
const PLACES = 16_384;
/** Milliseconds between two looks at what changed; and while somebody waits for a neighbour. */
const PACE = { idle: 25, waiting: 2 } as const;
/** A table is listed anew at most so often: this many times as long as the last time took. */
const REST = 20;

export interface WaysOptions {
  libc: Libc;
  /** The director's interfaces by name, in the order of its ports. */
  interfaces: readonly string[];
  log: Log;
  /** Called when the set of links or addresses changed. */
  onChange?: () => void;
}

/** Lists what the kernel knows and listens to it. Throws GTM_SYSCALL, GTM_NETLINK, GTM_PLANE for an interface that is none. */
export function openWays(options: WaysOptions): KernelWays {
  const rt = openRtnetlink(options.libc);
  let watch: ReturnType<typeof watchRtnetlink> | undefined;
  try {
    // Before the first list: nothing falls between the two.
    watch = watchRtnetlink(options.libc);
    return new KernelWays(options, rt, watch);
  } catch (e) {
    watch?.close();
    rt.close();
    throw e;
  }
}

export class KernelWays implements WaysSource {
  readonly shared: KernelShared;
  readonly #rt: Rtnetlink;
  readonly #watch: ReturnType<typeof watchRtnetlink>;
  readonly #log: Log;
  readonly #onChange: () => void;
  readonly #keeper: NeighbourKeeper;
  readonly #writer: HopWriter;
  #links: ReadonlyMap<number, Link>;
  #wanted: readonly Uint8Array[] = [];
  #own: ReadonlySet<string> = new Set();
  #stale = { routes: true, links: true };
  /** When routes may be listed again, by the monotonic clock. */
  #notBefore = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: WaysOptions, rt: Rtnetlink, watch: ReturnType<typeof watchRtnetlink>) {
    this.#rt = rt;
    this.#watch = watch;
    this.#log = options.log;
    this.#onChange = options.onChange ?? (() => {});
    this.#links = this.#listLinks();
    const ports = new Map<number, number>();
    options.interfaces.forEach((name, port) => {
      const link = [...this.#links.values()].find(l => l.name === name);
      if (link === undefined)
        throw new GtmError('GTM_PLANE', `interface ${name}: there is none of that name on this host`);
      ports.set(link.index, port);
    });
    const routes = rt.routes();
    const layout = { places: routes.length * 4 + PLACES, ways: routes.length * 2 + 1024 };
    const words = (n: number) => new Int32Array(new SharedArrayBuffer(n * 4));
    const control = words(CONTROL.size);
    const hops: HopMemory = {
      control,
      slots: words(SLOTS * SLOT.size),
      questions: words(QUESTIONS * QUESTION.size),
      headers: new Uint8Array(new SharedArrayBuffer(SLOTS * HEADER)),
      ports: words(SLOTS),
    };
    this.shared = { kind: 'kernel', control, routes: words(tableSize(layout) * 2), layout, hops };
    this.#writer = new HopWriter(hops);
    this.#keeper = new NeighbourKeeper(rt, this.#writer, ports, options.log);
    this.#list();
    this.#keeper.setNeighbours(rt.neighbours());
    this.#listen();
    this.#plan();
  }

  want(addresses: readonly string[]): void {
    this.#wanted = addresses.map(a => parseIp(a)).filter(a => a !== undefined);
    this.#wantHops();
    this.#plan();
  }

  /** Addresses that come and go with services: not what the host speaks from. */
  setOwn(addresses: readonly string[]): void {
    this.#own = new Set(addresses.map(a => parseIp(a)?.join() ?? a));
    this.#stale.routes = true;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    Atomics.notify(this.shared.control, CONTROL.head);
    this.#keeper.close();
    this.#watch.close();
    this.#rt.close();
  }

  // A worker's question wakes us at once; changes are looked for now and then.
  #listen(): void {
    if (this.#closed) return;
    const { control } = this.shared;
    const seen = Atomics.load(control, CONTROL.head);
    this.#answer();
    const woken = Atomics.waitAsync(control, CONTROL.head, seen);
    if (woken.async) void woken.value.then(() => this.#listen());
    else setImmediate(() => this.#listen());
  }

  #answer(): void {
    const now = performance.now();
    for (const question of this.#writer.questions()) this.#keeper.ask(question, now);
    if (this.#keeper.waiting) this.#plan();
  }

  #plan(): void {
    clearTimeout(this.#timer);
    const pace = this.#keeper.waiting ? PACE.waiting : PACE.idle;
    this.#timer = setTimeout(() => this.#turn(), pace).unref();
  }

  #turn(): void {
    if (this.#closed) return;
    try {
      const now = performance.now();
      Atomics.add(this.shared.control, CONTROL.tick, 1);
      const { changes, lost } = this.#watch.changes();
      for (const change of changes) this.#note(change, now);
      if (lost) {
        this.#stale = { routes: true, links: true };
        this.#keeper.setNeighbours(this.#rt.neighbours());
      }
      this.#keeper.turn(now);
      if ((this.#stale.routes || this.#stale.links) && now >= this.#notBefore) this.#list();
    } catch (e) {
      this.#log.error({ err: reason(e) }, `routes and neighbours: ${reason(e)}`);
      this.#stale = { routes: true, links: true };
      this.#notBefore = performance.now() + 1000;
    }
    this.#plan();
  }

  #note(change: Change, now: number): void {
    if (change.kind === 'neighbour') this.#keeper.heard(change.neighbour, change.gone, now);
    else {
      this.#stale.routes = true;
      if (change.kind === 'link') this.#stale.links = true;
    }
  }

  #list(): void {
    const begun = performance.now();
    if (this.#stale.links) {
      this.#links = this.#listLinks();
      this.#keeper.setLinks(this.#links);
    }
    this.#stale = { routes: false, links: false };
    const facts = { links: this.#links, addresses: this.#rt.addresses(), routes: this.#rt.routes() };
    const { control, routes, layout } = this.shared;
    if (!writeRoutes(control, routes, layout, facts, this.#own))
      this.#log.error(
        { routes: facts.routes.length, room: layout.places },
        `routes: ${facts.routes.length} are more than there was room for at start; those of before count until a restart`,
      );
    this.#wantHops();
    const end = performance.now();
    this.#notBefore = end + (end - begun) * REST;
    this.#onChange();
  }

  // The next hops towards what services need, by the table as it is now.
  #wantHops(): void {
    const { control, routes, layout } = this.shared;
    const reader = new RouteReader(control, routes, layout);
    const route = new Route();
    const hops = this.#wanted.flatMap(address => {
      const family = address.length === 4 ? 4 : 6;
      if (!reader.find(family, Int32Array.from(wordsOf(address)), route) || route.local) return [];
      return [{ iface: route.iface, address: octets(route.hopFamily, route.hop) }];
    });
    this.#keeper.want(hops, performance.now());
  }

  #listLinks(): Map<number, Link> {
    return new Map(this.#rt.links().map(l => [l.index, l]));
  }
}

function octets(family: number, words: Int32Array): Uint8Array {
  return Uint8Array.from({ length: family === 4 ? 4 : 16 }, (_, i) => words[i >> 2] >>> (24 - 8 * (i & 3)));
}
