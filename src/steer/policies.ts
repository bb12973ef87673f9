// The policies: name → number (its place in POLICIES, as packed in the table) → functions.
import { POLICIES } from '../model/policy.ts';
import type { Draft } from './draft.ts';
import { pickFailover, sharesFailover } from './failover.ts';
import { pickWeighted, sharesWeighted } from './weighted.ts';

/** A policy works on a sheet whose weights are filled in. */
export interface Policy {
  /** Takes members until the answer is full. Makes no object. */
  pick(draft: Draft): void;
  /** For each member the part of the answers in which it comes first. Off the hot path. */
  shares(draft: Draft): number[];
}

const BY_NAME: Record<(typeof POLICIES)[number], Policy> = {
  weighted: { pick: pickWeighted, shares: sharesWeighted },
  failover: { pick: pickFailover, shares: sharesFailover },
};

/** The policies by number. */
export const POLICY: readonly Policy[] = POLICIES.map(name => BY_NAME[name]);
