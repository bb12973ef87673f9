// Looks ahead over a batch of packets: touches them and the lines of their connections before handle() needs them one after the other.
// A line out of a million costs a miss of the caches (some 200 ns) that handle() would wait for, and a packet that another processor
// wrote 100; the misses of a batch overlap.
//   packets → addresses, ports → chains (all packets) → their heads → first lines → the lines behind them
// Invariant: reads alone. Whatever the frames hold, only the time changes that handle() takes.
import type { Core } from './core.ts';
import { IS_UDP, V6 } from './line.ts';
import { Packet, TCP, UDP } from './packet/parse.ts';
import { LOCAL, OWN } from './wordset.ts';

/** Packets that are looked at together: their lines and their frames fit into the first cache. */
export const BATCH = 64;
/** A table with fewer connections is in the caches anyway. Those that are over count: where there are many, new ones come as quickly. */
export const MANY = 8192;
/** Bytes from the IP header on that are read at most: IPv4's longest header, or IPv6's, with ports. */
const READ = 64;

export class Ahead {
  readonly #core: Core;
  readonly #chains = new Int32Array(BATCH);
  readonly #many: number;
  /** For its view of the frames. */
  readonly #packet = new Packet();
  /** What was read, kept so that no compiler leaves the reading out. */
  seen = 0;

  /** Looks from `many` connections on. */
  constructor(core: Core, many: number) {
    this.#core = core;
    this.#many = many;
  }

  /** For the first `count` (at most BATCH) packets of `frame`, whose IP headers begin at `offsets`. */
  look(frame: Uint8Array, offsets: Int32Array, count: number): void {
    const chains = this.#chains;
    const { table } = this.#core.life;
    const n = count < BATCH ? count : BATCH;
    let seen = 0;
    for (let i = 0; i < n; i++) seen ^= frame[offsets[i]];
    this.seen = seen;
    if (table.used < this.#many) return;
    if (this.#packet.frame !== frame) this.#packet.see(frame, undefined);
    const { view } = this.#packet;
    for (let i = 0; i < n; i++) chains[i] = this.#chain(frame, view, offsets[i]);
    this.seen = table.chains.fetch(chains, n, table.x);
  }

  /** The chain in which the packet's connection would be; any, if it is none of ours. */
  #chain(frame: Uint8Array, view: DataView, at: number): number {
    if (at < 0 || at + READ > frame.length) return 0;
    const v4 = frame[at] >>> 4 === 4;
    const protocol = frame[at + (v4 ? 9 : 6)];
    if (protocol !== TCP && protocol !== UDP) return 0;
    const { services, life } = this.#core;
    const { chains } = life.table;
    const udp = protocol === UDP ? IS_UDP : 0;
    if (v4) {
      const ports = view.getInt32(at + ((frame[at] & 15) << 2));
      const s = view.getInt32(at + 12);
      const d = view.getInt32(at + 16);
      const to = services.places.bits(d, 0, 0, 0, 0);
      if (to & LOCAL) return chains.ofLocal(udp, d, 0, 0, 0, ports, s, 0);
      if (to & OWN) return chains.ofClient(udp, s, 0, 0, 0, ports >>> 16);
      return chains.ofClient(udp, d, 0, 0, 0, ports & 0xffff);
    }
    const ports = view.getInt32(at + 40);
    const s0 = view.getInt32(at + 8);
    const s3 = view.getInt32(at + 20);
    const d0 = view.getInt32(at + 24);
    const d1 = view.getInt32(at + 28);
    const d2 = view.getInt32(at + 32);
    const d3 = view.getInt32(at + 36);
    const to = services.places.bits(d0, d1, d2, d3, 0);
    if (to & LOCAL) return chains.ofLocal(udp | V6, d0, d1, d2, d3, ports, s0, s3);
    if (to & OWN)
      return chains.ofClient(udp | V6, s0, view.getInt32(at + 12), view.getInt32(at + 16), s3, ports >>> 16);
    return chains.ofClient(udp | V6, d0, d1, d2, d3, ports & 0xffff);
  }
}
