// A DNS reply for people: bytes of a message → its header, question and records, names decompressed, rdata in zone text.
// It reads what any server may send, so every bound is checked; a reply that breaks off gives undefined.
import { formatName } from '../dns/name.ts';
import { decompressName, decompressRdata } from '../dns/rdata.ts';
import { printRdata, printRfc3597 } from '../dns/rdata-text.ts';
import { TYPE, typeText } from '../dns/rr.ts';
import { rcodeText } from '../model/rcode.ts';

const FLAG_BITS: readonly [number, string][] = [
  [0x8000, 'qr'],
  [0x0400, 'aa'],
  [0x0200, 'tc'],
  [0x0100, 'rd'],
  [0x0080, 'ra'],
  [0x0020, 'ad'],
  [0x0010, 'cd'],
];

export interface ReplyRecord {
  name: string;
  /** Seconds. */
  ttl: number;
  type: string;
  /** In zone text. */
  data: string;
}

export interface Reply {
  id: number;
  rcode: string;
  flags: string[];
  question: { name: string; type: string } | undefined;
  answer: ReplyRecord[];
  authority: ReplyRecord[];
  additional: ReplyRecord[];
  edns: { version: number; udpSize: number; do: boolean } | undefined;
}

/** Reads a whole message; undefined if it is malformed. More than one question is none of ours, and malformed. */
export function readReply(message: Uint8Array): Reply | undefined {
  if (message.length < 12) return undefined;
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  const bits = view.getUint16(2);
  const [questions, ...counts] = [4, 6, 8, 10].map(at => view.getUint16(at));
  if (questions > 1) return undefined;
  const reply: Reply = {
    id: view.getUint16(0),
    rcode: '',
    flags: FLAG_BITS.filter(([bit]) => (bits & bit) !== 0).map(([, text]) => text),
    question: undefined,
    answer: [],
    authority: [],
    additional: [],
    edns: undefined,
  };
  let at = 12;
  if (questions === 1) {
    const name = decompressName(message, at);
    if (name === undefined || name.end + 4 > message.length) return undefined;
    reply.question = { name: formatName(name.wire), type: typeText(view.getUint16(name.end)) };
    at = name.end + 4;
  }
  let rcode = bits & 15;
  for (const [i, section] of [reply.answer, reply.authority, reply.additional].entries())
    for (let n = 0; n < counts[i]; n++) {
      const owner = decompressName(message, at);
      if (owner === undefined || owner.end + 10 > message.length) return undefined;
      const type = view.getUint16(owner.end);
      const ttl = view.getUint32(owner.end + 4);
      const length = view.getUint16(owner.end + 8);
      at = owner.end + 10 + length;
      if (at > message.length) return undefined;
      if (type === TYPE.OPT) {
        // RFC 6891 §6.1.3: the class is the size, and the TTL holds the upper bits of the rcode, the version and DO.
        rcode |= (ttl >>> 24) << 4;
        const version = (ttl >>> 16) & 255;
        reply.edns = { version, udpSize: view.getUint16(owner.end + 2), do: (ttl & 0x8000) !== 0 };
        continue;
      }
      const rdata = decompressRdata(message, owner.end + 10, length, type);
      const data =
        rdata === undefined ? printRfc3597(message.subarray(at - length, at)) : printRdata(type, rdata);
      section.push({ name: formatName(owner.wire), ttl, type: typeText(type), data });
    }
  reply.rcode = rcodeText(rcode);
  return reply;
}

/** The reply's sections as dig's reader knows them, without the line of the time and the server. */
export function replyText(reply: Reply): string {
  const counts = [
    `${reply.answer.length} answer`,
    `${reply.authority.length} authority`,
    `${reply.additional.length} additional`,
  ];
  const lines = [
    `;; status: ${reply.rcode}, id: ${reply.id}, flags: ${reply.flags.join(' ')}; ${counts.join(', ')}`,
  ];
  if (reply.edns !== undefined)
    lines.push(
      `;; EDNS: version ${reply.edns.version}, udp ${reply.edns.udpSize}${reply.edns.do ? ', do' : ''}`,
    );
  if (reply.question !== undefined) lines.push(`;${reply.question.name}  IN  ${reply.question.type}`);
  const all = [...reply.answer, ...reply.authority, ...reply.additional];
  const wide = (pick: (r: ReplyRecord) => string) => Math.max(0, ...all.map(r => pick(r).length));
  const [name, ttl, type] = [wide(r => r.name), wide(r => String(r.ttl)), wide(r => r.type)];
  for (const section of ['answer', 'authority', 'additional'] as const) {
    if (reply[section].length === 0) continue;
    lines.push('', `;; ${section.toUpperCase()}`);
    for (const r of reply[section])
      lines.push(
        `${r.name.padEnd(name)}  ${String(r.ttl).padStart(ttl)}  IN  ${r.type.padEnd(type)}  ${r.data}`,
      );
  }
  return lines.join('\n');
}
