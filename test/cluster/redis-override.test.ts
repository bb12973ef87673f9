// Overrides over real Redis: they reach everyone, outlive their writer, and come back to a Redis that lost them.
import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Sealer } from '../../src/cluster/record.ts';
import { GtmError } from '../../src/kit/errors.ts';
import { folder, node, override, redisServer, SECRET, until, wait } from './helpers.ts';

const KEPT = 'gtm:{test}:kept';

test('an override reaches the other node, survives both, a flushed redis and its writer', async t => {
  const [a, b] = [await redisServer(t), await redisServer(t)];
  const urls = [a.url, b.url];
  const [fraDir, nycDir] = [folder(t), folder(t)];
  const fra = await node(t, 'fra-1', { urls, stateDir: fraDir });
  const nyc = await node(t, 'nyc-1', { urls, stateDir: nycDir });
  fra.c.override(override('vip/web-fra', 'drain'));
  assert.equal(fra.c.overrides()[0].node, 'fra-1', 'in force where it was said, at once');
  const ms = await until(() => nyc.c.overrides().length === 1, 500, 'there too');
  t.diagnostic(`override seen after ${ms.toFixed(1)} ms`);
  assert.deepEqual(nyc.c.overrides(), fra.c.overrides());
  await until(() => nyc.changes() > 0, 100, 'and told');
  await fra.c.close();
  await nyc.c.close();
  await a.say(r => r.flushall());
  await b.say(r => r.flushall());

  // The other node alone brings it back, from its disk, to both Redis.
  const again = await node(t, 'nyc-1', { urls, stateDir: nycDir });
  assert.equal(again.c.overrides()[0].reason, 'kernel upgrade');
  await until(() => again.c.status().mode === 'connected', 1000, 'connected');
  await wait(100);
  for (const s of [a, b]) assert.equal(await s.say(r => r.hexists(KEPT, 'override/vip/web-fra')), 1);
  assert.equal(await a.say(r => r.pttl(KEPT)), -1, 'without a lifetime');
  await a.say(r => r.flushall());
  await until(() => again.c.status().mode === 'connected', 1000, 'connected');
  await wait(500);
  assert.equal(await a.say(r => r.hexists(KEPT, 'override/vip/web-fra')), 1, 'flushed while running');
  await a.say(async r => {
    await r.del(KEPT);
    await r.set(KEPT, 'a string');
  });
  await wait(900);
  assert.equal(await a.say(r => r.type(KEPT)), 'hash', 'replaced by what it should be');

  // Cleared by the one, it is cleared for the other, which was away.
  again.c.override(override('vip/web-fra', 'ready'));
  assert.deepEqual(again.c.overrides(), []);
  const back = await node(t, 'fra-1', { urls, stateDir: fraDir });
  await until(() => back.c.overrides().length === 0, 1500, 'cleared');
  for (const file of readdirSync(fraDir))
    assert.equal(statSync(join(fraDir, file)).mode & 0o777, 0o600, file);
});

test('what was said later stands, however wrong the clock of the one who said it', async t => {
  const a = await redisServer(t);
  const ahead = await node(t, 'fra-1', { urls: [a.url], skew: 3_600_000 });
  const right = await node(t, 'nyc-1', { urls: [a.url] });
  ahead.c.override(override('site/fra', 'maint'));
  await until(() => right.c.overrides().length === 1, 500, 'seen');
  right.c.override(override('site/fra', 'drain', { weight: 0.5 }));
  await until(() => ahead.c.overrides()[0].state === 'drain', 500, 'the later one holds');
  assert.deepEqual(ahead.c.overrides(), right.c.overrides());
  right.c.override(override('site/fra', 'ready', { weight: 0.25 }));
  right.c.override(override('site/fra', 'ready'));
  await until(() => ahead.c.overrides().length === 0, 500, 'the last of two in one millisecond');
});

test('an override ends by its own time, and that is told', async t => {
  const a = await redisServer(t);
  const fra = await node(t, 'fra-1', { urls: [a.url] });
  fra.c.override(override('vip/web-fra', 'drain', { until: Date.now() + 300 }));
  await until(() => fra.changes() === 1, 200, 'told');
  assert.equal(fra.c.overrides().length, 1);
  await until(() => fra.changes() === 2, 700, 'told again');
  assert.deepEqual(fra.c.overrides(), []);
});

test('forged, malformed and too many kept records are dropped; an old one put back is mended', async t => {
  const a = await redisServer(t);
  const fra = await node(t, 'fra-1', { urls: [a.url] });
  fra.c.override(override('vip/web-fra', 'drain'));
  await wait(100);
  const field = 'override/vip/web-fra';
  const old = (await a.say(r => r.hget(KEPT, field))) as string;
  fra.c.override(override('vip/web-fra', 'maint'));
  await wait(100);
  const now = await a.say(r => r.hget(KEPT, field));
  await a.say(r => r.hset(KEPT, field, old));
  await wait(700);
  assert.equal(await a.say(r => r.hget(KEPT, field)), now);
  const alien = new Sealer('test', 'no secret of ours').seal(
    'override',
    'nyc-1',
    9e12,
    0,
    JSON.parse(old)[4],
  );
  const { kind, epoch, sequence, body, mac } = alien;
  await a.say(r => r.hset(KEPT, field, JSON.stringify([kind, 'nyc-1', epoch, sequence, body, mac])));
  await until(() => fra.c.status().drops.forged === 1, 1500, 'forged');
  assert.match(
    fra.c.status().lastDrop ?? '',
    /^kept record override\/vip\/web-fra .*forged: signed as nyc-1/,
  );
  await wait(500);
  assert.equal(await a.say(r => r.hget(KEPT, field)), now, 'and written over');
  await a.say(r => r.hset(KEPT, 'override/vip/b', now as string, 'junk', 'junk', 'big', 'x'.repeat(100_000)));
  await until(() => fra.c.status().drops.malformed === 2, 1500, 'wrong field, no frame');
  assert.equal(fra.c.status().drops.oversized, 1);
  await a.say(r => r.hset(KEPT, Object.fromEntries(Array.from({ length: 1100 }, (_, i) => [`f${i}`, 'x']))));
  await until(() => fra.c.status().drops.oversized === 2, 1500, 'too many');
  assert.equal(fra.c.status().mode, 'connected');
  assert.equal(fra.c.overrides()[0].state, 'maint');
});

test('an override that makes no sense is refused', async t => {
  const fra = await node(t, 'fra-1', { urls: ['redis://127.0.0.1:1'] });
  const refused = (e: unknown) => e instanceof GtmError && e.code === 'GTM_OVERRIDE_REFUSED';
  assert.throws(() => fra.c.override(override('pool/web', 'drain')), refused);
  assert.throws(() => fra.c.override(override('vip/web', 'drain', { weight: -1 })), refused);
  assert.throws(() => fra.c.override(override('vip/web', 'drain', { weight: Number.NaN })), refused);
  assert.throws(() => fra.c.override(override('vip/web', 'drain', { reason: 'x'.repeat(9000) })), refused);
  fra.c.override(override('vip/web', 'drain'));
  assert.equal(fra.c.overrides().length, 1, 'said while cut off, in force here');
  const sealer = new Sealer('test', SECRET);
  assert.ok(sealer.fits(sealer.seal('epoch', 'fra-1', 1, 0, '')));
});
