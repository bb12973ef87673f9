// gtm real-server: a small HTTP server that says its name.

import { GtmError } from '../../kit/errors.ts';
import { parseEndpoint } from '../../kit/ip.ts';
import type { Context } from '../context.ts';

export async function run(ctx: Context): Promise<number> {
  const name = ctx.flags.text('name') as string;
  const listen = ctx.flags.text('listen') as string;
  if (parseEndpoint(listen) === undefined)
    throw new GtmError(
      'GTM_USAGE',
      `--listen: «${listen}» is not ADDRESS:PORT (IPv6 in brackets: [::1]:9001)`,
    );
  const { runRealServer } = await import('../../daemon/demo-server.ts');
  return runRealServer({ name, listen });
}
