// Policy `failover`: one member answers, with all its addresses of the family up to `answers`: the first in the order of
// the cluster file that has enough capacity (factor ≥ min_capacity); if none has, the one with the most.
// Families are chosen apart: where the first member has no IPv6 address, AAAA goes to the next that has one.
import type { Draft } from './draft.ts';
import { POOL } from './table.ts';

/** Takes the one member; the answer lives no longer than any member before it may stay out. */
export function pickFailover(draft: Draft): void {
  const chosen = choose(draft);
  if (chosen < 0) return;
  for (let i = 0; i < chosen; i++) draft.mind(i);
  draft.take(chosen);
}

/** 1 for the member that answers, 0 for the others. */
export function sharesFailover(draft: Draft): number[] {
  const chosen = choose(draft);
  return Array.from({ length: draft.count }, (_, i) => (i === chosen ? 1 : 0));
}

function choose(draft: Draft): number {
  const enough = draft.table.words[draft.row + POOL.minCapacity];
  let best = -1;
  for (let i = 0; i < draft.count; i++) {
    if (draft.weight[i] === 0) continue;
    if (draft.factor[i] >= enough) return i;
    if (best < 0 || draft.factor[i] > draft.factor[best]) best = i;
  }
  return best;
}
