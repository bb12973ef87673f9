// The icmp probe: an echo request, and its reply (RFC 792, RFC 4443 §4). The client is handed in: Node has no socket for
// it, and rooms that do I/O do not know each other. It says that a host answers, not that it serves.
import { type Probe, ProbeFault } from './probe.ts';

/** Sends one echo request with `size` octets of data; resolves at its reply, rejects in words, or with the signal's reason. */
export type Ping = (address: string, size: number, signal: AbortSignal) => Promise<void>;

/** The probe over an echo client. */
export function icmpProbe(ping: Ping | undefined): Probe {
  return async ({ address, check }, signal) => {
    if (check.icmp === undefined) throw new TypeError('not an icmp check');
    if (ping === undefined) throw new ProbeFault('icmp: there is no way to send echo requests here');
    await ping(address, check.icmp.size, signal);
    return 'icmp echo reply';
  };
}
