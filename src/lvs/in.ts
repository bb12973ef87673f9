// LVS's `in` (ip_vs_in_hook): a packet from the client's side. Connection → reuse → is the server there → schedule → count →
// state → forward. Order and outcome follow net/netfilter/ipvs/ip_vs_core.c.

import type { Core } from './core.ts';
import { countIn } from './count.ts';
import { forward } from './forward/index.ts';
import { CONTINUE } from './hooks.ts';
import { icmpIn } from './icmp.ts';
import * as conn from './line.ts';
import { WORDS } from './line.ts';
import { ICMP, ICMP6, type Packet, SYN, TCP, UDP } from './packet/parse.ts';
import { schedule } from './schedule.ts';
import type { Dest } from './service.ts';
import { CLOSE, FIN_WAIT, INPUT, TIME_WAIT } from './tcpstate.ts';
import { WHY } from './verdict.ts';

/** CONTINUE with out.reason (why it is not LVS's), or a verdict. */
export function lvsIn(core: Core, p: Packet): number {
  const { life, out } = core;
  if (!(p.family === 4 ? core.enabled4 : core.enabled6)) {
    out.reason = WHY['no-service'];
    return CONTINUE;
  }
  if (p.protocol === (p.family === 4 ? ICMP : ICMP6)) return icmpIn(core, p);
  if (p.protocol !== TCP && p.protocol !== UDP) {
    out.reason = WHY['other-protocol'];
    return CONTINUE;
  }
  if (!p.whole) return core.drop(p.fragmentAt > 0 ? WHY['fragment'] : WHY['cut']);
  let c = life.alive(life.table.findIn(p));
  let dest: Dest | undefined;
  let old = 0;
  if (c !== 0) {
    dest = life.destOf(c);
    const syn = p.protocol === TCP && (p.tcpFlags & SYN) !== 0;
    if (syn || dest.at < 0) {
      const nodest = expiresNodest(core, dest);
      if (syn && isReused(core, c, dest, nodest)) old = c;
      else if (dest.at < 0) {
        if (!nodest) return core.drop(WHY['server-gone']);
        old = c;
      }
    }
    if (old !== 0) c = 0;
  }
  let why = WHY['forwarded'];
  if (c === 0) {
    c = schedule(core, p, p);
    // The old connection ends after the new one was given a server, as the kernel's timer would end it.
    if (old !== 0 && life.table.inUse(old) && life.table.t[old * WORDS + conn.CONTROLS] === 0) life.end(old);
    if (c === 0) return core.refusal;
    dest = life.destOf(c);
    why = WHY['scheduled'];
  }
  const to = dest as Dest;
  countIn(to, p.end - p.at);
  life.step(c, p, INPUT, to);
  const verdict = forward(core, p, c, to, why, false);
  if (life.table.t[c * WORDS + conn.FLAGS] & conn.ONE_PACKET) life.end(c);
  else life.touch(c);
  return verdict;
}

/** LVS's hook for ICMP that is forwarded (ip_vs_forward_icmp): errors for connections whose virtual address is not this host's. */
export function lvsForwardIcmp(core: Core, p: Packet): number {
  if (!(p.family === 4 ? core.enabled4 : core.enabled6)) return CONTINUE;
  return p.protocol === (p.family === 4 ? ICMP : ICMP6) ? icmpIn(core, p) : CONTINUE;
}

function expiresNodest(core: Core, dest: Dest): boolean {
  const own = dest.service.expireNodest;
  return (own >= 0 ? own : core.sysctl.expire_nodest_conn) !== 0;
}

// A SYN on a connection that is over (conn_reuse_mode), or whose server is quiesced: it is a new one.
function isReused(core: Core, c: number, dest: Dest, nodest: boolean): boolean {
  if (nodest && dest.weight === 0) return true;
  const mode = core.sysctl.conn_reuse_mode;
  const { t } = core.life.table;
  const base = c * WORDS;
  if (mode === 0 || t[base + conn.CONTROL] !== 0) return false;
  const state = t[base + conn.FLAGS] & conn.STATE;
  if (state === TIME_WAIT || state === CLOSE) return true;
  return (mode & 2) !== 0 && state === FIN_WAIT && (t[base + conn.FLAGS] & conn.NOOUTPUT) !== 0;
}
