// What is told in which kernel.
import { PAGES } from './plane-docs.ts';
import { labStories } from './plane-lab.ts';
import { OTHERS } from './plane-others.ts';
import { RULES } from './plane-rules.ts';
import { STORIES } from './plane-story.ts';
import { TABLE } from './plane-table.ts';

export const KERNELS: readonly Record<string, () => Promise<unknown>>[] = [
  { ...TABLE, ...OTHERS, ...RULES, ...PAGES },
  STORIES,
  labStories('nat'),
  labStories('dr'),
  labStories('tun'),
];
