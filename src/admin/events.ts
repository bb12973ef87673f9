// GET /v1/events: a node's events as Server-Sent Events (HTML Living Standard §9.2), or as JSON to those who ask for it.
//   Last-Event-ID or ?after= → the kept events after it → those to come, each with its id
// Bounded: so many streams, so many events waiting for a slow reader; who is cut off resumes by id.
import { GtmError } from '../kit/errors.ts';
import type { Event } from '../model/status.ts';
import type { AdminNode } from './node.ts';

const MAX_STREAMS = 32;
const MAX_WAITING = 1024;
const STILL_HERE_MS = 15_000;

/** The streams of one admin server. */
export class EventStreams {
  #open = 0;

  /** Streams open now. */
  get open(): number {
    return this.#open;
  }

  /** A stream of the events after `after` and of all to come. Throws GTM_BUSY when too many are open. */
  response(node: AdminNode, after: number): Response {
    if (this.#open >= MAX_STREAMS)
      throw new GtmError('GTM_BUSY', `${MAX_STREAMS} event streams are open, which is the most`);
    this.#open++;
    const encoder = new TextEncoder();
    let end = () => {};
    const stream = new ReadableStream<Uint8Array>({
      start: controller => {
        const write = (text: string) => controller.enqueue(encoder.encode(text));
        const stop = node.onEvent(event => {
          write(frame(event));
          if ((controller.desiredSize ?? 0) >= -MAX_WAITING) return;
          end();
          controller.close();
        });
        const timer = setInterval(() => write(': still here\n\n'), STILL_HERE_MS);
        timer.unref();
        end = () => {
          end = () => {};
          this.#open--;
          stop();
          clearInterval(timer);
        };
        // Nothing can come in between: the kept ones are read in the same turn as the subscription is made.
        write(`retry: 2000\n\n${node.events(after).map(frame).join('')}`);
      },
      cancel: () => end(),
    });
    return new Response(stream, { headers: { 'content-type': 'text/event-stream' } });
  }
}

function frame(event: Event): string {
  return `id: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`;
}

/**
 * The id after which a reader wants events: Last-Event-ID, else `?after=`, else 0. An id beyond the newest is from before
 * the node's last start, when the count began anew, and so counts as 0. Throws GTM_REQUEST for what is no number.
 */
export function afterOf(node: AdminNode, headers: Headers, query: URLSearchParams): number {
  const text = headers.get('last-event-id') ?? query.get('after') ?? '0';
  if (!/^\d{1,15}$/.test(text))
    throw new GtmError('GTM_REQUEST', 'after: expected the id of an event, a whole number');
  const after = Number(text);
  return after > (node.events(0).at(-1)?.id ?? 0) ? 0 : after;
}
