// gtm events: what happened at a node; with --follow what happens, too, until Ctrl-C. A stream that breaks off is taken up
// again after the last event that was printed.
import { GtmError } from '../../kit/errors.ts';
import { plain } from '../../kit/text.ts';
import type { Event } from '../../model/status.ts';
import { adminClient } from '../client.ts';
import { type Context, say } from '../context.ts';
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
  const open = () => client.stream(`/v1/events?after=${after}`, abort.signal);
  try {
    let stream: AsyncIterable<string> | undefined = await open();
    while (!abort.signal.aborted) {
      try {
        for await (const data of stream ?? []) {
          const event = JSON.parse(data) as Event;
          ctx.io.out(line(ctx, event));
          after = event.id;
        }
      } catch {
        // It broke off: told below, as an orderly end is.
      }
      if (stream !== undefined && !abort.signal.aborted) say(ctx, 'the stream ended; trying again');
      await pause(AGAIN_MS, abort.signal);
      stream = abort.signal.aborted ? undefined : await open().catch(() => undefined);
    }
  } catch (e) {
    if (!abort.signal.aborted) throw e;
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
