// The key of FullNAT's initial sequence numbers, in the state folder: one for all runs, however they ended. With another one, real
// servers would turn down half of the connections from local ports that they remember, until the clients' second SYN.

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { reason } from '../../kit/errors.ts';
import type { Log } from '../../kit/log.ts';
import { sipKey } from '../../kit/siphash.ts';

const NAME = 'xdp-isn-key';
const FORM = /^[0-9a-f]{32}\n$/;
/** Mode bits: nobody else may read or write it. */
const OTHERS = 0o077;

/** The key that is kept in `folder`, as four words; made if there is none that is whole and ours alone. A folder that cannot be written is told. */
export function readIsnKey(folder: string, log: Log): Int32Array {
  const path = join(folder, NAME);
  const kept = read(path);
  if (kept !== undefined) return sipKey(kept);
  const made = randomBytes(16).toString('hex');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    rmSync(path, { force: true, recursive: true });
    writeFileSync(path, `${made}\n`, { mode: 0o600, flag: 'wx' });
  } catch (e) {
    log.info(
      { err: reason(e), path },
      `xdp plane: after a restart FullNAT's clients may wait for a second: ${reason(e)}`,
    );
  }
  return sipKey(made);
}

function read(path: string): string | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    const ours = stat.isFile() && stat.uid === process.getuid?.() && (stat.mode & OTHERS) === 0;
    if (!ours || stat.size !== 33) return undefined;
    const text = readFileSync(fd, 'latin1');
    return FORM.test(text) ? text : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
