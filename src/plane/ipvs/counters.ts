// Counters of the services of the cluster file, from what was last read in the kernel. Totals go on over a service that
// was removed and made anew by somebody else only from where the kernel begins: it keeps no history, and neither do we.

import { formatEndpoint } from '../../kit/ip.ts';
import type { RealServerCounters, ServiceCounters, ServiceSpec } from '../../model/service.ts';
import { canonical, type Found, type FoundDest, type Totals } from './table.ts';

const NONE: Totals = { connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 };

/** One row of counters; `found` is undefined while the kernel has no such service. */
export function countersOf(
  spec: ServiceSpec,
  found: Found | undefined,
  fault: string | undefined,
): ServiceCounters {
  const dests = new Map(found?.dests.map(d => [d.key, d]));
  return {
    key: spec.key,
    vip: spec.vip,
    ...(fault !== undefined && { fault }),
    ...(found?.totals ?? NONE),
    refused: 0,
    realServers: spec.realServers.map((rs): RealServerCounters => {
      const d: FoundDest | undefined = dests.get(formatEndpoint(canonical(rs.address), rs.port));
      return {
        key: rs.key,
        name: rs.name,
        weight: d?.weight ?? rs.weight,
        active: d?.active ?? 0,
        inactive: d?.inactive ?? 0,
        ...(d?.totals ?? NONE),
        failed: 0,
      };
    }),
  };
}
