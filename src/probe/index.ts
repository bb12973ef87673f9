// The registry of probes, and the map of the room:
//   Prober (when) ─target, signal→ probes[kind] (what) ─text→ Prober ─result→ health/ (what it means)
// Each row loads its file at first use: undici alone takes a third of a second.
import type { CheckConfig } from '../model/schema.ts';
import { type Ask, dnsProbe } from './dns.ts';
import type { Probe } from './probe.ts';

export const KINDS = ['http', 'https', 'tcp', 'dns'] as const;
export type Kind = (typeof KINDS)[number];

/** A probe for each kind of check, loaded when it is first needed. */
export type Probes = Record<Kind, () => Promise<Probe>>;

/** All probes; `ask` is the DNS client of the dns probe. */
export function makeProbes(ask: Ask): Probes {
  const http = async () => (await import('./http.ts')).http;
  return {
    http,
    https: http,
    tcp: async () => (await import('./tcp.ts')).tcp,
    dns: async () => dnsProbe(ask),
  };
}

/** Which kind of check it is: a check has exactly one. */
export function kindOf(check: CheckConfig): Kind {
  return KINDS.find(kind => check[kind] !== undefined) as Kind;
}
