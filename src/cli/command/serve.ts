// gtm serve: one node in the foreground.
import { type Context, logOptions } from '../context.ts';
import { startAhead, startLoader } from '../loading.ts';

export async function run(ctx: Context): Promise<number> {
  const log = logOptions(ctx);
  const node = ctx.flags.text('node');
  const config = ctx.flags.text('config') as string;
  const loader = await startLoader(config);
  const ahead = ctx.io.ahead ?? (await startAhead());
  const { runServe } = await import('../../daemon/serve.ts');
  return runServe({ config, loader, ahead, log, ...(node !== undefined && { node }) });
}
