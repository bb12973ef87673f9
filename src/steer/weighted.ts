// Policy `weighted`: each member in proportion to its effective weight. With n answers a weighted sample without
// replacement by sequential draws: each draw in proportion to what is left, in the order of the draws.
// A drawn member gives all its addresses of the family until `answers` is reached.
import type { Draft } from './draft.ts';

/** Draws until the answer is full or nobody is left. */
export function pickWeighted(draft: Draft): void {
  let total = sum(draft);
  while (draft.room > 0 && total > 0) {
    const drawn = draw(draft, total);
    draft.take(drawn);
    total -= draft.weight[drawn];
    draft.weight[drawn] = 0;
  }
}

/** Part of the answers in which each member comes first, 0 to 1. */
export function sharesWeighted(draft: Draft): number[] {
  const total = sum(draft);
  return Array.from(draft.weight.subarray(0, draft.count), w => (total > 0 ? w / total : 0));
}

function sum(draft: Draft): number {
  let total = 0;
  for (let i = 0; i < draft.count; i++) total += draft.weight[i];
  return total;
}

function draw(draft: Draft, total: number): number {
  draft.roll();
  let left = draft.die[0] * total;
  let last = 0;
  for (let i = 0; i < draft.count; i++) {
    const weight = draft.weight[i];
    if (weight === 0) continue;
    if (left < weight) return i;
    left -= weight;
    last = i;
  }
  return last;
}
