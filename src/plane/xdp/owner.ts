// Which worker owns a packet's flow, when there are several: all flows of a client have one owner, so that both directions,
// fragments, ICMP errors and persistent clients meet in one connection table.
//   to a FullNAT local address → the worker that has it · from a client → by its address · to a client → by its address
// Invariant: the same answer in every worker, for as long as the services stand as they are.
import { wordsOf } from '../../lvs/address.ts';
import { ICMP, ICMP6, OK, Packet, parse, parseQuote, UDP } from '../../lvs/packet/parse.ts';
import type { ServiceSpec } from '../../model/service.ts';

const [IPIP, IPV6_INSIDE, GRE] = [4, 41, 47];
/** UDP's header and GUE's. */
const GUE = 12;

/** The local addresses of a FullNAT service that worker `index` of `workers` gives out. */
export function localsOf(locals: readonly string[], index: number, workers: number): string[] {
  return locals.filter((_, i) => i % workers === index);
}

export class Owners {
  readonly #workers: number;
  readonly #packet = new Packet();
  readonly #quote = new Packet();
  /** Virtual addresses (-1), and FullNAT local ones with their owner. */
  #places = new Map<number, { words: Int32Array; owner: number }[]>();
  #tunnelPorts = new Set<number>();
  /** Workers that own clients: those without a local address for some FullNAT service own none. */
  #share = 1;

  constructor(workers: number) {
    this.#workers = workers;
  }

  set(services: readonly ServiceSpec[]): void {
    this.#places = new Map();
    this.#tunnelPorts = new Set();
    this.#share = this.#workers;
    for (const s of services) {
      this.#put(s.address, -1);
      if (s.forward === 'tun' && s.tunnel.type === 'gue') this.#tunnelPorts.add(s.tunnel.port);
      if (s.forward !== 'fullnat') continue;
      this.#share = Math.max(1, Math.min(this.#share, s.localAddresses.length));
      for (const [i, text] of s.localAddresses.entries()) this.#put(text, i % this.#workers);
    }
  }

  /** The owner of the IP packet at `at`, or -1: anyone. */
  of(bytes: Uint8Array, at: number, length: number): number {
    const p = this.#packet;
    if (parse(p, bytes, at, length) !== OK) return -1;
    const to = this.#find(p.d0, p.d1, p.d2, p.d3);
    if (to >= 0) return to;
    if (p.protocol === (p.family === 4 ? ICMP : ICMP6) && p.l4 + 8 < p.end) return this.#quoted(p);
    return to === -1 ? this.#client(p.s0, p.s1, p.s2, p.s3) : this.#client(p.d0, p.d1, p.d2, p.d3);
  }

  #quoted(p: Packet): number {
    const q = this.#quote;
    const outer = p.l4 + 8;
    if (parseQuote(q, p.frame, outer, p.end, false) !== OK) return -1;
    // About a tunnel packet: what is inside of it tells.
    const inside = this.#inside(q);
    if (inside > 0 && parseQuote(q, p.frame, inside, p.end, false) !== OK) return -1;
    const from = this.#find(q.s0, q.s1, q.s2, q.s3);
    if (from >= 0) return from;
    // What went to a client came from a virtual address; all else went to a server.
    return from === -1 ? this.#client(q.d0, q.d1, q.d2, q.d3) : this.#client(q.s0, q.s1, q.s2, q.s3);
  }

  #inside(q: Packet): number {
    if (q.protocol === IPIP || q.protocol === IPV6_INSIDE) return q.l4;
    if (q.protocol === GRE) return q.l4 + ((q.frame[q.l4] & 0x80) === 0 ? 4 : 8);
    return q.protocol === UDP && this.#tunnelPorts.has(q.dport) ? q.l4 + GUE : 0;
  }

  #client(a0: number, a1: number, a2: number, a3: number): number {
    let h = Math.imul(a0 ^ (a1 * 31) ^ (a2 * 961), 0x9e3779b1) ^ a3;
    h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
    return ((h ^ (h >>> 13)) >>> 0) % this.#share;
  }

  // The owner of a local address, -1 for a virtual one, -2 for any other.
  #find(a0: number, a1: number, a2: number, a3: number): number {
    const bucket = this.#places.get(a0 ^ a3);
    if (bucket === undefined) return -2;
    for (let i = 0; i < bucket.length; i++) {
      const { words, owner } = bucket[i];
      if (words[0] === a0 && words[1] === a1 && words[2] === a2 && words[3] === a3) return owner;
    }
    return -2;
  }

  #put(address: string, owner: number): void {
    const words = wordsOf(address);
    const key = words[0] ^ words[3];
    const bucket = this.#places.get(key) ?? [];
    bucket.push({ words, owner });
    this.#places.set(key, bucket);
  }
}
