// The forms of a Redis: URLs, and real servers with a password, behind a Sentinel, and as a Redis Cluster.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openRedisCoordinator } from '../../src/cluster/redis.ts';
import { hide, parseRedisUrl } from '../../src/cluster/url.ts';
import { GtmError } from '../../src/kit/errors.ts';
import { silent } from '../../src/kit/log.ts';
import { seeded } from '../../src/kit/rng.ts';
import { clock, node, override, redisServer, report, sentinel, until } from './helpers.ts';

test('URLs come apart, and their password is never shown', () => {
  const cases: [url: string, expected: object][] = [
    [
      'redis://h',
      { kind: 'single', tls: false, hosts: [{ host: 'h', port: 6379 }], db: 0, shown: 'redis://h' },
    ],
    [
      'rediss://u:p%40ss@[::1]:7000/3',
      {
        kind: 'single',
        tls: true,
        hosts: [{ host: '::1', port: 7000 }],
        db: 3,
        username: 'u',
        password: 'p@ss',
        shown: 'rediss://[::1]:7000/3',
      },
    ],
    [
      'redis://:p@ss/word@h:1',
      {
        kind: 'single',
        tls: false,
        hosts: [{ host: 'h', port: 1 }],
        db: 0,
        password: 'p@ss/word',
        shown: 'redis://h:1',
      },
    ],
    [
      'redis+sentinel://a,b:26380/main/2',
      {
        kind: 'sentinel',
        tls: false,
        hosts: [
          { host: 'a', port: 26379 },
          { host: 'b', port: 26380 },
        ],
        db: 2,
        master: 'main',
        shown: 'redis+sentinel://a,b:26380/main/2',
      },
    ],
    [
      'redis+cluster://:pw@a:7000,b:7001',
      {
        kind: 'cluster',
        tls: false,
        hosts: [
          { host: 'a', port: 7000 },
          { host: 'b', port: 7001 },
        ],
        db: 0,
        password: 'pw',
        shown: 'redis+cluster://a:7000,b:7001',
      },
    ],
  ];
  for (const [url, expected] of cases) assert.deepEqual(parseRedisUrl(url), expected, url);
  const broken = [
    '',
    'h:6379',
    'http://:hunter22@h',
    'redis://:hunter22@h:99999',
    'redis://:hunter22@h:x',
    'redis://:hunter22@a,b',
    'redis://:hunter22@h/db',
    'redis://h?password=hunter22',
    'redis+sentinel://:hunter22@h',
    'redis+cluster://:hunter22@h/1',
    'redis://:hunter22@::1',
  ];
  for (const url of broken)
    assert.throws(
      () => parseRedisUrl(url),
      e => e instanceof GtmError && e.code === 'GTM_REDIS_URL' && !e.message.includes('hunter22'),
      url,
    );
  assert.equal(hide(parseRedisUrl('redis://:hunter22@h'), 'ERR args: hunter22'), 'ERR args: ***');
});

test('a wrong URL is refused before anything is opened', () => {
  assert.throws(
    () =>
      openRedisCoordinator({
        cluster: 'test',
        node: 'fra-1',
        nodes: ['fra-1'],
        urls: ['redis//h'],
        secret: 'x',
        lifetime: 5000,
        stateDir: '/nowhere',
        clock,
        log: silent,
        rng: seeded(1),
      }),
    { code: 'GTM_REDIS_URL' },
  );
});

async function talk(t: Parameters<typeof node>[0], url: string): Promise<void> {
  // With a lifetime of 6 s the poll comes once a second.
  const fra = await node(t, 'fra-1', { urls: [url], lifetime: 6000 });
  const nyc = await node(t, 'nyc-1', { urls: [url], lifetime: 6000 });
  fra.c.publish(report('fra'));
  fra.c.override(override('vip/web-fra', 'drain'));
  await until(() => nyc.peer('fra-1')?.fresh && nyc.c.overrides().length === 1, 6000, 'through it');
  fra.c.publish(report('fra', 0.5));
  const ms = await until(
    () => nyc.peer('fra-1')?.report.director['web-fra'].capacity === 0.5,
    1500,
    'by push',
  );
  assert.ok(ms < 800, `${ms} ms: not by the poll`);
  assert.equal(nyc.c.status().mode, 'connected');
  assert.equal(nyc.c.status().backends[0].error, undefined);
}

test('a password, right and wrong', async t => {
  const a = await redisServer(t, ['--requirepass', 'hunter22']);
  await talk(t, `redis://:hunter22@127.0.0.1:${a.port}/2`);
  const wrong = await node(t, 'sin-1', { urls: [`redis://:hunter23@127.0.0.1:${a.port}`] });
  const said = JSON.stringify(wrong.c.status()) + wrong.log.lines.join('\n');
  assert.equal(wrong.c.status().mode, 'cut-off');
  assert.match(said, /WRONGPASS/);
  assert.ok(!said.includes('hunter'));
});

test('the master behind a Sentinel', async t => {
  const master = await redisServer(t);
  const watcher = await sentinel(t, master);
  await talk(t, `redis+sentinel://127.0.0.1:${watcher.port}/main`);
});

test('a Redis Cluster', async t => {
  const a = await redisServer(t, ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1']);
  await a.say(r => r.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383'));
  let state = '';
  for (let i = 0; i < 100 && !state.includes('cluster_state:ok'); i++)
    state = String(await a.say(r => r.call('CLUSTER', 'INFO')));
  await talk(t, `redis+cluster://127.0.0.1:${a.port}`);
});
