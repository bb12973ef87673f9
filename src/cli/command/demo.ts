// gtm demo: the sample cluster in the foreground.
import { type Context, logOptions } from '../context.ts';
import { startLoader } from '../loading.ts';

export async function run(ctx: Context): Promise<number> {
  const log = logOptions(ctx);
  const config = ctx.flags.text('config') as string;
  const loader = await startLoader(config);
  const { runDemo } = await import('../../daemon/demo.ts');
  return runDemo({ config, loader, log });
}
