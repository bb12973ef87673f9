// gtm serve: one node in the foreground.
import { type Context, logOptions } from '../context.ts';

export async function run(ctx: Context): Promise<number> {
  const log = logOptions(ctx);
  const node = ctx.flags.text('node');
  const { runServe } = await import('../../daemon/serve.ts');
  return runServe({ config: ctx.flags.text('config') as string, log, ...(node !== undefined && { node }) });
}
