// Faults of meaning in the cluster file: what no single value shows. One row a rule; codes and severities in codes.ts.
//   config (what parsed of it) → view → every rule → findings (path, sentence, help) → places by load.ts
// A rule that concludes from absence («no pool uses …») asks `whole` first: a part that failed to parse proves nothing.
import { CLUSTER_RULES } from './check/cluster.ts';
import { FORWARDING_RULES } from './check/forwarding.ts';
import { NODE_RULES } from './check/nodes.ts';
import { POOL_RULES } from './check/pools.ts';
import { SERVICE_RULES } from './check/services.ts';
import { VIP_RULES } from './check/vips.ts';
import type { Finding, Rule, View } from './finding.ts';

const RULES: readonly Rule[] = [
  ...NODE_RULES,
  ...VIP_RULES,
  ...SERVICE_RULES,
  ...FORWARDING_RULES,
  ...POOL_RULES,
  ...CLUSTER_RULES,
];

/** All faults of meaning, in the order of the rules. */
export function checkMeaning(view: View): Finding[] {
  return RULES.flatMap(rule => [...rule(view)]);
}
