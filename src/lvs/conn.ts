// The connection table (ip_vs_conn.c): one 64-byte line of an Int32Array for each, chained into one hash by the client's side, and
// by the server's side too for FullNAT (chains.ts). A client's address and port stand in both directions of NAT, so one chain serves both.
// Index 0 is nobody; the last line is for a packet of one-packet scheduling, never chained.
// Invariant: a line is free, or in use with its links.
import { type Memory, plain } from '../kit/memory.ts';
import { Chains, chainMemory } from './chains.ts';
import {
  CHAINED,
  CPORTS,
  DEST,
  DPORTS,
  EXTRA,
  FLAGS,
  FORWARD_SHIFT,
  FREE,
  IS_UDP,
  KIND,
  LINK,
  LOCAL,
  TEMPLATE,
  V6,
  WORDS,
} from './line.ts';
import { type Packet, UDP } from './packet/parse.ts';
import { Queues } from './queues.ts';
import { type Dest, FULLNAT, type Local, NAT } from './service.ts';
import { isWords, sameWords } from './wordset.ts';

export class ConnTable {
  readonly t: Int32Array;
  /** EXTRA words a line, made with the first FullNAT connection of IPv6. */
  x: Int32Array = new Int32Array(0);
  readonly capacity: number;
  /** The line for one packet's connection. */
  readonly spare: number;
  /** What may be evicted. */
  readonly queues: Queues;
  readonly chains: Chains;
  used = 0;
  #free = 0;
  readonly #dests: readonly Dest[];
  readonly #locals: readonly Local[];
  readonly #memory: Memory;

  constructor(
    capacity: number,
    seed: number,
    dests: readonly Dest[],
    locals: readonly Local[],
    memory: Memory = plain,
  ) {
    this.capacity = capacity;
    this.spare = capacity + 1;
    this.#memory = memory;
    this.t = this.#words((capacity + 2) * WORDS);
    this.queues = new Queues(this.t);
    this.chains = new Chains(this.t, bitsOf(capacity), seed, memory);
    this.#dests = dests;
    this.#locals = locals;
    for (let c = capacity; c > 0; c--) this.#release(c);
  }

  /** Bytes that the table keeps. */
  get bytes(): number {
    return this.t.byteLength + this.x.byteLength + this.chains.bytes;
  }

  /** A cleared line, or 0 if none is free. */
  take(): number {
    const c = this.#free;
    if (c === 0) return 0;
    const base = c * WORDS;
    this.#free = this.t[base + LINK];
    this.used++;
    for (let i = base; i < base + WORDS; i++) this.t[i] = 0;
    return c;
  }

  /** Unchains a line and gives it back. */
  drop(c: number): void {
    const base = c * WORDS;
    const flags = this.t[base + FLAGS];
    if (flags & CHAINED) {
      this.chains.take(c * 2, this.#clientChain(c));
      if (this.forwardOf(c) === FULLNAT && (flags & TEMPLATE) === 0)
        this.chains.take(c * 2 + 1, this.#localChain(c));
    }
    this.queues.move(c, 0);
    this.t[base + FLAGS] = 0;
    this.used--;
    this.#release(c);
  }

  /** Makes a filled line findable. */
  chain(c: number): void {
    this.t[c * WORDS + FLAGS] |= CHAINED;
    this.chains.put(c * 2, this.#clientChain(c));
    if (this.forwardOf(c) === FULLNAT && (this.t[c * WORDS + FLAGS] & TEMPLATE) === 0)
      this.chains.put(c * 2 + 1, this.#localChain(c));
  }

  inUse(c: number): boolean {
    return (this.t[c * WORDS + FLAGS] & CHAINED) !== 0;
  }

  /** 4 or 6. */
  familyOf(c: number): number {
    return this.t[c * WORDS + FLAGS] & V6 ? 6 : 4;
  }

  forwardOf(c: number): number {
    return (this.t[c * WORDS + FLAGS] >>> FORWARD_SHIFT) & 3;
  }

  /** There is room for the FullNAT words of a family from now on. */
  extend(family: number): void {
    if (family === 6 && this.x.length === 0) this.x = this.#words((this.capacity + 2) * EXTRA);
  }

  /** Where a FullNAT connection's words (LOCAL, DELTA, FIRST_DATA) are: the array, and from which index on. */
  fullOf(c: number): Int32Array {
    return this.t[c * WORDS + FLAGS] & V6 ? this.x : this.t;
  }

  fullAt(c: number): number {
    return this.t[c * WORDS + FLAGS] & V6 ? c * EXTRA : c * WORDS + FREE;
  }

  /** The index of a FullNAT connection's local address. */
  localOf(c: number): number {
    return this.fullOf(c)[this.fullAt(c) + LOCAL];
  }

  /** The client's address, into four words. */
  clientOf(c: number, to: Int32Array): void {
    const { t } = this;
    const base = c * WORDS;
    const v6 = (t[base + FLAGS] & V6) !== 0;
    to[0] = t[base];
    to[1] = v6 ? t[base + 1] : 0;
    to[2] = v6 ? t[base + 2] : 0;
    to[3] = v6 ? t[base + 3] : 0;
  }

  /** The connection of a packet from the client; 0 = none. */
  findIn(p: Packet): number {
    const kind = (p.family === 6 ? V6 : 0) | (p.protocol === UDP ? IS_UDP : 0);
    return this.find(kind, p.s0, p.s1, p.s2, p.s3, p.d0, p.d1, p.d2, p.d3, (p.sport << 16) | p.dport);
  }

  /** The same by client `s` and virtual address `d`; `ports` as CPORTS has them, `kind`: V6 and IS_UDP. */
  find(
    kind: number,
    s0: number,
    s1: number,
    s2: number,
    s3: number,
    d0: number,
    d1: number,
    d2: number,
    d3: number,
    ports: number,
  ): number {
    const { t, chains } = this;
    for (let link = chains.head(chains.ofClient(kind, s0, s1, s2, s3, ports >>> 16)); link !== 0; ) {
      const base = (link >>> 1) * WORDS;
      if (
        t[base + CPORTS] === ports &&
        t[base] === s0 &&
        (t[base + FLAGS] & KIND) === kind &&
        (kind & V6 ? t[base + 1] === s1 && t[base + 2] === s2 && t[base + 3] === s3 : true)
      ) {
        const { v } = this.#dests[t[base + DEST]];
        if (isWords(v, d0, d1, d2, d3)) return link >>> 1;
      }
      link = t[base + LINK];
    }
    return 0;
  }

  /**
   * The connection of a packet from the server; 0 = none. NAT's is known by the server's address, DR's and TUN's by the
   * virtual one. FullNAT's comes to a local address, and is asked for if `toLocal`.
   */
  findOut(p: Packet, toLocal: boolean): number {
    const { t, chains } = this;
    const kind = (p.family === 6 ? V6 : 0) | (p.protocol === UDP ? IS_UDP : 0);
    if (toLocal) return this.findLocal(kind, p, p.dport);
    for (let link = chains.head(chains.ofClient(kind, p.d0, p.d1, p.d2, p.d3, p.dport)); link !== 0; ) {
      const base = (link >>> 1) * WORDS;
      if (
        t[base + CPORTS] >>> 16 === p.dport &&
        t[base] === p.d0 &&
        (t[base + FLAGS] & KIND) === kind &&
        (kind & V6 ? t[base + 1] === p.d1 && t[base + 2] === p.d2 && t[base + 3] === p.d3 : true)
      ) {
        const dest = this.#dests[t[base + DEST]];
        const method = (t[base + FLAGS] >>> FORWARD_SHIFT) & 3;
        const a = method === NAT ? dest.d : dest.v;
        const port = method === NAT ? t[base + DPORTS] >>> 16 : t[base + CPORTS] & 0xffff;
        if (port === p.sport && method !== FULLNAT && isWords(a, p.s0, p.s1, p.s2, p.s3)) return link >>> 1;
      }
      link = t[base + LINK];
    }
    return 0;
  }

  /** The FullNAT connection whose server is p's source and whose local address is p's destination, with local port `lport`. */
  findLocal(kind: number, p: Packet, lport: number): number {
    const { t, chains } = this;
    const ports = (p.sport << 16) | lport;
    const chain = chains.ofLocal(kind, p.d0, p.d1, p.d2, p.d3, ports, p.s0, p.s3);
    for (let link = chains.head(chain); link !== 0; ) {
      const base = (link >>> 1) * WORDS;
      if (t[base + DPORTS] === ports && (t[base + FLAGS] & KIND) === kind) {
        const { d } = this.#dests[t[base + DEST]];
        const { a } = this.#locals[this.localOf(link >>> 1)];
        if (isWords(d, p.s0, p.s1, p.s2, p.s3) && isWords(a, p.d0, p.d1, p.d2, p.d3)) return link >>> 1;
      }
      link = t[base + LINK + 1];
    }
    return 0;
  }

  /** Whether server `d`:`dport` knows a connection from `local`:`lport` already. */
  isTaken(kind: number, d: Int32Array, dport: number, local: Local, lport: number): boolean {
    const { t, chains } = this;
    const ports = (dport << 16) | lport;
    const { a } = local;
    const chain = chains.ofLocal(kind, a[0], a[1], a[2], a[3], ports, d[0], d[3]);
    for (let link = chains.head(chain); link !== 0; ) {
      const c = link >>> 1;
      const base = c * WORDS;
      if (t[base + DPORTS] === ports && (t[base + FLAGS] & KIND) === kind) {
        const other = this.#locals[this.localOf(c)].a;
        if (sameWords(this.#dests[t[base + DEST]].d, d) && sameWords(other, a)) return true;
      }
      link = t[base + LINK + 1];
    }
    return false;
  }

  /** The template of masked client `a` at virtual address `v`, port `vport`; 0 = none. `kind`: V6 and IS_UDP as they are. */
  findTemplate(kind: number, a: Int32Array, v: Int32Array, vport: number): number {
    const { t, chains } = this;
    for (let link = chains.head(chains.ofClient(kind, a[0], a[1], a[2], a[3], 0)); link !== 0; ) {
      const c = link >>> 1;
      const base = c * WORDS;
      if (
        t[base + CPORTS] === vport &&
        (t[base + FLAGS] & KIND) === (kind | TEMPLATE) &&
        t[base] === a[0] &&
        t[base + 1] === a[1] &&
        t[base + 2] === a[2] &&
        t[base + 3] === a[3] &&
        sameWords(this.#dests[t[base + DEST]].v, v)
      )
        return c;
      link = t[base + LINK];
    }
    return 0;
  }

  #words(count: number): Int32Array {
    return new Int32Array(this.#memory(count * 4), 0, count);
  }

  #release(c: number): void {
    this.t[c * WORDS + LINK] = this.#free;
    this.#free = c;
  }

  #clientChain(c: number): number {
    const { t } = this;
    const base = c * WORDS;
    return this.chains.ofClient(
      t[base + FLAGS] & (V6 | IS_UDP),
      t[base],
      t[base + 1],
      t[base + 2],
      t[base + 3],
      t[base + CPORTS] >>> 16,
    );
  }

  #localChain(c: number): number {
    const base = c * WORDS;
    const { d } = this.#dests[this.t[base + DEST]];
    const { a } = this.#locals[this.localOf(c)];
    const kind = this.t[base + FLAGS] & (V6 | IS_UDP);
    return this.chains.ofLocal(kind, a[0], a[1], a[2], a[3], this.t[base + DPORTS], d[0], d[3]);
  }
}

/** Bytes that a table of so many connections asks its Memory for at most, FullNAT's of IPv6 among them. */
export function tableMemory(capacity: number): number {
  return (capacity + 2) * (WORDS + EXTRA) * 4 + chainMemory(bitsOf(capacity));
}

// As many chains as connections, or up to twice as many.
function bitsOf(capacity: number): number {
  return Math.max(4, 32 - Math.clz32(capacity - 1));
}
