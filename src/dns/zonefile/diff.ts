// What is other in one zone than in another: RRset by RRset (RFC 2181 §5), in canonical order. Case of names, order of
// records and duplicates are no difference.
import { compareRdata } from '../rdata.ts';
import type { RecordList } from '../records.ts';
import { inOrder, ownerKey } from './order.ts';

/** Indices into the two ordered lists; -1 on the side where the record is not. */
export interface Change {
  before: number;
  after: number;
}

export interface ZoneDiff {
  /** The two zones in canonical order. */
  before: RecordList;
  after: RecordList;
  /** A record that took another's place, or has another TTL, is one change: both sides of it are there. */
  changes: Change[];
}

/** The changes that lead from one zone to the other. */
export function diffZones(old: RecordList, fresh: RecordList): ZoneDiff {
  const before = inOrder(old);
  const after = inOrder(fresh);
  const [a, b] = [setsOf(before), setsOf(after)];
  const changes: Change[] = [];
  for (const [key, records] of a) compareSets(before, after, records, b.get(key) ?? [], changes);
  for (const [key, records] of b)
    if (!a.has(key)) for (const i of records) changes.push({ before: -1, after: i });
  return { before, after, changes };
}

// The records of each RRset, by owner and type.
function setsOf(records: RecordList): Map<string, number[]> {
  const sets = new Map<string, number[]>();
  for (let i = 0; i < records.count; i++) {
    const key = `${ownerKey(records, i)}\0\0${records.type[i]}`;
    const set = sets.get(key);
    if (set === undefined) sets.set(key, [i]);
    else set.push(i);
  }
  return sets;
}

// Both sets are sorted by rdata.
function compareSets(
  before: RecordList,
  after: RecordList,
  old: readonly number[],
  fresh: readonly number[],
  changes: Change[],
): void {
  const gone: number[] = [];
  const come: number[] = [];
  for (let i = 0, k = 0; i < old.length || k < fresh.length; ) {
    const [a, b] = [old[i], fresh[k]];
    const order =
      a === undefined
        ? 1
        : b === undefined
          ? -1
          : compareRdata(before.type[a], before.rdataBytes(a), after.rdataBytes(b));
    if (order < 0) gone.push(old[i++]);
    else if (order > 0) come.push(fresh[k++]);
    else {
      if (before.ttl[a] !== after.ttl[b]) changes.push({ before: a, after: b });
      i++;
      k++;
    }
  }
  // Where one went and one came, it was changed; among several that would be a guess.
  if (gone.length === 1 && come.length === 1) changes.push({ before: gone[0], after: come[0] });
  else {
    for (const i of gone) changes.push({ before: i, after: -1 });
    for (const i of come) changes.push({ before: -1, after: i });
  }
}
