// What is to be covered: every scheduler × mode × flag × family. Each set-up is there for one cell.
import type { Forward } from '../../src/lvs/config.ts';
import { SCHEDULERS, type SchedulerName } from '../../src/model/schema.ts';

export interface Cell {
  scheduler: SchedulerName;
  forward: Forward;
  family: 4 | 6;
  /** '', persist, ops, or flags of the scheduler's own, joined by a comma. */
  flag: string;
}

/** Schedulers that the kernel under test has: twos came later. */
export const PROVEN: readonly SchedulerName[] = SCHEDULERS.filter(name => name !== 'twos');
export const MODES = ['nat', 'dr', 'tun', 'fullnat'] as const;

/** Flags with which FullNAT is played: one-packet scheduling has no way back there, and the rest is the scheduler's alone. */
const FULLNAT: readonly string[] = ['', 'persist'];

function flagsOf(scheduler: SchedulerName): string[] {
  const own =
    scheduler === 'sh' || scheduler === 'mh' ? ['fallback', 'port'].map(f => `${scheduler}-${f}`) : [];
  return ['', 'persist', 'ops', ...own, ...(own.length > 0 ? [own.join(',')] : [])];
}

export const CELLS: readonly Cell[] = PROVEN.flatMap(scheduler =>
  flagsOf(scheduler).flatMap(flag =>
    MODES.filter(forward => forward !== 'fullnat' || FULLNAT.includes(flag)).flatMap(forward =>
      ([4, 6] as const).map(family => ({ scheduler, forward, family, flag })),
    ),
  ),
);

export function nameOf(cell: Cell): string {
  return `${cell.scheduler} ${cell.forward} ${cell.flag || '-'} v${cell.family}`;
}

/** Cells for a small sample that has every scheduler, mode, family and flag somewhere: indices of CELLS. */
export const SAMPLE: readonly number[] = PROVEN.flatMap((scheduler, i) =>
  flagsOf(scheduler).flatMap((flag, k) => {
    if (k > 2 ? false : k !== i % 3 && flag !== '') return [];
    const forward = MODES[(i + k) % (FULLNAT.includes(flag) ? 4 : 3)];
    const family = (i + k + (i >> 2)) % 2 === 0 ? 4 : 6;
    const name = nameOf({ scheduler, forward, family, flag });
    return [CELLS.findIndex(c => nameOf(c) === name)];
  }),
);
