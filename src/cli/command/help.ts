// gtm help, and --help anywhere.

import type { Command, Context } from '../context.ts';
import { EXIT } from '../exit.ts';
import { commandHelp, nounHelp, overview } from '../help.ts';
import { find, unknownCommand } from '../parse.ts';

export async function run(ctx: Context): Promise<number> {
  const words = ctx.args;
  if (ctx.flags.on('markdown')) ctx.io.out(`${(await import('../readme.ts')).markdown(ctx.commands)}\n`);
  else ctx.io.out(textFor(words, ctx.commands));
  return EXIT.ok;
}

function textFor(words: readonly string[], commands: readonly Command[]): string {
  if (words.length === 0) return overview(commands);
  const command = find(words, commands);
  const noun = commands.some(c => c.path.length > 1 && c.path[0] === words[0]);
  if (words.length === 1 && noun)
    return command === undefined
      ? nounHelp(words[0], commands)
      : `${commandHelp(command)}\n${nounHelp(words[0], commands)}`;
  if (command === undefined) throw unknownCommand(words, commands);
  return commandHelp(command);
}
