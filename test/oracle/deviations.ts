// Where the core differs from the kernel on purpose. A story ends at such a step, as the two go on differently.
import type { Mismatch } from './check.ts';
import type { Story } from './story.ts';

export interface Deviation {
  name: string;
  why: string;
  is: (story: Story, mismatch: Mismatch) => boolean;
}

export const DEVIATIONS: readonly Deviation[] = [];

/** The name of the deviation that a mismatch is. */
export function deviation(story: Story, mismatch: Mismatch): string | undefined {
  return DEVIATIONS.find(d => d.is(story, mismatch))?.name;
}
