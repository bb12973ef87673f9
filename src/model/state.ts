// The state of pool members as the answer path reads it: two unsigned words for each, in one SharedArrayBuffer.
//   word a   bits 0-2 state · bit 3 forced · bit 4 stale · bit 5 last known up · bits 8-23 factor (4096 = 1.0)
//   word b   seconds to the earliest moment at which the state could change (for the TTL); 0xffffffff: no telling
// The control plane of the node is the only writer; any number of workers read. A reader sees one word whole.

export const STATE = { unknown: 0, up: 1, down: 2, drain: 3, maint: 4 } as const;
export type StateName = keyof typeof STATE;
export const STATE_NAMES = [
  'unknown',
  'up',
  'down',
  'drain',
  'maint',
] as const satisfies readonly StateName[];

export const FORCED = 1 << 3;
export const STALE = 1 << 4;
/** Set while the member was up when the pool last had any member up: for `all_down: last-known`. */
export const LAST_KNOWN = 1 << 5;
export const FACTOR_ONE = 4096;
export const NO_CHANGE_KNOWN = 0xffffffff;

/** Words a member takes. */
export const MEMBER_WORDS = 2;

/** Word a. `factor` is a multiplier (1 = as configured), rounded to 1/4096, at most 16. A factor above 0 never rounds to 0. */
export function packState(state: StateName, flags: number, factor: number): number {
  const fixed = factor <= 0 ? 0 : Math.min(0xffff, Math.max(1, Math.round(factor * FACTOR_ONE)));
  return (STATE[state] | flags | (fixed << 8)) >>> 0;
}

export function stateOf(word: number): StateName {
  return STATE_NAMES[word & 7] ?? 'unknown';
}

/** The fixed-point factor of word a, 4096 = 1.0. */
export function factorOf(word: number): number {
  return (word >>> 8) & 0xffff;
}

/** A table for `members` pool members, all `unknown`. */
export function newStateTable(members: number): Uint32Array {
  const table = new Uint32Array(new SharedArrayBuffer(Math.max(1, members) * MEMBER_WORDS * 4));
  for (let m = 0; m < members; m++) table[m * MEMBER_WORDS + 1] = NO_CHANGE_KNOWN;
  return table;
}

/** Writes both words of member `index`; the TTL word first, so that a state never stands beside an older, longer TTL. */
export function setMember(table: Uint32Array, index: number, word: number, seconds: number): void {
  Atomics.store(table, index * MEMBER_WORDS + 1, seconds);
  Atomics.store(table, index * MEMBER_WORDS, word);
}
