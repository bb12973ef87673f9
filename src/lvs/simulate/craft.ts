// Packets for the simulation: a client's first one, and what a real server answers to what it got. Right lengths and checksums.
import { GtmError } from '../../kit/errors.ts';
import { parseIp } from '../../kit/ip.ts';
import { makePacket } from '../packet/make.ts';
import { ACK, OK, Packet, parse, SYN, setHalf, setWord, TCP, UDP, word } from '../packet/parse.ts';

export interface Endpoint {
  address: string;
  port: number;
}

/** An Ethernet link's MSS option. */
const MSS = { 4: 1460, 6: 1440 } as const;
const WINDOW = 0xffff;
/** Any number; the same each time, so that two runs print the same. */
const FIRST_SEQUENCE = 1000;
const SERVER_SEQUENCE = 5000;
const DATA = 'ping';

/** What a client sends first: a SYN, or a datagram of four bytes. GTM_LVS_INVALID: not two addresses of one family. */
export function firstPacket(protocol: 'tcp' | 'udp', from: Endpoint, to: Endpoint): Uint8Array {
  const source = parseIp(from.address);
  const destination = parseIp(to.address);
  if (source === undefined || destination === undefined || source.length !== destination.length)
    throw new GtmError(
      'GTM_LVS_INVALID',
      `${from.address} and ${to.address}: two addresses of one family, please`,
    );
  const l4 =
    protocol === 'tcp'
      ? tcp(from.port, to.port, SYN, FIRST_SEQUENCE, 0, MSS[source.length === 4 ? 4 : 6])
      : udp(from.port, to.port);
  return makePacket(source, destination, protocol === 'tcp' ? TCP : UDP, l4);
}

/** What a server answers to `packet`, as it got it: SYN ACK to a SYN, else an ACK; a datagram to one. Undefined: to nothing else. */
export function answerTo(packet: Uint8Array): Uint8Array | undefined {
  const p = new Packet();
  if (parse(p, packet, 0, packet.length) !== OK || !p.whole) return undefined;
  const size = p.family === 4 ? 4 : 16;
  const at = p.at + (p.family === 4 ? 12 : 8);
  const source = packet.slice(at + size, at + 2 * size);
  const destination = packet.slice(at, at + size);
  if (p.protocol === UDP) return makePacket(source, destination, UDP, udp(p.dport, p.sport));
  const syn = (p.tcpFlags & (SYN | ACK)) === SYN;
  const data = p.end - p.l4 - ((packet[p.l4 + 12] >> 4) << 2);
  const next = (word(packet, p.l4 + 4) + (syn ? 1 : Math.max(0, data))) >>> 0;
  const flags = syn ? SYN | ACK : ACK;
  const mss = syn ? MSS[p.family === 4 ? 4 : 6] : 0;
  // Behind a handshake the server's own numbers begin where the client acknowledges.
  const sequence = syn ? SERVER_SEQUENCE : word(packet, p.l4 + 8) >>> 0;
  return makePacket(source, destination, TCP, tcp(p.dport, p.sport, flags, sequence, next, mss));
}

function tcp(
  from: number,
  to: number,
  flags: number,
  sequence: number,
  next: number,
  mss: number,
): Uint8Array {
  const header = mss > 0 ? 24 : 20;
  const b = new Uint8Array(header);
  setHalf(b, 0, from);
  setHalf(b, 2, to);
  setWord(b, 4, sequence);
  setWord(b, 8, next);
  b[12] = (header >> 2) << 4;
  b[13] = flags;
  setHalf(b, 14, WINDOW);
  if (mss > 0) {
    b.set([2, 4], 20);
    setHalf(b, 22, mss);
  }
  return b;
}

function udp(from: number, to: number): Uint8Array {
  const b = new Uint8Array(8 + DATA.length);
  setHalf(b, 0, from);
  setHalf(b, 2, to);
  setHalf(b, 4, b.length);
  for (let i = 0; i < DATA.length; i++) b[8 + i] = DATA.charCodeAt(i);
  return b;
}
