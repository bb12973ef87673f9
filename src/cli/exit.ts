// Exit codes: one table, which the help, the README and the tests read.
import { GtmError } from '../kit/errors.ts';

export const EXIT = {
  ok: 0,
  refused: 1,
  usage: 2,
  unreachable: 3,
  timeout: 4,
  different: 5,
  permission: 6,
  interrupted: 130,
} as const;

export type ExitName = keyof typeof EXIT;

export const EXIT_MEANING: Record<ExitName, string> = {
  ok: 'done',
  refused: 'checked and found errors, not ready, or the operation was refused',
  usage: 'the command line is wrong',
  unreachable: 'the node or server cannot be reached',
  timeout: 'no reply in time: the state is unknown',
  different: 'differences were found, and --exit-code asks for that',
  permission: 'the system does not permit it',
  interrupted: 'ended by Ctrl-C',
};

const BY_CODE: Record<string, ExitName> = {
  GTM_USAGE: 'usage',
  GTM_UNREACHABLE: 'unreachable',
  GTM_TIMEOUT: 'timeout',
  GTM_ASK_QUESTION: 'usage',
  GTM_ASK_TIMEOUT: 'timeout',
  GTM_ASK_FAILED: 'unreachable',
};

/** The exit code for whatever was thrown: by its code, or by the system's in its causes. */
export function exitOf(thrown: unknown): number {
  for (let e = thrown; e instanceof Error; e = e.cause) {
    const code = (e as { code?: unknown }).code;
    if (code === 'EACCES' || code === 'EPERM') return EXIT.permission;
    const known = e instanceof GtmError ? BY_CODE[e.code] : undefined;
    if (known !== undefined) return EXIT[known];
  }
  return EXIT.refused;
}
