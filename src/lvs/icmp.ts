// ICMP errors that belong to connections (ip_vs_in_icmp, ip_vs_out_icmp): what they quote, seen with source and destination swapped, is
// looked up as a packet would be; outer and quoted addresses and ports are rewritten and the ICMP checksum made anew.
// IPv4: unreachable, source quench, time exceeded; IPv6: every error. Everything else of ICMP is the host's.

import type { Core } from './core.ts';
import { countIn, countOut } from './count.ts';
import { fitsAnswer } from './forward/fit.ts';
import { forward } from './forward/index.ts';
import { CONTINUE } from './hooks.ts';
import * as conn from './line.ts';
import { WORDS } from './line.ts';
import { isIntact, SOURCE_QUENCH, TIME_EXCEEDED, UNREACHABLE } from './packet/icmp.ts';
import { OK, type Packet, parseQuote, setWord, TCP, UDP, word } from './packet/parse.ts';
import { rewriteQuote } from './packet/quote.ts';
import { decrementTtl } from './packet/rewrite.ts';
import { schedule } from './schedule.ts';
import { FULLNAT, NAT } from './service.ts';
import { tunnelError } from './tunnelerror.ts';
import { HOST, WHY } from './verdict.ts';
import { LOCAL } from './wordset.ts';

/** An ICMP packet at `in`: CONTINUE or a verdict. */
export function icmpIn(core: Core, p: Packet): number {
  const { life, out, quote } = core;
  if (p.l4 + 8 > p.end) return core.drop(WHY['cut']);
  out.reason = WHY['other-protocol'];
  if (!concerns(p)) return CONTINUE;
  const ours = tunnelError(core, p);
  if (ours !== CONTINUE || out.reason === WHY['tunnel-error']) return ours;
  out.reason = WHY['not-ours'];
  if (parseQuote(quote, p.frame, p.l4 + 8, p.end, true, p.view) !== OK) return CONTINUE;
  if (quote.protocol !== TCP && quote.protocol !== UDP) return CONTINUE;
  let c = life.alive(life.table.findIn(quote));
  let fresh = false;
  if (c === 0) {
    if (core.sysctl.schedule_icmp === 0) return CONTINUE;
    if (quote.l4 + 4 > quote.end) return core.drop(WHY['cut']);
    c = schedule(core, quote, p);
    if (c === 0) return core.refusal;
    fresh = true;
  }
  const dest = life.destOf(c);
  let verdict: number;
  if (!isIntact(p)) verdict = core.drop(WHY['checksum']);
  else {
    countIn(dest, p.end - p.at);
    verdict = forward(core, p, c, dest, WHY['icmp-in'], true);
  }
  if (life.table.t[c * WORDS + conn.FLAGS] & conn.ONE_PACKET) life.end(c);
  else if (fresh) life.touch(c);
  return verdict;
}

/** An ICMP packet at `out`: CONTINUE or a verdict. */
export function icmpOut(core: Core, p: Packet, local: boolean): number {
  const { life, quote, services, out } = core;
  if (p.l4 + 8 > p.end || !concerns(p)) return CONTINUE;
  if (parseQuote(quote, p.frame, p.l4 + 8, p.end, true, p.view) !== OK) return CONTINUE;
  if (quote.protocol !== TCP && quote.protocol !== UDP) return CONTINUE;
  const toLocal = local && (services.places.bits(quote.d0, quote.d1, quote.d2, quote.d3, 0) & LOCAL) !== 0;
  const c = life.alive(life.table.findOut(quote, toLocal));
  if (c === 0) return CONTINUE;
  const dest = life.destOf(c);
  const method = life.table.forwardOf(c);
  if (method !== NAT && method !== FULLNAT) {
    countOut(dest, p.end - p.at);
    core.host(p, WHY['icmp-out']);
    return HOST;
  }
  const full = method === FULLNAT;
  const { t } = life.table;
  const base = c * WORDS;
  const routed = full || !local;
  if (routed) {
    const found = full ? core.reachClient(c) : core.reachDestination(p);
    if (!found) return core.drop(WHY['no-route']);
    const tell = fitsAnswer(core, p, dest, full);
    if (tell !== CONTINUE) return tell;
  }
  if (!isIntact(p)) return core.drop(WHY['checksum']);
  if (routed) decrementTtl(p);
  const vport = t[base + conn.CPORTS] & 0xffff;
  if (full) {
    const { words } = core;
    life.table.clientOf(c, words);
    const delta = life.table.fullOf(c)[life.table.fullAt(c) + conn.DELTA];
    if (delta !== 0 && quote.protocol === TCP && quote.l4 + 8 <= p.end)
      setWord(p.frame, quote.l4 + 4, (word(p.frame, quote.l4 + 4) - delta) | 0);
    rewriteQuote(p, quote, dest.v, words, words, t[base + conn.CPORTS] >>> 16, dest.v, vport);
  } else rewriteQuote(p, quote, dest.v, null, null, 0, dest.v, vport);
  countOut(dest, p.end - p.at);
  if (routed) return core.transmit(p, core.route, WHY['icmp-out']);
  core.host(p, WHY['icmp-out']);
  out.changed = true;
  return HOST;
}

/** The director's own message at `out` (LOCAL_OUT): about a packet of a DR or TUN connection it counts as an answer of the server. */
export function icmpOwn(core: Core, p: Packet): void {
  const { life, quote } = core;
  if (p.l4 + 8 > p.end || !concerns(p)) return;
  if (parseQuote(quote, p.frame, p.l4 + 8, p.end, true, p.view) !== OK) return;
  if (quote.protocol !== TCP && quote.protocol !== UDP) return;
  const c = life.alive(life.table.findOut(quote, false));
  if (c !== 0) countOut(life.destOf(c), p.end - p.at);
}

// IPv4: only the errors that LVS looks into. IPv6: every type below 128.
function concerns(p: Packet): boolean {
  const type = p.frame[p.l4];
  if (p.family === 6) return type < 128;
  return type === UNREACHABLE || type === SOURCE_QUENCH || type === TIME_EXCEEDED;
}
