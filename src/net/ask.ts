// A DNS client: one question, one reply, in time. For the dns probe and `gtm dig`; the only door to dns2.
//   question → query bytes (dns2, our name) → exchange over UDP → TC? the same over TCP → reply bytes, decoded by dns2
// dns2's codec does the messages. Its transports are not used: over TCP they send id 0 and know no deadline, IPv6
// servers are cut at the colon, and the raw bytes are lost. Names are our own wire bytes, since dns2's cannot hold
// every label.
import { performance } from 'node:perf_hooks';
import { parseName } from '../dns/name.ts';
import { CLASS, typeCode, typeText } from '../dns/rr.ts';
import { GtmError } from '../kit/errors.ts';
import { overTcp, overUdp } from './exchange.ts';

export interface Question {
  /** IPv4 or IPv6 address. */
  server: string;
  port: number;
  /** With or without the final dot, RFC 1035 escapes allowed. */
  name: string;
  /** `A`, `TYPE65400` … */
  type: string;
  /** Milliseconds for all of it, a retry over TCP included. */
  timeout: number;
  /** Over TCP from the start. */
  tcp?: boolean;
  /** Ask over TCP again when the UDP reply is truncated; default true. */
  retry?: boolean;
  /** The RD bit; default true. */
  recurse?: boolean;
  /** UDP payload size offered by EDNS; 0 = no EDNS. Default 1232. */
  udpSize?: number;
  signal?: AbortSignal;
}

export interface Reply {
  /** The message as it came. */
  bytes: Uint8Array;
  id: number;
  opcode: number;
  /** With the upper bits from the OPT record, where there is one (RFC 6891 §6.1.3). */
  rcode: number;
  flags: { aa: boolean; tc: boolean; rd: boolean; ra: boolean; ad: boolean; cd: boolean };
  counts: { question: number; answer: number; authority: number; additional: number };
  /** The answer section as text, as far as dns2 can decode it. */
  answers: Answer[];
  /** Milliseconds from the first query to this reply. */
  ms: number;
  transport: 'udp' | 'tcp';
}

/** A record of the answer section: names without the final dot, several TXT strings joined. */
export interface Answer {
  name: string;
  type: string;
  ttl: number;
  text: string;
}

type Dns2 = typeof import('dns2');
type Resource = import('dns2').Resource;

const HEADER = 12;

/**
 * Asks. Rejects with a GtmError: GTM_ASK_QUESTION (no such type, not a name), GTM_ASK_TIMEOUT, GTM_ASK_ABORTED, or
 * GTM_ASK_FAILED (what the network said, or a reply that is not one to this query).
 */
export async function ask(q: Question): Promise<Reply> {
  const start = performance.now();
  const { Packet } = await import('dns2');
  const query = encode(Packet, q);
  const limit = new AbortController();
  const late = new GtmError('GTM_ASK_TIMEOUT', `no answer in ${q.timeout}ms`);
  const timer = setTimeout(() => limit.abort(late), q.timeout);
  const stop = () => limit.abort(new GtmError('GTM_ASK_ABORTED', 'given up', q.signal?.reason));
  if (q.signal?.aborted) stop();
  q.signal?.addEventListener('abort', stop);
  try {
    let transport: Reply['transport'] = q.tcp ? 'tcp' : 'udp';
    let bytes = await (q.tcp ? overTcp : overUdp)(q.server, q.port, query, limit.signal);
    if (transport === 'udp' && (bytes[2] & 0x02) !== 0 && q.retry !== false) {
      transport = 'tcp';
      bytes = await overTcp(q.server, q.port, query, limit.signal);
    }
    return { ...decode(Packet, bytes), bytes, ms: performance.now() - start, transport };
  } finally {
    clearTimeout(timer);
    q.signal?.removeEventListener('abort', stop);
  }
}

// dns2 writes the message with the root as its name; our wire name then takes the place of that one byte.
function encode(Packet: Dns2['Packet'], q: Question): Buffer {
  const type = typeCode(q.type);
  if (type === undefined) throw new GtmError('GTM_ASK_QUESTION', `«${q.type}» is not a record type`);
  const name = parseName(q.name);
  if (typeof name === 'string') throw new GtmError('GTM_ASK_QUESTION', `«${q.name}» is not a name: ${name}`);
  const packet = new Packet();
  packet.header = new Packet.Header({ id: Packet.uuid(), rd: q.recurse === false ? 0 : 1 });
  packet.questions.push(new Packet.Question({ name: '', type, class: CLASS.IN }));
  const udpPayloadSize = q.udpSize ?? 1232;
  if (udpPayloadSize > 0) packet.additionals.push(Packet.Resource.EDNS([], { udpPayloadSize }));
  const bytes = packet.toBuffer();
  return Buffer.concat([bytes.subarray(0, HEADER), name, bytes.subarray(HEADER + 1)]);
}

function decode(Packet: Dns2['Packet'], bytes: Buffer): Omit<Reply, 'bytes' | 'ms' | 'transport'> {
  // dns2 throws on nothing that has a header; records that it cannot read are in packet.errors and left out.
  const packet = Packet.parse(bytes);
  const bit = (mask: number) => (bytes.readUInt16BE(2) & mask) !== 0;
  return {
    id: packet.header.id,
    opcode: packet.header.opcode,
    rcode: packet.header.rcode,
    flags: {
      aa: bit(0x0400),
      tc: bit(0x0200),
      rd: bit(0x0100),
      ra: bit(0x0080),
      ad: bit(0x0020),
      cd: bit(0x0010),
    },
    counts: {
      question: bytes.readUInt16BE(4),
      answer: bytes.readUInt16BE(6),
      authority: bytes.readUInt16BE(8),
      additional: bytes.readUInt16BE(10),
    },
    answers: packet.answers.map(r => ({ name: r.name, type: typeText(r.type), ttl: r.ttl, text: text(r) })),
  };
}

// dns2 gives each type its own fields; what it does not know it leaves as bytes, shown as RFC 3597 does.
function text(r: Resource): string {
  if (r.address !== undefined) return r.address;
  if (r.exchange !== undefined) return `${r.priority} ${r.exchange}`;
  if (r.primary !== undefined)
    return [r.primary, r.admin, r.serial, r.refresh, r.retry, r.expiration, r.minimum].join(' ');
  if (r.target !== undefined) return `${r.priority} ${r.weight} ${r.port} ${r.target}`;
  if (r.tag !== undefined) return `${r.flags} ${r.tag} "${r.value}"`;
  const name = r.domain ?? r.ns;
  if (name !== undefined) return name;
  if (Buffer.isBuffer(r.data)) return `\\# ${r.data.length} ${r.data.toString('hex')}`;
  return Array.isArray(r.data) ? r.data.join('') : String(r.data ?? '');
}
