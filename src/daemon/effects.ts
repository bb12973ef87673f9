// What an evaluation does: the words that answer workers read, and the events that people read.
import type { Evaluation, MemberEvaluation } from '../health/evaluate.ts';
import type { Sight } from '../model/records.ts';
import type { Config } from '../model/schema.ts';
import { FORCED, LAST_KNOWN, packState, STALE, setMember } from '../model/state.ts';
import type { Events } from './events.ts';
import type { Watched } from './observer.ts';

/** Writes the state of every member; `members` are in the order of the table. */
export function writeStates(table: Uint32Array, members: readonly MemberEvaluation[]): void {
  members.forEach((m, i) => {
    const flags = (m.forced ? FORCED : 0) | (m.stale ? STALE : 0) | (m.lastKnown ? LAST_KNOWN : 0);
    setMember(table, i, packState(m.state, flags, m.factor), m.seconds);
  });
}

/** Tells what differs between two evaluations: VIPs that changed their state, pools that lost or regained all members. */
export function tellChanges(events: Events, config: Config, before: Evaluation, after: Evaluation): void {
  for (const [vip, now] of after.vips) {
    const was = before.vips.get(vip);
    if (was === undefined || was.state === now.state) continue;
    // That all is well at a start is no news.
    const level = now.state === 'down' ? 'warn' : was.state === 'unknown' ? 'debug' : 'info';
    events.add(level, 'vip', `vip ${vip}`, `${was.state} → ${now.state}: ${now.why}`);
  }
  for (const [pool, { all_down }] of Object.entries(config.pools)) {
    const [was, now] = [before, after].map(e => e.members.some(m => m.pool === pool && m.state === 'up'));
    const known = before.members.some(m => m.pool === pool && m.state !== 'unknown');
    if (was === now || !known) continue;
    const rule = typeof all_down === 'string' ? all_down : `static ${all_down.static.join(', ')}`;
    if (now) events.add('info', 'pool', `pool ${pool}`, 'has a member that is up again');
    else events.add('error', 'pool', `pool ${pool}`, `no member is up: answers by all_down (${rule})`);
  }
}

/** Tells the events that a verdict is another one than before. */
export function tellVerdict(
  events: Events,
  { target, verdict, result, was }: Watched & { was: Sight },
): void {
  const subject = target.kind === 'vip' ? `vip ${target.vip}` : `real server ${target.server}`;
  const where = target.kind === 'vip' ? ' from here' : ` of ${target.vip}`;
  const level = verdict.state === 'down' ? 'warn' : was === 'unknown' ? 'debug' : 'info';
  events.add(level, 'probe', subject + where, `${verdict.state}: ${result}`);
}
