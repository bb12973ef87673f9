// Packets in the tests' own words: built from a few fields with right checksums, and read back into the same fields.
//   tcp({ from: '198.51.100.7:31337', to: '192.0.2.10:80', flags: 'S' }) → bytes → show() → { from, to, flags, ttl … , sound: true }
import { finish, fold, sum } from '../../src/kit/checksum.ts';
import { formatIp, parseEndpoint, parseIp } from '../../src/kit/ip.ts';

export interface Fields {
  from: string;
  to: string;
  ttl?: number;
  tos?: number;
  id?: number;
  df?: boolean;
  payload?: Uint8Array;
  flags?: string;
  seq?: number;
  ack?: number;
  options?: readonly number[];
  /** UDP without a checksum. */
  bare?: boolean;
}

const FLAG: Record<string, number> = { F: 1, S: 2, R: 4, P: 8, A: 16 };

export function bytes(n: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length: n }, (_, i) => (i * 7 + seed) & 255);
}

function ends(f: Fields) {
  const from = parseEndpoint(f.from);
  const to = parseEndpoint(f.to);
  if (from === undefined || to === undefined) throw new Error(`${f.from} > ${f.to}`);
  return {
    source: parseIp(from.address) as Uint8Array,
    destination: parseIp(to.address) as Uint8Array,
    sport: from.port,
    dport: to.port,
  };
}

export function put16(b: Uint8Array, at: number, v: number): void {
  b[at] = v >> 8;
  b[at + 1] = v;
}
export function put32(b: Uint8Array, at: number, v: number): void {
  put16(b, at, v >>> 16);
  put16(b, at + 2, v & 0xffff);
}
export function get16(b: Uint8Array, at: number): number {
  return (b[at] << 8) | b[at + 1];
}
export function get32(b: Uint8Array, at: number): number {
  return ((get16(b, at) << 16) | get16(b, at + 2)) >>> 0;
}

/** The IP packet around `l4`, of the family of its addresses. */
export function ip(
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  l4: Uint8Array,
  f: { ttl?: number; tos?: number; id?: number; df?: boolean } = {},
): Uint8Array {
  const { ttl = 64, tos = 0, id = 0x1234, df = true } = f;
  if (source.length === 4) {
    const b = new Uint8Array(20 + l4.length);
    b.set([0x45, tos], 0);
    put16(b, 2, b.length);
    put16(b, 4, id);
    put16(b, 6, df ? 0x4000 : 0);
    b.set([ttl, protocol], 8);
    b.set(source, 12);
    b.set(destination, 16);
    put16(b, 10, finish(sum(b, 0, 20, 0)));
    b.set(l4, 20);
    return b;
  }
  const b = new Uint8Array(40 + l4.length);
  put32(b, 0, 0x60000000 | (tos << 20));
  put16(b, 4, l4.length);
  b.set([protocol, ttl], 6);
  b.set(source, 8);
  b.set(destination, 24);
  b.set(l4, 40);
  return b;
}

function pseudo(source: Uint8Array, destination: Uint8Array, protocol: number, length: number): number {
  return sum(source, 0, source.length, sum(destination, 0, destination.length, protocol + length));
}

export function tcp(f: Fields): Uint8Array {
  const { source, destination, sport, dport } = ends(f);
  const options = f.options ?? [];
  const payload = f.payload ?? new Uint8Array(0);
  const header = 20 + options.length;
  const l4 = new Uint8Array(header + payload.length);
  put16(l4, 0, sport);
  put16(l4, 2, dport);
  put32(l4, 4, f.seq ?? 1000);
  put32(l4, 8, f.ack ?? 0);
  l4[12] = (header / 4) << 4;
  l4[13] = [...(f.flags ?? 'S')].reduce((sum, c) => sum | FLAG[c], 0);
  put16(l4, 14, 0x7210);
  l4.set(options, 20);
  l4.set(payload, header);
  put16(l4, 16, finish(sum(l4, 0, l4.length, pseudo(source, destination, 6, l4.length))));
  return ip(source, destination, 6, l4, f);
}

export function udp(f: Fields): Uint8Array {
  const { source, destination, sport, dport } = ends(f);
  const payload = f.payload ?? bytes(10);
  const l4 = new Uint8Array(8 + payload.length);
  put16(l4, 0, sport);
  put16(l4, 2, dport);
  put16(l4, 4, l4.length);
  l4.set(payload, 8);
  if (f.bare !== true) {
    const check = finish(sum(l4, 0, l4.length, pseudo(source, destination, 17, l4.length)));
    put16(l4, 6, check === 0 ? 0xffff : check);
  }
  return ip(source, destination, 17, l4, f);
}

/** An ICMP error from `from` to `to` that quotes `about`; `info` is its second word. */
export function icmp(
  from: string,
  to: string,
  type: number,
  code: number,
  info: number,
  about: Uint8Array,
): Uint8Array {
  const source = parseIp(from) as Uint8Array;
  const destination = parseIp(to) as Uint8Array;
  const l4 = new Uint8Array(8 + about.length);
  l4.set([type, code], 0);
  put32(l4, 4, info);
  l4.set(about, 8);
  const start = source.length === 4 ? 0 : pseudo(source, destination, 58, l4.length);
  put16(l4, 2, finish(sum(l4, 0, l4.length, start)));
  return ip(source, destination, source.length === 4 ? 1 : 58, l4, { df: false });
}

/** `packet` in fragments of at most `mtu` bytes, by the rules and not by the code under test. */
export function cut(packet: Uint8Array, mtu: number): Uint8Array[] {
  const v4 = packet[0] >> 4 === 4;
  const header = v4 ? 20 : 40;
  const data = packet.subarray(header);
  const room = Math.floor((mtu - header - (v4 ? 0 : 8)) / 8) * 8;
  const out: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += room) {
    const part = data.subarray(at, at + room);
    const more = at + room < data.length;
    const head = v4 ? header : header + 8;
    const b = new Uint8Array(head + part.length);
    b.set(packet.subarray(0, header), 0);
    b.set(part, head);
    if (v4) {
      put16(b, 2, b.length);
      put16(b, 6, (at >> 3) | (more ? 0x2000 : 0));
      put16(b, 10, 0);
      put16(b, 10, finish(sum(b, 0, 20, 0)));
    } else {
      b.set([packet[6], 0], 40);
      b[6] = 44;
      put16(b, 42, at | (more ? 1 : 0));
      put32(b, 44, 0xabcd1234);
      put16(b, 4, b.length - 40);
    }
    out.push(b);
  }
  return out;
}

export interface Shown {
  from: string;
  to: string;
  protocol: number;
  ttl: number;
  length: number;
  /** Every checksum is what a full computation gives. */
  sound: boolean;
  flags?: string;
  seq?: number;
  ack?: number;
  options?: number[];
  payload: Uint8Array;
}

/** The fields of an IP packet. */
export function show(b: Uint8Array): Shown {
  const v4 = b[0] >> 4 === 4;
  const header = v4 ? (b[0] & 15) * 4 : 40;
  const length = v4 ? get16(b, 2) : 40 + get16(b, 4);
  const protocol = v4 ? b[9] : b[6];
  const source = v4 ? b.subarray(12, 16) : b.subarray(8, 24);
  const destination = v4 ? b.subarray(16, 20) : b.subarray(24, 40);
  const l4 = b.subarray(header, length);
  let sound = !v4 || fold(sum(b, 0, header, 0)) === 0xffff;
  const ported = protocol === 6 || protocol === 17;
  const address = (bytes: Uint8Array, port: number) => {
    const text = formatIp(bytes);
    if (!ported) return text;
    return v4 ? `${text}:${port}` : `[${text}]:${port}`;
  };
  const shown: Shown = {
    from: address(source, get16(l4, 0)),
    to: address(destination, get16(l4, 2)),
    protocol,
    ttl: v4 ? b[8] : b[7],
    length,
    sound,
    payload: l4,
  };
  const covered = () =>
    fold(sum(l4, 0, l4.length, pseudo(source, destination, protocol, l4.length))) === 0xffff;
  if (protocol === 6) {
    const size = (l4[12] >> 4) * 4;
    sound &&= covered();
    shown.flags = Object.keys(FLAG)
      .filter(k => l4[13] & FLAG[k])
      .join('');
    shown.seq = get32(l4, 4);
    shown.ack = get32(l4, 8);
    shown.options = [...l4.subarray(20, size)];
    shown.payload = l4.slice(size);
  } else if (protocol === 17) {
    sound &&= get16(l4, 6) === 0 || covered();
    shown.payload = l4.slice(8);
  } else if (protocol === 1) sound &&= fold(sum(l4, 0, l4.length, 0)) === 0xffff;
  else if (protocol === 58) sound &&= covered();
  shown.sound = sound;
  return shown;
}
