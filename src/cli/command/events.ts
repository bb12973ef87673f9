// gtm events: what happened at a node; with --follow what happens, too, until Ctrl-C. A stream that breaks off is taken up
// again after the last event that was printed.
import { GtmError } from '../../kit/errors.ts';
import { plain } from '../../kit/text.ts';
import type { Event } from '../../model/status.ts';
import { adminClient } from '../client.ts';
import type { Context } from '../context.ts';
import { say } from '../context.ts';
import { EXIT } from '../exit.ts';

const AGAIN_MS = 2000;

export async function run(ctx: Context): Promise<number> {
  const text = ctx.flags.text('after') ?? '0';
  if (!/^\d{1,15}$/.test(text))
    throw new GtmError('GTM_USAGE', `--after: «${text}» is not the number of an event`);
  const client = adminClient(ctx);
  if (ctx.flags.on('follow')) return follow(ctx, Number(text));
  const { items } = (await client.get(`/v1/events?after=${text}`)) as { items: Event[] };
  for (const event of items) ctx.io.out(line(ctx, event));
  return EXIT.ok;
}

function line(ctx: Context, e: Event): string {
  if (ctx.flags.on('json')) return `${JSON.stringify(e)}\n`;
  return `${plain(`${e.at} ${String(e.id).padStart(5)} ${e.kind.padEnd(8)} ${e.subject}: ${e.message}`)}\n`;
}

// The first connection has to come about; those after it are tried again and again.
async function follow(ctx: Context, from: number): Promise<number> {
  const client = adminClient(ctx);
  const abort = new AbortController();
  const stop = () => abort.abort();
  process.once('SIGINT', stop);
  let after = from;
  try {
    for (let first = true; !abort.signal.aborted; first = false) {
      try {
        for await (const data of client.stream(`/v1/events?after=${after}`, abort.signal)) {
          const event = JSON.parse(data) as Event;
          ctx.io.out(line(ctx, event));
          after = event.id;
        }
        if (!abort.signal.aborted) say(ctx, 'the node ended the stream; trying again');
      } catch (e) {
        if (abort.signal.aborted) break;
        if (first) throw e;
      }
      await pause(AGAIN_MS, abort.signal);
    }
  } finally {
    process.off('SIGINT', stop);
  }
  return EXIT.interrupted;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}
