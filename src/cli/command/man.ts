// gtm man: the manual page, for man(1).
import type { Context } from '../context.ts';
import { EXIT } from '../exit.ts';
import { manual } from '../manual.ts';

export async function run(ctx: Context): Promise<number> {
  const { VERSION } = await import('../../daemon/version.ts');
  ctx.io.out(manual(ctx.commands, VERSION));
  return EXIT.ok;
}
