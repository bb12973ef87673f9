// Doing and undoing: each step is written to the state file, with how it is undone, before it is done. So whatever a crash
// leaves can be undone wholly, and setup may be run again on top of what is there.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { GtmError, reason } from '../kit/errors.ts';
import { runIp, runProgram, sysctlPath } from './facts.ts';
import type { Action, Step } from './wish.ts';

/** What was done, in its order. */
interface State {
  version: 1;
  steps: Step[];
}

/** The modules of device kinds, where they are called otherwise. */
const MODULE: Readonly<Record<string, string>> = { gre: 'ip_gre', ip6gre: 'ip6_gre', ip6tnl: 'ip6_tunnel' };

/** What `ip` says when there is nothing (left) to undo. */
const GONE =
  /[Aa]ddress not found|Cannot find device|Cannot assign requested address|No such process|No such device|File exists|Address already assigned|No such file/;

/** Does the steps in their order; `tell` before each. Stops at the first that fails: what was done can be undone. */
export async function carryOut(
  file: string,
  steps: readonly Step[],
  tell: (a: Action) => void,
): Promise<void> {
  const state = readState(file);
  for (const step of steps) {
    state.steps.push(step);
    writeState(file, state);
    tell(step.do);
    await act(step.do);
  }
}

/** What undoing would do, in its order; empty when nothing was done. */
export function undoing(file: string): Action[] {
  return readState(file)
    .steps.toReversed()
    .flatMap(s => s.undo);
}

/** Undoes everything, and forgets it. What is gone already is passed over; other failures are returned, and the rest is undone. */
export async function undo(file: string, tell: (a: Action) => void): Promise<string[]> {
  const failed: string[] = [];
  for (const action of undoing(file)) {
    tell(action);
    try {
      await act(action);
    } catch (e) {
      if (!GONE.test(reason(e)) && (e as { code?: unknown }).code !== 'ENOENT') failed.push(reason(e));
    }
  }
  if (failed.length === 0) rmSync(file, { force: true });
  return failed;
}

/** Does one thing. Rejects with GTM_REALSERVER, or what the file system says. */
export async function act(action: Action): Promise<void> {
  if ('modprobe' in action) await runProgram('modprobe', [action.modprobe]);
  else if (!('ip' in action)) writeFileSync(sysctlPath(action.sysctl), action.value);
  else
    await runIp(action.ip).catch(e => {
      const kind = action.ip[action.ip.indexOf('type') + 1];
      if (!/Unknown device type/.test(reason(e))) throw e;
      throw new GtmError(
        'GTM_REALSERVER',
        `this kernel has no ${kind} devices: modprobe ${MODULE[kind] ?? kind}, or gtm realserver decap`,
        e,
      );
    });
}

function readState(file: string): State {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (e) {
    if ((e as { code?: unknown }).code === 'ENOENT') return { version: 1, steps: [] };
    throw new GtmError('GTM_REALSERVER', `${file} cannot be read`, e);
  }
  try {
    const state = JSON.parse(text) as State;
    if (state.version === 1 && Array.isArray(state.steps)) return state;
  } catch {}
  throw new GtmError('GTM_REALSERVER', `${file} is not a state of gtm realserver: look at it, and remove it`);
}

function writeState(file: string, state: State): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
  writeFileSync(`${file}.new`, `${JSON.stringify(state, undefined, 1)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
