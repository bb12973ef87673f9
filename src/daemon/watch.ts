// Tells which files in some folders were touched: fs.watch on the folders (editors replace files, so a watch on the file
// itself goes blind), and a pause until writing has settled. Whether anything changed is found by who reads them.

import { type FSWatcher, watch } from 'node:fs';
import { basename, join } from 'node:path';

const SETTLE_MS = 200;
/** With more paths than that a whole look costs less than the list. */
const MOST = 1000;

export interface Watch {
  /** Watches these folders too. */
  cover(folders: readonly string[]): void;
  close(): void;
}

/** Calls `touched` with the paths that were written, made or removed; undefined when it may be any. */
export function watchFolders(
  touched: (paths: readonly string[] | undefined) => void,
  failed: (error: unknown) => void,
): Watch {
  const watchers = new Map<string, FSWatcher>();
  const paths = new Set<string>();
  let any = false;
  let timer: NodeJS.Timeout | undefined;

  const settle = (folder: string, name: string | null) => {
    // A volume that swaps its files by a link (`..data`) names none of them.
    if (name === null || basename(name).startsWith('..') || paths.size >= MOST) any = true;
    else paths.add(join(folder, name));
    clearTimeout(timer);
    timer = setTimeout(() => {
      const found = any ? undefined : [...paths];
      any = false;
      paths.clear();
      touched(found);
    }, SETTLE_MS);
  };
  return {
    cover(folders) {
      for (const folder of folders) {
        if (watchers.has(folder)) continue;
        try {
          const w = watch(folder, (_, name) => settle(folder, name));
          w.on('error', failed);
          watchers.set(folder, w);
        } catch (error) {
          failed(error);
        }
      }
    },
    close() {
      clearTimeout(timer);
      for (const w of watchers.values()) w.close();
    },
  };
}
