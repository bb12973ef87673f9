// What ipvsadm's rules say of a service: the part of a ServiceSpec that they have words for.
import type { ServiceSpec } from '../../model/service.ts';

export interface RuleServer {
  address: string;
  port: number;
  weight: number;
}

/** A service by the rules. Persistence and time-outs in milliseconds, as in ServiceSpec. */
export interface RuleService
  extends Pick<
    ServiceSpec,
    | 'protocol'
    | 'address'
    | 'port'
    | 'scheduler'
    | 'flags'
    | 'forward'
    | 'tunnel'
    | 'persistence'
    | 'thresholds'
  > {
  realServers: readonly RuleServer[];
  /** As `--set` has them; absent: none was said. */
  timeouts?: { tcp: number; tcp_fin: number; udp: number };
}

/** What a service has where no rule says otherwise. */
export const PLAIN: Pick<ServiceSpec, 'tunnel' | 'thresholds'> = {
  tunnel: { type: 'ipip', port: 6080, checksum: false },
  thresholds: { upper: 0, lower: 0 },
};

/** The kernel's time-outs, in milliseconds. */
export const TIMEOUTS = { tcp: 900_000, tcp_fin: 120_000, udp: 300_000 } as const;

/** What the cluster file takes at most, in milliseconds. */
export const LIMITS = {
  persistence: 30 * 86_400_000,
  tcp: 7 * 86_400_000,
  tcp_fin: 3_600_000,
  udp: 3_600_000,
} as const;

/** `-p` without a value, in seconds. */
export const PERSISTENT = 360;

/** Flags by the schedulers that have them, in the order in which ipvsadm tells them. */
export const SCHED_FLAGS: Readonly<Record<string, readonly ServiceSpec['flags'][number][]>> = {
  sh: ['sh-fallback', 'sh-port'],
  mh: ['mh-fallback', 'mh-port'],
};

/** The rule is wrong by itself; or it says what we do not have. */
export const WRONG = 'GTM-R001';
export const LACKING = 'GTM-R002';

/** The faults of rules: code, severity, what it means. */
export const RULE_FAULTS = [
  [WRONG, 'error', 'a rule that ipvsadm would not take either'],
  [LACKING, 'error', 'a rule that says what services here do not have'],
] as const;
