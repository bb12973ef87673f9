// The epoch of a node: one number in `state_dir/NODE.epoch`, greater at each start. It is fixed and on disk before
// the first record goes out, so that a record of an earlier run is never taken for one of this run.
import { join } from 'node:path';
import { reason } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';
import { readWhole, writeWhole } from './disk.ts';

/** The epoch on disk; 0 if there is none or it cannot be read (said in the log): Redis may still know it. */
export function readEpoch(stateDir: string, node: string, log: Log): number {
  const path = join(stateDir, `${node}.epoch`);
  try {
    const text = readWhole(path);
    if (text === undefined) return 0;
    const epoch = /^\d{1,15}\n?$/.test(text) ? Number(text) : undefined;
    if (epoch !== undefined) return epoch;
    log.warn({ path }, 'epoch: unreadable: the file holds no number; taken as lost');
  } catch (e) {
    log.warn({ path }, `epoch: unreadable: ${reason(e)}`);
  }
  return 0;
}

/** Puts the epoch on disk. A failure is said in the log: the copies in Redis still hold the order. */
export function writeEpoch(stateDir: string, node: string, epoch: number, log: Log): void {
  const path = join(stateDir, `${node}.epoch`);
  try {
    writeWhole(path, `${epoch}\n`);
  } catch (e) {
    log.error({ path }, `epoch: not saved: ${reason(e)}`);
  }
}
