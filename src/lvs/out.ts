// LVS's `out` (ip_vs_out_hook): a packet from a server's side. NAT's get the virtual address back as source and go on to the client;
// FullNAT's, which come to a local address, too. DR's and TUN's answers, where they pass here, only count and step the state.

import type { Core } from './core.ts';
import { countOut } from './count.ts';
import { fitsAnswer } from './forward/fit.ts';
import { touchAnswer } from './forward/fullnat.ts';
import { CONTINUE } from './hooks.ts';
import { icmpOut } from './icmp.ts';
import { CPORTS, WORDS } from './line.ts';
import { PORT, PORT6, reply, UNREACHABLE, UNREACHABLE6 } from './packet/icmp.ts';
import { ICMP, ICMP6, type Packet, RST, TCP, UDP } from './packet/parse.ts';
import { decrementTtl, setDestination, setSource } from './packet/rewrite.ts';
import { type Dest, FULLNAT, NAT } from './service.ts';
import { OUTPUT } from './tcpstate.ts';
import { HOST, WHY } from './verdict.ts';
import { LOCAL, OWN, SERVER } from './wordset.ts';

/** CONTINUE with out.reason, or a verdict. `local`: the packet is to this host itself (LOCAL_IN). */
export function lvsOut(core: Core, p: Packet, local: boolean): number {
  const { life, out, services } = core;
  out.reason = WHY['not-ours'];
  if (!(p.family === 4 ? core.enabled4 : core.enabled6)) return CONTINUE;
  if (p.protocol === (p.family === 4 ? ICMP : ICMP6)) return icmpOut(core, p, local);
  if ((p.protocol !== TCP && p.protocol !== UDP) || !p.whole) return CONTINUE;
  const { places } = services;
  if ((places.bits(p.s0, p.s1, p.s2, p.s3, 0) & (OWN | SERVER)) === 0) return CONTINUE;
  const toLocal = local && (places.bits(p.d0, p.d1, p.d2, p.d3, 0) & LOCAL) !== 0;
  const c = life.alive(life.table.findOut(p, toLocal));
  if (c === 0) return stray(core, p, local);
  const dest = life.destOf(c);
  const method = life.table.forwardOf(c);
  if (method === NAT || method === FULLNAT) {
    const verdict = local && method === NAT ? CONTINUE : leaves(core, p, dest, method === FULLNAT, c);
    if (verdict !== CONTINUE) return verdict;
    if (method === FULLNAT) touchAnswer(core, p, c, dest);
    setSource(p, dest.v, life.table.t[c * WORDS + CPORTS] & 0xffff);
  }
  countOut(dest, p.end - p.at);
  life.step(c, p, OUTPUT, dest);
  life.touch(c);
  if (method === FULLNAT || (method === NAT && !local)) return core.transmit(p, core.route, WHY['answered']);
  core.host(p, WHY['answered']);
  out.changed = method === NAT;
  return HOST;
}

/**
 * The routing of an answer to its client, before anything is rewritten (ip_forward): route in core.route, hops, MTU. FullNAT's gets
 * its client as destination here. CONTINUE, or the verdict that ends it.
 */
function leaves(core: Core, p: Packet, dest: Dest, full: boolean, c: number): number {
  const found = full ? core.reachClient(c) : core.reachDestination(p);
  if (!found) return core.drop(WHY['no-route']);
  const tell = fitsAnswer(core, p, dest, full);
  if (tell !== CONTINUE) return tell;
  decrementTtl(p);
  if (full) {
    core.life.table.clientOf(c, core.words);
    setDestination(p, core.words, core.life.table.t[c * WORDS + CPORTS] >>> 16);
  }
  return CONTINUE;
}

// A server's packet that belongs to no connection: with nat_icmp_send its sender is told that nobody is there.
function stray(core: Core, p: Packet, local: boolean): number {
  const { services } = core;
  if (core.sysctl.nat_icmp_send === 0) return CONTINUE;
  if (services.places.bits(p.s0, p.s1, p.s2, p.s3, (p.sport << 8) | p.protocol) === 0) return CONTINUE;
  if (p.protocol === TCP && p.tcpFlags & RST) return CONTINUE;
  const v4 = p.family === 4;
  let from: Int32Array | null = null;
  if (!local) {
    if (!core.reachAddress(p.family, p.s0, p.s1, p.s2, p.s3)) return core.drop(WHY['no-route']);
    if (p.ttl > 1) decrementTtl(p);
    from = core.from;
    from.set(core.route.source);
  }
  return reply(
    core,
    p,
    v4 ? UNREACHABLE : UNREACHABLE6,
    v4 ? PORT : PORT6,
    0,
    from,
    WHY['stray'],
    WHY['no-connection'],
  );
}
