// A packet's headers as plain values, outermost first: what the picture shows. For people, so it may allocate.
//   IP → (UDP → GUE | GRE | nothing) → IP → TCP | UDP | ICMP → IP that an error quotes …
// Invariant: reads inside the bytes alone; what is cut ends the list.
import { formatEndpoint, formatIp } from '../../kit/ip.ts';
import { half, ICMP, ICMP6, TCP, UDP, word } from '../packet/parse.ts';

/** MAC addresses of the frame; symbolic (`mac(director)`) where they are not known. */
export interface Mac {
  source: string;
  destination: string;
}

export interface IpView {
  kind: 'ip';
  version: 4 | 6;
  source: string;
  destination: string;
  /** TTL or hop limit. */
  ttl: number;
  /** DSCP and ECN. */
  tos: number;
  df?: boolean;
  id?: number;
  /** Of a fragment: its offset in bytes, and whether more follow. */
  fragment?: { offset: number; more: boolean };
}

export interface TcpView {
  kind: 'tcp';
  source: number;
  destination: number;
  /** `SYN`, `SYN ACK` … */
  flags: string;
  sequence: number;
  acknowledgement: number;
  /** Options in words: `mss 1460`, `toa 198.51.100.7:40000`. */
  options: string[];
}

export type HeaderView =
  | IpView
  | TcpView
  | { kind: 'udp'; source: number; destination: number }
  | { kind: 'gue' }
  | { kind: 'gre'; checksum: boolean }
  | { kind: 'icmp'; version: 4 | 6; type: number; code: number; mtu?: number }
  | { kind: 'other'; protocol: number };

export interface PacketView {
  mac?: Mac;
  headers: HeaderView[];
  /** Bytes of the outermost IP packet. */
  length: number;
}

/** What the reader cannot tell from the bytes alone. */
export interface Hints {
  /** UDP ports that carry GUE. */
  gue: ReadonlySet<number>;
  /** The TCP option kind that is TOA; 0 = none. */
  toa: number;
}

const IPIP = 4;
const IP6IP = 41;
const GRE = 47;
const FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'] as const;
/** More headers than any packet of ours has. */
const DEPTH = 12;

/** The headers of the IP packet in `bytes`. */
export function viewOf(bytes: Uint8Array, hints: Hints, mac?: Mac): PacketView {
  const headers: HeaderView[] = [];
  walk(bytes, hints, h => headers.push(h));
  return { ...(mac !== undefined && { mac }), headers, length: bytes.length };
}

/** The innermost IP packet of what tunnels carry: the bytes that a real server takes out. */
export function innermost(bytes: Uint8Array, hints: Hints): Uint8Array {
  let from = 0;
  let quoted = false;
  walk(bytes, hints, (h, at) => {
    if (h.kind === 'icmp') quoted = true;
    if (h.kind === 'ip' && !quoted) from = at;
  });
  return bytes.subarray(from);
}

/** Source and destination of the innermost packet that is no quote. */
export function endsOf(view: PacketView): { source: string; destination: string; protocol: string } {
  let ip: IpView | undefined;
  for (const h of view.headers) {
    if (h.kind === 'ip') ip = h;
    else if (ip !== undefined && (h.kind === 'tcp' || h.kind === 'udp')) {
      const tunnel = view.headers.indexOf(h) + 1 < view.headers.length;
      if (tunnel) continue;
      const [source, destination] = [
        formatEndpoint(ip.source, h.source),
        formatEndpoint(ip.destination, h.destination),
      ];
      return { source, destination, protocol: h.kind };
    } else if (ip !== undefined && (h.kind === 'icmp' || h.kind === 'other')) {
      const protocol = h.kind === 'icmp' ? 'icmp' : `protocol ${h.protocol}`;
      return { source: ip.source, destination: ip.destination, protocol };
    }
  }
  return { source: ip?.source ?? '?', destination: ip?.destination ?? '?', protocol: 'ip' };
}

function walk(bytes: Uint8Array, hints: Hints, tell: (header: HeaderView, at: number) => void): void {
  let at = 0;
  for (let depth = 0; depth < DEPTH; depth++) {
    const ip = readIp(bytes, at);
    if (ip === undefined) return;
    tell(ip.header, at);
    if ((ip.header.fragment?.offset ?? 0) > 0) return;
    const next = readTransport(bytes, ip.l4, ip.protocol, ip.header.version, hints, tell);
    if (next < 0) return;
    at = next;
  }
}

function readIp(b: Uint8Array, at: number): { header: IpView; protocol: number; l4: number } | undefined {
  const version = b.length > at ? b[at] >> 4 : 0;
  if (version === 4 && b.length >= at + 20) {
    const flags = half(b, at + 6);
    const header: IpView = {
      kind: 'ip',
      version: 4,
      source: formatIp(b, at + 12, 4),
      destination: formatIp(b, at + 16, 4),
      ttl: b[at + 8],
      tos: b[at + 1],
      df: (flags & 0x4000) !== 0,
      id: half(b, at + 4),
    };
    if (flags & 0x3fff) header.fragment = { offset: (flags & 0x1fff) << 3, more: (flags & 0x2000) !== 0 };
    return { header, protocol: b[at + 9], l4: at + ((b[at] & 15) << 2) };
  }
  if (version !== 6 || b.length < at + 40) return undefined;
  const header: IpView = {
    kind: 'ip',
    version: 6,
    source: formatIp(b, at + 8, 16),
    destination: formatIp(b, at + 24, 16),
    ttl: b[at + 7],
    tos: ((b[at] << 4) | (b[at + 1] >> 4)) & 0xff,
  };
  let protocol = b[at + 6];
  let l4 = at + 40;
  // Hop-by-hop, routing, fragment, destination options.
  for (let i = 0; i < 8 && [0, 43, 44, 60].includes(protocol) && b.length >= l4 + 8; i++) {
    if (protocol === 44) header.fragment = { offset: half(b, l4 + 2) & 0xfff8, more: (b[l4 + 3] & 1) !== 0 };
    const size = protocol === 44 ? 8 : (b[l4 + 1] + 1) << 3;
    protocol = b[l4];
    l4 += size;
  }
  return { header, protocol, l4 };
}

// Where the next IP header is; -1 = there is none.
function readTransport(
  b: Uint8Array,
  at: number,
  protocol: number,
  version: 4 | 6,
  hints: Hints,
  tell: (header: HeaderView, at: number) => void,
): number {
  const room = b.length - at;
  if (protocol === IPIP || protocol === IP6IP) return at;
  if (protocol === TCP && room >= 20) {
    tell(readTcp(b, at, hints), at);
    return -1;
  }
  if (protocol === UDP && room >= 8) {
    const destination = half(b, at + 2);
    tell({ kind: 'udp', source: half(b, at), destination }, at);
    if (!hints.gue.has(destination) || room < 12 || b[at + 8] !== 0) return -1;
    tell({ kind: 'gue' }, at + 8);
    return at + 12;
  }
  if (protocol === GRE && room >= 4) {
    const checksum = (b[at] & 0x80) !== 0;
    tell({ kind: 'gre', checksum }, at);
    return at + (checksum ? 8 : 4);
  }
  if (protocol === (version === 4 ? ICMP : ICMP6) && room >= 8) {
    const type = b[at];
    const code = b[at + 1];
    const big = version === 4 ? type === 3 && code === 4 : type === 2;
    const mtu = version === 4 ? half(b, at + 6) : word(b, at + 4) >>> 0;
    tell({ kind: 'icmp', version, type, code, ...(big && { mtu }) }, at);
    const error = version === 4 ? [3, 4, 5, 11, 12].includes(type) : type < 128;
    return error ? at + 8 : -1;
  }
  tell({ kind: 'other', protocol }, at);
  return -1;
}

function readTcp(b: Uint8Array, at: number, hints: Hints): TcpView {
  const end = Math.min(b.length, at + ((b[at + 12] >> 4) << 2));
  const options: string[] = [];
  for (let o = at + 20; o < end && b[o] !== 0; ) {
    const size = b[o] === 1 ? 1 : (b[o + 1] ?? 0);
    if (size === 0 || o + size > end) break;
    const text = size === 1 ? '' : optionText(b, o, size, hints);
    if (text !== '') options.push(text);
    o += size;
  }
  return {
    kind: 'tcp',
    source: half(b, at),
    destination: half(b, at + 2),
    flags: FLAGS.filter((_, i) => b[at + 13] & (1 << i)).join(' '),
    sequence: word(b, at + 4) >>> 0,
    acknowledgement: word(b, at + 8) >>> 0,
    options,
  };
}

function optionText(b: Uint8Array, at: number, size: number, { toa }: Hints): string {
  const kind = b[at];
  if (kind === toa && (size === 8 || size === 20))
    return `toa ${formatEndpoint(formatIp(b, at + 4, size - 4), half(b, at + 2))}`;
  if (kind === 2 && size === 4) return `mss ${half(b, at + 2)}`;
  if (kind === 3) return 'window scale';
  if (kind === 4) return 'sack permitted';
  if (kind === 5) return 'sack';
  if (kind === 8) return 'timestamps';
  return `option ${kind}`;
}
