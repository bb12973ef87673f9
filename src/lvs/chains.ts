// The hash that finds connections: heads of chains that run through their lines. A link is line × 2 + side: 0 the client's, 1 FullNAT's
// other one, known by local address and server. Each side has chains of its own, so that no look-up passes lines of the other.
// Invariant: 0 ends a chain; nothing here knows what a line says besides its links.
import type { Memory } from '../kit/memory.ts';
import { EXTRA, LINK, V6, WORDS } from './line.ts';

/**
 * Ports that differ in so many low bits alone have chains side by side, whose heads fill a page. Systems give out a client's ports in
 * order, as FullNAT does: what comes at one time finds its heads in a few lines of the cache, and the page's address in the TLB.
 */
const NEAR = 10;

export class Chains {
  readonly #t: Int32Array;
  readonly #heads: Int32Array;
  readonly #shift: number;
  readonly #sides: number;
  readonly #seed: number;
  /** The bits of a port that lead to another chain of the same page. */
  readonly #apart: number;

  /** 2^`bits` chains through the lines `t` by the clients' side. */
  constructor(t: Int32Array, bits: number, seed: number, memory: Memory) {
    this.#t = t;
    this.#heads = new Int32Array(memory(chainMemory(bits)), 0, 3 << bits);
    this.#sides = 1 << bits;
    this.#shift = 32 - bits;
    this.#seed = seed | 0;
    this.#apart = (1 << Math.min(NEAR, bits)) - 1;
  }

  get bytes(): number {
    return this.#heads.byteLength;
  }

  /** The number of the chain of client `a`:`port`. `kind`: V6 and IS_UDP. */
  ofClient(kind: number, a0: number, a1: number, a2: number, a3: number, port: number): number {
    const group = port & ~this.#apart;
    return (hash(this.#seed, kind, a0, a1, a2, a3, group) >>> this.#shift) ^ (port & this.#apart);
  }

  /** The same of FullNAT's local address `a`; `ports` as DPORTS has them, `d0` and `d3` of the server's address. */
  ofLocal(
    kind: number,
    a0: number,
    a1: number,
    a2: number,
    a3: number,
    ports: number,
    d0: number,
    d3: number,
  ): number {
    const group = (ports & ~this.#apart) ^ d0 ^ d3;
    const chain = hash(this.#seed, kind, a0, a1, a2, a3, group) >>> (this.#shift - 1);
    return this.#sides + (chain ^ (ports & this.#apart));
  }

  /** The first link of a chain; 0 = it is empty. */
  head(chain: number): number {
    return this.#heads[chain];
  }

  put(link: number, chain: number): void {
    this.#t[(link >>> 1) * WORDS + LINK + (link & 1)] = this.#heads[chain];
    this.#heads[chain] = link;
  }

  take(link: number, chain: number): void {
    const t = this.#t;
    const next = t[(link >>> 1) * WORDS + LINK + (link & 1)];
    let at = this.#heads[chain];
    if (at === link) {
      this.#heads[chain] = next;
      return;
    }
    while (at !== 0) {
      const slot = (at >>> 1) * WORDS + LINK + (at & 1);
      if (t[slot] === link) {
        t[slot] = next;
        return;
      }
      at = t[slot];
    }
  }

  /** Links in the longest chain: what the slowest look-up passes. */
  longest(): number {
    let longest = 0;
    for (const head of this.#heads) {
      let n = 0;
      for (let link = head; link !== 0; n++) link = this.#t[(link >>> 1) * WORDS + LINK + (link & 1)];
      if (n > longest) longest = n;
    }
    return longest;
  }

  /**
   * Reads the first two lines of `count` chains, whose numbers `chains` loses, and EXTRA words `x`, if there are any; returns something that
   * depends on all that was read. No loop waits for what it reads itself, so that the processor reads as much at a time as it can.
   */
  fetch(chains: Int32Array, count: number, x: Int32Array): number {
    const t = this.#t;
    const heads = this.#heads;
    let seen = 0;
    for (let i = 0; i < count; i++) chains[i] = heads[chains[i]];
    if (x.length > 0) for (let i = 0; i < count; i++) seen ^= x[(chains[i] >>> 1) * EXTRA];
    for (let i = 0; i < count; i++) chains[i] = t[(chains[i] >>> 1) * WORDS + LINK + (chains[i] & 1)];
    for (let i = 0; i < count; i++) seen ^= t[(chains[i] >>> 1) * WORDS + LINK];
    return seen;
  }
}

/** Bytes of 2^`bits` chains by the clients' side, and twice as many by the other: a port that is free is found in an empty chain, mostly. */
export function chainMemory(bits: number): number {
  return 12 * 2 ** bits;
}

function hash(
  seed: number,
  kind: number,
  a0: number,
  a1: number,
  a2: number,
  a3: number,
  port: number,
): number {
  let h = mix(seed ^ kind, a0);
  if (kind & V6) h = mix(mix(mix(h, a1), a2), a3);
  return Math.imul(mix(h, port), 0x61c88647);
}

function mix(h: number, x: number): number {
  const y = Math.imul(h ^ x, 0x9e3779b1);
  return y ^ (y >>> 15);
}
