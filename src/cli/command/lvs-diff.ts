// gtm lvs diff: what an apply would change in the kernel's table of virtual services.
import type { ServiceSpec } from '../../model/service.ts';
import type { ServiceStatus } from '../../model/status.ts';
import { adminClient } from '../client.ts';
import { type Context, say, writeJson } from '../context.ts';
import { EXIT } from '../exit.ts';
import { nodeServices } from '../node-services.ts';

export async function run(ctx: Context): Promise<number> {
  const { config, node, services } = await nodeServices(ctx);
  const { lvsDiff } = await import('../../daemon/lvs-diff.ts');
  const { changes, faults } = await lvsDiff(config, node, await asOfNow(ctx, node, services));
  if (ctx.flags.on('json')) writeJson(ctx, 'LvsDiff', { node, changes, faults });
  else for (const { text } of changes) ctx.io.out(`${text}\n`);
  for (const { key, fault } of faults) ctx.io.err(`error: ${key}: ${fault}\n`);
  if (changes.length === 0) say(ctx, 'the kernel has what the cluster file wants');
  if (faults.length > 0) return EXIT.refused;
  return changes.length > 0 && ctx.flags.on('exit-code') ? EXIT.different : EXIT.ok;
}

// The running node knows what is down, and so has weight 0.
async function asOfNow(
  ctx: Context,
  node: string,
  specs: readonly ServiceSpec[],
): Promise<readonly ServiceSpec[]> {
  let items: ServiceStatus[];
  try {
    ({ items } = (await adminClient(ctx).get('/v1/services')) as { items: ServiceStatus[] });
  } catch {
    say(
      ctx,
      `node ${node} is not reached at ${ctx.flags.text('url')}: weights are those of the cluster file`,
    );
    return specs;
  }
  // One that is not held back has the weight of the file, whatever stands in the kernel.
  const held = new Set(
    items.flatMap(s => s.realServers.filter(rs => rs.weight === 0).map(rs => `${s.key} ${rs.key}`)),
  );
  const weight = (spec: ServiceSpec, key: string, of: number) => (held.has(`${spec.key} ${key}`) ? 0 : of);
  return specs.map(spec => ({
    ...spec,
    realServers: spec.realServers.map(rs => ({ ...rs, weight: weight(spec, rs.key, rs.weight) })),
  }));
}
