// The probe of a real server by the way of clients' packets (`forward: dr` and `tun`): to the virtual address, led to this server as
// the director leads them. It tells whether the server takes packets for the VIP and serves there; what it serves is told by the
// check at its own address. TCP: a handshake, cut off behind the SYN-ACK. UDP: what a udp or dns check sends, and any answer.
import type { CheckConfig } from '../model/probe.ts';
import { type Probe, ProbeFault, type Via } from './probe.ts';

/** Knocks at a VIP on one server. `payload`: of a datagram; of TCP there is none. */
export interface Knocking {
  vip: string;
  port: number;
  via: Via;
  payload: Uint8Array | undefined;
}

/**
 * Resolves to what came back, or to why nobody could be asked (`unable`: our own lack, no fault of the server); rejects in words,
 * or with the signal's reason when nothing came.
 */
export type Knock = (what: Knocking, signal: AbortSignal) => Promise<'open' | 'refused' | { unable: string }>;

/** How a result begins that tells nothing, as nobody could be asked. */
export const UNASKED = 'not asked as clients are: ';

/** What a server says that has the VIP, and nothing that listens on it. */
export const REFUSED = 'refused';

/** The probe over a client that knocks. */
export function pathProbe(knock: Knock | undefined): Probe {
  return async ({ address, port, check, via }, signal) => {
    if (via === undefined) throw new TypeError('no way to a real server');
    if (knock === undefined) return `${UNASKED}there is no way to send such packets here`;
    const payload = via.protocol === 'udp' ? payloadOf(check) : undefined;
    const answer = await knock({ vip: address, port, via, payload }, signal);
    if (answer === 'refused') throw new ProbeFault(REFUSED);
    return answer === 'open' ? `answers for VIP ${address}` : `${UNASKED}${answer.unable}`;
  };
}

/** What a check sends to a UDP service in one datagram; undefined: it does not look at that service's own port by UDP. */
export function payloadOf({ udp, dns }: CheckConfig): Uint8Array | undefined {
  if (udp !== undefined && udp.port === undefined)
    return udp.send_hex === undefined
      ? Buffer.from(udp.send ?? '')
      : Buffer.from(udp.send_hex.replace(/[ :]/g, ''), 'hex');
  if (dns !== undefined && dns.port === undefined) return question(dns.name, TYPES[dns.type]);
  return undefined;
}

const TYPES = { A: 1, NS: 2, CNAME: 5, SOA: 6, MX: 15, TXT: 16, AAAA: 28 } as const;

// One question (RFC 1035 §4.1); its number is of no account, as nobody waits for this answer alone.
function question(name: string, type: number): Uint8Array {
  const labels = name.split('.').filter(l => l !== '');
  const header = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
  const octets = labels.flatMap(l => [l.length, ...Buffer.from(l, 'latin1')]);
  return Uint8Array.from([...header, ...octets, 0, 0, type, 0, 1]);
}
