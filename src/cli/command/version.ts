// gtm --version
import { type Context, writeJson } from '../context.ts';
import { EXIT } from '../exit.ts';

export async function run(ctx: Context): Promise<number> {
  const { VERSION } = await import('../../daemon/version.ts');
  if (ctx.flags.on('json')) writeJson(ctx, 'Version', { version: VERSION, runtime: process.version });
  else ctx.io.out(`gtm ${VERSION}\n`);
  return EXIT.ok;
}
