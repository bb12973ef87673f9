// What has to be said to the kernel so that what stands there becomes what is wanted: found × wanted → commands.
// Invariants: what is the same is not touched; a service that is not ours is not touched; a destination that goes is
// given weight 0 first, and goes when it has no connection any more or its time is over.
import {
  type Dest,
  type Entry,
  FLAG,
  FLAGS_SET,
  type Found,
  METHOD,
  type ServiceId,
  type Virtual,
} from './table.ts';

export interface Command {
  verb: 'add' | 'set' | 'remove';
  service: Virtual | ServiceId;
  /** Absent: the service itself is meant. */
  dest?: Dest;
  /** What stood there before. */
  was?: Virtual | Dest;
}

export interface Terms {
  /** Whether a service that is not wanted is ours to take away. */
  ours: (key: string) => boolean;
  /** When the time of a destination that goes is over, ms by the wall clock, by `service destination`. */
  draining: ReadonlyMap<string, number>;
  now: number;
  /** What a destination that goes gets, ms. */
  drain: number;
}

export interface Plan {
  commands: Command[];
  /** The destinations that are on their way out after these commands. */
  draining: Map<string, number>;
}

/** Both by the key of the service. */
export function reconcile(
  wanted: ReadonlyMap<string, Entry>,
  found: ReadonlyMap<string, Found>,
  terms: Terms,
): Plan {
  const plan: Plan = { commands: [], draining: new Map() };
  for (const [key, f] of found) if (!wanted.has(key) && terms.ours(key)) dismiss(plan, f, terms);
  for (const [key, w] of wanted) {
    const f = found.get(key);
    if (f === undefined) create(plan, w);
    else adjust(plan, w, f, terms);
  }
  return plan;
}

/** The name of a destination in `draining`. */
export function drainKey(service: string, dest: string): string {
  return `${service} ${dest}`;
}

function create(plan: Plan, { service, dests }: Entry): void {
  plan.commands.push({ verb: 'add', service });
  for (const dest of dests) plan.commands.push({ verb: 'add', service, dest });
}

function adjust(plan: Plan, { service, dests }: Entry, f: Found, terms: Terms): void {
  if (!sameService(service, f.service)) plan.commands.push({ verb: 'set', service, was: f.service });
  const there = new Map(f.dests.map(d => [d.key, d]));
  for (const dest of dests) {
    const was = there.get(dest.key);
    if (was === undefined) plan.commands.push({ verb: 'add', service, dest });
    else if (!sameDest(dest, was)) plan.commands.push({ verb: 'set', service, dest, was });
    there.delete(dest.key);
  }
  for (const d of there.values())
    if (leave(plan, f, d, terms)) plan.commands.push({ verb: 'remove', service, dest: d });
}

// The service goes with its last destination: until then its clients' connections go on.
function dismiss(plan: Plan, f: Found, terms: Terms): void {
  const gone = f.dests.filter(d => leave(plan, f, d, terms));
  if (gone.length === f.dests.length) plan.commands.push({ verb: 'remove', service: f.service });
  else for (const dest of gone) plan.commands.push({ verb: 'remove', service: f.service, dest });
}

/** Whether a destination can go at once; else it is made to take nothing new, and noted. */
function leave(plan: Plan, f: Found, d: Found['dests'][number], terms: Terms): boolean {
  const key = drainKey(f.service.key, d.key);
  const until = terms.draining.get(key) ?? terms.now + terms.drain;
  const idle = d.weight === 0 && d.active + d.inactive === 0;
  if (idle || until <= terms.now) return true;
  if (d.weight !== 0)
    plan.commands.push({ verb: 'set', service: f.service, dest: { ...d, weight: 0 }, was: d });
  plan.draining.set(key, until);
  return false;
}

function sameService(a: Virtual, b: Virtual): boolean {
  const persistent = (a.flags & FLAG.persistent) !== 0;
  return (
    a.scheduler === b.scheduler &&
    (a.flags & FLAGS_SET) === (b.flags & FLAGS_SET) &&
    (!persistent || (a.timeout === b.timeout && a.prefix === b.prefix))
  );
}

function sameDest(a: Dest, b: Dest): boolean {
  return (
    (a.method === b.method || b.method === METHOD.local) &&
    a.weight === b.weight &&
    a.upper === b.upper &&
    a.lower === b.lower &&
    (a.method !== METHOD.tun ||
      (a.tunnel.type === b.tunnel.type &&
        a.tunnel.port === b.tunnel.port &&
        a.tunnel.flags === b.tunnel.flags))
  );
}
