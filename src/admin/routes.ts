// The table of routes, one row each.
//   GET /v1/…   what NodeStatus says, in parts        POST /v1/…   an operator's word, a question, a reload
//   /metrics /livez /readyz   for machines            /            the page, for people
import { hasErrors } from '../kit/diag.ts';
import { GtmError } from '../kit/errors.ts';
import { nearest } from '../kit/suggest.ts';
import { collect } from '../metrics/collect.ts';
import { CONTENT_TYPE, expose } from '../metrics/expo.ts';
import type { AdminState } from '../model/records.ts';
import type { NodeStatus } from '../model/status.ts';
import { PAGE_POLICY, renderPage } from '../web/page.ts';
import { afterOf } from './events.ts';
import type { AdminNode, DemoServers } from './node.ts';
import { FaultyError } from './problem.ts';
import { get, post, type Route } from './route.ts';

export const ROUTES: readonly Route[] = [
  get('/', ({ node }) => page(node)),
  get('/livez', () => text('alive')),
  get('/readyz', ({ node }) => readiness(node.status())),
  get('/metrics', ({ node }) => metrics(node)),

  get('/v1/status', ({ node }) => node.status()),
  get('/v1/pools', ({ node }) => list('PoolList', node.status().pools)),
  get('/v1/pools/:name', ({ node, name }) => one('Pool', name, node.status().pools)),
  get('/v1/vips', ({ node }) => list('VipList', node.status().vips)),
  get('/v1/vips/:name', ({ node, name }) => one('VIP', name, node.status().vips)),
  get('/v1/services', ({ node }) => list('ServiceList', node.status().services)),
  get('/v1/connections', async ({ node, query }) =>
    list('ConnectionList', await node.connections(limitOf(query))),
  ),
  get('/v1/zones', ({ node }) => list('ZoneList', node.status().zones)),
  get('/v1/zones/:name/static', ({ node, name, headers }) => {
    const zone = node.staticZone(name);
    return headers.get('accept')?.includes('application/json') ? zone : text(zone.text.trimEnd());
  }),
  get('/v1/nodes', ({ node }) => list('NodeList', nodes(node.status()))),
  get('/v1/overrides', ({ node }) => list('OverrideList', node.status().overrides)),
  get('/v1/events', ({ node, streams, headers, query }) => {
    const after = afterOf(node, headers, query);
    const json = headers.get('accept')?.includes('application/json') ?? false;
    return json ? list('EventList', node.events(after)) : streams.response(node, after);
  }),

  post('/v1/explain', 'explain', ({ node, body }) => {
    const { name, type, from } = body;
    return node.explain({ name, type: type.toUpperCase(), ...(from !== undefined && { from }) });
  }),
  ...words('vip'),
  ...words('site'),
  post('/v1/reload', 'none', ({ node }) => reload(node)),

  get('/v1/demo', ({ node }) => list('DemoServerList', demo(node).list())),
  post('/v1/demo/:name/stop', 'none', ({ node, name }) => turn(demo(node), name, 'stop')),
  post('/v1/demo/:name/start', 'none', ({ node, name }) => turn(demo(node), name, 'start')),
];

/** An operator's four words over a VIP or a site. */
function words(noun: 'vip' | 'site'): Route[] {
  const path = `/v1/${noun}s/:name`;
  const say = (
    node: AdminNode,
    name: string,
    state: AdminState,
    body: { reason: string; who: string; for?: number | undefined; weight?: number },
  ) => {
    const { reason, who, weight } = body;
    const request = { target: `${noun}/${name}`, state, reason, who };
    const lasts = body.for === undefined ? {} : { for: body.for };
    const override = node.override({ ...request, ...lasts, ...(weight !== undefined && { weight }) });
    return { apiVersion: 'v1', kind: 'Override', ...override };
  };
  return [
    post(`${path}/drain`, 'hold', ({ node, name, body }) => say(node, name, 'drain', body)),
    post(`${path}/maint`, 'hold', ({ node, name, body }) => say(node, name, 'maint', body)),
    post(`${path}/ready`, 'release', ({ node, name, body }) => say(node, name, 'ready', body)),
    post(`${path}/weight`, 'weight', ({ node, name, body }) => say(node, name, 'ready', body)),
  ];
}

function page(node: AdminNode): Response {
  return new Response(renderPage(node.status()), {
    headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': PAGE_POLICY },
  });
}

function text(body: string, status = 200): Response {
  return new Response(`${body}\n`, { status, headers: { 'content-type': 'text/plain; charset=utf-8' } });
}

function readiness(s: NodeStatus): Response {
  return s.ready ? text('ready') : text('not ready: the first round is not through', 503);
}

function metrics(node: AdminNode): Response {
  function* all() {
    yield* collect(node.status());
    yield* node.counters();
  }
  return new Response(expose(all()), { headers: { 'content-type': CONTENT_TYPE } });
}

function list(kind: string, items: readonly object[]): object {
  return { apiVersion: 'v1', kind, items };
}

/** `?limit=`: from 1 to 10000 rows, by default 1000. Throws GTM_REQUEST. */
function limitOf(query: URLSearchParams): number {
  const text = query.get('limit') ?? '1000';
  const limit = Number(text);
  if (!/^\d{1,5}$/.test(text) || limit < 1 || limit > 10_000)
    throw new GtmError('GTM_REQUEST', 'limit: expected a number from 1 to 10000');
  return limit;
}

function one(kind: string, name: string, items: readonly { name: string }[]): object {
  const item = items.find(i => i.name === name);
  if (item !== undefined) return { apiVersion: 'v1', kind: kind === 'VIP' ? 'Vip' : kind, ...item };
  const near = nearest(
    name,
    items.map(i => i.name),
  );
  const hint = near === undefined ? '' : `; did you mean «${near}»?`;
  throw new GtmError(
    'GTM_NOT_FOUND',
    `no ${kind === 'VIP' ? 'VIP' : kind.toLowerCase()} is named «${name}»${hint}`,
  );
}

function nodes(s: NodeStatus): object[] {
  const self = { node: s.node, site: s.site, self: true, fresh: true, age: 0 };
  return [self, ...s.peers.map(p => ({ ...p, self: false }))];
}

async function reload(node: AdminNode): Promise<object> {
  const result = await node.reload();
  if (hasErrors(result.diagnostics))
    throw new FaultyError(
      'GTM_CONFIG',
      'the configuration has errors; the one before it serves on',
      result.diagnostics,
    );
  return { apiVersion: 'v1', kind: 'ReloadReport', ...result };
}

function demo(node: AdminNode): DemoServers {
  if (node.demo === undefined)
    throw new GtmError('GTM_NOT_FOUND', 'this node has no real servers of its own; only «gtm demo» has');
  return node.demo;
}

async function turn(servers: DemoServers, name: string, verb: 'stop' | 'start'): Promise<object> {
  await servers[verb](name);
  const server = servers.list().find(s => s.name === name);
  return { apiVersion: 'v1', kind: 'DemoServer', ...server };
}
