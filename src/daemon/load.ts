// The files of a cluster read once, in this thread, their records at hand: for `gtm check`, `gtm demo`'s real servers and
// tests. What serves reads them through loader.ts.
import type { Diagnostic, SourceOf } from '../kit/diag.ts';
import { loadConfig } from '../model/load.ts';
import type { Config } from '../model/schema.ts';
import { sourceOf } from './excerpts.ts';
import { CONFIG_BYTES, readMarked } from './files.ts';
import { cronFault } from './jobs.ts';
import { type Env, Library, type LoadedZone, type Progress } from './library.ts';
import { programFault } from './program.ts';

/** All that was read at one time. */
export interface LoadedFiles {
  /** Only when there is no error in the cluster file. */
  config?: Config;
  /** Those that could be read, with the records that have no fault. */
  zones: LoadedZone[];
  diagnostics: Diagnostic[];
  /** Every file that was read or wanted. */
  files: string[];
  sources: SourceOf;
}

/** Reads and checks the cluster file and everything that it names. Never throws: what is wrong is in the diagnostics. */
export function loadFiles(file: string, env: Env): LoadedFiles {
  const zones: LoadedZone[] = [];
  const keeper = { take: (zone: LoadedZone) => void zones.push(zone), retains: true, drop: () => {} };
  const { config, diagnostics, excerpts, files } = new Library(file, env, keeper, Date.now).load();
  return { ...(config && { config }), zones, diagnostics, files: files(), sources: sourceOf(excerpts) };
}

/** What `gtm check` prints: the diagnostics of a cluster file and its zones, the sources for excerpts, and how much was read. */
export async function checkFiles(path: string, env: Env = process.env, progress?: Progress) {
  const keeper = { take: () => undefined, drop: () => {} };
  const reading = new Library(path, env, keeper, Date.now).load(undefined, progress);
  const { diagnostics, excerpts, zones } = reading;
  const records = zones.reduce((sum, z) => sum + z.records, 0);
  const counts = { files: reading.files().length, zones: zones.length, records };
  return { diagnostics, sources: sourceOf(excerpts), counts };
}

/** The cluster file alone; undefined where it has errors, which whoever serves it tells. */
export function readConfig(file: string, env: Env): Config | undefined {
  const read = readMarked(file, CONFIG_BYTES, Date.now());
  return 'fault' in read
    ? undefined
    : loadConfig(read.bytes.toString('utf8'), file, env, cronFault, programFault).config;
}
