// What is told in which kernel.
import { PAGES } from './plane-docs.ts';
import { labStories } from './plane-lab.ts';
import { OTHERS } from './plane-others.ts';
import { RULES } from './plane-rules.ts';
import { SERVE } from './plane-serve.ts';
import { TABLE } from './plane-table.ts';
import { UNDO } from './plane-undo.ts';

export const KERNELS: readonly Record<string, () => Promise<unknown>>[] = [
  { ...TABLE, ...OTHERS, ...RULES, ...PAGES },
  { ...SERVE, ...UNDO },
  labStories('nat'),
  labStories('dr'),
  labStories('tun'),
];
