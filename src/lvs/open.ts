// What opening a connection consists of: a pick of the scheduler, a line in the table, or the news that there is no server.

import type { Core } from './core.ts';
import { bindLocal } from './forward/local.ts';
import { CONTINUE } from './hooks.ts';
import * as conn from './line.ts';
import { PORT, PORT6, reply, UNREACHABLE, UNREACHABLE6 } from './packet/icmp.ts';
import type { Packet } from './packet/parse.ts';
import type { Flow } from './sched/scheduler.ts';
import { CONNS, type Dest, FULLNAT, type Service } from './service.ts';
import { WHY } from './verdict.ts';

const FTP = 21;

/** The server that the service's scheduler picks for `p`; undefined = none is available. */
export function pick(core: Core, p: Packet, service: Service): Dest | undefined {
  const at = service.scheduler.pick(flowOf(core, p));
  return at < 0 ? undefined : service.dests[at];
}

/** A connection of `p` to `dest`, under `template` (0: none), charged and counted; 0 with core.refusal = DROP if there is no room. */
export function open(
  core: Core,
  p: Packet,
  dest: Dest,
  dport: number,
  flags: number,
  template: number,
): number {
  const { life } = core;
  const c = life.open(p, dest, dport, flags);
  if (c === 0) {
    core.refusal = core.drop(WHY['full']);
    return 0;
  }
  if (dest.forward === FULLNAT && !bindLocal(core, p, c, dest)) {
    core.refusal = core.drop(WHY['no-port']);
    life.abandon(c, dest);
    return 0;
  }
  if (template !== 0) life.control(c, template);
  if ((flags & conn.ONE_PACKET) === 0) life.enter(c);
  dest.counts[CONNS]++;
  dest.service.counts[CONNS]++;
  return c;
}

/** No server: the client is told by ICMP (ip_vs_leave), but for FTP's data, which goes on. Returns 0. */
export function leave(core: Core, p: Packet, service: Service, whole: Packet): number {
  if (service.port === FTP && p.dport !== FTP) {
    core.refusal = CONTINUE;
    core.out.reason = WHY['no-connection'];
    return 0;
  }
  const v4 = whole.family === 4;
  core.refusal = reply(
    core,
    whole,
    v4 ? UNREACHABLE : UNREACHABLE6,
    v4 ? PORT : PORT6,
    0,
    null,
    WHY['port-unreachable'],
    WHY['no-server'],
  );
  return 0;
}

function flowOf(core: Core, p: Packet): Flow {
  const flow = p.family === 4 ? core.flow4 : core.flow6;
  flow.sourcePort = p.sport;
  put(flow.source, 0, p.s0);
  // What an ICMP error quotes went to the client: lblc, lblcr and dh look at that, as in the kernel.
  const back = p.inverse;
  put(flow.destination, 0, back ? p.s0 : p.d0);
  if (p.family === 6) {
    put(flow.source, 4, p.s1);
    put(flow.source, 8, p.s2);
    put(flow.source, 12, p.s3);
    put(flow.destination, 4, back ? p.s1 : p.d1);
    put(flow.destination, 8, back ? p.s2 : p.d2);
    put(flow.destination, 12, back ? p.s3 : p.d3);
  }
  return flow;
}

function put(bytes: Uint8Array, at: number, w: number): void {
  bytes[at] = w >>> 24;
  bytes[at + 1] = w >>> 16;
  bytes[at + 2] = w >>> 8;
  bytes[at + 3] = w;
}
