// Next hops on the main thread: what workers asked for and what services need is found out by the kernel and kept found.
//   ask, want ─manage→ kernel (ARP, neighbour discovery) ─change→ heard → HopWriter → workers
// Invariant: at most PENDING hops are being found out; one that nobody answers for is forgotten, unless a service needs it.
import { reason } from '../../kit/errors.ts';
import { formatIp } from '../../kit/ip.ts';
import type { Log } from '../../kit/log.ts';
import { IFF, type Link, type Neighbour, NUD, NUD_VALID } from '../../nic/rtnetlink-read.ts';
import type { HopWriter, Question } from './neighbours.ts';
import { wordsOf } from './routes-build.ts';
import { HEADER } from './ways.ts';

/** Hops that are being found out at a time. */
const PENDING = 1024;
/** Milliseconds after which a hop that nobody answers for is given up. */
const PATIENCE = 4000;
const SET_BY_HAND = NUD.PERMANENT | NUD.NOARP;

/** The part of Rtnetlink that is needed here. */
export interface Resolver {
  manage(iface: number, address: Uint8Array): void;
  forget(iface: number, address: Uint8Array): void;
}

interface Hop {
  question: Question;
  bytes: Uint8Array;
  /** A service needs it. */
  wanted: boolean;
  managed: boolean;
  /** When it was last without an answer. */
  since: number;
  header: Uint8Array;
  port: number;
  known: boolean;
}

export class NeighbourKeeper {
  readonly #resolver: Resolver;
  readonly #writer: HopWriter;
  readonly #log: Log;
  /** The plane's interfaces: their places in its list, by index. */
  readonly #ports: ReadonlyMap<number, number>;
  #links: ReadonlyMap<number, Link> = new Map();
  readonly #kernel = new Map<string, Neighbour>();
  readonly #hops = new Map<string, Hop>();
  readonly #pending = new Set<Hop>();
  /** What was said once. */
  readonly #said = new Set<string>();

  constructor(resolver: Resolver, writer: HopWriter, ports: ReadonlyMap<number, number>, log: Log) {
    this.#resolver = resolver;
    this.#writer = writer;
    this.#ports = ports;
    this.#log = log;
  }

  /** Whether somebody waits for an answer. */
  get waiting(): boolean {
    return this.#pending.size > 0;
  }

  /** The links as they are now: their own MACs stand in every header. */
  setLinks(links: ReadonlyMap<number, Link>): void {
    this.#links = links;
    for (const hop of this.#hops.values()) this.#judge(hop);
  }

  /** Everything that the kernel knows, in place of what was known before. */
  setNeighbours(all: readonly Neighbour[]): void {
    this.#kernel.clear();
    for (const n of all) this.#kernel.set(keyOf(n.iface, n.address), n);
    for (const hop of this.#hops.values()) this.#judge(hop);
  }

  heard(neighbour: Neighbour, gone: boolean, now: number): void {
    const key = keyOf(neighbour.iface, neighbour.address);
    if (gone) this.#kernel.delete(key);
    else this.#kernel.set(key, neighbour);
    const hop = this.#hops.get(key);
    if (hop === undefined) return;
    if (gone) hop.managed = false;
    this.#judge(hop);
    // One that goes silent is asked for again; the kernel does so by itself for those that it keeps.
    if (hop.known) return;
    if (this.#pending.size < PENDING && !this.#pending.has(hop)) {
      hop.since = now;
      this.#pending.add(hop);
    }
    if (hop.wanted && !hop.managed) this.#manage(hop);
  }

  /** A worker misses it. */
  ask(question: Question, now: number): void {
    const bytes = bytesOf(question.family, question.address);
    const key = keyOf(question.iface, bytes);
    let hop = this.#hops.get(key);
    if (hop === undefined) {
      if (this.#pending.size >= PENDING) return;
      hop = this.#add(key, question, bytes);
    }
    if (hop.known) return;
    if (!this.#pending.has(hop)) {
      hop.since = now;
      this.#pending.add(hop);
    }
    if (!hop.managed) this.#manage(hop);
  }

  /** The hops that services need, in place of those named before: kept found as long as they are needed. */
  want(hops: readonly { iface: number; address: Uint8Array }[], now: number): void {
    for (const hop of this.#hops.values()) hop.wanted = false;
    for (const { iface, address } of hops) {
      const key = keyOf(iface, address);
      const family = address.length === 4 ? 4 : 6;
      const question = { iface, family, address: Int32Array.from(wordsOf(address)) };
      const hop = this.#hops.get(key) ?? this.#add(key, question, address);
      hop.wanted = true;
      if (!hop.managed) this.#manage(hop);
      if (!hop.known) {
        hop.since = now;
        this.#pending.add(hop);
      }
    }
  }

  /** Gives up what nobody answers for. */
  turn(now: number): void {
    for (const hop of this.#pending) {
      if (now - hop.since < PATIENCE) continue;
      this.#pending.delete(hop);
      if (hop.wanted) this.#tell(hop, 'does not answer; packets for it are dropped until it does');
      else this.#drop(hop);
    }
  }

  /** Leaves the kernel's table as it was: what was added for us is no longer kept. */
  close(): void {
    for (const hop of this.#hops.values()) this.#drop(hop);
    this.#pending.clear();
  }

  #add(key: string, question: Question, bytes: Uint8Array): Hop {
    const header = new Uint8Array(HEADER);
    const hop = { question, bytes, wanted: false, managed: false, since: 0, header, port: -1, known: false };
    this.#hops.set(key, hop);
    this.#judge(hop);
    return hop;
  }

  #manage(hop: Hop): void {
    const { iface } = hop.question;
    const state = this.#kernel.get(keyOf(iface, hop.bytes))?.state ?? 0;
    if ((state & SET_BY_HAND) !== 0) return;
    try {
      this.#resolver.manage(iface, hop.bytes);
      hop.managed = true;
    } catch (e) {
      this.#tell(hop, `the kernel does not look for it: ${reason(e)}`);
    }
  }

  #drop(hop: Hop): void {
    const key = keyOf(hop.question.iface, hop.bytes);
    this.#hops.delete(key);
    if (!hop.managed) return;
    try {
      this.#resolver.forget(hop.question.iface, hop.bytes);
    } catch (e) {
      this.#tell(hop, `the kernel still looks for it: ${reason(e)}`);
    }
  }

  // Writes what is known of a hop, if it is other than before.
  #judge(hop: Hop): void {
    const { iface } = hop.question;
    const link = this.#links.get(iface);
    const port = this.#ports.get(link?.vlan?.link ?? iface) ?? this.#ports.get(iface);
    const n = this.#kernel.get(keyOf(iface, hop.bytes));
    const without = ((link?.flags ?? 0) & IFF.NOARP) !== 0;
    const mac = without
      ? new Uint8Array(6)
      : n !== undefined && (n.state & NUD_VALID) !== 0
        ? n.mac
        : undefined;
    if (link !== undefined && port === undefined)
      this.#tell(hop, `is behind ${link.name}, which is not among the director's interfaces: add it there`);
    const known = mac !== undefined && link !== undefined && port !== undefined;
    const header = hop.header.slice();
    if (known) {
      header.set(mac);
      header.set(link.mac ?? new Uint8Array(6), 6);
      header[12] = (link.vlan?.id ?? 0) >> 8;
      header[13] = (link.vlan?.id ?? 0) & 255;
    }
    if (known) this.#pending.delete(hop);
    if (known === hop.known && (!known || (port === hop.port && header.every((b, i) => b === hop.header[i]))))
      return;
    hop.known = known;
    hop.header = header;
    if (known) hop.port = port;
    if (!this.#writer.put(hop.question, known, hop.port, header))
      this.#tell(hop, 'is one neighbour too many; packets for it are dropped');
  }

  // Each thing once for each hop, and not without end.
  #tell(hop: Hop, what: string): void {
    const key = `${keyOf(hop.question.iface, hop.bytes)} ${what}`;
    if (this.#said.has(key) || this.#said.size >= PENDING) return;
    this.#said.add(key);
    const link = this.#links.get(hop.question.iface)?.name ?? `interface ${hop.question.iface}`;
    const address = formatIp(hop.bytes, 0, hop.bytes.length);
    this.#log.warn({ neighbour: address, interface: link }, `neighbour ${address} on ${link}: ${what}`);
  }
}

function keyOf(iface: number, address: Uint8Array): string {
  return `${iface} ${address.join()}`;
}

function bytesOf(family: number, words: Int32Array): Uint8Array {
  return Uint8Array.from({ length: family === 4 ? 4 : 16 }, (_, i) => words[i >> 2] >>> (24 - 8 * (i & 3)));
}
