// Knocks at a VIP on one real server, by the way of clients' packets (`forward: dr`, `tun`): the client of the path probe.
//   SYN or datagram → its MAC (dr) | the tunnel (tun) → the server → its answer straight to our own address → tap → RST, done
// The host has the VIP itself, so its stack can neither send that nor take the answer (it drops, as forged, what comes from an
// address of its own): frames and raw sockets do. Invariant: each knock that waits has a source port of its own.
import { GtmError, reason } from '../kit/errors.ts';
import { formatIp, parseIp } from '../kit/ip.ts';
import { below, type Rng } from '../kit/rng.ts';
import { type Libc, openLibc } from '../nic/libc.ts';
import { openSender, type Sender } from '../nic/packet.ts';
import { openRtnetlink, type Rtnetlink } from '../nic/rtnetlink.ts';
import { IFF, type Link, type Neighbour, NUD_VALID, RTN } from '../nic/rtnetlink-read.ts';
import { openTap, sendDatagram, sendUnder, sourceTowards, type Tap } from '../nic/tap.ts';
import type { Knock, Knocking } from '../probe/path.ts';
import { ProbeFault } from '../probe/probe.ts';
import { datagram, type Ends, readAnswer, segment, wrapped } from './knock-packet.ts';

/** Source ports: above those that Linux gives to connections of its own. */
const PORTS = { first: 0xfc00, mask: 0xfc00, count: 0x400 } as const;
/** How old a list of links and neighbours may be, ms; and how much longer than it took it is kept, however many wait for another. */
const FRESH = 250;
const REST = 10;
/** Pauses between two looks for answers: soon after a knock, and later; and between two looks for a neighbour. ms. */
const LOOK = { soon: 1, later: 5, recent: 20, neighbour: 20 } as const;
const LARGEST = 65_536;
const DISCARD = 9;
const [SCOPE_LINK, UNUSABLE] = [253, 0x20 | 0x40];
const ETHER_TYPE = { 4: [0x08, 0x00], 6: [0x86, 0xdd] } as const;

interface Waiting {
  ends: Ends;
  protocol: 'tcp' | 'udp';
  sequence: number;
  heard: (what: 'open' | 'refused') => void;
}

type Send = (packet: Uint8Array) => void;
type Tools = { libc: Libc; rt: Rtnetlink; sender?: Sender };

/** Our own lack: no fault of the server. */
class Unable extends Error {}

export class Knocker {
  readonly #rng: Rng;
  #tools: Tools | undefined;
  #opening: Promise<Libc> | undefined;
  readonly #taps = new Map<4 | 6, Tap>();
  /** By source port. */
  readonly #waiting = new Map<number, Waiting>();
  readonly #memory = new Uint8Array(new ArrayBuffer(LARGEST));
  #lists: { at: number; took: number; links: Link[]; neighbours: Neighbour[] } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #last = 0;
  #closed = false;

  /** Nothing is opened before the first knock. */
  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** Loads what a knock needs, so that the first one is not delayed by it. */
  async load(): Promise<Knock> {
    await this.#open().catch(() => {});
    return this.knock;
  }

  readonly knock: Knock = async (what, signal) => {
    try {
      const tools = await this.#open();
      const send = await this.#way(tools, what, signal);
      return await this.#ask(tools.libc, what, this.#source(tools, what), send, signal);
    } catch (e) {
      if (signal.aborted) throw signal.reason;
      if (e instanceof Unable) return { unable: e.message };
      if (e instanceof GtmError) return { unable: words(e) };
      throw e;
    }
  };

  /** Gives everything back. Knocks that wait have been told to end by their signals. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const tap of this.#taps.values()) tap.close();
    this.#taps.clear();
    this.#tools?.sender?.close();
    this.#tools?.rt.close();
    this.#tools = undefined;
  }

  async #open(): Promise<Tools> {
    this.#opening ??= openLibc();
    const libc = await this.#opening;
    if (this.#closed) throw new Unable('it is ending');
    this.#tools ??= { libc, rt: openRtnetlink(libc) };
    return this.#tools;
  }

  // How a packet for the VIP is led to the server; waits until its neighbour is known.
  async #way(tools: Tools, { via }: Knocking, signal: AbortSignal): Promise<Send> {
    const { libc, rt } = tools;
    const server = octets(via.server);
    const route = rt.routeTo(server);
    if (route?.way === undefined) throw new ProbeFault(`there is no way to ${via.server}`);
    const { iface, gateway } = route.way;
    if (route.type === RTN.LOCAL) throw new Unable('it is this host itself');
    const { tunnel } = via;
    if (tunnel !== undefined)
      return packet => {
        const { protocol, payload } = wrapped(tunnel.type, tunnel.checksum, packet);
        if (tunnel.type === 'gue') sendDatagram(libc, via.server, tunnel.port, payload);
        else sendUnder(libc, protocol, via.server, payload);
      };
    const hop = gateway ?? server;
    for (let asked = false; ; ) {
      const { links, neighbours } = this.#listed(rt, asked);
      const link = links.find(l => l.index === iface);
      if (link?.mac === undefined || (link.flags & IFF.LOOPBACK) !== 0)
        throw new Unable(`${link?.name ?? 'its link'} is no Ethernet link`);
      const mac = neighbours.find(
        n => n.iface === iface && (n.state & NUD_VALID) !== 0 && same(n.address, hop),
      )?.mac;
      if (mac?.length === 6) {
        tools.sender ??= openSender(libc);
        const { sender } = tools;
        return packet => sender.send(iface, frame(mac, link.mac, packet));
      }
      // Any packet makes the kernel ask for it.
      if (!asked) sendDatagram(libc, formatIp(hop), DISCARD, Uint8Array.of(0));
      asked = true;
      await pause(LOOK.neighbour, signal);
    }
  }

  // Where we speak from: our own address, as the server reaches us; never the VIP.
  #source({ libc, rt }: Tools, { vip, via }: Knocking): Uint8Array {
    const six = vip.includes(':');
    if (via.server.includes(':') === six) {
      const source = sourceTowards(libc, via.server);
      if (same(source, octets(vip))) throw new Unable('this host speaks to it from the VIP');
      return source;
    }
    const link = rt.routeTo(octets(via.server))?.way?.iface;
    const family = six ? 6 : 4;
    const own = rt
      .addresses()
      .filter(a => a.iface === link && a.family === family && !same(a.address, octets(vip)))
      .filter(a => a.scope < SCOPE_LINK && (a.flags & UNUSABLE) === 0)
      // Those of a network before single ones, which may be VIPs.
      .sort((a, b) => a.bits - b.bits)[0];
    if (own === undefined)
      throw new Unable(`this host has no IPv${family} address of its own on the link towards it`);
    return own.address;
  }

  #ask(
    libc: Libc,
    { vip, port, via, payload }: Knocking,
    source: Uint8Array,
    send: Send,
    signal: AbortSignal,
  ): Promise<'open' | 'refused'> {
    if (signal.aborted) return Promise.reject(signal.reason);
    this.#listen(libc, source.length === 4 ? 4 : 6);
    const sourcePort = this.#freePort();
    const ends: Ends = { source, sourcePort, destination: octets(vip), destinationPort: port };
    const sequence = this.#rng();
    return new Promise((resolve, reject) => {
      const end = () => {
        this.#waiting.delete(sourcePort);
        signal.removeEventListener('abort', stop);
      };
      const stop = () => {
        end();
        reject(signal.reason);
      };
      const heard = (what: 'open' | 'refused') => {
        end();
        // Else it would say its SYN-ACK again and again.
        if (via.protocol === 'tcp' && what === 'open') attempt(() => send(segment(ends, sequence + 1, true)));
        resolve(what);
      };
      signal.addEventListener('abort', stop, { once: true });
      this.#waiting.set(sourcePort, { ends, protocol: via.protocol, sequence, heard });
      try {
        send(via.protocol === 'tcp' ? segment(ends, sequence) : datagram(ends, payload ?? new Uint8Array(0)));
      } catch (e) {
        end();
        reject(e);
        return;
      }
      this.#last = performance.now();
      this.#plan(LOOK.soon);
    });
  }

  #listen(libc: Libc, family: 4 | 6): void {
    if (!this.#taps.has(family)) this.#taps.set(family, openTap(libc, family, PORTS.first, PORTS.mask));
  }

  // Node's loop has no event for such a socket: while a knock waits, it is looked into now and then.
  #plan(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), ms);
  }

  #look(): void {
    const libc = this.#tools?.libc;
    if (libc === undefined) return;
    const address = libc.address(this.#memory.buffer);
    for (const tap of this.#taps.values())
      for (let length = tap.read(address, LARGEST); length > 0; length = tap.read(address, LARGEST))
        this.#hear(length);
    if (this.#waiting.size > 0)
      this.#plan(performance.now() - this.#last < LOOK.recent ? LOOK.soon : LOOK.later);
  }

  #hear(length: number): void {
    const answer = readAnswer(this.#memory, length);
    const waiting = answer && this.#waiting.get(answer.destinationPort);
    if (answer === undefined || waiting === undefined || answer.says === 'else') return;
    const { ends, protocol, sequence, heard } = waiting;
    const ours =
      answer.protocol === protocol &&
      answer.sourcePort === ends.destinationPort &&
      same(answer.source, ends.destination) &&
      same(answer.destination, ends.source) &&
      (protocol === 'udp' || answer.acknowledges === (sequence + 1) >>> 0);
    if (ours) heard(answer.says);
  }

  #freePort(): number {
    const begin = below(this.#rng, PORTS.count);
    for (let i = 0; i < PORTS.count; i++) {
      const port = PORTS.first + ((begin + i) % PORTS.count);
      if (!this.#waiting.has(port)) return port;
    }
    throw new Unable(`${PORTS.count} others wait for their answers`);
  }

  #listed(rt: Rtnetlink, anew: boolean): { links: Link[]; neighbours: Neighbour[] } {
    const now = performance.now();
    const old = this.#lists;
    const least = anew ? LOOK.neighbour : FRESH;
    if (old !== undefined && now - old.at < Math.max(least, old.took * REST)) return old;
    const lists = { links: rt.links(), neighbours: rt.neighbours() };
    const at = performance.now();
    this.#lists = { ...lists, at, took: at - now };
    return this.#lists;
  }
}

function frame(to: Uint8Array, from: Uint8Array | undefined, packet: Uint8Array): Uint8Array {
  return Uint8Array.from([...to, ...(from ?? []), ...ETHER_TYPE[packet[0] >> 4 === 4 ? 4 : 6], ...packet]);
}

function octets(address: string): Uint8Array {
  return parseIp(address) ?? new Uint8Array(4);
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, i) => octet === b[i]);
}

function attempt(act: () => void): void {
  try {
    act();
  } catch {
    // It times out by itself.
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}

// What the system says, and what to do about the one thing that may not be allowed.
function words(e: GtmError): string {
  const { code } = (e.cause ?? {}) as { code?: unknown };
  return code === 'EPERM' || code === 'EACCES' ? 'raw packets are not permitted (CAP_NET_RAW)' : reason(e);
}
