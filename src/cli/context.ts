// The shape of a command, what it gets to work with, and what a run of the CLI gets from the process.
// Data goes to `out`, talk to `err`.
import type { RunOptions } from '../daemon/run.ts';
import { parseDuration } from '../kit/duration.ts';
import { GtmError } from '../kit/errors.ts';
import { nearest } from '../kit/suggest.ts';
import type { ExitName } from './exit.ts';
import type { Environment, FlagName, FlagValues } from './flag.ts';

export interface Io {
  out(text: string): void;
  err(text: string): void;
  /** Whether stdout and stderr are terminals. */
  outTty: boolean;
  errTty: boolean;
  env: Environment;
  /** What a restart began with before the command line was read. */
  ahead?: RunOptions['ahead'];
}

export interface Context {
  io: Io;
  /** The table of commands, for the help. */
  commands: readonly Command[];
  args: readonly string[];
  flags: FlagValues;
  /** Whether stdout may be coloured. */
  color: boolean;
}

/** A command: returns the exit code, throws GtmError for what the user should read. */
export type Run = (ctx: Context) => Promise<number>;

export interface Arg {
  /** In capitals, as the help shows it. */
  name: string;
  optional?: boolean;
  /** The last one: it may be there several times. */
  many?: boolean;
  /** What it may be, for the completion. */
  choices?: readonly string[];
}

export interface Command {
  /** The words that name it: a verb, or a noun and a verb. */
  path: readonly string[];
  args: readonly Arg[];
  /** The flags that it heeds, in the order of its help. */
  flags: readonly FlagName[];
  required?: readonly FlagName[];
  summary: string;
  details?: string;
  /** A command line, and what it does. */
  examples: readonly (readonly [string, string])[];
  /** What it may end with, besides `ok` and `usage`. */
  exits: readonly ExitName[];
  load(): Promise<Run>;
}

/** Writes one object as JSON on one line, the frame `apiVersion` and `kind` first. */
export function writeJson(ctx: Context, kind: string, body: object): void {
  ctx.io.out(`${JSON.stringify({ apiVersion: 'v1', kind, ...body })}\n`);
}

/** Talk on stderr; nothing with --quiet. */
export function say(ctx: Context, text: string): void {
  if (!ctx.flags.on('quiet')) ctx.io.err(`${text}\n`);
}

/** Milliseconds of a flag that holds a duration; undefined without it. Throws GTM_USAGE. */
export function durationFlag(ctx: Context, name: FlagName): number | undefined {
  const text = ctx.flags.text(name);
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms === undefined || ms === 0)
    throw new GtmError(
      'GTM_USAGE',
      `--${name}: «${text}» is not a duration; write it as 500ms, 10s or 1h30m`,
    );
  return ms;
}

/** How long to wait for a reply, in ms. */
export function timeoutOf(ctx: Context): number {
  // The longest that a timer can hold.
  return Math.min(durationFlag(ctx, 'timeout') ?? 5000, 0x7fff_ffff);
}

const LEVELS = ['error', 'warn', 'info', 'debug'] as const;

/** What the daemon logs at, from --log-level, --verbose and --quiet. Throws GTM_USAGE. */
export function logOptions(ctx: Context): { level: (typeof LEVELS)[number]; format: 'json' | 'text' } {
  const format = ctx.io.errTty ? 'text' : 'json';
  const text = ctx.flags.text('log-level');
  if (text === undefined) {
    if (ctx.flags.on('verbose')) return { level: 'debug', format };
    return { level: ctx.flags.on('quiet') ? 'error' : 'info', format };
  }
  const level = LEVELS.find(l => l === text);
  if (level === undefined) {
    const near = nearest(text, LEVELS);
    const hint = near === undefined ? '' : `; did you mean «${near}»?`;
    throw new GtmError('GTM_USAGE', `--log-level: «${text}» is none of ${LEVELS.join(', ')}${hint}`);
  }
  return { level, format };
}
