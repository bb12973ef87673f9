// The way of a packet to its server: what all methods share (fit.ts), then the connection's own method.
import type { Core } from '../core.ts';
import { CONTINUE } from '../hooks.ts';
import type { Packet } from '../packet/parse.ts';
import { type Dest, FULLNAT, NAT, TUN } from '../service.ts';
import { WHY } from '../verdict.ts';
import { dr } from './dr.ts';
import { fits } from './fit.ts';
import { fullnat } from './fullnat.ts';
import { nat } from './nat.ts';
import { tun, tunnelOverhead } from './tun.ts';

/** Sends `p` of connection `c` to its server; `icmp`: it is an ICMP error that belongs to it. A verdict. */
export function forward(core: Core, p: Packet, c: number, dest: Dest, why: number, icmp: boolean): number {
  const method = core.life.table.forwardOf(c);
  const overhead = method === TUN ? tunnelOverhead(dest) : 0;
  const ready = fits(core, p, dest, overhead, icmp);
  if (ready !== CONTINUE) return ready;
  const local = dest.route.local;
  if (method === NAT) return nat(core, p, c, dest, why, icmp, local);
  if (method === FULLNAT) return fullnat(core, p, c, dest, why, icmp);
  if (local) return core.host(p, WHY['local-server']);
  return method === TUN ? tun(core, p, dest, overhead, why) : dr(core, p, dest, why);
}
