// The client of a node's admin API: fetch with a deadline and a bound, and errors that say what to try.
import { GtmError, reason } from '../kit/errors.ts';
import { type Context, timeoutOf } from './context.ts';

const MAX_REPLY = 16 * 1024 * 1024;

export interface AdminClient {
  /** Its address, without a final slash. */
  url: string;
  get(path: string): Promise<object>;
  post(path: string, body: object): Promise<object>;
  /** Resolves once the stream at `path` began, to the data of each Server-Sent Event until the node or `signal` ends it. */
  stream(path: string, signal: AbortSignal): Promise<AsyncIterable<string>>;
}

/**
 * A client of the node at --url. Its calls throw GTM_UNREACHABLE, GTM_TIMEOUT, or what the node refused with, under the
 * node's own code.
 */
export function adminClient(ctx: Context): AdminClient {
  const url = (ctx.flags.text('url') ?? '').replace(/\/+$/, '');
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new GtmError('GTM_USAGE', `--url: «${url}» is not a URL; write it as http://127.0.0.1:8053`);
  const timeout = timeoutOf(ctx);
  const call = async (path: string, init: RequestInit): Promise<object> => {
    try {
      const reply = await fetch(`${url}${path}`, {
        ...init,
        redirect: 'error',
        signal: AbortSignal.timeout(timeout),
      });
      return bodyOf(url, reply.status, await textOf(reply));
    } catch (e) {
      throw e instanceof GtmError ? e : failed(url, timeout, e);
    }
  };
  return {
    url,
    get: path => call(path, { headers: { accept: 'application/json' } }),
    post: (path, body) =>
      call(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify(body),
      }),
    stream: (path, signal) => streamOf(url, path, timeout, signal),
  };
}

async function streamOf(
  url: string,
  path: string,
  timeout: number,
  signal: AbortSignal,
): Promise<AsyncIterable<string>> {
  // The time-out is for the beginning of the reply; the stream itself goes on.
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new DOMException('no reply', 'TimeoutError')), timeout);
  let reply: Response;
  try {
    const headers = { accept: 'text/event-stream' };
    reply = await fetch(`${url}${path}`, {
      headers,
      redirect: 'error',
      signal: AbortSignal.any([signal, late.signal]),
    });
  } catch (e) {
    throw failed(url, timeout, e);
  } finally {
    clearTimeout(timer);
  }
  if (reply.headers.get('content-type')?.startsWith('text/event-stream') !== true) {
    bodyOf(url, reply.status, await textOf(reply));
    throw new GtmError('GTM_UNREACHABLE', `what answers at ${url} is not a gtm node`);
  }
  return dataOf(reply);
}

async function* dataOf(reply: Response): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of (reply.body ?? []) as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    const frames = text.split('\n\n');
    text = frames.pop() ?? '';
    if (text.length > MAX_REPLY)
      throw new GtmError('GTM_UNREACHABLE', 'the stream is none that a gtm node would send');
    for (const frame of frames) {
      const data = /^data: (.*)$/m.exec(frame)?.[1];
      if (data !== undefined) yield data;
    }
  }
}

async function textOf(reply: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of (reply.body ?? []) as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_REPLY)
      throw new GtmError('GTM_UNREACHABLE', 'the reply is too large to be a gtm node’s');
  }
  return text + decoder.decode();
}

function bodyOf(url: string, status: number, text: string): object {
  let body: { apiVersion?: unknown; code?: unknown; detail?: unknown } = {};
  try {
    body = JSON.parse(text) ?? {};
  } catch {
    // Told below: it is no gtm node's reply.
  }
  if (typeof body.code === 'string' && typeof body.detail === 'string' && status >= 400)
    throw new GtmError(body.code, body.detail);
  if (body.apiVersion !== 'v1' || status !== 200)
    throw new GtmError('GTM_UNREACHABLE', `what answers at ${url} is not a gtm node (HTTP ${status})`);
  return body;
}

function failed(url: string, timeout: number, e: unknown): GtmError {
  if (e instanceof Error && e.name === 'TimeoutError')
    return new GtmError(
      'GTM_TIMEOUT',
      `no reply from ${url} in ${timeout} ms, so it may or may not have been done; look at the node’s log, or wait longer with --timeout`,
    );
  const why = e instanceof Error && e.cause !== undefined ? e.cause : e;
  return new GtmError(
    'GTM_UNREACHABLE',
    `cannot reach ${url} (${reason(why)}); start a node with «gtm demo» or «gtm serve», or name another with --url`,
  );
}
