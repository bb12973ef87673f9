// gtm lvs ls: the services that a node forwards, in the tables of ipvsadm.
import { GtmError } from '../../kit/errors.ts';
import type { ConnectionRow } from '../../model/service.ts';
import type { ServiceStatus } from '../../model/status.ts';
import { adminClient } from '../client.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit.ts';
import { connectionsText, lvsText } from '../lvs-text.ts';

const VIEWS = ['stats', 'rate', 'conns'] as const;

export async function run(ctx: Context): Promise<number> {
  const wanted = VIEWS.filter(v => ctx.flags.on(v));
  if (wanted.length > 1)
    throw new GtmError('GTM_USAGE', `one of ${wanted.map(v => `--${v}`).join(', ')} at a time`);
  const show = wanted[0] ?? 'setup';
  const client = adminClient(ctx);
  const body = await client.get(show === 'conns' ? '/v1/connections?limit=10000' : '/v1/services');
  if (ctx.flags.on('json')) ctx.io.out(`${JSON.stringify(body)}\n`);
  else {
    const { items } = body as { items: unknown };
    const view = { numeric: ctx.flags.on('numeric'), exact: ctx.flags.on('exact') };
    ctx.io.out(
      show === 'conns'
        ? connectionsText(items as ConnectionRow[])
        : lvsText(items as ServiceStatus[], { show, ...view }),
    );
  }
  return EXIT.ok;
}
