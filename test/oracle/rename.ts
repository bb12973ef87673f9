// FullNAT's local ends in the kernel and in the core: each picks addresses and ports of its own, and what a server is told must be
// the same but for them. One to one, for as long as a connection lives: a name table, learned from what goes to the servers.
//   kernel's local end ⇄ core's local end, each seen from a server (the same port may serve several servers)
import { update } from '../../src/kit/checksum.ts';
import { formatIp, parseIp } from '../../src/kit/ip.ts';
import { ICMP, ICMP6, TCP, UDP } from './packet.ts';
import { LOCALS, OWN } from './topology.ts';

const LOCAL = new Set([...LOCALS[4], ...LOCALS[6], ...OWN.server]);
/** Ports below the core's first are no connection's there: a stray is sent to one of them. */
const FIRST = 5000;

/** Where a packet (or what an ICMP error quotes) names a local end, and who the server is. */
interface Place {
  /** Offsets: the header with the addresses, the transport header. */
  at: number;
  l4: number;
  source: boolean;
  protocol: number;
  local: string;
  port: number;
  server: string;
  /** The rest of what tells a connection from others: a client's address, behind which NAT has put the local end. */
  quote: boolean;
}

function end(packet: Buffer, at: number, l4: number, source: boolean): [string, number] {
  const six = packet[at] >> 4 === 6;
  const size = six ? 16 : 4;
  const from = at + (six ? 8 : 12) + (source ? 0 : size);
  return [formatIp(packet, from, size), packet.readUInt16BE(l4 + (source ? 0 : 2))];
}

function placeAt(packet: Buffer, at: number, quote: boolean): Place | undefined {
  const six = packet[at] >> 4 === 6;
  if (packet.length < at + (six ? 40 : 20)) return undefined;
  const l4 = at + (six ? 40 : (packet[at] & 15) * 4);
  const protocol = packet[at + (six ? 6 : 9)];
  if (!six && (packet.readUInt16BE(at + 6) & 0x1fff) !== 0) return undefined;
  if (!quote && protocol === (six ? ICMP6 : ICMP)) return placeAt(packet, l4 + 8, true);
  if ((protocol !== TCP && protocol !== UDP) || packet.length < l4 + 4) return undefined;
  for (const source of [true, false]) {
    const [local, port] = end(packet, at, l4, source);
    if (LOCAL.has(local))
      return { at, l4, source, protocol, local, port, server: end(packet, at, l4, !source).join(' '), quote };
  }
  return undefined;
}

function keyOf(p: Place): string {
  return `${p.protocol} ${p.server} ${p.local} ${p.port}`;
}

export class Names {
  readonly #toCore = new Map<string, [string, number]>();
  readonly #toKernel = new Map<string, [string, number]>();
  /** Different local ends of the core. */
  #learned = 0;

  /** A server's packet as the core is to see it. */
  toCore(bytes: Uint8Array): Buffer {
    const packet = Buffer.from(bytes);
    const place = placeAt(packet, 0, false);
    if (place === undefined) return packet;
    let to = this.#toCore.get(keyOf(place));
    if (to === undefined) {
      to = [place.local, place.port % FIRST];
      this.#toKernel.set(keyOf({ ...place, port: to[1] }), [place.local, place.port]);
    }
    return rename(packet, place, to);
  }

  /** What the core sent, with the kernel's names. */
  toKernel(bytes: Uint8Array): Buffer {
    const packet = Buffer.from(bytes);
    const place = placeAt(packet, 0, false);
    const to = place === undefined ? undefined : this.#toKernel.get(keyOf(place));
    return place === undefined || to === undefined ? packet : rename(packet, place, to);
  }

  /**
   * A client's packet went to a server on both sides; the core has opened so many connections so far. Says what is wrong about its
   * local ends: a connection's may not change, and two may not share one.
   */
  learn(kernel: Uint8Array, core: Uint8Array, opened: number): string | undefined {
    const [k, c] = [kernel, core].map(p => placeAt(Buffer.from(p), 0, false));
    if (k === undefined || c === undefined || k.quote || c.quote || !k.source || !c.source) return undefined;
    const known = this.#toKernel.get(keyOf(c));
    if (known === undefined) {
      // The core takes its ports in turn: a new one is a new connection's.
      if (++this.#learned > opened) return `${keyOf(c)} is the ${this.#learned}th of ${opened} connections`;
    } else if (known.join(' ') !== `${k.local} ${k.port}`)
      return `${keyOf(c)} stands for ${known.join(' ')} and for ${k.local} ${k.port}`;
    this.#toCore.set(keyOf(k), [c.local, c.port]);
    this.#toKernel.set(keyOf(c), [k.local, k.port]);
    return undefined;
  }
}

/** `packet` with another local end; checksums that were right stay right, wrong ones as wrong. */
function rename(packet: Buffer, place: Place, to: readonly [string, number]): Buffer {
  const { at, l4, source, protocol, quote } = place;
  const six = packet[at] >> 4 === 6;
  const old = Buffer.from(packet);
  put(packet, at, source, to[0]);
  packet.writeUInt16BE(to[1], l4 + (source ? 0 : 2));
  if (!six) follow(packet, old, at + 10, at, l4);
  if (quote) {
    // The error itself is from, or to, the local end; its checksum covers the quote, and in IPv6 the outer addresses.
    put(packet, 0, !source, to[0]);
    const outer = six ? 40 : (packet[0] & 15) * 4;
    if (!six) follow(packet, old, 10, 0, outer);
    follow(packet, old, outer + 2, six ? 8 : outer, packet.length);
    return packet;
  }
  const field = l4 + (protocol === TCP ? 16 : 6);
  if (protocol === UDP && old.readUInt16BE(field) === 0) return packet;
  follow(packet, old, field, at + (six ? 8 : 12), l4 + 4);
  if (protocol === UDP && packet.readUInt16BE(field) === 0) packet.writeUInt16BE(0xffff, field);
  return packet;
}

function put(packet: Buffer, at: number, source: boolean, address: string): void {
  const bytes = parseIp(address) as Uint8Array;
  const base = bytes.length === 16 ? 8 : 12;
  packet.set(bytes, at + base + (source ? 0 : bytes.length));
}

/** The checksum at `field` after what changed within [from, to), itself left out. */
function follow(packet: Buffer, old: Buffer, field: number, from: number, to: number): void {
  let delta = 0;
  for (let i = from; i < to; i += 2) {
    if (i === field) continue;
    const [a, b] = [old, packet].map(p => (p[i] << 8) | (p[i + 1] ?? 0));
    if (a !== b) delta += (~a & 0xffff) + b;
  }
  packet.writeUInt16BE(update(old.readUInt16BE(field), delta), field);
}
