// ICMP errors about the director's own tunnel packets (the end of ip_vs_in_icmp): the outer header that a router quotes is taken off,
// the path MTU kept, and the client told what concerns it: the same error about its own packet, from the virtual address.
// IPv4 outer headers only, as in the kernel. A quote of 8 bytes behind the outer header tells of no client, and is taken in.
import type { Core } from './core.ts';
import { countOut } from './count.ts';
import { tunnelOverhead } from './forward/tun.ts';
import { CONTINUE } from './hooks.ts';
import { isIntact, reply, toldMtu } from './packet/icmp.ts';
import { half, NOT_IP, type Packet, parseQuote, TCP, UDP, word } from './packet/parse.ts';
import { type Dest, TUN } from './service.ts';
import { WHY } from './verdict.ts';
import { OWN } from './wordset.ts';

const IPIP = 4;
const GRE = 47;
/** How long a told path MTU holds (ms). */
const PMTU_LIFE = 600_000;

/** CONTINUE if `p` is no such error; else a verdict. */
export function tunnelError(core: Core, p: Packet): number {
  if (p.family !== 4) return CONTINUE;
  const { frame, end } = p;
  const outer = p.l4 + 8;
  if (outer + 20 > end || frame[outer] >> 4 !== 4) return CONTINUE;
  const header = (frame[outer] & 15) << 2;
  const protocol = frame[outer + 9];
  if (header < 20 || (protocol !== IPIP && protocol !== UDP && protocol !== GRE)) return CONTINUE;
  const port = protocol === UDP && outer + header + 4 <= end ? half(frame, outer + header + 2) : 0;
  const dest = tunnelTo(core, word(frame, outer + 16), protocol, port);
  if (dest === undefined || (core.services.places.bits(p.d0, 0, 0, 0, 0) & OWN) === 0) return CONTINUE;
  const { quote, life } = core;
  const overhead = tunnelOverhead(dest);
  const inner = outer + header + overhead - 20;
  if (
    parseQuote(quote, frame, inner, end, false, p.view) === NOT_IP ||
    (quote.protocol !== TCP && quote.protocol !== UDP)
  )
    return CONTINUE;
  if (quote.family !== 4) return CONTINUE;
  const c = life.alive(life.table.findIn(quote));
  if (c === 0) return CONTINUE;
  if (!isIntact(p)) return core.drop(WHY['checksum']);
  let info = 0;
  const mtu = toldMtu(p);
  if (mtu > 0) {
    if (mtu >= 68 + 20) {
      dest.pmtu = mtu;
      dest.pmtuUntil = core.ms + PMTU_LIFE;
    }
    if (!quote.df) return core.drop(WHY['tunnel-error']);
    info = mtu > 68 + 20 ? mtu - overhead : mtu;
  }
  const { l4 } = p;
  // As much of the client's packet as came with the error counts as an answer of the server.
  countOut(life.destOf(c), quote.end - quote.at);
  return reply(core, quote, frame[l4], frame[l4 + 1], info, null, WHY['mtu-relayed'], WHY['tunnel-error']);
}

function tunnelTo(core: Core, address: number, protocol: number, port: number): Dest | undefined {
  const { dests } = core.services;
  for (let i = 0; i < dests.length; i++) {
    const d = dests[i];
    if (d.forward !== TUN || d.at < 0 || d.family !== 4 || d.d[0] !== address) continue;
    const type = d.tunnel?.type ?? 'ipip';
    if (
      protocol === IPIP
        ? type === 'ipip'
        : protocol === GRE
          ? type === 'gre'
          : type === 'gue' && d.tunnel?.port === port
    )
      return d;
  }
  return undefined;
}
