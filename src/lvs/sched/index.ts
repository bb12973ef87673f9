// The schedulers by their names in the cluster file.
//   service ─flow→ scheduler.pick ──reads──→ dests (columns, newest first) ←──add · remove · reweight · charge── owner
//                  scheduler.update ←── after each change of the list or a weight

import { seeded } from '../../kit/rng.ts';
import type { SchedulerName } from '../../model/schema.ts';
import { dh } from './dh.ts';
import { fo } from './fo.ts';
import { lblc } from './lblc.ts';
import { lblcr } from './lblcr.ts';
import { lc } from './lc.ts';
import { mh } from './mh.ts';
import { nq } from './nq.ts';
import { ovf } from './ovf.ts';
import { rr } from './rr.ts';
import type { Dests, MakeScheduler, Scheduler, Seams } from './scheduler.ts';
import { sed } from './sed.ts';
import { sh } from './sh.ts';
import { twos } from './twos.ts';
import { wlc } from './wlc.ts';
import { wrr } from './wrr.ts';

export const SCHEDULER: { readonly [name in SchedulerName]: MakeScheduler } = {
  rr,
  wrr,
  lc,
  wlc,
  lblc,
  lblcr,
  dh,
  sh,
  mh,
  sed,
  nq,
  fo,
  ovf,
  twos,
};

/**
 * A scheduler by name over `dests`; `flags` are the service's, of which those count that begin with the scheduler's own
 * name. Without `seams` its dice are the same each time, and it forgets nothing.
 */
export function makeScheduler(
  name: SchedulerName,
  dests: Dests,
  flags: readonly string[],
  seams: Seams = { rng: seeded(dests.count), now: () => 0 },
): Scheduler {
  const own = { fallback: flags.includes(`${name}-fallback`), port: flags.includes(`${name}-port`) };
  return SCHEDULER[name](dests, own, seams);
}
