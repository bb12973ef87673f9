// gtm completion: what a shell needs to complete the command line.
import { GtmError } from '../../kit/errors.ts';
import { SHELLS } from '../completion.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit.ts';

export async function run(ctx: Context): Promise<number> {
  const [shell] = ctx.args;
  const write = Object.hasOwn(SHELLS, shell) ? SHELLS[shell as keyof typeof SHELLS] : undefined;
  if (write === undefined)
    throw new GtmError('GTM_USAGE', `completion: «${shell}» is none of ${Object.keys(SHELLS).join(', ')}`);
  ctx.io.out(write(ctx.commands));
  return EXIT.ok;
}
