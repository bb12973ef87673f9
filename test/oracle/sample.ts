// The choice of stories for the tests: few bytes, and yet every scheduler, mode and family, and a story for each break.
import { BREAKS } from './breaks.ts';
import { check } from './check.ts';
import { deviation } from './deviations.ts';
import type { Story } from './story.ts';

/** Stories out of `all`, the shortest that do. */
export function choose(all: readonly Story[]): Story[] {
  const short = all.toSorted((a, b) => JSON.stringify(a).length - JSON.stringify(b).length);
  const taken = new Set<Story>();
  for (const { run } of BREAKS) {
    const finds = run(make => short.filter(story => check(story, make, deviation).mismatch !== undefined));
    if (finds.length > 0 && !finds.some(s => taken.has(s))) taken.add(finds[0]);
  }
  const traits = (s: Story) => {
    const [scheduler, mode, flag, family] = s.cell.split(' ');
    return [scheduler, `${mode} ${family}`, flag];
  };
  for (const story of short) {
    const had = new Set([...taken].flatMap(traits));
    if (traits(story).some(t => !had.has(t))) taken.add(story);
  }
  return [...taken];
}
