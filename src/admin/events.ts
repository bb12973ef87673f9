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
    let last = after;
    let end = () => {};
    const stream = new ReadableStream<Uint8Array>({
      start: controller => {
        const send = (event: Event) => {
          if (event.id <= last) return;
          last = event.id;
          controller.enqueue(encoder.encode(frame(event)));
          if ((controller.desiredSize ?? 0) < -MAX_WAITING) {
            end();
            controller.close();
          }
        };
        const stop = node.onEvent(send);
        const timer = setInterval(
          () => controller.enqueue(encoder.encode(': still here\n\n')),
          STILL_HERE_MS,
        );
        timer.unref();
        let ended = false;
        end = () => {
          if (ended) return;
          ended = true;
          this.#open--;
          stop();
          clearInterval(timer);
        };
        controller.enqueue(encoder.encode('retry: 2000\n\n'));
        for (const event of node.events(after)) send(event);
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
