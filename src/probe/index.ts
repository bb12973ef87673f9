// The registry of probes, and the map of the room:
//   Prober (when) ─target, signal→ probes[kind] (what) ─text→ Prober ─result→ health/ (what it means)
// Each row loads its file at first use: undici alone takes a third of a second.
import type { CheckConfig } from '../model/probe.ts';
import { PROBE_KINDS } from '../model/probe-kind.ts';
import { type Ask, dnsProbe } from './dns.ts';
import { icmpProbe, type Ping } from './icmp.ts';
import { type Knock, pathProbe } from './path.ts';
import type { Probe, Target } from './probe.ts';

/** The kinds of checks, and the way of clients' packets. */
export type Kind = (typeof PROBE_KINDS)[number] | 'path';

/** A probe for each kind of check, loaded when it is first needed. */
export type Probes = Record<Kind, () => Promise<Probe>>;

/** All probes; `ask` is the DNS client of the dns probe, `ping` the echo client of the icmp probe, `knock` that of the path probe. */
export function makeProbes(ask: Ask, ping?: Ping, knock?: () => Promise<Knock>): Probes {
  const http = async () => (await import('./http.ts')).httpProbe();
  return {
    http,
    https: http,
    tcp: async () => (await import('./tcp.ts')).tcp,
    tls: async () => (await import('./tls.ts')).tls,
    dns: async () => dnsProbe(ask),
    udp: async () => (await import('./udp.ts')).udp,
    icmp: async () => icmpProbe(ping),
    exec: async () => (await import('./exec.ts')).exec,
    path: async () => pathProbe(await knock?.()),
  };
}

/** Which kind of check it is: a check has exactly one. */
export function kindOf(check: CheckConfig): Kind {
  return PROBE_KINDS.find(kind => check[kind] !== undefined) as Kind;
}

/** Which probe looks at a target. */
export function probeOf({ check, via }: Pick<Target, 'check' | 'via'>): Kind {
  return via === undefined ? kindOf(check) : 'path';
}
