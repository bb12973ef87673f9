// The story of frames that gather: pauses are counted under many clients, and none are where they are off.
import assert from 'node:assert/strict';
import { ADMIN } from './director.ts';
import { type Context, CURL, sure, url } from './telling.ts';

/** Connections that ask again as soon as they are answered: far more frames than a worker begins to pause at. */
const LOAD = ['-t1', '-c64', '-d2s'];

export async function gathering(c: Context): Promise<string> {
  const on = await pauses(c);
  assert.ok(on > 0, 'no pauses under many clients');
  try {
    c.director.moderation = 'off';
    await c.director.change({});
    assert.match(c.director.said, /at the next start: [^"]*director/);
    assert.ok((await pauses(c)) > 0, 'a reload turned them off');
    await c.director.stop();
    await c.director.start();
    assert.equal(await pauses(c), 0, 'pauses with moderation: off');
  } finally {
    c.director.moderation = 'adaptive';
    await c.director.stop();
    await c.director.start();
  }
  return `${on} pauses in two seconds; off: none`;
}

/** How often workers pause while many clients ask. */
async function pauses(c: Context): Promise<number> {
  const before = await counted(c);
  await sure(c.site.client.run('wrk', [...LOAD, url(c, '/whoami')], { timeout: 30_000 }));
  // A worker tells its counters twice a second, or once if that is much work.
  await new Promise(resolve => setTimeout(resolve, 1100));
  return (await counted(c)) - before;
}

async function counted(c: Context): Promise<number> {
  const text = await sure(c.site.director.run('curl', [...CURL, `http://${ADMIN}/metrics`]));
  const [, value] = /^gtm_lvs_pauses_total (\d+)$/m.exec(text) ?? [];
  assert.notEqual(value, undefined, 'gtm_lvs_pauses_total is not among the metrics');
  return Number(value);
}
