// Reading the files of a cluster: confined to a folder, bounded, and with a mark of each by which it is known again.
// A mark is trusted when the file had been left alone for a while before it was read: within the grain of a file system's
// clock two contents may carry the same times. What is not trusted is read again and compared by its hash.
import {
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  type Stats,
  statSync,
} from 'node:fs';
import { join, sep } from 'node:path';
import { reason } from '../kit/errors.ts';

/** The largest cluster file, in bytes. */
export const CONFIG_BYTES: number = 16 << 20;
/** Milliseconds; the coarsest clock of a file system still in use counts by two seconds. */
const GRAIN = 2000;

/** What a file was like when it was read. Times in milliseconds. */
export interface Mark {
  path: string;
  /** 48 bits over its path and content: to tell an edit, not an attack. */
  hash: number;
  size: number;
  modified: number;
  changed: number;
  inode: number;
  trusted: boolean;
}

/** A mark's path and content in a word. */
export function markWord({ hash }: Mark): string {
  return hash.toString(36);
}

export interface Fault {
  fault: string;
}

/** Reads a whole file of at most `limit` octets. `now` is the wall clock in milliseconds. */
export function readMarked(path: string, limit: number, now: number): { bytes: Buffer; mark: Mark } | Fault {
  let fd: number | undefined;
  try {
    // A pipe would keep us waiting for its writer.
    fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stat = fstatSync(fd);
    if (!stat.isFile()) return { fault: 'is not a file' };
    if (stat.size > limit) return { fault: `is larger than ${limit} bytes` };
    const bytes = readAll(fd, stat.size);
    const hash = hashOf(path, bytes);
    return { bytes, mark: { path, hash, ...timesOf(stat), trusted: isOld(stat, now) } };
  } catch (e) {
    return { fault: readable(e) };
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

// Two FNV-1a of different primes, side by side. Each step is one to one, so a change of one octet never goes unseen.
function hashOf(path: string, bytes: Uint8Array): number {
  let a = 0x811c9dc5 | 0;
  let b = ~a;
  for (let i = 0; i < path.length; i++) {
    a = Math.imul(a ^ path.charCodeAt(i), 0x01000193);
    b = Math.imul(b ^ path.charCodeAt(i), 0x85ebca6b);
  }
  for (let i = 0; i < bytes.length; i++) {
    a = Math.imul(a ^ bytes[i], 0x01000193);
    b = Math.imul(b ^ bytes[i], 0x85ebca6b);
  }
  return (a >>> 16) * 2 ** 32 + (b >>> 0);
}

// As many octets as the file had when it was looked at, or up to where it ends by now.
function readAll(fd: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let length = 0;
  for (let n = 1; n > 0 && length < size; length += n) n = readSync(fd, bytes, length, size - length, null);
  return bytes.subarray(0, length);
}

/** Whether the file still has the content that its mark tells of. Brings the mark up to date where only its times changed. */
export function isUnchanged(mark: Mark, limit: number, now: number): boolean {
  try {
    const stat = statSync(mark.path);
    const same =
      stat.size === mark.size &&
      stat.mtimeMs === mark.modified &&
      stat.ctimeMs === mark.changed &&
      stat.ino === mark.inode;
    if (same && mark.trusted) return true;
  } catch {
    return false;
  }
  const read = readMarked(mark.path, limit, now);
  if ('fault' in read || read.mark.hash !== mark.hash) return false;
  Object.assign(mark, read.mark);
  return true;
}

/** The path of `relative` below `folder`, or why it may not be read: neither `..` nor a link leads out of the folder. */
export function confined(folder: string, relative: string): { file: string } | Fault {
  const file = join(folder, relative);
  try {
    const root = realpathSync.native(folder);
    const real = realpathSync.native(file);
    return real === root || real.startsWith(root.endsWith(sep) ? root : root + sep)
      ? { file }
      : { fault: `is outside of ${folder}` };
  } catch (e) {
    return { fault: readable(e) };
  }
}

/**
 * The files in `folder` (below `root`, confined to it) and its subfolders whose names end with `suffix`, each folder's
 * in their order; and the folders. What begins with a dot is hidden, from us too.
 */
export function listFiles(
  root: string,
  folder: string,
  suffix: string,
): { files: string[]; folders: string[] } | Fault {
  const start = confined(root, folder);
  if ('fault' in start) return start;
  const files: string[] = [];
  const folders = [folder];
  try {
    // The list grows while it is walked. A linked folder is not entered, so there is an end.
    for (const at of folders) {
      const entries = readdirSync(join(root, at), { withFileTypes: true });
      for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
        if (entry.name.startsWith('.')) continue;
        const path = join(at, entry.name);
        if (entry.isDirectory()) folders.push(path);
        else if (entry.name.endsWith(suffix) && isWithin(root, path, entry)) files.push(path);
      }
    }
  } catch (e) {
    return { fault: readable(e) };
  }
  return { files, folders };
}

function isWithin(root: string, path: string, entry: Dirent): boolean {
  return entry.isFile() || (entry.isSymbolicLink() && 'file' in confined(root, path));
}

function timesOf(stat: Stats) {
  return { size: stat.size, modified: stat.mtimeMs, changed: stat.ctimeMs, inode: stat.ino };
}

function isOld(stat: Stats, now: number): boolean {
  return now - Math.max(stat.mtimeMs, stat.ctimeMs) > GRAIN;
}

function readable(e: unknown): string {
  const code = (e as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'may not be read: permission denied';
  if (code === 'ENOTDIR') return 'is not a folder';
  return reason(e);
}
