// The cluster file, for the commands that look at it themselves and need no running node.
import { readFileSync } from 'node:fs';
import { GtmError, reason } from '../kit/errors.ts';
import type { Config } from '../model/schema.ts';
import type { Context } from './context.ts';

/**
 * What -c names, without its zones. Throws GTM_USAGE (it cannot be read) and GTM_CONFIG (it has faults), with `what` the
 * command wanted of it in front.
 */
export async function readCluster(ctx: Context, what: string): Promise<Config> {
  const file = ctx.flags.text('config') as string;
  const { loadConfig } = await import('../model/load.ts');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (e) {
    throw new GtmError('GTM_USAGE', `${what}: -c says which cluster file: ${reason(e)}`);
  }
  const { config } = loadConfig(text, file, ctx.io.env, () => undefined);
  if (config === undefined)
    throw new GtmError('GTM_CONFIG', `${what}: ${file} has faults; see gtm check -c ${file}`);
  return config;
}
