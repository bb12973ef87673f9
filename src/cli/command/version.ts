// gtm --version
import { type Context, writeJson } from '../context.ts';
import { EXIT } from '../exit.ts';
import { version } from '../version.ts';

export async function run(ctx: Context): Promise<number> {
  if (ctx.flags.on('json')) writeJson(ctx, 'Version', { version: version(), runtime: process.version });
  else ctx.io.out(`gtm ${version()}\n`);
  return EXIT.ok;
}
