// Makes a short story of a long one that shows a mismatch: steps are left out, in ever smaller pieces, as long as the last one still
// differs in the same way when the rest is played again (delta debugging). The kernel plays many candidates in one go.
// Invariant: what comes out was played by the kernel, and differs at its last step.

import { check, type Mismatch } from './check.ts';
import { deviation } from './deviations.ts';
import type { Step, Story } from './story.ts';
import type { MakeSubject } from './subject.ts';

/** Plays stories in a kernel: the same steps, and what it did now. Steps that it refuses are left out. */
export type Play = (stories: readonly Story[]) => Promise<Story[]>;

/** Candidates in one go: a boot takes seconds, a candidate a fraction of one. */
const AT_ONCE = 24;

/** The first fault of a story that is no deviation, if there is one. */
export function faultOf(story: Story, make: MakeSubject): Mismatch | undefined {
  return check(story, make, deviation).mismatch;
}

/**
 * A short story with the fault of `story`, or undefined if it does not show again. `now() < until` bounds the work; a round that has
 * begun is ended.
 */
export async function reduce(
  story: Story,
  play: Play,
  fault: (story: Story) => Mismatch | undefined,
  until: number,
  now: () => number,
): Promise<Story | undefined> {
  const first = fault(story);
  if (first === undefined) return undefined;
  const kind = kindOf(first);
  const shows = (s: Story): Story | undefined => {
    const m = fault(s);
    return m !== undefined && kindOf(m) === kind ? upTo(s, m.step) : undefined;
  };
  let best = (await play([upTo(story, first.step)])).map(shows)[0];
  if (best === undefined) return undefined;
  let pieces = 2;
  while (now() < until) {
    const free = removable(best.steps);
    pieces = Math.min(pieces, free.length);
    if (pieces === 0) break;
    const shorter = await round(best, free, pieces, play, shows);
    if (shorter !== undefined) best = shorter;
    else if (pieces === free.length) break;
    else pieces *= 2;
  }
  return best;
}

// One round: the story without each of the pieces, and then without all of those that it did not need.
async function round(
  story: Story,
  free: readonly number[],
  pieces: number,
  play: Play,
  shows: (s: Story) => Story | undefined,
): Promise<Story | undefined> {
  const parts = Array.from({ length: pieces }, (_, i) =>
    free.slice(Math.floor((i * free.length) / pieces), Math.floor(((i + 1) * free.length) / pieces)),
  );
  const played: { part: readonly number[]; story: Story }[] = [];
  for (let at = 0; at < parts.length; at += AT_ONCE) {
    const some = parts.slice(at, at + AT_ONCE);
    const results = (await play(some.map(part => without(story, part)))).map(shows);
    for (const [i, result] of results.entries())
      if (result !== undefined) played.push({ part: some[i], story: result });
  }
  if (played.length < 2) return played[0]?.story;
  const all = without(
    story,
    played.flatMap(p => p.part),
  );
  return (await play([all])).map(shows)[0] ?? played[0].story;
}

/** Steps that may go: not those that make the network, and not the last. */
function removable(steps: readonly Step[]): number[] {
  return steps.slice(0, -1).flatMap((s, i) => (s.do === 'mtu' || s.do === 'masquerade' ? [] : [i]));
}

function without(story: Story, part: readonly number[]): Story {
  const gone = new Set(part);
  return { ...story, steps: story.steps.filter((_, i) => !gone.has(i)) };
}

function upTo(story: Story, step: number): Story {
  return { ...story, steps: story.steps.slice(0, step + 1) };
}

// What is the same about a fault in a shorter story: what differs, but for numbers.
function kindOf(m: Mismatch): string {
  const silent = [m.kernel, m.core]
    .map(text => (/^(\S+: )?(nothing|has it not)/.test(text) ? '-' : '+'))
    .join('');
  return `${m.what.replace(/:.*/s, '')} ${silent} ${/^[a-z-]+(?=: )/.exec(m.core)?.[0] ?? ''}`;
}
