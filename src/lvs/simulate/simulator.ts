// One packet's way through a Director, watched at every hook: the picture of LVS tutorials from the running code.
//   services → reconcile → Director with watchers in its hook lists → handle(packet) → Way: stops, verdict, what goes out
// Routes are as if every address were one hop away; MACs are names (`mac(client-gw)`, `mac(fra-1)`, `mac(web-1)`).
// Invariant: the watchers change nothing: a Director without them says the same of the same packets.
import { formatEndpoint, formatIp, parseIp } from '../../kit/ip.ts';
import { seeded } from '../../kit/rng.ts';
import type { ServiceSpec } from '../../model/service.ts';
import { wordsOf } from '../address.ts';
import type { Route, Routes } from '../config.ts';
import { Director, HEADROOM, type ServiceInfo } from '../director.ts';
import { CONTINUE, type Hook, POINT } from '../hooks.ts';
import { reconcile } from '../reconcile.ts';
import { REASON, type ReasonName, VERDICT, type Verdict } from '../verdict.ts';
import { type Hints, innermost, type Mac, type PacketView, viewOf } from './view.ts';
import { MEANING } from './words.ts';

export interface Setting {
  services: readonly ServiceSpec[];
  /** What the director is called. */
  name: string;
  /** Addresses that it speaks from, where they are known: outer sources of tunnels. */
  source4?: string;
  source6?: string;
}

/** A function of a hook list, and what it did with the packet. */
export interface HookView {
  name: string;
  priority: number;
  did: string;
}

/** One of the five points of the way. */
export interface Stop {
  point: (typeof POINT)[number];
  before: PacketView;
  hooks: HookView[];
  /** Where a hook rewrote it, or made something else of it. */
  after?: PacketView;
}

export interface Way {
  arrives: PacketView;
  stops: Stop[];
  verdict: (typeof VERDICT)[number];
  reason: ReasonName;
  meaning: string;
  /** What is on the wire behind the director; of `host` what its own stack gets. */
  leaves?: PacketView;
  /** It is cut into fragments of at most so many bytes. */
  fragments?: number;
}

/** Position of the service, key of its server, and whether the packet opened a connection to it. */
export interface Served {
  service: number;
  server: string;
  opened: boolean;
}

/** What handle() did, with what the explanation needs besides. */
export interface Passed {
  way: Way;
  /** The bytes of what went out. */
  out: Uint8Array;
  /** The services before it, and the server whose counters moved. */
  before: readonly ServiceInfo[];
  served?: Served;
}

/** The hooks' counters before a packet. */
type Counts = ReadonlyMap<Hook, { seen: number; why: Float64Array }>;

/** Where the director's own address is not known; never shown. */
const NOWHERE = { 4: '0.0.0.1', 6: '::2' } as const;
/** Connections that the simulation holds. */
const CAPACITY = 65_536;
const SEED = 1;

export class Simulator {
  readonly director: Director;
  readonly services: readonly ServiceSpec[];
  readonly name: string;
  /** Services and servers that the director does not take. */
  readonly faults: readonly { key: string; fault: string }[];
  readonly hints: Hints;
  readonly #names: ReadonlyMap<string, string>;
  readonly #own: readonly string[];
  #seen: { point: number; bytes: Uint8Array }[] = [];
  #last: ServiceInfo[];

  constructor({ services, name, source4, source6 }: Setting) {
    this.services = services;
    this.name = name;
    const source = { 4: source4 ?? NOWHERE[4], 6: source6 ?? NOWHERE[6] };
    const routes = new OneHop(source);
    this.director = new Director({ capacity: CAPACITY, routes, rng: seeded(SEED) });
    this.faults = reconcile(this.director, services).faults;
    for (const point of POINT.keys())
      this.director.hooks.add('watch', point, Number.NEGATIVE_INFINITY, p => {
        this.#seen.push({ point, bytes: p.frame.slice(p.at, p.end) });
        return CONTINUE;
      });
    const tunnels = services.filter(s => s.forward === 'tun' && s.tunnel.type === 'gue');
    this.hints = {
      gue: new Set(tunnels.map(s => s.tunnel.port)),
      toa: services.find(s => s.forward === 'fullnat')?.toa ?? 0,
    };
    const servers = services.flatMap(s => s.realServers);
    // One host may be named in one service and not in another.
    this.#names = new Map(
      [...servers.filter(rs => rs.name === rs.key), ...servers.filter(rs => rs.name !== rs.key)].map(rs => [
        canonical(rs.address),
        rs.name === rs.key ? canonical(rs.address) : rs.name,
      ]),
    );
    this.#own = Object.values(NOWHERE);
    this.#last = this.director.services();
  }

  /** Sends one IP packet through at `now` (monotonic ms). `mac`: of its frame, where known. */
  pass(packet: Uint8Array, now: number, mac: Mac): Passed {
    const { director } = this;
    const before = this.#last;
    this.#seen = [];
    const counts = this.#counts();
    const frame = new Uint8Array(HEADROOM + packet.length);
    frame.set(packet, HEADROOM);
    director.tick(now);
    const verdict = director.handle(frame, HEADROOM, packet.length, now);
    this.#last = director.services();
    const { out } = director;
    const bytes = verdict === 0 ? new Uint8Array(0) : out.frame.slice(out.offset, out.offset + out.length);
    const served = movement(before, this.#last);
    const onward = this.#onward(verdict, mac, bytes);
    const way: Way = {
      arrives: this.#show(packet, mac),
      stops: this.#stops(counts, verdict, bytes, mac, onward),
      verdict: VERDICT[verdict],
      reason: REASON[out.reason],
      meaning: MEANING[REASON[out.reason]],
    };
    if (verdict !== 0) way.leaves = this.#show(bytes, onward);
    if (out.fragment > 0) way.fragments = out.fragment;
    return { way, out: bytes, before, ...(served && { served }) };
  }

  /** The headers of a packet, with the director's name where its address is not known. */
  #show(bytes: Uint8Array, mac: Mac | undefined): PacketView {
    const view = viewOf(bytes, this.hints, mac);
    for (const h of view.headers)
      if (h.kind === 'ip' && this.#own.includes(h.source)) h.source = `address(${this.name})`;
    return view;
  }

  // Who the frame goes to next: the server whose address the packet has, or, where it has the client's or still the virtual
  // address, whom the hop says.
  #onward(verdict: Verdict, mac: Mac, bytes: Uint8Array): Mac | undefined {
    if (verdict === 0 || verdict === 1) return mac;
    if (bytes.length === 0) return undefined;
    const { route } = this.director.out;
    const size = route.hopFamily === 4 ? 4 : 16;
    const hop = new Uint8Array(size);
    for (let i = 0; i < size; i++) hop[i] = route.hop[i >> 2] >>> (24 - 8 * (i & 3));
    const server = this.#names.get(formatIp(hop));
    const back = mac.source === `mac(${server})` || verdict === 3;
    return {
      source: mac.destination,
      destination: back ? mac.source : server === undefined ? 'mac(client-gw)' : `mac(${server})`,
    };
  }

  #counts(): Counts {
    const all = POINT.flatMap((_, point) => this.director.hooks.list(point));
    return new Map(all.map(h => [h, { seen: h.seen, why: h.why.slice() }]));
  }

  #stops(counts: Counts, verdict: Verdict, out: Uint8Array, mac: Mac, onward: Mac | undefined): Stop[] {
    return this.#seen.map(({ point, bytes }, i) => {
      const hooks = this.director.hooks.list(point).filter(h => h.name !== 'watch');
      // From LOCAL_OUT on, and behind FORWARD, the next hop is known.
      const left = point === POINT.indexOf('LOCAL_OUT') || point === POINT.indexOf('POSTROUTING');
      const stop: Stop = {
        point: POINT[point],
        before: this.#show(bytes, left ? onward : mac),
        hooks: hooks.map(h => ({ name: h.name, priority: h.priority, did: didOf(h, counts, left) })),
      };
      const next = this.#seen[i + 1]?.bytes ?? out;
      if (verdict !== 0 && !left && !sameBytes(next, bytes)) stop.after = this.#show(next, onward);
      return stop;
    });
  }
}

/** `mac(NAME)` of what stands before the director, and of the director itself. */
export function arrivalMac(name: string): Mac {
  return { source: 'mac(client-gw)', destination: `mac(${name})` };
}

/** The packet that a real server finds: out of its tunnel. */
export function received(simulator: Simulator, out: Uint8Array): Uint8Array {
  return innermost(out, simulator.hints);
}

class OneHop implements Routes {
  readonly #source: { readonly 4: Int32Array; readonly 6: Int32Array };

  constructor(source: { 4: string; 6: string }) {
    this.#source = { 4: wordsOf(source[4]), 6: wordsOf(source[6]) };
  }

  find(family: number, address: Int32Array, route: Route): boolean {
    route.mtu = 1500;
    route.local = false;
    route.hop.set(address);
    route.hopFamily = family;
    route.source.set(this.#source[family === 4 ? 4 : 6]);
    route.iface = 1;
    return true;
  }
}

function didOf(hook: Hook, counts: Counts, left: boolean): string {
  const was = counts.get(hook);
  if (was === undefined || hook.seen === was.seen) return 'is not asked';
  const why = hook.why.findIndex((n, i) => n > was.why[i]);
  if (why >= 0) return `decides: ${REASON[why]} (${MEANING[REASON[why]]})`;
  return left && hook.own ? 'lets it pass: LVS’s own packet' : 'lets it pass';
}

// The server whose packet counters grew: who was served.
function movement(before: readonly ServiceInfo[], after: readonly ServiceInfo[]): Served | undefined {
  for (const [i, s] of after.entries())
    for (const [j, d] of s.dests.entries()) {
      const was = before[i].dests[j].counters;
      if (d.counters.inpkts !== was.inpkts || d.counters.outpkts !== was.outpkts)
        return {
          service: i,
          server: formatEndpoint(d.address, d.port),
          opened: d.counters.conns !== was.conns,
        };
    }
  return undefined;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i]);
}

function canonical(address: string): string {
  const bytes = parseIp(address);
  return bytes === undefined ? address : formatIp(bytes);
}
