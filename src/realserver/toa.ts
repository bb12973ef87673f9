// TOA: the client's address that FullNAT put into the SYN as a TCP option (kind 254, or 253 for IPv6 with some balancers).
// The kernel keeps the headers of a SYN where the listening socket asks for it (TCP_SAVE_SYN), so no module is needed.
//   IPv4: kind, 8, port (2), address (4) · IPv6: kind, 20, port (2), address (16)
import { formatIp } from '../kit/ip.ts';

/** Kinds under which balancers send it. */
export const KINDS: readonly number[] = [254, 253];

export interface Client {
  address: string;
  port: number;
}

/** The client in the headers of a SYN, IP header first, as TCP_SAVED_SYN gives them; undefined when none is told. */
export function clientOf(syn: Uint8Array, kinds: readonly number[] = KINDS): Client | undefined {
  const tcp = syn.length === 0 ? syn.length : headerLength(syn);
  if (tcp === undefined || syn.length < tcp + 20) return undefined;
  const end = Math.min(syn.length, tcp + (syn[tcp + 12] >> 4) * 4);
  for (let at = tcp + 20; at < end; ) {
    const kind = syn[at];
    if (kind === 0) return undefined;
    if (kind === 1) {
      at++;
      continue;
    }
    const length = at + 1 < end ? syn[at + 1] : 0;
    if (length < 2 || at + length > end) return undefined;
    if (kinds.includes(kind) && (length === 8 || length === 20))
      return { port: (syn[at + 2] << 8) | syn[at + 3], address: formatIp(syn, at + 4, length - 4) };
    at += length;
  }
  return undefined;
}

// IPv6 extension headers do not stand before a SYN that a balancer sent; one that has them tells nothing.
function headerLength(syn: Uint8Array): number | undefined {
  const version = syn[0] >> 4;
  if (version === 4) return syn.length >= 20 && syn[9] === 6 ? (syn[0] & 15) * 4 : undefined;
  return version === 6 && syn.length >= 40 && syn[6] === 6 ? 40 : undefined;
}
