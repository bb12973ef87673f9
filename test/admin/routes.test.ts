// Every route of the admin API, asked without a socket: what it answers, and what it refuses with which problem.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adminApp } from '../../src/admin/app.ts';
import { ROUTES } from '../../src/admin/routes.ts';
import { FakeNode } from './fixture.ts';

const json = async (r: Response) => JSON.parse(await r.text());
const JSON_TYPE = { 'content-type': 'application/json' };

function setup(address = '127.0.0.1') {
  const node = new FakeNode();
  const app = adminApp(node, { address });
  const ask = (path: string, init: RequestInit = {}) =>
    app.request(`http://localhost:8053${path}`, {
      ...init,
      headers: { host: 'localhost:8053', ...(init.headers as object) },
    });
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const length = { 'content-length': `${Buffer.byteLength(text)}` };
    return ask(path, { method: 'POST', body: text, headers: { ...JSON_TYPE, ...length, ...headers } });
  };
  return { node, app, ask, post };
}

test('reading: kind, count, and a known part of each', async t => {
  const { ask } = setup();
  const rows: [string, string, RegExp][] = [
    ['/v1/status', 'NodeStatus', /"node":"fra-1"/],
    ['/v1/pools', 'PoolList', /"name":"api"/],
    ['/v1/pools/api', 'Pool', /"policy":"weighted"/],
    ['/v1/vips', 'VipList', /"name":"web-nyc"/],
    ['/v1/vips/web-fra', 'Vip', /"web-fra-2"/],
    ['/v1/services', 'ServiceList', /"tcp 127.1.0.10:8080"/],
    ['/v1/zones', 'ZoneList', /2026112201/],
    ['/v1/nodes', 'NodeList', /"fra-1".*"self":true.*"nyc-1"/],
    ['/v1/overrides', 'OverrideList', /kernel upgrade/],
    ['/v1/demo', 'DemoServerList', /"running":true/],
  ];
  for (const [path, kind, part] of rows)
    await t.test(path, async () => {
      const r = await ask(path);
      const text = await r.text();
      assert.equal(r.status, 200);
      assert.match(r.headers.get('content-type') ?? '', /^application\/json/);
      assert.equal(r.headers.get('cache-control'), 'no-store');
      assert.equal(r.headers.get('access-control-allow-origin'), null);
      const body = JSON.parse(text);
      assert.equal(body.apiVersion, 'v1');
      assert.equal(body.kind, kind);
      assert.match(text, part);
    });
});

test('for machines: livez, readyz, metrics', async () => {
  const { ask, node } = setup();
  assert.equal((await ask('/livez')).status, 200);
  assert.equal((await ask('/readyz')).status, 200);
  node.current = { ...node.current, ready: false };
  assert.equal((await ask('/readyz')).status, 503);
  const metrics = await ask('/metrics');
  assert.match(metrics.headers.get('content-type') ?? '', /^application\/openmetrics-text; version=1.0.0/);
  assert.match(await metrics.text(), /gtm_dns_queries_total\{rcode="NOERROR",proto="udp"\} 12300\n/);
});

test('an operator’s word reaches the node as it was said', async t => {
  const { post, node } = setup();
  const rows: [string, object, object][] = [
    [
      '/v1/vips/web-fra/drain',
      { reason: 'kernel', who: 'anna', for: '30m' },
      { target: 'vip/web-fra', state: 'drain', reason: 'kernel', who: 'anna', for: 1_800_000 },
    ],
    [
      '/v1/vips/web-fra/maint',
      { reason: 'disk', who: 'anna' },
      { target: 'vip/web-fra', state: 'maint', reason: 'disk', who: 'anna' },
    ],
    [
      '/v1/vips/web-fra/ready',
      { who: 'anna' },
      { target: 'vip/web-fra', state: 'ready', reason: 'back in service', who: 'anna' },
    ],
    [
      '/v1/vips/web-fra/weight',
      { reason: 'half', who: 'bo', weight: '50%' },
      { target: 'vip/web-fra', state: 'ready', weight: 0.5, reason: 'half', who: 'bo' },
    ],
    [
      '/v1/sites/fra/drain',
      { reason: 'power', who: 'bo' },
      { target: 'site/fra', state: 'drain', reason: 'power', who: 'bo' },
    ],
  ];
  for (const [path, body, said] of rows)
    await t.test(path, async () => {
      const r = await post(path, body);
      assert.equal(r.status, 200);
      assert.equal((await json(r)).kind, 'Override');
      assert.deepEqual(node.said.at(-1), said);
    });
});

test('explain, reload, demo', async () => {
  const { post, node } = setup();
  const why = await json(
    await post('/v1/explain', { name: 'api.example.com', type: 'a', from: '198.51.100.7' }),
  );
  assert.equal(why.question, 'api.example.com A from 198.51.100.7');
  const loaded = await json(await post('/v1/reload', {}));
  assert.deepEqual([loaded.kind, loaded.generation, loaded.changes.length], ['ReloadReport', 5, 1]);
  const stopped = await json(await post('/v1/demo/web-fra-1/stop', {}));
  assert.equal(stopped.running, false);
  assert.equal((await json(await post('/v1/demo/web-fra-1/start', {}))).running, true);
  node.faulty = true;
  const refused = await post('/v1/reload', {});
  const problem = await json(refused);
  assert.equal(refused.status, 422);
  assert.equal(problem.code, 'GTM_CONFIG');
  assert.equal(problem.diagnostics[0].line, 3);
});

test('refusals are problem+json with a stable code', async t => {
  const { ask, post, node } = setup();
  const hold = { reason: 'x', who: 'anna' };
  const big = JSON.stringify({ ...hold, reason: 'x'.repeat(70_000) });
  const rows: [string, () => Response | Promise<Response>, number, string, RegExp][] = [
    ['no such path', () => ask('/v2/status'), 404, 'GTM_NOT_FOUND', /nothing at this path/],
    [
      'no such VIP, with the nearest',
      () => ask('/v1/vips/web-fr'),
      404,
      'GTM_NOT_FOUND',
      /did you mean «web-fra»/,
    ],
    ['no such pool', () => ask('/v1/pools/zzzzzz'), 404, 'GTM_NOT_FOUND', /no pool is named «zzzzzz»$/],
    ['no such target', () => post('/v1/sites/ams/drain', hold), 404, 'GTM_NOT_FOUND', /site\/ams/],
    ['no such demo server', () => post('/v1/demo/x/stop', {}), 404, 'GTM_NOT_FOUND', /«x»/],
    ['a read of a write', () => ask('/v1/reload'), 405, 'GTM_METHOD', /POST is$/],
    ['a write of a read', () => post('/v1/status', {}), 405, 'GTM_METHOD', /GET, HEAD is$/],
    ['not JSON', () => post('/v1/vips/web-fra/drain', '{'), 400, 'GTM_REQUEST', /not JSON/],
    ['no reason', () => post('/v1/vips/web-fra/drain', { who: 'anna' }), 400, 'GTM_REQUEST', /^reason: /],
    [
      'two lines of reason',
      () => post('/v1/vips/web-fra/drain', { who: 'anna', reason: 'a\nb' }),
      400,
      'GTM_REQUEST',
      /one line/,
    ],
    ['unknown key', () => post('/v1/vips/web-fra/drain', { ...hold, fro: '1m' }), 400, 'GTM_REQUEST', /fro/],
    [
      'a bare number as a duration',
      () => post('/v1/vips/web-fra/drain', { ...hold, for: '30' }),
      400,
      'GTM_REQUEST',
      /«30» is not a duration/,
    ],
    [
      'a weight without %',
      () => post('/v1/vips/web-fra/weight', { ...hold, weight: '50' }),
      400,
      'GTM_REQUEST',
      /not a percentage/,
    ],
    [
      'from is no address',
      () => post('/v1/explain', { name: 'a.', from: 'x' }),
      400,
      'GTM_REQUEST',
      /from: /,
    ],
    ['after is no number', () => ask('/v1/events?after=x'), 400, 'GTM_REQUEST', /after/],
    ['too large', () => post('/v1/vips/web-fra/drain', big), 413, 'GTM_TOO_LARGE', /64 KiB/],
    [
      'a form',
      () => post('/v1/reload', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' }),
      415,
      'GTM_MEDIA_TYPE',
      /application\/json/,
    ],
    [
      'text/plain that holds JSON',
      () => post('/v1/reload', '{}', { 'content-type': 'text/plain' }),
      415,
      'GTM_MEDIA_TYPE',
      /application\/json/,
    ],
    [
      'a foreign origin',
      () => post('/v1/reload', {}, { origin: 'https://evil.example' }),
      403,
      'GTM_FORBIDDEN',
      /another site/,
    ],
    [
      'the null origin',
      () => post('/v1/reload', {}, { origin: 'null' }),
      403,
      'GTM_FORBIDDEN',
      /another site/,
    ],
    [
      'cross-site fetch',
      () => post('/v1/reload', {}, { 'sec-fetch-site': 'cross-site' }),
      403,
      'GTM_FORBIDDEN',
      /another site/,
    ],
    [
      'same-site is another site too',
      () => post('/v1/reload', {}, { 'sec-fetch-site': 'same-site' }),
      403,
      'GTM_FORBIDDEN',
      /another site/,
    ],
    [
      'a rebound name reads',
      () => ask('/v1/status', { headers: { host: 'evil.example:8053' } }),
      421,
      'GTM_MISDIRECTED',
      /localhost/,
    ],
    [
      'a name that begins like loopback',
      () => ask('/', { headers: { host: '127.0.0.1.evil.example' } }),
      421,
      'GTM_MISDIRECTED',
      /localhost/,
    ],
    [
      'a public address',
      () => ask('/', { headers: { host: '192.0.2.1:8053' } }),
      421,
      'GTM_MISDIRECTED',
      /localhost/,
    ],
  ];
  for (const [name, run, status, code, detail] of rows)
    await t.test(name, async () => {
      const before = node.said.length;
      const r = await run();
      assert.equal(r.status, status);
      assert.match(r.headers.get('content-type') ?? '', /^application\/problem\+json/);
      const body = await json(r);
      assert.equal(body.status, status);
      assert.equal(body.code, code);
      assert.match(body.detail, detail);
      assert.equal(node.said.length, before);
    });
});

test('loopback in all its writings is taken as Host; other listeners take any name to read, and no rebound page to write', async () => {
  const local = setup();
  for (const host of [
    'localhost',
    'LOCALHOST:1',
    '127.0.0.1',
    '127.9.9.9:8053',
    '[::1]:8053',
    '[::ffff:127.0.0.1]',
  ])
    assert.equal((await local.ask('/livez', { headers: { host } })).status, 200, host);
  const open = setup('0.0.0.0');
  assert.equal((await open.ask('/livez', { headers: { host: 'gtm-fra:8053' } })).status, 200);
  const rebound = {
    host: 'evil.example:8053',
    origin: 'http://evil.example:8053',
    'sec-fetch-site': 'same-origin',
  };
  assert.equal((await open.post('/v1/reload', {}, rebound)).status, 403);
  const own = { host: '127.0.0.1:8053', origin: 'http://127.0.0.1:8053', 'sec-fetch-site': 'same-origin' };
  assert.equal((await open.post('/v1/reload', {}, own)).status, 200);
});

test('a node outside the demo has no demo servers', async () => {
  const node = new FakeNode();
  const bare = Object.assign(Object.create(node), { demo: undefined }) as FakeNode;
  const r = await adminApp(bare).request('http://localhost/v1/demo', { headers: { host: 'localhost' } });
  assert.equal(r.status, 404);
  assert.match((await json(r)).detail, /gtm demo/);
});

test('a fault of our own is 500, is logged, and tells nothing of its inside', async () => {
  const node = new FakeNode();
  node.status = () => {
    throw new Error('secret inside');
  };
  const logged: string[] = [];
  const log = { debug() {}, info() {}, warn() {}, error: (_: object, m: string) => void logged.push(m) };
  const r = await adminApp(node, { log }).request('http://localhost/v1/status', {
    headers: { host: 'localhost' },
  });
  assert.equal(r.status, 500);
  assert.doesNotMatch(await r.text(), /secret/);
  assert.match(logged[0], /secret inside/);
});

test('the table has each method and path once', () => {
  const keys = ROUTES.map(r => `${r.method} ${r.path}`);
  assert.equal(new Set(keys).size, keys.length);
});
