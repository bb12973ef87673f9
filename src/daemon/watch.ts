// Tells when files in some folders changed: fs.watch on the folders (editors replace files, so a watch on the file
// itself goes blind), a pause until writing has settled, and a hash so that a touch alone is no change.
import { createHash } from 'node:crypto';
import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { dirname } from 'node:path';

const SETTLE_MS = 200;

/** Calls `changed` once the content of any of `files()` differs and has settled. The list is asked anew each time. */
export function watchFiles(
  files: () => readonly string[],
  changed: () => void,
  failed: (error: unknown) => void,
): { close(): void } {
  const watchers = new Map<string, FSWatcher>();
  let seen = digest(files());
  let timer: NodeJS.Timeout | undefined;

  const settle = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const now = digest(files());
      if (now === seen) return;
      seen = now;
      changed();
      cover();
    }, SETTLE_MS);
  };
  const cover = () => {
    for (const folder of new Set(files().map(f => dirname(f)))) {
      if (watchers.has(folder)) continue;
      try {
        const w = watch(folder, settle);
        w.on('error', failed);
        watchers.set(folder, w);
      } catch (error) {
        failed(error);
      }
    }
  };
  cover();
  return {
    close() {
      clearTimeout(timer);
      for (const w of watchers.values()) w.close();
    },
  };
}

function digest(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const f of files) {
    hash.update(`${f}\0`);
    try {
      hash.update(readFileSync(f));
    } catch {
      hash.update('gone');
    }
  }
  return hash.digest('hex');
}
