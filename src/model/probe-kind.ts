// What is asked of checks where they run: apart from their schema (probe.ts), so that it costs no parser to load.
import type { CheckConfig } from './probe.ts';

/** The kinds of probe; a check has exactly one. */
export const PROBE_KINDS = ['http', 'https', 'tcp', 'tls', 'dns', 'udp', 'icmp', 'exec'] as const;

/** The port that a check names itself; undefined: that of what is probed, or the check has no port. */
export function portOf(check: CheckConfig): number | undefined {
  return (check.http ?? check.https ?? check.tcp ?? check.tls ?? check.dns ?? check.udp)?.port;
}
