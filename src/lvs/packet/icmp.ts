// ICMP messages of the director itself (RFC 792, RFC 4443), and which ICMP messages are errors.
// Invariant: no message is made about an ICMP error, about a later fragment, or to an address that no single host has.
import { finish, sum } from '../../kit/checksum.ts';
import type { Core } from '../core.ts';
import { DROP, REPLY, type Verdict } from '../verdict.ts';
import { half, ICMP, ICMP6, type Packet, setHalf, setWord } from './parse.ts';

export const UNREACHABLE = 3;
export const SOURCE_QUENCH = 4;
const REDIRECT = 5;
export const TIME_EXCEEDED = 11;
const PARAMETER_PROBLEM = 12;
export const PORT = 3;
export const FRAG_NEEDED = 4;
export const UNREACHABLE6 = 1;
export const TOO_BIG6 = 2;
export const TIME_EXCEEDED6 = 3;
export const PORT6 = 4;
const INFORMATIONAL6 = 128;

/** An IPv4 message has at most 576 bytes, an IPv6 one 1280. */
const QUOTE4 = 576 - 28;
const QUOTE6 = 1280 - 48;
const TTL = 64;
/** Precedence «internetwork control», over the packet's own type of service. */
const CONTROL = 0xc0;
const OFFSET = 64;

/** Whether `type` is an error of IPv4's ICMP. */
function isError(type: number): boolean {
  return (
    type === UNREACHABLE ||
    type === SOURCE_QUENCH ||
    type === REDIRECT ||
    type === TIME_EXCEEDED ||
    type === PARAMETER_PROBLEM
  );
}

/**
 * An ICMP message about `p` to its source, in the director's own buffer: REPLY for the reason `why`. Where none may be sent: DROP
 * for `otherwise`. `from`: its source address (p's destination, if null). `info`: the word behind the checksum (an MTU).
 */
export function reply(
  core: Core,
  p: Packet,
  type: number,
  code: number,
  info: number,
  from: Int32Array | null,
  why: number,
  otherwise: number,
): Verdict {
  const { out, scratch } = core;
  if (!mayReply(p) || !core.reachAddress(p.family, p.s0, p.s1, p.s2, p.s3)) {
    out.reason = otherwise;
    return DROP;
  }
  const v4 = p.family === 4;
  const header = v4 ? 20 : 40;
  const room = v4 ? QUOTE4 : QUOTE6;
  const quoted = p.end - p.at < room ? p.end - p.at : room;
  const at = OFFSET;
  const icmp = at + header;
  const end = icmp + 8 + quoted;
  const f0 = from === null ? p.d0 : from[0];
  const f1 = from === null ? p.d1 : from[1];
  const f2 = from === null ? p.d2 : from[2];
  const f3 = from === null ? p.d3 : from[3];
  for (let i = 0; i < quoted; i++) scratch[icmp + 8 + i] = p.frame[p.at + i];
  scratch[icmp] = type;
  scratch[icmp + 1] = code;
  setHalf(scratch, icmp + 2, 0);
  setWord(scratch, icmp + 4, info);
  if (v4) {
    core.id = (core.id + 1) & 0xffff;
    scratch[at] = 0x45;
    scratch[at + 1] = (p.frame[p.at + 1] & 0x1e) | CONTROL;
    setHalf(scratch, at + 2, end - at);
    setHalf(scratch, at + 4, core.id);
    setHalf(scratch, at + 6, 0);
    scratch[at + 8] = TTL;
    scratch[at + 9] = ICMP;
    setHalf(scratch, at + 10, 0);
    setWord(scratch, at + 12, f0);
    setWord(scratch, at + 16, p.s0);
    setHalf(scratch, at + 10, finish(sum(scratch, at, icmp, 0)));
    setHalf(scratch, icmp + 2, finish(sum(scratch, icmp, end, 0)));
  } else {
    setWord(scratch, at, 0x60000000);
    setHalf(scratch, at + 4, end - icmp);
    scratch[at + 6] = ICMP6;
    scratch[at + 7] = TTL;
    setWord(scratch, at + 8, f0);
    setWord(scratch, at + 12, f1);
    setWord(scratch, at + 16, f2);
    setWord(scratch, at + 20, f3);
    setWord(scratch, at + 24, p.s0);
    setWord(scratch, at + 28, p.s1);
    setWord(scratch, at + 32, p.s2);
    setWord(scratch, at + 36, p.s3);
    setHalf(scratch, icmp + 2, icmp6Checksum(scratch, at, icmp, end));
  }
  out.frame = scratch;
  out.offset = at;
  out.length = end - at;
  out.family = p.family;
  out.fragment = 0;
  out.route = core.route;
  out.reason = why;
  return REPLY;
}

/** The ICMPv6 checksum of [icmp, end) under the addresses of the header at `at`; the field itself must be 0. */
export function icmp6Checksum(frame: Uint8Array, at: number, icmp: number, end: number): number {
  return finish(sum(frame, icmp, end, sum(frame, at + 8, at + 40, end - icmp + ICMP6)));
}

/** Whether the checksum of an ICMP message is right. */
export function isIntact(p: Packet): boolean {
  const start = p.family === 4 ? 0 : sum(p.frame, p.at + 8, p.at + 40, p.end - p.l4 + ICMP6);
  return finish(sum(p.frame, p.l4, p.end, start)) === 0;
}

/** Writes the checksum of an ICMP message anew. */
export function seal(p: Packet): void {
  const { frame, l4, end } = p;
  setHalf(frame, l4 + 2, 0);
  const check = p.family === 4 ? finish(sum(frame, l4, end, 0)) : icmp6Checksum(frame, p.at, l4, end);
  setHalf(frame, l4 + 2, check);
}

/** Writes the checksum of the IPv4 header at `at` anew. */
export function sealHeader(frame: Uint8Array, at: number): void {
  setHalf(frame, at + 10, 0);
  setHalf(frame, at + 10, finish(sum(frame, at, at + ((frame[at] & 15) << 2), 0)));
}

/** The MTU that an error tells of, 0 if it is no such error. */
export function toldMtu(p: Packet): number {
  const { frame, l4 } = p;
  if (p.family === 4)
    return frame[l4] === UNREACHABLE && frame[l4 + 1] === FRAG_NEEDED ? half(frame, l4 + 6) : 0;
  return frame[l4] === TOO_BIG6 ? (half(frame, l4 + 4) << 16) | half(frame, l4 + 6) : 0;
}

function mayReply(p: Packet): boolean {
  if (p.fragmentAt > 0) return false;
  if (p.family === 4) {
    if (p.s0 === 0 || p.s0 >>> 28 >= 14 || p.d0 >>> 28 >= 14) return false;
    return p.protocol !== ICMP || (p.l4 < p.end && !isError(p.frame[p.l4]));
  }
  if ((p.s0 | p.s1 | p.s2 | p.s3) === 0 || p.s0 >>> 24 === 0xff || p.d0 >>> 24 === 0xff) return false;
  return p.protocol !== ICMP6 || (p.l4 < p.end && p.frame[p.l4] >= INFORMATIONAL6);
}
