// What a clean stop leaves besides the connection tables, so that the next run forwards before anybody has read the cluster file:
// how the plane was set up and the services with their weights, in the state folder; a word in bpffs tells where.
//   head line (name, version of the form, SHA-256 of the rest) · JSON
// Invariant: it is read once and taken away; what is odd, too large, too old, or open to others is left alone, and the start is a slower one.
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { reason } from '../../kit/errors.ts';
import type { Log } from '../../kit/log.ts';
import type { DirectorConfig } from '../../model/schema.ts';
import type { ServiceSpec } from '../../model/service.ts';
import { takePointer } from './pin-folder.ts';

const NAME = 'xdp-resume';
const HEAD = 'switchyard xdp-resume 1';
/** Octets. */
const MOST = 64 << 20;
/** Older ones tell nothing of what is up now. Milliseconds, as long as verdicts are good for. */
const AGE = 60_000;
/** Mode bits: nobody else may read or write it. */
const OTHERS = 0o077;

/** Which process was run, on what. Equal ones would come to the same services. */
export interface RunMark {
  /** A word over version, command line, folder and environment. */
  run: string;
  /** The cluster file, absolute, and a word over its content. */
  file: string;
  print: string;
}

export interface Resume {
  /** Wall clock, milliseconds. */
  saved: number;
  mark: RunMark;
  workers: number;
  director: DirectorConfig;
  services: readonly ServiceSpec[];
}

/** Keeps it in the state folder; where it is. What cannot be written is told, and the next start is a slower one. */
export function writeResume(folder: string, resume: Resume, log: Log): string | undefined {
  const path = join(folder, NAME);
  try {
    const body = JSON.stringify(resume);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    rmSync(`${path}.new`, { force: true });
    writeFileSync(`${path}.new`, `${HEAD} ${hashOf(body)}\n${body}`, { mode: 0o600, flag: 'wx' });
    renameSync(`${path}.new`, path);
    return path;
  } catch (e) {
    log.info({ err: reason(e), path }, `xdp plane: the next start is a slower one: ${reason(e)}`);
    return undefined;
  }
}

/** What a run before us left, and the folder that it is in; it is taken away. Undefined where there is nothing that can be trusted. */
export function takeResume(now: number): { resume: Resume; folder: string } | undefined {
  const path = takePointer();
  if (path === undefined || !isAbsolute(path)) return undefined;
  const resume = readResume(path, now);
  return resume && { resume, folder: dirname(path) };
}

/** What stands in that file, which is gone then. `now`: wall clock, milliseconds. */
export function readResume(path: string, now: number): Resume | undefined {
  const resume = read(path, now);
  rmSync(path, { force: true });
  return resume;
}

function read(path: string, now: number): Resume | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    const ours = stat.isFile() && stat.uid === process.getuid?.() && (stat.mode & OTHERS) === 0;
    if (!ours || stat.size > MOST) return undefined;
    const text = readFileSync(fd, 'utf8');
    const end = text.indexOf('\n');
    const body = text.slice(end + 1);
    if (end < 0 || text.slice(0, end) !== `${HEAD} ${hashOf(body)}`) return undefined;
    const resume = JSON.parse(body) as Resume;
    const age = now - resume.saved;
    return age >= 0 && age < AGE && isWhole(resume) ? resume : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

// The hash tells that it is what a run of this form wrote; this, that such a run wrote what this one reads.
function isWhole({ mark, workers, director, services }: Resume): boolean {
  return (
    [mark.run, mark.file, mark.print].every(text => typeof text === 'string') &&
    Number.isInteger(workers) &&
    workers > 0 &&
    director.plane === 'xdp' &&
    Array.isArray(director.interfaces) &&
    typeof director.moderation === 'string' &&
    services.every(s => typeof s.key === 'string' && Array.isArray(s.realServers))
  );
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
