// What a node remembers of its probes over a restart, in `state_dir`: a warm start goes on from the last verdicts
// instead of taking one lucky or unlucky first probe for the truth. Written whole and renamed, so never half a file.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Older than this (wall clock, ms) and the world has moved on: the verdicts are not taken up. */
const FRESH_MS = 60_000;

/** The verdict of one target as it was saved: `since` is wall-clock ms. */
export interface SavedVerdict {
  state: 'up' | 'down';
  since: number;
}

interface Saved {
  savedAt: number;
  verdicts: Record<string, SavedVerdict>;
}

/** The verdicts saved for `node`, by target id; none when there is no file, it is too old, or it is not ours. */
export function loadVerdicts(stateDir: string, node: string, wall: number): Map<string, SavedVerdict> {
  try {
    const saved = JSON.parse(readFileSync(fileOf(stateDir, node), 'utf8')) as Saved;
    const age = wall - saved.savedAt;
    if (!(age >= 0 && age < FRESH_MS)) return new Map();
    return new Map(Object.entries(saved.verdicts).filter(([, v]) => v.state === 'up' || v.state === 'down'));
  } catch {
    return new Map();
  }
}

/** Saves them; throws what the file system throws. */
export function saveVerdicts(
  stateDir: string,
  node: string,
  verdicts: Record<string, SavedVerdict>,
  wall: number,
): void {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const file = fileOf(stateDir, node);
  const saved: Saved = { savedAt: wall, verdicts };
  writeFileSync(`${file}.new`, JSON.stringify(saved), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function fileOf(stateDir: string, node: string): string {
  return join(stateDir, `verdicts-${node}.json`);
}
