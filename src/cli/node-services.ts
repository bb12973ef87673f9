// The services that a node of the cluster file forwards, with their configured weights: for the commands that need no running node.
import { GtmError } from '../kit/errors.ts';
import { nearest } from '../kit/suggest.ts';
import type { Config, DirectorConfig } from '../model/schema.ts';
import type { ServiceSpec } from '../model/service.ts';
import { readCluster } from './cluster-file.ts';
import type { Context } from './context.ts';

export interface NodeServices {
  config: Config;
  node: string;
  services: ServiceSpec[];
}

/**
 * Those of --node, or of the first node that is a director, in the cluster file; `plane`: as that plane gets them, whatever the
 * file says. Throws GTM_USAGE, GTM_CONFIG.
 */
export async function nodeServices(ctx: Context, plane?: DirectorConfig['plane']): Promise<NodeServices> {
  const file = ctx.flags.text('config') as string;
  const config = await readCluster(ctx, 'which services?');
  const node = directorNamed(config, ctx.flags.text('node'), file);
  const { servicesOf } = await import('../daemon/services.ts');
  const services = servicesOf(config, node, (_vip, _service, _key, weight) => weight, plane);
  return { config, node, services };
}

function directorNamed(config: Config, wanted: string | undefined, file: string): string {
  const directors = Object.keys(config.nodes).filter(n => config.nodes[n].director !== undefined);
  if (wanted === undefined) {
    if (directors.length === 0) throw new GtmError('GTM_USAGE', `no node of ${file} is a director`);
    return directors[0];
  }
  if (directors.includes(wanted)) return wanted;
  if (Object.hasOwn(config.nodes, wanted))
    throw new GtmError('GTM_USAGE', `node ${wanted} of ${file} is no director`);
  const near = nearest(wanted, directors);
  throw new GtmError(
    'GTM_USAGE',
    `${file} has no node «${wanted}»${near === undefined ? '' : `; did you mean «${near}»?`}`,
  );
}
