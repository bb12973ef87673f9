// Which DNS server `gtm dig` asks: the one named by @, else where the node of the cluster file listens.
import { GtmError } from '../kit/errors.ts';
import { parseEndpoint, parseIp } from '../kit/ip.ts';
import { nearest } from '../kit/suggest.ts';
import { readCluster } from './cluster-file.ts';
import type { Context } from './context.ts';

export interface Server {
  address: string;
  port: number;
}

/** `@127.0.0.1:5300`, `@[::1]:5300`, `@::1`, `@localhost`; port 53 where none is said. Throws GTM_USAGE. */
export function parseServer(text: string): Server {
  const named = text.slice(1).replace(/^localhost(?=:|$)/i, '127.0.0.1');
  const bare = /^\[([^\]]+)\]$/.exec(named)?.[1] ?? named;
  if (parseIp(bare) !== undefined) return { address: bare, port: 53 };
  const endpoint = parseEndpoint(named);
  if (endpoint === undefined || endpoint.port === 0)
    throw new GtmError('GTM_USAGE', `«${text}» is not @ADDRESS:PORT (IPv6 in brackets: @[::1]:5300)`);
  return endpoint;
}

/** The first DNS address of --node, or of the first node that has one, in the cluster file. Throws GTM_USAGE. */
export async function defaultServer(ctx: Context): Promise<Server> {
  const file = ctx.flags.text('config') as string;
  const config = await readCluster(ctx, 'which server? Say @ADDRESS:PORT');
  const wanted = ctx.flags.text('node');
  const nodes = Object.entries(config.nodes).filter(([name]) => wanted === undefined || name === wanted);
  if (nodes.length === 0) {
    const near = nearest(wanted ?? '', Object.keys(config.nodes));
    throw new GtmError(
      'GTM_USAGE',
      `${file} has no node «${wanted}»${near === undefined ? '' : `; did you mean «${near}»?`}`,
    );
  }
  const listen = nodes.flatMap(([, n]) => n.dns?.listen ?? [])[0];
  if (listen === undefined)
    throw new GtmError('GTM_USAGE', `which server? Say @ADDRESS:PORT: no DNS in ${file}`);
  // Bound to every address means: here, too.
  const { address, port } = listen;
  if (address === '0.0.0.0') return { address: '127.0.0.1', port };
  return { address: address === '::' ? '::1' : address, port };
}
