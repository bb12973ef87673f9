// What is told in which kernel: two of them share the time.
import { PAGES } from './plane-docs.ts';
import { RULES } from './plane-rules.ts';
import { STORIES } from './plane-story.ts';
import { TABLE } from './plane-table.ts';

export const KERNELS: readonly Record<string, () => Promise<unknown>>[] = [
  { ...TABLE, ...RULES, ...PAGES },
  STORIES,
];
