// Services as a cluster file may have them, all forms of them, by dice: for the round trips of ipvsadm's rules.
import { seeded } from '../../src/kit/rng.ts';
import { type RuleService, SCHED_FLAGS } from '../../src/lvs/rules/rule.ts';
import { SCHEDULERS } from '../../src/model/schema.ts';

/** One to six services, each at an address of its own; time-outs are the same for all of them. */
export function anyServices(seed: number): RuleService[] {
  const rng = seeded(seed);
  const pick = <T>(list: readonly T[]): T => list[rng() % list.length];
  const timeouts = pick([undefined, { tcp: 61_000, tcp_fin: 3_599_000, udp: 1000 }]);
  return Array.from({ length: 1 + (rng() % 6) }, (_, i): RuleService => {
    const v6 = rng() % 3 === 0;
    const forward = pick(['nat', 'dr', 'tun'] as const);
    const protocol = pick(['tcp', 'udp'] as const);
    const scheduler = pick(SCHEDULERS);
    const port = 1 + (rng() % 65_535);
    const type = pick(['ipip', 'gue', 'gre'] as const);
    const tunnel = {
      type: forward === 'tun' ? type : ('ipip' as const),
      port: forward === 'tun' && type === 'gue' ? 1 + (rng() % 65_535) : 6080,
      checksum: forward === 'tun' && type !== 'ipip' && rng() % 2 === 0,
    };
    const upper = pick([0, 0, 10, 100_000]);
    const flags = [
      ...(SCHED_FLAGS[scheduler] ?? []).filter(() => rng() % 2 === 0),
      ...(protocol === 'udp' && rng() % 2 === 0 ? ['ops'] : []),
    ];
    return {
      protocol,
      address: v6 ? `2001:db8::${(i + 1).toString(16)}` : `192.0.2.${i + 1}`,
      port,
      scheduler,
      flags,
      forward,
      tunnel,
      thresholds: { upper, lower: upper === 0 ? 0 : rng() % upper },
      persistence: flags.includes('ops') ? 0 : pick([0, 1000, 86_461_000, 360_000]),
      realServers: Array.from({ length: 1 + (rng() % 4) }, (_, n) => ({
        address: v6 || (forward === 'tun' && rng() % 2 === 0) ? `2001:db8:1::${n + 1}` : `10.0.0.${n + 1}`,
        port: forward === 'nat' ? 1 + (rng() % 65_535) : port,
        weight: rng() % 65_536,
      })),
      ...(timeouts && { timeouts }),
    };
  });
}
