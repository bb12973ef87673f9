// The connection table (ip_vs_conn.c): one 64-byte line of an Int32Array for each, chained into one hash by the client's side, and
// by the server's side too for FullNAT. A client's address and port stand in both directions of NAT, so one chain serves both.
// A link is index × 2 + side. Index 0 is nobody; the last line is for a packet of one-packet scheduling, never chained.
// Invariant: a line is free, or in use with its links.
import {
  CHAINED,
  CPORTS,
  DEST,
  DPORTS,
  EXTRA,
  FLAGS,
  FORWARD_SHIFT,
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
  /** EXTRA words a line, made with the first FullNAT connection. */
  x: Int32Array = new Int32Array(0);
  readonly capacity: number;
  /** The line for one packet's connection. */
  readonly spare: number;
  /** What may be evicted. */
  readonly queues: Queues;
  used = 0;
  readonly #heads: Int32Array;
  readonly #shift: number;
  readonly #seed: number;
  #free = 0;
  readonly #dests: readonly Dest[];
  readonly #locals: readonly Local[];

  constructor(capacity: number, seed: number, dests: readonly Dest[], locals: readonly Local[]) {
    this.capacity = capacity;
    this.spare = capacity + 1;
    this.t = new Int32Array((capacity + 2) * WORDS);
    this.queues = new Queues(this.t);
    const bits = Math.max(4, 32 - Math.clz32(capacity - 1));
    this.#heads = new Int32Array(1 << bits);
    this.#shift = 32 - bits;
    this.#seed = seed | 0;
    this.#dests = dests;
    this.#locals = locals;
    for (let c = capacity; c > 0; c--) this.#release(c);
  }

  /** Bytes that the table keeps. */
  get bytes(): number {
    return this.t.byteLength + this.x.byteLength + this.#heads.byteLength;
  }

  /** Links in the longest chain: what the slowest look-up passes. */
  longestChain(): number {
    let longest = 0;
    for (const head of this.#heads) {
      let n = 0;
      for (let link = head; link !== 0; n++) link = this.t[(link >>> 1) * WORDS + LINK + (link & 1)];
      if (n > longest) longest = n;
    }
    return longest;
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
      this.#unchain(c * 2, this.#clientHash(c));
      if (this.forwardOf(c) === FULLNAT && (flags & TEMPLATE) === 0)
        this.#unchain(c * 2 + 1, this.#serverHash(c));
    }
    this.queues.move(c, 0);
    this.t[base + FLAGS] = 0;
    this.used--;
    this.#release(c);
  }

  /** Makes a filled line findable. */
  chain(c: number): void {
    this.t[c * WORDS + FLAGS] |= CHAINED;
    this.#chain(c * 2, this.#clientHash(c));
    if (this.forwardOf(c) === FULLNAT && (this.t[c * WORDS + FLAGS] & TEMPLATE) === 0)
      this.#chain(c * 2 + 1, this.#serverHash(c));
  }

  inUse(c: number): boolean {
    return (this.t[c * WORDS + FLAGS] & CHAINED) !== 0;
  }

  forwardOf(c: number): number {
    return (this.t[c * WORDS + FLAGS] >>> FORWARD_SHIFT) & 3;
  }

  /** FullNAT's words are there from now on. */
  extend(): void {
    if (this.x.length === 0) this.x = new Int32Array((this.capacity + 2) * EXTRA);
  }

  /** The first link of the chain of client `a`:`port`; 0 = it is empty. `kind`: V6 and IS_UDP. */
  headOfClient(kind: number, a0: number, a1: number, a2: number, a3: number, port: number): number {
    return this.#heads[this.#hash(kind, a0, a1, a2, a3, port)];
  }

  /** The same of FullNAT's local address `a`; `ports` as DPORTS has them, `d0` and `d3` of the server's address. */
  headOfServer(
    kind: number,
    a0: number,
    a1: number,
    a2: number,
    a3: number,
    ports: number,
    d0: number,
    d3: number,
  ): number {
    return this.#heads[this.#hash(kind, a0, a1, a2, a3, ports ^ d0 ^ d3)];
  }

  /** The link behind `link` in its chain; 0 = it is the last, or none. */
  behind(link: number): number {
    return this.t[(link >>> 1) * WORDS + LINK + (link & 1)];
  }

  /** The first of FullNAT's words of the line to which `link` leads; 0 = there are none. */
  extraOf(link: number): number {
    return this.x.length === 0 ? 0 : this.x[(link >>> 1) * EXTRA];
  }

  /** The connection of a packet from the client; 0 = none. */
  findIn(p: Packet): number {
    const { t } = this;
    const kind = (p.family === 6 ? V6 : 0) | (p.protocol === UDP ? IS_UDP : 0);
    const ports = (p.sport << 16) | p.dport;
    for (let link = this.headOfClient(kind, p.s0, p.s1, p.s2, p.s3, p.sport); link !== 0; ) {
      const base = (link >>> 1) * WORDS;
      if (
        (link & 1) === 0 &&
        t[base + CPORTS] === ports &&
        t[base] === p.s0 &&
        (t[base + FLAGS] & KIND) === kind &&
        (kind & V6 ? t[base + 1] === p.s1 && t[base + 2] === p.s2 && t[base + 3] === p.s3 : true)
      ) {
        const { v } = this.#dests[t[base + DEST]];
        if (isWords(v, p.d0, p.d1, p.d2, p.d3)) return link >>> 1;
      }
      link = t[base + LINK + (link & 1)];
    }
    return 0;
  }

  /**
   * The connection of a packet from the server; 0 = none. NAT's is known by the server's address, DR's and TUN's by the
   * virtual one. FullNAT's comes to a local address, and is asked for if `toLocal`.
   */
  findOut(p: Packet, toLocal: boolean): number {
    const { t } = this;
    const kind = (p.family === 6 ? V6 : 0) | (p.protocol === UDP ? IS_UDP : 0);
    if (toLocal) return this.findLocal(kind, p, p.dport);
    for (let link = this.headOfClient(kind, p.d0, p.d1, p.d2, p.d3, p.dport); link !== 0; ) {
      const base = (link >>> 1) * WORDS;
      if (
        (link & 1) === 0 &&
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
      link = t[base + LINK + (link & 1)];
    }
    return 0;
  }

  /** The FullNAT connection whose server is p's source and whose local address is p's destination, with local port `lport`. */
  findLocal(kind: number, p: Packet, lport: number): number {
    const { t, x } = this;
    const ports = (p.sport << 16) | lport;
    for (let link = this.headOfServer(kind, p.d0, p.d1, p.d2, p.d3, ports, p.s0, p.s3); link !== 0; ) {
      const base = (link >>> 1) * WORDS;
      if ((link & 1) === 1 && t[base + DPORTS] === ports && (t[base + FLAGS] & KIND) === kind) {
        const { d } = this.#dests[t[base + DEST]];
        const { a } = this.#locals[x[(link >>> 1) * EXTRA + LOCAL]];
        if (isWords(d, p.s0, p.s1, p.s2, p.s3) && isWords(a, p.d0, p.d1, p.d2, p.d3)) return link >>> 1;
      }
      link = t[base + LINK + (link & 1)];
    }
    return 0;
  }

  /** Whether server `d`:`dport` knows a connection from `local`:`lport` already. */
  isTaken(kind: number, d: Int32Array, dport: number, local: Local, lport: number): boolean {
    const { t, x } = this;
    const ports = (dport << 16) | lport;
    const { a } = local;
    for (let link = this.headOfServer(kind, a[0], a[1], a[2], a[3], ports, d[0], d[3]); link !== 0; ) {
      const c = link >>> 1;
      const base = c * WORDS;
      if ((link & 1) === 1 && t[base + DPORTS] === ports && (t[base + FLAGS] & KIND) === kind) {
        const other = this.#locals[x[c * EXTRA + LOCAL]].a;
        if (sameWords(this.#dests[t[base + DEST]].d, d) && sameWords(other, a)) return true;
      }
      link = t[base + LINK + (link & 1)];
    }
    return false;
  }

  /** The template of masked client `a` at virtual address `v`, port `vport`; 0 = none. `kind`: V6 and IS_UDP as they are. */
  findTemplate(kind: number, a: Int32Array, v: Int32Array, vport: number): number {
    const { t } = this;
    for (let link = this.headOfClient(kind, a[0], a[1], a[2], a[3], 0); link !== 0; ) {
      const c = link >>> 1;
      const base = c * WORDS;
      if (
        (link & 1) === 0 &&
        t[base + CPORTS] === vport &&
        (t[base + FLAGS] & KIND) === (kind | TEMPLATE) &&
        t[base] === a[0] &&
        t[base + 1] === a[1] &&
        t[base + 2] === a[2] &&
        t[base + 3] === a[3] &&
        sameWords(this.#dests[t[base + DEST]].v, v)
      )
        return c;
      link = t[base + LINK + (link & 1)];
    }
    return 0;
  }

  #release(c: number): void {
    this.t[c * WORDS + LINK] = this.#free;
    this.#free = c;
  }

  #hash(kind: number, a0: number, a1: number, a2: number, a3: number, port: number): number {
    let h = mix(this.#seed ^ kind, a0);
    if (kind & V6) h = mix(mix(mix(h, a1), a2), a3);
    return Math.imul(mix(h, port), 0x61c88647) >>> this.#shift;
  }

  #clientHash(c: number): number {
    const { t } = this;
    const base = c * WORDS;
    return this.#hash(
      t[base + FLAGS] & (V6 | IS_UDP),
      t[base],
      t[base + 1],
      t[base + 2],
      t[base + 3],
      t[base + CPORTS] >>> 16,
    );
  }

  #serverHash(c: number): number {
    const base = c * WORDS;
    const { d } = this.#dests[this.t[base + DEST]];
    const { a } = this.#locals[this.x[c * EXTRA + LOCAL]];
    const kind = this.t[base + FLAGS] & (V6 | IS_UDP);
    return this.#hash(kind, a[0], a[1], a[2], a[3], this.t[base + DPORTS] ^ d[0] ^ d[3]);
  }

  #chain(link: number, h: number): void {
    this.t[(link >>> 1) * WORDS + LINK + (link & 1)] = this.#heads[h];
    this.#heads[h] = link;
  }

  #unchain(link: number, h: number): void {
    const next = this.t[(link >>> 1) * WORDS + LINK + (link & 1)];
    let at = this.#heads[h];
    if (at === link) {
      this.#heads[h] = next;
      return;
    }
    while (at !== 0) {
      const slot = (at >>> 1) * WORDS + LINK + (at & 1);
      if (this.t[slot] === link) {
        this.t[slot] = next;
        return;
      }
      at = this.t[slot];
    }
  }
}

function mix(h: number, x: number): number {
  const y = Math.imul(h ^ x, 0x9e3779b1);
  return y ^ (y >>> 15);
}
