// FullNAT: client and virtual address become local address and server, so that servers need no route of ours (alibaba/LVS).
// In: SYN loses its timestamps and gets sequence numbers of its own; it, and the first data, carry the client's address (TOA).
// Out: acknowledgements and SACK shifted back, the MSS of SYN-ACK lowered by TOA's room; addresses by out.ts.

import type { Core } from '../core.ts';
import { CPORTS, DELTA, DPORTS, FIRST_DATA, LOCAL, WORDS } from '../line.ts';
import { ACK, FIN, type Packet, RST, SYN, TCP } from '../packet/parse.ts';
import { rewriteQuote } from '../packet/quote.ts';
import { changeTransport, setEnds } from '../packet/rewrite.ts';
import type { Dest } from '../service.ts';
import { insertToa, lowerMss, removeTimestamp, shiftNumber, shiftSack, toaSize } from './toa.ts';

/** `p` of connection `c` from the client to `dest`. */
export function fullnat(core: Core, p: Packet, c: number, dest: Dest, why: number, icmp: boolean): number {
  const { table } = core.life;
  const { t } = table;
  const base = c * WORDS;
  const x = table.fullOf(c);
  const own = table.fullAt(c);
  const local = core.services.locals[x[own + LOCAL]];
  const dport = t[base + DPORTS] >>> 16;
  const lport = t[base + DPORTS] & 0xffff;
  if (icmp) {
    rewriteQuote(p, core.quote, local.a, dest.d, dest.d, dport, local.a, lport);
    return core.transmit(p, dest.route, why);
  }
  let change = 0;
  if (p.protocol === TCP) {
    const { toaKind, timestampRemove } = dest.service.fullnat;
    const flags = p.tcpFlags;
    const syn = (flags & SYN) !== 0;
    const delta = x[own + DELTA];
    if (syn && timestampRemove) change = removeTimestamp(p);
    if (delta !== 0) change += shiftNumber(p, p.l4 + 4, delta);
    if (toaKind !== 0 && (syn || isFirstData(p, x[own + FIRST_DATA]))) {
      const { words } = core;
      table.clientOf(c, words);
      change += insertToa(p, toaKind, dest.route.mtu, t[base + CPORTS] >>> 16, words);
    }
  }
  setEnds(p, local.a, lport, dest.d, dport, change);
  return core.transmit(p, dest.route, why);
}

/** What an answer of `dest` needs besides addresses; call it before they are rewritten. */
export function touchAnswer(core: Core, p: Packet, c: number, dest: Dest): void {
  if (p.protocol !== TCP) return;
  const { table } = core.life;
  const x = table.fullOf(c);
  const own = table.fullAt(c);
  const { toaKind, mssAdjust } = dest.service.fullnat;
  if ((p.tcpFlags & (SYN | ACK)) === (SYN | ACK)) {
    x[own + FIRST_DATA] = (p.view.getInt32(p.l4 + 4) + 1) | 0;
    if (mssAdjust && toaKind !== 0) lowerMss(p, toaSize(p.family));
  }
  const delta = x[own + DELTA];
  if (delta === 0 || (p.tcpFlags & ACK) === 0) return;
  changeTransport(p, shiftNumber(p, p.l4 + 8, -delta | 0));
  shiftSack(p, delta);
}

// The server's side reads TOA when it accepts, which is at the handshake's last packet or at the first data.
function isFirstData(p: Packet, first: number): boolean {
  return first !== 0 && (p.tcpFlags & (SYN | RST | FIN)) === 0 && p.view.getInt32(p.l4 + 8) === first;
}
