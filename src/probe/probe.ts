// The shape of a probe: one look at one target. A probe does not decide about up or down, and keeps no time: the
// deadline is the signal's.
import type { CheckConfig } from '../model/probe.ts';

/** What is probed: an address (IPv4 or IPv6), its port unless the check names another, and the check. */
export interface Target {
  address: string;
  port: number;
  check: CheckConfig;
  /** Set where the address is a VIP's, and one real server is asked for it by the way that clients' packets take. */
  via?: Via;
}

/** The way of clients' packets to a real server: in its service's protocol, on the link as they are or in a tunnel. */
export interface Via {
  protocol: 'tcp' | 'udp';
  /** The real server's own address. */
  server: string;
  tunnel?: { type: 'ipip' | 'gue' | 'gre'; port: number; checksum: boolean };
}

/** Resolves to what was good (`http 200`); rejects with a ProbeFault, or anything, that says what was wrong. */
export type Probe = (target: Target, signal: AbortSignal) => Promise<string>;

/** What was wrong, in words for people: `http 503, wanted 200-299`. */
export class ProbeFault extends Error {}

/** Words for an error of a socket: `connect ECONNREFUSED`, `read ECONNRESET`; else its message. */
export function socketFault(error: unknown): string {
  const e = error as NodeJS.ErrnoException;
  if (e.code !== undefined && /^E[A-Z0-9]+$/.test(e.code)) return `${e.syscall ?? 'socket'} ${e.code}`;
  return e instanceof Error ? e.message : String(error);
}
