// Captured packets out of a file: pcap (both byte orders, µs and ns) and pcapng (its section, interface and packet blocks).
// Links: Ethernet with VLAN tags, raw IP, Linux cooked (SLL, SLL2), BSD loopback.
// draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng. Invariant: reads inside the bytes alone; a length that lies is a fault.
import { GtmError } from '../../kit/errors.ts';
import type { Mac } from './view.ts';

/** One record of the file. */
export interface Captured {
  /** From 1, as Wireshark counts. */
  number: number;
  /** Milliseconds since the first one. */
  time: number;
  /** The IP packet; undefined where the record holds none, and `skipped` says what. */
  packet?: Uint8Array;
  mac?: Mac;
  skipped?: string;
}

const LONGEST = 262_144;
const MICRO = 0xa1b2c3d4;
const NANO = 0xa1b23c4d;
const SECTION = 0x0a0d0d0a;
const ORDER = 0x1a2b3c4d;

/** The records of a capture file in their order. GTM_CAPTURE: the file is none, or is broken (after the sound records). */
export function* readCapture(bytes: Uint8Array): Generator<Captured> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 24) throw new GtmError('GTM_CAPTURE', 'too short for a capture file');
  const magic = view.getUint32(0);
  const swapped = view.getUint32(0, true);
  if (magic === SECTION) yield* readNext(bytes, view);
  else if (magic === MICRO || magic === NANO) yield* readClassic(bytes, view, false, magic === NANO);
  else if (swapped === MICRO || swapped === NANO) yield* readClassic(bytes, view, true, swapped === NANO);
  else throw new GtmError('GTM_CAPTURE', 'neither pcap nor pcapng: its first bytes are another file’s');
}

function* readClassic(
  bytes: Uint8Array,
  view: DataView,
  little: boolean,
  nano: boolean,
): Generator<Captured> {
  const link = view.getUint32(20, little) & 0x0fffffff;
  let first = Number.NaN;
  for (let at = 24, number = 1; at < bytes.length; number++) {
    if (at + 16 > bytes.length) throw broken(number, at);
    const time = view.getUint32(at, little) * 1000 + view.getUint32(at + 4, little) / (nano ? 1e6 : 1e3);
    const size = view.getUint32(at + 8, little);
    if (size > LONGEST || at + 16 + size > bytes.length) throw broken(number, at);
    if (Number.isNaN(first)) first = time;
    const frame = bytes.subarray(at + 16, at + 16 + size);
    yield { number, time: Math.max(0, time - first), ...open(frame, link) };
    at += 16 + size;
  }
}

interface Interface {
  link: number;
  /** Milliseconds of one unit of its time stamps. */
  unit: number;
}

function* readNext(bytes: Uint8Array, view: DataView): Generator<Captured> {
  let little = false;
  let interfaces: Interface[] = [];
  let first = Number.NaN;
  let number = 1;
  for (let at = 0; at < bytes.length; ) {
    if (at + 12 > bytes.length) throw broken(number, at);
    if (view.getUint32(at) === SECTION) {
      little = view.getUint32(at + 8, true) === ORDER;
      if (!little && view.getUint32(at + 8) !== ORDER) throw broken(number, at);
      interfaces = [];
    }
    const type = view.getUint32(at, little);
    const size = view.getUint32(at + 4, little);
    if (size < 12 || size % 4 !== 0 || at + size > bytes.length) throw broken(number, at);
    const end = at + size - 4;
    if (type === 1 && size >= 20)
      interfaces.push({ link: view.getUint16(at + 8, little), unit: unitOf(view, at + 16, end, little) });
    else if (type === 6 || type === 3) {
      const simple = type === 3;
      const body = at + (simple ? 12 : 28);
      if (body > end) throw broken(number, at);
      const from = interfaces[simple ? 0 : view.getUint32(at + 8, little)];
      const whole = view.getUint32(at + (simple ? 8 : 20), little);
      const length = simple ? Math.min(whole, end - body) : whole;
      if (from === undefined || length > LONGEST || body + length > end) throw broken(number, at);
      const ticks = simple ? 0 : view.getUint32(at + 12, little) * 2 ** 32 + view.getUint32(at + 16, little);
      const time = ticks * from.unit;
      if (Number.isNaN(first) && !simple) first = time;
      const since = simple || Number.isNaN(first) ? 0 : Math.max(0, time - first);
      yield { number: number++, time: since, ...open(bytes.subarray(body, body + length), from.link) };
    }
    at += size;
  }
}

// The option if_tsresol (9): a power of ten, or of two; a millionth of a second without it.
function unitOf(view: DataView, from: number, end: number, little: boolean): number {
  for (let at = from; at + 4 <= end; ) {
    const code = view.getUint16(at, little);
    const size = view.getUint16(at + 2, little);
    if (code === 0) break;
    if (code === 9 && size === 1 && at + 5 <= end) {
      const value = view.getUint8(at + 4);
      return 1000 * (value & 0x80 ? 2 : 10) ** -(value & 0x7f);
    }
    at += 4 + ((size + 3) & ~3);
  }
  return 1e-3;
}

function broken(number: number, at: number): GtmError {
  return new GtmError('GTM_CAPTURE', `record ${number}, at byte ${at}: cut off, or no record`);
}

const IPV4 = 0x0800;
const IPV6 = 0x86dd;

// The IP packet in a frame of a link type.
function open(frame: Uint8Array, link: number): Pick<Captured, 'packet' | 'mac' | 'skipped'> {
  switch (link) {
    case 1:
      return ethernet(frame);
    case 0:
    case 108:
      return ip(frame.subarray(4));
    case 12:
    case 14:
    case 101:
    case 228:
    case 229:
      return ip(frame);
    case 113:
      return frame.length < 16 ? { skipped: 'cut' } : typed(frame, half(frame, 14), 16);
    case 276:
      return frame.length < 20 ? { skipped: 'cut' } : typed(frame, half(frame, 0), 20);
    default:
      return { skipped: `link type ${link}` };
  }
}

function ethernet(frame: Uint8Array): Pick<Captured, 'packet' | 'mac' | 'skipped'> {
  let at = 12;
  while (at + 2 <= frame.length && (half(frame, at) === 0x8100 || half(frame, at) === 0x88a8)) at += 4;
  if (at + 2 > frame.length) return { skipped: 'cut' };
  const mac = { source: macText(frame, 6), destination: macText(frame, 0) };
  return { ...typed(frame, half(frame, at), at + 2), mac };
}

function typed(frame: Uint8Array, type: number, at: number): Pick<Captured, 'packet' | 'skipped'> {
  if (type === IPV4 || type === IPV6) return ip(frame.subarray(at));
  return { skipped: type === 0x0806 ? 'ARP' : `EtherType 0x${type.toString(16).padStart(4, '0')}` };
}

// Without the padding of a short frame.
function ip(packet: Uint8Array): Pick<Captured, 'packet' | 'skipped'> {
  const version = packet.length > 0 ? packet[0] >> 4 : 0;
  if (version !== 4 && version !== 6) return { skipped: 'no IP' };
  if (packet.length < (version === 4 ? 20 : 40)) return { skipped: 'cut' };
  const length = version === 4 ? half(packet, 2) : 40 + half(packet, 4);
  return { packet: packet.subarray(0, Math.min(length, packet.length)) };
}

function half(b: Uint8Array, at: number): number {
  return (b[at] << 8) | b[at + 1];
}

function macText(b: Uint8Array, at: number): string {
  return [...b.subarray(at, at + 6)].map(x => x.toString(16).padStart(2, '0')).join(':');
}
