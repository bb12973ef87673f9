// gtm status: what a node sees and does. With --quiet the exit code is the answer: 0 ready, 1 not.
import type { NodeStatus } from '../../model/status.ts';
import { adminClient } from '../client.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit.ts';
import { statusText } from '../status-text.ts';
import { painter } from '../table.ts';

const AGAIN_MS = 2000;

export async function run(ctx: Context): Promise<number> {
  const client = adminClient(ctx);
  const get = async () => (await client.get('/v1/status')) as NodeStatus;
  if (ctx.flags.on('watch')) return watch(ctx, get);
  const status = await get();
  show(ctx, status);
  return status.ready ? EXIT.ok : EXIT.refused;
}

function show(ctx: Context, status: NodeStatus): void {
  if (ctx.flags.on('quiet')) return;
  if (ctx.flags.on('json')) ctx.io.out(`${JSON.stringify(status)}\n`);
  else ctx.io.out(statusText(status, painter(ctx.color)));
}

async function watch(ctx: Context, get: () => Promise<NodeStatus>): Promise<number> {
  let wake = () => {};
  let stopped = false;
  const stop = () => {
    stopped = true;
    wake();
  };
  process.once('SIGINT', stop);
  try {
    while (!stopped) {
      const status = await get();
      // A terminal is wiped; anything else gets one after the other.
      if (ctx.io.outTty && !ctx.flags.on('json')) ctx.io.out('\u001b[H\u001b[2J');
      show(ctx, status);
      if (!stopped)
        await new Promise<void>(resolve => {
          const timer = setTimeout(resolve, AGAIN_MS);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
    }
  } finally {
    process.off('SIGINT', stop);
  }
  return EXIT.interrupted;
}
