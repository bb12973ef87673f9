// What an apply of the ipvs plane would change in the kernel, asked from outside of a running node.
import { resolve } from 'node:path';
import { GtmError } from '../kit/errors.ts';
import { silent } from '../kit/log.ts';
import type { Config } from '../model/schema.ts';
import type { ServiceSpec } from '../model/service.ts';
import { commandText } from '../plane/ipvs/text.ts';
import { ipvsDiff } from '../plane/ipvs.ts';

export interface LvsDiff {
  changes: { verb: 'add' | 'set' | 'remove'; service: string; server?: string; text: string }[];
  faults: { key: string; fault: string }[];
}

/** Rejects with GTM_PLANE… where the node has another plane, or this host no IPVS. */
export async function lvsDiff(
  config: Config,
  node: string,
  services: readonly ServiceSpec[],
): Promise<LvsDiff> {
  const director = config.nodes[node].director;
  if (director?.plane !== 'ipvs')
    throw new GtmError(
      'GTM_PLANE',
      `node ${node} has plane ${director?.plane ?? 'none'}; only the kernel’s IPVS can be asked (plane: ipvs)`,
    );
  const { commands, faults } = await ipvsDiff(services, {
    node,
    stateDir: resolve(config.state_dir),
    ownAll: director.own_all,
    drain: director.drain,
    log: silent,
  });
  const changes = commands.map(c => ({
    verb: c.verb,
    service: c.service.key,
    ...(c.dest !== undefined && { server: c.dest.key }),
    text: commandText(c),
  }));
  return { changes, faults };
}
