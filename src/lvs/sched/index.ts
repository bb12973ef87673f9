// The schedulers by their names in the cluster file.
//   service ─flow→ scheduler.pick ──reads──→ dests (columns, newest first) ←──add · remove · reweight · charge── owner
//                  scheduler.update ←── after each change of the list or a weight
import type { SchedulerName } from '../../model/schema.ts';
import { lc } from './lc.ts';
import { mh } from './mh.ts';
import { rr } from './rr.ts';
import type { Dests, MakeScheduler, Scheduler } from './scheduler.ts';
import { sh } from './sh.ts';
import { wlc } from './wlc.ts';
import { wrr } from './wrr.ts';

export const SCHEDULER: { readonly [name in SchedulerName]: MakeScheduler } = { rr, wrr, lc, wlc, sh, mh };

/** A scheduler by name over `dests`; `flags` are the service's, of which those count that begin with the scheduler's own name. */
export function makeScheduler(name: SchedulerName, dests: Dests, flags: readonly string[]): Scheduler {
  return SCHEDULER[name](dests, {
    fallback: flags.includes(`${name}-fallback`),
    port: flags.includes(`${name}-port`),
  });
}
