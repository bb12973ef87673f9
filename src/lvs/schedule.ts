// A new connection (ip_vs_schedule and the conn_schedule of TCP and UDP): which service, which server, a line in the table.
// Used for packets and, with schedule_icmp, for what an ICMP error quotes (then `p` is the quote with its addresses swapped).

import type { Core } from './core.ts';
import { CONTINUE } from './hooks.ts';
import * as conn from './line.ts';
import { leave, open, pick } from './open.ts';
import { type Packet, RST, SYN, TCP, UDP } from './packet/parse.ts';
import { schedulePersistent } from './persist.ts';
import { WHY } from './verdict.ts';

const FTP_DATA = 20;

/**
 * Opens a connection for `p`; 0 = none, and core.refusal says what becomes of `whole`, the packet itself: CONTINUE (it is not
 * LVS's) or a verdict.
 */
export function schedule(core: Core, p: Packet, whole: Packet): number {
  const { out, services } = core;
  core.refusal = CONTINUE;
  const service = services.lookup(p.family, p.protocol, p.d0, p.d1, p.d2, p.d3, p.dport);
  if (p.protocol === TCP && !p.inverse) {
    const sloppy =
      service !== undefined && service.sloppyTcp >= 0 ? service.sloppyTcp : core.sysctl.sloppy_tcp;
    if (p.tcpFlags & RST || ((p.tcpFlags & SYN) === 0 && sloppy === 0)) {
      out.reason = service === undefined ? WHY['no-service'] : WHY['no-connection'];
      return 0;
    }
  }
  if (service === undefined) {
    out.reason = WHY['no-service'];
    return 0;
  }
  if (core.defence.sheds()) {
    core.refusal = core.drop(WHY['shed']);
    return 0;
  }
  // FTP's data connections from the server's side are made by nobody but the control connection.
  if (p.sport === FTP_DATA) {
    out.reason = WHY['no-connection'];
    return 0;
  }
  if (service.persistence > 0) return schedulePersistent(core, p, service, whole);
  if (p.dport !== service.port) return leave(core, p, service, whole);
  const dest = pick(core, p, service);
  if (dest === undefined) return leave(core, p, service, whole);
  const oneWay = service.onePacket && p.protocol === UDP ? conn.ONE_PACKET : 0;
  return open(core, p, dest, dest.port === 0 ? p.dport : dest.port, oneWay, 0);
}
