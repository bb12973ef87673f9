// What every way out begins with (__ip_vs_get_out_rt, ip_forward): is there a way, does the packet live on, does it fit the link.
// Invariant: the message about a packet that does not fit quotes it with the addresses that it came with; towards a server its
// hop is taken by then, towards a client it is not, as in the kernel.
import type { Core } from '../core.ts';
import { CONTINUE } from '../hooks.ts';
import { FRAG_NEEDED, reply, TIME_EXCEEDED, TIME_EXCEEDED6, TOO_BIG6, UNREACHABLE } from '../packet/icmp.ts';
import type { Packet } from '../packet/parse.ts';
import { decrementTtl } from '../packet/rewrite.ts';
import type { Dest } from '../service.ts';
import { WHY } from '../verdict.ts';

/**
 * The way of `p` to `dest`, with `overhead` bytes to be put in front: CONTINUE, its hop taken, or the verdict that ends it. `icmp`: it is
 * an error itself.
 */
export function fits(core: Core, p: Packet, dest: Dest, overhead: number, icmp: boolean): number {
  if (!core.reach(dest)) return core.drop(WHY['no-route']);
  if (dest.route.local) return CONTINUE;
  const v4 = p.family === 4;
  if (p.ttl <= 1)
    return reply(core, p, v4 ? TIME_EXCEEDED : TIME_EXCEEDED6, 0, 0, null, WHY['time-exceeded'], WHY['ttl']);
  decrementTtl(p);
  const mtu = mtuTo(core, dest) - overhead;
  if (overhead > 0 && mtu < (dest.family === 4 ? 68 : 1280)) return core.drop(WHY['too-big']);
  const length = !v4 && p.largest > 0 ? p.largest : p.end - p.at;
  if (length <= mtu) return CONTINUE;
  if (v4) {
    if (!p.df || icmp || (overhead > 0 && core.sysctl.pmtu_disc === 0)) return CONTINUE;
    return reply(core, p, UNREACHABLE, FRAG_NEEDED, mtu, null, WHY['frag-needed'], WHY['too-big']);
  }
  if (icmp) return core.drop(WHY['too-big']);
  return reply(core, p, TOO_BIG6, 0, mtu, null, WHY['frag-needed'], WHY['too-big']);
}

/** Hops and MTU of a packet that goes on by core.route: CONTINUE, or the message to its sender, from the local address or the host's own. */
export function fitsAnswer(core: Core, p: Packet, dest: Dest, fromLocal: boolean): number {
  const { mtu } = core.route;
  const v4 = p.family === 4;
  const from = fromLocal || !core.reach(dest) ? null : dest.route.source;
  if (p.ttl <= 1)
    return reply(core, p, v4 ? TIME_EXCEEDED : TIME_EXCEEDED6, 0, 0, from, WHY['time-exceeded'], WHY['ttl']);
  const length = p.largest > 0 ? p.largest : p.end - p.at;
  if (length <= mtu || (v4 && !p.df)) return CONTINUE;
  return reply(
    core,
    p,
    v4 ? UNREACHABLE : TOO_BIG6,
    v4 ? FRAG_NEEDED : 0,
    mtu,
    from,
    WHY['frag-needed'],
    WHY['too-big'],
  );
}

/** The MTU on the way to `dest`, with what routers told of it. */
export function mtuTo(core: Core, dest: Dest): number {
  const { mtu } = dest.route;
  return dest.pmtu !== 0 && dest.pmtu < mtu && core.ms < dest.pmtuUntil ? dest.pmtu : mtu;
}
