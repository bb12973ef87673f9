// Persistence (ip_vs_sched_persist): a template <client's network, virtual address and port, server> decides for all connections of
// that network, for so long. Port 0 and FTP have one template for all ports.
// Invariant: a template whose server is gone is found no more, but holds on to the connections that it controls.

import type { Core } from './core.ts';
import * as conn from './line.ts';
import { WORDS } from './line.ts';
import { leave, open, pick } from './open.ts';
import { type Packet, UDP } from './packet/parse.ts';
import type { Dest, Service } from './service.ts';
import { WHY } from './verdict.ts';

const FTP = 21;
/** Ports of a template that is invalid. */
const INVALID = 0xffff;

/** As schedule(), for a persistent service. */
export function schedulePersistent(core: Core, p: Packet, service: Service, whole: Packet): number {
  const { key, life } = core;
  const { mask } = service;
  const own = p.dport === service.port && service.port !== FTP;
  key.family = p.family;
  key.protocol = p.protocol;
  key.s0 = p.s0 & mask[0];
  key.s1 = p.s1 & mask[1];
  key.s2 = p.s2 & mask[2];
  key.s3 = p.s3 & mask[3];
  key.sport = 0;
  key.dport = own ? p.dport : 0;
  const { words } = core;
  words[0] = key.s0;
  words[1] = key.s1;
  words[2] = key.s2;
  words[3] = key.s3;
  const kind = (p.family === 6 ? conn.V6 : 0) | (p.protocol === UDP ? conn.IS_UDP : 0);
  let template = life.alive(life.table.findTemplate(kind, words, service.v, key.dport));
  let dest: Dest | undefined;
  if (template !== 0) {
    dest = life.destOf(template);
    if (!isValid(core, dest)) {
      invalidate(core, template);
      template = 0;
    }
  }
  if (template === 0) {
    dest = pick(core, p, service);
    if (dest === undefined) return leave(core, p, service, whole);
    template = openTemplate(core, dest, own ? dest.port : 0, service);
    if (template === 0) return 0;
  }
  const to = dest as Dest;
  const dport = p.dport === service.port && to.port !== 0 ? to.port : p.dport;
  const flags = service.onePacket && p.protocol === UDP ? conn.ONE_PACKET : 0;
  // An eviction for the new connection must not take the template away under it.
  const { t } = life.table;
  t[template * WORDS + conn.CONTROLS]++;
  const c = open(core, p, to, dport, flags, template);
  t[template * WORDS + conn.CONTROLS]--;
  life.touch(template);
  return c;
}

function openTemplate(core: Core, dest: Dest, dport: number, service: Service): number {
  const { life, key } = core;
  const template = life.open(key, dest, dport, conn.TEMPLATE);
  if (template === 0) {
    core.refusal = core.drop(WHY['full']);
    return 0;
  }
  const { t } = life.table;
  t[template * WORDS + conn.TIMEOUT] = service.persistence;
  t[template * WORDS + conn.EXPIRES] = life.now + service.persistence;
  life.enter(template);
  return template;
}

function isValid(core: Core, dest: Dest): boolean {
  return dest.at >= 0 && (core.sysctl.expire_quiescent_template === 0 || dest.weight !== 0);
}

// Its chain is by the client's network alone, so it stays where it is.
function invalidate(core: Core, template: number): void {
  const { t } = core.life.table;
  t[template * WORDS + conn.CPORTS] = INVALID;
  t[template * WORDS + conn.DPORTS] = INVALID << 16;
}
