// FullNAT's local addresses and ports, and the sequence numbers that go with them. Addresses take turns; a port is free if its server
// knows no connection from it, so one port serves many servers.

import type { Core } from '../core.ts';
import { DELTA, DPORTS, FIRST_DATA, FLAGS, IS_UDP, LOCAL, V6, WORDS } from '../line.ts';
import { ACK, type Packet, SYN, TCP } from '../packet/parse.ts';
import type { Dest } from '../service.ts';

export const FIRST_PORT = 5000;
export const PORTS = 65_536 - FIRST_PORT;
/** Ports tried before a connection is refused. */
const TRIES = 10_000;

/** Gives connection `c` a local address and port, and sequence numbers; false = none is free. */
export function bindLocal(core: Core, p: Packet, c: number, dest: Dest): boolean {
  const { table } = core.life;
  const { service } = dest;
  const { locals } = service;
  table.extend(p.family);
  const { t } = table;
  const base = c * WORDS;
  const kind = t[base + FLAGS] & (V6 | IS_UDP);
  const dport = t[base + DPORTS] >>> 16;
  if (locals.length === 0) return false;
  for (let turn = 0; turn < locals.length; turn++) {
    service.nextLocal = service.nextLocal >= locals.length ? 0 : service.nextLocal;
    const local = locals[service.nextLocal++];
    if (local.family !== p.family) continue;
    for (let i = 0; i < TRIES; i++) {
      const lport = FIRST_PORT + local.counter;
      local.counter = local.counter + 1 === PORTS ? 0 : local.counter + 1;
      if (table.isTaken(kind, dest.d, dport, local, lport)) continue;
      local.used++;
      t[base + DPORTS] = (dport << 16) | lport;
      const x = table.fullOf(c);
      const own = table.fullAt(c);
      x[own + LOCAL] = local.index;
      x[own + FIRST_DATA] = 0;
      const syn = p.protocol === TCP && !p.inverse && (p.tcpFlags & (SYN | ACK)) === SYN;
      x[own + DELTA] =
        syn && service.fullnat.sequence
          ? (core.isn.first(core.ms, local.a, dest.d, p.family === 4 ? 1 : 4, t[base + DPORTS]) -
              p.view.getInt32(p.l4 + 4)) |
            0
          : 0;
      return true;
    }
    local.missed++;
  }
  return false;
}
