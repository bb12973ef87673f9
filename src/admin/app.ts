// The admin API as an HTTP application (the door to hono): the table of routes.ts behind the guards of guard.ts.
//   request → Host → (write: body bound, Origin, media type, schema) → route → JSON, or problem+json
// It answers from the node's status and changes nothing by itself.
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { GtmError, reason } from '../kit/errors.ts';
import { type Log, silent } from '../kit/log.ts';
import { parseRequest } from '../model/requests.ts';
import { EventStreams } from './events.ts';
import { checkHost, checkWrite } from './guard.ts';
import type { AdminNode } from './node.ts';
import { FaultyError, problemOf, problemResponse } from './problem.ts';
import type { Route } from './route.ts';
import { ROUTES } from './routes.ts';

const MAX_BODY = 64 * 1024;

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

export interface AdminAppOptions {
  /** The address that the server is bound to; it decides which Host is taken. Default: loopback. */
  address?: string;
  log?: Log;
  streams?: EventStreams;
}

/** The application: `app.fetch(request)`. It holds nothing of the node and may be made more than once. */
export function adminApp(node: AdminNode, options: AdminAppOptions = {}): Hono {
  const { address = '127.0.0.1', log = silent, streams = new EventStreams() } = options;
  const app = new Hono();
  app.use(async (c, next) => {
    checkHost(c.req.raw.headers, address);
    await next();
  });
  app.use(async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(HEADERS))
      if (!c.res.headers.has(name)) c.res.headers.set(name, value);
  });
  const limit = bodyLimit({
    maxSize: MAX_BODY,
    onError: () => {
      throw new GtmError('GTM_TOO_LARGE', `the body is over ${MAX_BODY / 1024} KiB`);
    },
  });
  for (const route of ROUTES)
    app.on(
      route.method,
      [route.path],
      (c, next) => (hasBody(c) ? limit(c, next) : next()),
      c => answer(c, route, node, streams),
    );
  for (const path of new Set(ROUTES.map(r => r.path))) {
    const routes = ROUTES.filter(r => r.path === path);
    const allow = routes.map(r => (r.method === 'GET' ? 'GET, HEAD' : r.method)).join(', ');
    app.all(path, c => {
      const problem = problemOf(
        new GtmError('GTM_METHOD', `${c.req.method} is not for this path; ${allow} is`),
      );
      return problemResponse(problem, { allow });
    });
  }
  app.notFound(() =>
    problemResponse(problemOf(new GtmError('GTM_NOT_FOUND', 'there is nothing at this path'))),
  );
  app.onError((thrown, c) => {
    const problem = problemOf(thrown);
    if (problem.status === 500)
      log.error(
        { path: c.req.path, stack: thrown.stack },
        `admin: ${c.req.method} ${c.req.routePath} failed: ${reason(thrown)}`,
      );
    return problemResponse(problem);
  });
  return app;
}

async function answer(c: Context, route: Route, node: AdminNode, streams: EventStreams): Promise<Response> {
  const headers = c.req.raw.headers;
  const call = {
    node,
    streams,
    name: c.req.param('name') ?? '',
    headers,
    query: new URL(c.req.url).searchParams,
  };
  const result =
    route.method === 'GET'
      ? await route.run({ ...call, body: undefined })
      : await route.run({ ...call, body: (await bodyOf(c, route)) as never });
  return result instanceof Response ? result : c.json(result);
}

// RFC 9112 §6.3. The server's request object cannot be asked for a body that was not sent (`curl -X POST`).
function hasBody(c: Context): boolean {
  const { headers } = c.req.raw;
  return (headers.get('content-length') ?? '0') !== '0' || headers.has('transfer-encoding');
}

async function bodyOf(c: Context, route: Extract<Route, { method: 'POST' }>): Promise<unknown> {
  checkWrite(c.req.raw.headers);
  const text = hasBody(c) ? await c.req.text() : '';
  let body: unknown = {};
  try {
    if (text !== '') body = JSON.parse(text);
  } catch (e) {
    throw new GtmError('GTM_REQUEST', `the body is not JSON: ${reason(e)}`);
  }
  const parsed = parseRequest(route.body, body);
  if ('value' in parsed) return parsed.value;
  const said = parsed.diagnostics.map(d => d.message).join('; ');
  throw new FaultyError('GTM_REQUEST', said, parsed.diagnostics);
}
