// gtm demo stop|start: a real server of the demo, through the admin API of the demo's node.
import type { DemoServer } from '../../admin/node.ts';
import { formatEndpoint } from '../../kit/ip.ts';
import { plain } from '../../kit/text.ts';
import { adminClient } from '../client.ts';
import { type Context, type Run, say } from '../context.ts';
import { EXIT } from '../exit.ts';

export function turn(verb: 'stop' | 'start'): Run {
  return async (ctx: Context) => {
    const [name] = ctx.args;
    const client = adminClient(ctx);
    const server = (await client.post(`/v1/demo/${encodeURIComponent(name)}/${verb}`, {})) as DemoServer;
    if (ctx.flags.on('json')) ctx.io.out(`${JSON.stringify(server)}\n`);
    else {
      const at = formatEndpoint(server.address, server.port);
      const line = `${server.name} at ${at} (site ${server.site}) is ${server.running ? 'running' : 'stopped'}`;
      if (!ctx.flags.on('quiet')) ctx.io.out(`${plain(line)}\n`);
      say(ctx, `see what it does: gtm status`);
    }
    return EXIT.ok;
  };
}
