// The verdict on a VIP, from a node's own probes, the fresh reports of others, and the last known capacity. One vote a site:
// its directors' fresh record where there is one (capacity ≥ floor is up), else the majority of its fresh observers; a tie
// is up. Down: when the best fresh director record is below the floor; or when more than half of the site votes say down
// and this node does not reach the VIP either (a director of it does while its own record says so).
// Without any fresh director record the last capacity is kept, marked stale. Alone, a node goes by itself.
import type { PeerView, Sight } from '../model/records.ts';
import { percentText } from './text.ts';

export interface VoteInput {
  vip: string;
  /** Below this capacity the VIP is down, 0 to 1. */
  floor: number;
  /** The nodes that forward the VIP. */
  directors: readonly string[];
  me: {
    node: string;
    site: string;
    /** Own capacity, for a director of the VIP whose first round is through. */
    capacity: number | undefined;
    /** Own sight, for all others. */
    sight: Sight;
  };
  peers: readonly PeerView[];
  /** No coordinator: whatever others may have said is not heard. */
  alone: boolean;
  /** The last capacity that a fresh director record gave. */
  last: number | undefined;
}

export interface VipVerdict {
  state: Sight;
  /** 0 to 1, whatever the state. */
  capacity: number;
  /** The capacity is not that of a fresh record, though there should be one. */
  stale: boolean;
  /** By site. Sites without a fresh vote are not in it. */
  votes: Record<string, 'up' | 'down'>;
  /** In words for people. */
  why: string;
}

interface DirectorRecord {
  node: string;
  site: string;
  capacity: number;
}

/** The verdict on one VIP as one node gives it. */
export function vipVerdict(input: VoteInput): VipVerdict {
  const records = freshRecords(input);
  const votes = siteVotes(input, records);
  const best = records.reduce<DirectorRecord | undefined>(
    (b, r) => (b === undefined || better(r, b) ? r : b),
    undefined,
  );
  const down = Object.keys(votes)
    .filter(s => votes[s] === 'down')
    .sort();
  const outvoted = down.length * 2 > Object.keys(votes).length;
  const tally = `${down.length} of ${Object.keys(votes).length} sites (${down.join(', ')})`;

  if (best === undefined) return withoutRecord(input, votes, outvoted, tally);
  const { capacity } = best;
  const said = `capacity ${percentText(capacity)} by ${best.node}`;
  const result = (state: Sight, why: string) => ({ state, capacity, stale: false, votes, why });
  if (capacity < input.floor)
    return result('down', `${said}, below the floor of ${percentText(input.floor)}`);
  if (outvoted && !reaches(input))
    return result(
      'down',
      `seen down by ${tally} and not reached from here, though ${best.node} has ${percentText(capacity)}`,
    );
  if (outvoted) return result('up', `${said}; seen down by ${tally}, but reached from here`);
  if (down.length > 0) return result('up', `${said}; seen down by ${tally}: not more than half`);
  return result('up', said);
}

function withoutRecord(
  input: VoteInput,
  votes: VipVerdict['votes'],
  outvoted: boolean,
  tally: string,
): VipVerdict {
  const { directors, me, alone, last, floor } = input;
  // Alone no record is heard, and a VIP without a director has none: then nothing is missing.
  const missing = !alone && directors.length > 0;
  const result = (state: Sight, why: string): VipVerdict => {
    // A last record below the floor is out of date once the VIP is seen up: then its capacity is not known.
    const known = last !== undefined && !(state === 'up' && last < floor) ? last : undefined;
    const kept = known === undefined ? 'not known, taken as whole' : `${percentText(known)} kept`;
    const silent = missing ? `; no fresh record of ${directors.join(' or ')}: capacity ${kept}` : '';
    const stale = missing && state !== 'unknown';
    return { state, capacity: known ?? 1, stale, votes, why: why + silent };
  };
  // A director waits for its own first round rather than going by how others see it.
  if (directors.includes(me.node))
    return { ...result('unknown', ''), why: 'the first round of probes is not through' };
  const sites = Object.keys(votes);
  if (sites.length === 0) {
    if (last === undefined || alone) return { ...result('unknown', ''), why: 'no result yet' };
    return result(last < floor ? 'down' : 'up', 'seen by nobody now');
  }
  if (alone) return result(me.sight, `seen ${me.sight} from here, alone`);
  if (outvoted && !reaches(input)) return result('down', `seen down by ${tally} and not reached from here`);
  if (outvoted) return result('up', `seen down by ${tally}, but reached from here`);
  const up = sites.filter(s => votes[s] === 'up').sort();
  return result('up', `seen up by ${up.length} of ${sites.length} sites (${up.join(', ')})`);
}

// Of equals the first by name, so that the words do not change with the order of the reports.
function better(a: DirectorRecord, b: DirectorRecord): boolean {
  return a.capacity > b.capacity || (a.capacity === b.capacity && a.node < b.node);
}

/** Whether this node itself finds the VIP in order. A sight that is not known yet is no witness for it. */
function reaches({ me, floor }: VoteInput): boolean {
  return me.capacity === undefined ? me.sight === 'up' : me.capacity >= floor;
}

function freshRecords({ vip, directors, me, peers, alone }: VoteInput): DirectorRecord[] {
  const records: DirectorRecord[] = [];
  if (me.capacity !== undefined) records.push({ node: me.node, site: me.site, capacity: me.capacity });
  for (const p of alone ? [] : peers) {
    if (!p.fresh || p.node === me.node || !directors.includes(p.node)) continue;
    if (!Object.hasOwn(p.report.director, vip)) continue;
    const capacity = Math.min(1, Math.max(0, p.report.director[vip].capacity));
    records.push({ node: p.node, site: p.report.site, capacity });
  }
  return records;
}

function siteVotes(input: VoteInput, records: readonly DirectorRecord[]): VipVerdict['votes'] {
  const { vip, me, peers, alone, floor } = input;
  const votes: VipVerdict['votes'] = {};
  for (const r of records) if (votes[r.site] !== 'up') votes[r.site] = r.capacity >= floor ? 'up' : 'down';
  const forwarding = new Set(records.map(r => r.site));
  const balance = new Map<string, number>();
  const see = (site: string, sight: Sight) => {
    if (sight === 'unknown' || forwarding.has(site)) return;
    balance.set(site, (balance.get(site) ?? 0) + (sight === 'up' ? 1 : -1));
  };
  if (me.capacity === undefined) see(me.site, me.sight);
  for (const p of alone ? [] : peers)
    if (p.fresh && p.node !== me.node && Object.hasOwn(p.report.sights, vip))
      see(p.report.site, p.report.sights[vip]);
  for (const [site, b] of balance) votes[site] = b >= 0 ? 'up' : 'down';
  return votes;
}
