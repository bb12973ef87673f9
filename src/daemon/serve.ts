// `gtm serve`: one node of the cluster, in the foreground.
import { GtmError } from '../kit/errors.ts';
import { nearest } from '../kit/suggest.ts';
import { type RunOptions, runNodes } from './run.ts';

/** Runs `node` until a signal ends it. Returns the exit code; rejects with GTM_USAGE for an unknown node, GTM_LISTEN… for a port that cannot be had. */
export async function runServe(options: RunOptions & { node?: string }): Promise<number> {
  return runNodes(
    options,
    config => {
      const names = Object.keys(config.nodes);
      const { node } = options;
      if (node === undefined && names.length === 1) return names;
      if (node === undefined)
        throw new GtmError('GTM_USAGE', `which node is this? --node ${names.join(' | ')} (or GTM_NODE)`);
      if (names.includes(node)) return [node];
      const guess = nearest(node, names);
      const hint = guess === undefined ? `the nodes are ${names.join(', ')}` : `did you mean ${guess}?`;
      throw new GtmError('GTM_USAGE', `no node «${node}» in ${options.config}; ${hint}`);
    },
    () => {},
  );
}
