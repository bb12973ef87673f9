// Rewriting an ICMP error together with what it quotes (ip_vs_nat_icmp).
// Invariant: afterwards the outer header, the quoted IPv4 header and the ICMP message have right checksums.
import { seal, sealHeader } from './icmp.ts';
import { type Packet, setHalf, setWord } from './parse.ts';

/**
 * Rewrites an ICMP error and what it quotes (`quote`): its source and destination, the quoted source and destination with their
 * ports; null = stays. All checksums of it are made anew, but that of the quoted TCP or UDP, which is cut anyway.
 */
export function rewriteQuote(
  p: Packet,
  quote: Packet,
  source: Int32Array | null,
  destination: Int32Array | null,
  quotedSource: Int32Array | null,
  sport: number,
  quotedDestination: Int32Array | null,
  dport: number,
): void {
  const { frame } = p;
  if (source !== null) {
    put(frame, p.at, p.family, source, false);
    p.s0 = source[0];
    p.s1 = source[1];
    p.s2 = source[2];
    p.s3 = source[3];
  }
  if (destination !== null) {
    put(frame, p.at, p.family, destination, true);
    p.d0 = destination[0];
    p.d1 = destination[1];
    p.d2 = destination[2];
    p.d3 = destination[3];
  }
  if (quotedSource !== null) {
    put(frame, quote.at, p.family, quotedSource, false);
    setHalf(frame, quote.l4, sport);
  }
  if (quotedDestination !== null) {
    put(frame, quote.at, p.family, quotedDestination, true);
    setHalf(frame, quote.l4 + 2, dport);
  }
  if (p.family === 4) {
    sealHeader(frame, quote.at);
    sealHeader(frame, p.at);
  }
  seal(p);
}

function put(frame: Uint8Array, at: number, family: number, a: Int32Array, destination: boolean): void {
  if (family === 4) {
    setWord(frame, at + (destination ? 16 : 12), a[0]);
    return;
  }
  for (let i = 0; i < 4; i++) setWord(frame, at + (destination ? 24 : 8) + 4 * i, a[i]);
}
