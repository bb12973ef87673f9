// Masquerading (ipvsadm -m), the way in: destination address and port become the server's. The way back is out.ts.

import type { Core } from '../core.ts';
import { DPORTS, WORDS } from '../line.ts';
import type { Packet } from '../packet/parse.ts';
import { rewriteQuote } from '../packet/quote.ts';
import { setDestination } from '../packet/rewrite.ts';
import type { Dest } from '../service.ts';
import { WHY } from '../verdict.ts';

/** `p` of connection `c` to `dest`; for an ICMP error both what it quotes and its own destination. `local`: the server is this host. */
export function nat(
  core: Core,
  p: Packet,
  c: number,
  dest: Dest,
  why: number,
  icmp: boolean,
  local: boolean,
): number {
  const port = core.life.table.t[c * WORDS + DPORTS] >>> 16;
  if (icmp) rewriteQuote(p, core.quote, null, dest.d, dest.d, port, null, 0);
  else setDestination(p, dest.d, port);
  return local ? core.host(p, WHY['local-server']) : core.transmit(p, dest.route, why);
}
