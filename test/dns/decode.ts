// A strict decoder of DNS messages for tests, apart from the product's code: whatever a reply may not be is an error.
// Pointers go backward only, to below 0x4000; rdata is compressed only in the types of RFC 1035; nothing is left over.
import { formatIp } from '../../src/kit/ip.ts';

export interface Rr {
  owner: string;
  type: string;
  ttl: number;
  data: string;
}

export interface Message {
  id: number;
  flags: number;
  rcode: number;
  aa: boolean;
  tc: boolean;
  /** The question's octets. */
  question: Uint8Array;
  questions: number;
  answer: Rr[];
  authority: Rr[];
  additional: Rr[];
  opt: { size: number; version: number; flags: number; options: string } | undefined;
}

const NAMES: Record<number, string> = {
  1: 'A',
  2: 'NS',
  5: 'CNAME',
  6: 'SOA',
  12: 'PTR',
  13: 'HINFO',
  15: 'MX',
  16: 'TXT',
  28: 'AAAA',
  33: 'SRV',
  39: 'DNAME',
  43: 'DS',
  257: 'CAA',
};

/** Decodes a whole message; throws on any fault. */
export function decode(bytes: Uint8Array): Message {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 12) throw new Error('no header');
  const flags = view.getUint16(2);
  const questions = view.getUint16(4);
  let at = 12;
  for (let i = 0; i < questions; i++) at = name(bytes, at, false).end + 4;
  if (at > bytes.length) throw new Error('question runs over');
  const question = bytes.subarray(12, at);
  let opt: Message['opt'];
  const section = (count: number, last: boolean): Rr[] => {
    const rrs: Rr[] = [];
    for (let i = 0; i < count; i++) {
      const owner = name(bytes, at, true);
      at = owner.end;
      const type = view.getUint16(at);
      const length = view.getUint16(at + 8);
      const end = at + 10 + length;
      if (end > bytes.length) throw new Error('rdata runs over');
      if (type === 41) {
        if (!last || opt !== undefined || owner.text !== '.') throw new Error('OPT out of place');
        const options = Buffer.from(bytes.subarray(at + 10, end)).toString('hex');
        opt = {
          size: view.getUint16(at + 2),
          version: bytes[at + 5],
          flags: view.getUint16(at + 6),
          options,
        };
        if (bytes[at + 4] > 0) extended = bytes[at + 4];
      } else {
        const asked =
          question.length === 0 ? 1 : (question.at(-2) as number) * 256 + (question.at(-1) as number);
        if (view.getUint16(at + 2) !== asked) throw new Error('class is not the one asked for');
        const ttl = view.getUint32(at + 4);
        const mnemonic = NAMES[type] ?? `TYPE${type}`;
        rrs.push({ owner: owner.text, type: mnemonic, ttl, data: rdata(bytes, at + 10, end, type) });
      }
      at = end;
    }
    return rrs;
  };
  let extended = 0;
  const answer = section(view.getUint16(6), false);
  const authority = section(view.getUint16(8), false);
  const additional = section(view.getUint16(10), true);
  if (at !== bytes.length) throw new Error(`${bytes.length - at} octets left over`);
  const rcode = (extended << 4) | (flags & 15);
  const aa = (flags & 0x400) !== 0;
  const tc = (flags & 0x200) !== 0;
  return {
    id: view.getUint16(0),
    flags,
    rcode,
    aa,
    tc,
    question,
    questions,
    answer,
    authority,
    additional,
    opt,
  };
}

function rdata(bytes: Uint8Array, from: number, end: number, type: number): string {
  const u16 = (at: number) => (bytes[at] << 8) | bytes[at + 1];
  const whole = (at: number, compressed: boolean): string => {
    const n = name(bytes, at, compressed);
    if (n.end !== end) throw new Error('a name does not end with its rdata');
    return n.text;
  };
  switch (type) {
    case 1:
    case 28:
      if (end - from !== (type === 1 ? 4 : 16)) throw new Error('bad address');
      return formatIp(bytes, from, end - from);
    case 2:
    case 5:
    case 12:
      return whole(from, true);
    case 39:
      return whole(from, false);
    case 15:
      return `${u16(from)} ${whole(from + 2, true)}`;
    case 33:
      return `${u16(from)} ${u16(from + 2)} ${u16(from + 4)} ${whole(from + 6, false)}`;
    case 6: {
      const mname = name(bytes, from, true);
      const rname = name(bytes, mname.end, true);
      if (rname.end + 20 !== end) throw new Error('bad SOA');
      const view = new DataView(bytes.buffer, bytes.byteOffset + rname.end, 20);
      const numbers = [0, 4, 8, 12, 16].map(o => view.getUint32(o)).join(' ');
      return `${mname.text} ${rname.text} ${numbers}`;
    }
    default:
      return Buffer.from(bytes.subarray(from, end)).toString('hex');
  }
}

function name(bytes: Uint8Array, start: number, compressed: boolean): { text: string; end: number } {
  let text = '';
  let octets = 1;
  let at = start;
  let end = 0;
  for (;;) {
    const size = bytes[at];
    if (size === undefined) throw new Error('name runs over');
    if (size >= 0xc0) {
      if (!compressed) throw new Error('compressed where it may not be');
      const to = ((size & 0x3f) << 8) | bytes[at + 1];
      if (to >= at || to < 12) throw new Error('pointer does not go backward');
      end ||= at + 2;
      at = to;
      continue;
    }
    if (size > 63) throw new Error('bad label');
    if (size === 0) return { text: text === '' ? '.' : text, end: end || at + 1 };
    octets += size + 1;
    if (octets > 255 || at + size >= bytes.length) throw new Error('name too long');
    for (let i = 1; i <= size; i++) {
      const c = bytes[at + i];
      const plain = c > 0x20 && c < 0x7f && c !== 0x2e && c !== 0x5c;
      text += plain ? String.fromCharCode(c) : `\\${String(c).padStart(3, '0')}`;
    }
    text += '.';
    at += size + 1;
  }
}
