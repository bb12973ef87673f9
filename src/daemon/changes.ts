// What a new cluster file changes in a running node, and what of it waits for its next start: sockets, connections and
// threads stand as they were opened. How it answers (model/answering.ts) goes to the workers with the next snapshot.
import { answering } from '../model/answering.ts';
import { type Change, diffConfig } from '../model/diff.ts';
import type { Config } from '../model/schema.ts';
import type { Events } from './events.ts';

/** A change; `late`: it takes effect at the next start. */
export type NodeChange = Change & { late: boolean };

/** What the file `next` changes for the node that runs on `before`. */
export function changesOf(before: Config, next: Config, node: string): NodeChange[] {
  const fixed = ['cluster', 'state_dir', 'coordinator', `nodes.${node}`];
  const reloaded = Object.keys(answering).map(key => `nodes.${node}.dns.${key}`);
  const within = (what: string, above: string) => what === above || what.startsWith(`${above}.`);
  return diffConfig(before, next).map(change => {
    const late = fixed.some(f => within(change.what, f)) && !reloaded.some(r => within(change.what, r));
    return { ...change, late };
  });
}

/** Tells the events what was taken up as `generation`, and what was not. */
export function tellReload(events: Events, generation: number, changes: readonly NodeChange[]): void {
  const late = changes.filter(c => c.late).map(c => c.what);
  for (const what of late) events.add('warn', 'config', what, 'changed; takes effect at the next start');
  const now = changes.filter(c => !c.late).map(c => `${c.kind} ${c.what}`);
  const text = now.join(', ') || (late.length > 0 ? 'as before' : 'zones only');
  const rest = late.length === 0 ? '' : `; at the next start: ${late.join(', ')}`;
  events.add('info', 'config', 'reload', `generation ${generation} serves: ${text}${rest}`);
}

/** `update pools.web.ttl: 10s → 20s`, for who asked for the reload. */
export function changeText({ kind, what, from, to, late }: NodeChange): string {
  const values = to === undefined ? '' : `: ${from ?? '-'} → ${to}`;
  return `${kind} ${what}${values}${late ? ' (at the next start)' : ''}`;
}
