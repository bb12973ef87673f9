// What is answered when no member of a pool is up with a weight (unknown ones count as down):
//   all         what would be answered were all members up at their configured weight (not the union of them)
//   last-known  the same among those that were up when the pool last had any; without such: all
//   static      the given addresses of the family, up to `answers`
//   servfail    SERVFAIL
// Members in drain or maint stay out of `all` and `last-known`, unless that leaves nobody: then they are in too.
import { FACTOR_ONE, LAST_KNOWN, MEMBER_WORDS, STATE } from '../model/state.ts';
import type { Draft } from './draft.ts';
import { ALL_DOWN, POOL } from './table.ts';

/**
 * Fills the sheet by the pool's rule. Returns the rule that took effect (a number of ALL_DOWN): for `all` and
 * `last-known` the policy picks from the weights; `static` has its addresses taken already.
 */
export function applyAllDown(draft: Draft): number {
  const { words } = draft.table;
  const { row } = draft;
  const rule = words[row + POOL.allDown];
  // Any member that comes up ends the rule, so the answer lives no longer than the first of them may stay out.
  for (let i = 0; i < draft.count; i++) draft.mind(i);
  if (rule === ALL_DOWN.servfail) return rule;
  if (rule === ALL_DOWN.static) {
    if (draft.family === 4) draft.addList(words[row + POOL.static4], words[row + POOL.static4Count], 4);
    else draft.addList(words[row + POOL.static6], words[row + POOL.static6Count], 16);
    return rule;
  }
  if (rule === ALL_DOWN['last-known'] && admit(draft, LAST_KNOWN, false)) return rule;
  if (!admit(draft, 0, false)) admit(draft, 0, true);
  return ALL_DOWN.all;
}

// Members whose word has all bits of `flags`; with `forced` those in drain and maint too. False if nobody has a weight.
function admit(draft: Draft, flags: number, forced: boolean): boolean {
  let any = false;
  for (let i = 0; i < draft.count; i++) {
    const word = Atomics.load(draft.state, (draft.first + i) * MEMBER_WORDS);
    const state = word & 7;
    const out = state === STATE.drain || state === STATE.maint;
    const admitted = (word & flags) === flags && (forced || !out);
    if (draft.enter(i, admitted ? FACTOR_ONE : 0)) any = true;
  }
  return any;
}
