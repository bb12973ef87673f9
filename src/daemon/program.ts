// Whether the program of an exec check can be run here, and is nobody else's to change.
import { accessSync, constants, statSync } from 'node:fs';
import { reason } from '../kit/errors.ts';

const WORLD_WRITABLE = 0o002;

/** Why the program at `path` cannot be run as a check; undefined if it can. */
export function programFault(path: string): string | undefined {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) return `${path} is not a program`;
    if (stat.mode & WORLD_WRITABLE) return `${path} may be written by everyone, so it is not run`;
    accessSync(path, constants.X_OK);
    return undefined;
  } catch (e) {
    const { code } = e as NodeJS.ErrnoException;
    if (code === 'ENOENT') return `there is no program ${path}`;
    if (code === 'EACCES') return `${path} may not be run: permission denied`;
    return `${path}: ${reason(e)}`;
  }
}
