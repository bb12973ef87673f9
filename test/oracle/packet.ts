// IP packets put together from parts, every checksum right unless a part says otherwise (RFC 791, 8200, 793, 768, 792, 4443).
import { parseIp } from '../../src/kit/ip.ts';

export interface Ends {
  source: string;
  destination: string;
}

export interface IpParts extends Ends {
  tos?: number;
  id?: number;
  /** IPv4's DF. */
  df?: boolean;
  ttl?: number;
  flow?: number;
  /** IPv4 options, a multiple of four bytes. */
  options?: Uint8Array;
}

export const FLAG = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const;
export const [ICMP, IPIP, TCP, UDP, IPV6, GRE, ICMP6] = [1, 4, 6, 17, 41, 47, 58];

/** Ones' complement sum of 16-bit words, folded and inverted. */
export function checksum(...parts: Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let i = 0; i + 1 < part.length; i += 2) sum += (part[i] << 8) | part[i + 1];
    if (part.length % 2 === 1) sum += part[part.length - 1] << 8;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function pseudo(ends: Ends, protocol: number, length: number): Uint8Array {
  const [s, d] = [parseIp(ends.source), parseIp(ends.destination)] as Uint8Array[];
  if (s.length === 4) return Uint8Array.of(...s, ...d, 0, protocol, length >> 8, length & 255);
  return Uint8Array.of(...s, ...d, 0, 0, length >> 8, length & 255, 0, 0, 0, protocol);
}

/** An IPv4 or IPv6 packet around `payload`. */
export function ip(parts: IpParts, protocol: number, payload: Uint8Array): Buffer {
  const [s, d] = [parseIp(parts.source), parseIp(parts.destination)] as Uint8Array[];
  const ttl = parts.ttl ?? 64;
  const tos = parts.tos ?? 0;
  if (s.length === 16) {
    const head = Buffer.alloc(40);
    head.writeUInt32BE(((6 << 28) | (tos << 20) | (parts.flow ?? 0)) >>> 0, 0);
    head.writeUInt16BE(payload.length, 4);
    head[6] = protocol;
    head[7] = ttl;
    head.set(s, 8);
    head.set(d, 24);
    return Buffer.concat([head, payload]);
  }
  const options = parts.options ?? new Uint8Array(0);
  const head = Buffer.alloc(20 + options.length);
  head[0] = 0x40 | (head.length >> 2);
  head[1] = tos;
  head.writeUInt16BE(head.length + payload.length, 2);
  head.writeUInt16BE(parts.id ?? 0, 4);
  head.writeUInt16BE(parts.df === true ? 0x4000 : 0, 6);
  head[8] = ttl;
  head[9] = protocol;
  head.set(s, 12);
  head.set(d, 16);
  head.set(options, 20);
  head.writeUInt16BE(checksum(head), 10);
  return Buffer.concat([head, payload]);
}

export interface TcpParts {
  sport: number;
  dport: number;
  flags: number;
  seq?: number;
  ack?: number;
  options?: Uint8Array;
  payload?: Uint8Array;
  /** XORed into the checksum: 0 leaves it right. */
  wrong?: number;
}

export function tcp(parts: IpParts, t: TcpParts): Buffer {
  const options = t.options ?? new Uint8Array(0);
  const body = Buffer.concat([Buffer.alloc(20), options, t.payload ?? new Uint8Array(0)]);
  body.writeUInt16BE(t.sport, 0);
  body.writeUInt16BE(t.dport, 2);
  body.writeUInt32BE((t.seq ?? 1000) >>> 0, 4);
  body.writeUInt32BE((t.ack ?? 0) >>> 0, 8);
  body[12] = ((20 + options.length) >> 2) << 4;
  body[13] = t.flags;
  body.writeUInt16BE(65535, 14);
  body.writeUInt16BE(checksum(pseudo(parts, TCP, body.length), body) ^ (t.wrong ?? 0), 16);
  return ip(parts, TCP, body);
}

export interface UdpParts {
  sport: number;
  dport: number;
  payload: Uint8Array;
  /** No checksum (IPv4). */
  bare?: boolean;
  wrong?: number;
}

export function udp(parts: IpParts, u: UdpParts): Buffer {
  const body = Buffer.concat([Buffer.alloc(8), u.payload]);
  body.writeUInt16BE(u.sport, 0);
  body.writeUInt16BE(u.dport, 2);
  body.writeUInt16BE(body.length, 4);
  const sum = checksum(pseudo(parts, UDP, body.length), body) ^ (u.wrong ?? 0);
  body.writeUInt16BE(u.bare === true ? 0 : sum || 0xffff, 6);
  return ip(parts, UDP, body);
}

/** An ICMP or ICMPv6 message of `type` and `code`; `rest` is its second word (an MTU, say), `quote` what follows. */
export function icmp(parts: IpParts, type: number, code: number, rest: number, quote: Uint8Array): Buffer {
  const six = parts.source.includes(':');
  const body = Buffer.concat([Buffer.alloc(8), quote]);
  body[0] = type;
  body[1] = code;
  body.writeUInt32BE(rest >>> 0, 4);
  const sum = six ? checksum(pseudo(parts, ICMP6, body.length), body) : checksum(body);
  body.writeUInt16BE(sum, 2);
  return ip(parts, six ? ICMP6 : ICMP, body);
}

/** The fragments of a packet, each with at most `room` bytes (a multiple of eight) of its payload. */
export function fragments(packet: Uint8Array, room: number, id: number): Buffer[] {
  const six = packet[0] >> 4 === 6;
  const head = Buffer.from(packet.subarray(0, six ? 40 : (packet[0] & 15) * 4));
  const body = packet.subarray(head.length);
  const out: Buffer[] = [];
  for (let at = 0; at < body.length; at += room) {
    const part = body.subarray(at, at + room);
    const more = at + room < body.length ? 1 : 0;
    if (six) {
      const own = Buffer.from(head);
      own.writeUInt16BE(part.length + 8, 4);
      own[6] = 44;
      const extension = Buffer.alloc(8);
      extension[0] = head[6];
      extension.writeUInt16BE(at | more, 2);
      extension.writeUInt32BE(id, 4);
      out.push(Buffer.concat([own, extension, part]));
    } else {
      const own = Buffer.from(head);
      own.writeUInt16BE(own.length + part.length, 2);
      own.writeUInt16BE(id & 0xffff, 4);
      own.writeUInt16BE((at >> 3) | (more << 13), 6);
      own.writeUInt16BE(0, 10);
      own.writeUInt16BE(checksum(own), 10);
      out.push(Buffer.concat([own, part]));
    }
  }
  return out;
}
