// A hook: an access list by source prefix, first match decides (PREROUTING, before anything is looked up).
import { prefixOf } from './address.ts';
import { CONTINUE, type Run } from './hooks.ts';
import { DROP, WHY } from './verdict.ts';

export interface AccessRule {
  /** `192.0.2.0/24`, `2001:db8::/32`, or a single address. */
  prefix: string;
  allow: boolean;
}

/** A hook function that drops what the first matching rule denies, or what no rule matches if `otherwise` is false. GTM_LVS_INVALID. */
export function access(rules: readonly AccessRule[], otherwise: boolean): Run {
  const table = rules.map(r => ({ ...prefixOf(r.prefix), allow: r.allow }));
  return (p, out) => {
    let allowed = otherwise;
    for (let i = 0; i < table.length; i++) {
      const { family, words, mask, allow } = table[i];
      if (
        family === p.family &&
        ((p.s0 ^ words[0]) & mask[0]) === 0 &&
        ((p.s1 ^ words[1]) & mask[1]) === 0 &&
        ((p.s2 ^ words[2]) & mask[2]) === 0 &&
        ((p.s3 ^ words[3]) & mask[3]) === 0
      ) {
        allowed = allow;
        break;
      }
    }
    if (allowed) return CONTINUE;
    out.reason = WHY['denied'];
    return DROP;
  };
}
