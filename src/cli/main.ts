// A run of the command: `argv → parse → load the command → run → exit code`. Nothing is loaded that is not needed.
import { reason } from '../kit/errors.ts';
import { plain } from '../kit/text.ts';
import { COMMANDS } from './commands.ts';
import type { Context, Io } from './context.ts';
import { EXIT, exitOf } from './exit.ts';
import { FlagValues } from './flag.ts';
import { parseLine } from './parse.ts';

/** Runs what follows `gtm` and returns the exit code. Never throws. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  let flags = new FlagValues(new Map(), io.env);
  try {
    const { command, args, given } = parseLine(argv, COMMANDS);
    flags = new FlagValues(given, io.env);
    const color = io.outTty && !flags.on('no-color') && io.env['TERM'] !== 'dumb';
    const ctx: Context = { io, commands: COMMANDS, args, flags, color };
    if (given.has('version')) return await (await import('./command/version.ts')).run(ctx);
    if (given.has('help')) return await (await import('./command/help.ts')).run(ctx);
    if (command !== undefined) return await (await command.load())(ctx);
    const { overview } = await import('./help.ts');
    io.err(overview(COMMANDS));
    return EXIT.usage;
  } catch (e) {
    io.err(`gtm: ${plain(reason(e))}\n`);
    if (e instanceof Error && flags.on('verbose'))
      io.err(`${e.stack}
`);
    return exitOf(e);
  }
}
