// gtm demo: the sample cluster in the foreground.
import { type Context, logOptions } from '../context.ts';

export async function run(ctx: Context): Promise<number> {
  const log = logOptions(ctx);
  const { runDemo } = await import('../../daemon/demo.ts');
  return runDemo({ config: ctx.flags.text('config') as string, log });
}
