// Stories about health and forwarding together: a server that is well at its own address and cannot serve the VIP, and how soon a
// verdict counts.
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outage } from './changes.ts';
import type { Health } from './director.ts';
import { until } from './hosts.ts';
import { type Family, SERVERS, vip } from './site.ts';
import { answers, type Context } from './telling.ts';

/** How soon a verdict is to count, and rounds of which the best is held to it: the machine may have other work. Milliseconds. */
const SOON = 50;
const ROUNDS = 5;

/** Real servers of the mode's VIP, as the director sees those of one family. */
async function servers(c: Context, family: Family): Promise<Health[]> {
  return (await c.director.health(`${c.mode}${family}`)).filter(r => r.name.endsWith(`-v${family}`));
}

/** Takes the VIP from a server, wherever it stands there: lo, or a tunnel's device. */
export const lost: Outage = async (c, name) => {
  const server = c.site.servers.get(name);
  const address = `${vip(c.mode, c.family)}/${c.family === 4 ? 32 : 128}`;
  const shown = server?.ip('-o', 'addr', 'show', 'to', address) ?? '';
  const devices = [...shown.matchAll(/^\d+: (\S+) /gm)].map(m => m[1]);
  assert.ok(devices.length > 0, `${name} has no ${address}`);
  const never = c.family === 6 ? ['preferred_lft', '0'] : [];
  for (const device of devices) server?.ip('addr', 'del', address, 'dev', device);
  return () => {
    for (const device of devices) server?.ip('addr', 'add', address, 'dev', device, ...never);
  };
};

export async function withoutVip(c: Context): Promise<string> {
  const [first, second] = SERVERS[c.mode].names;
  const begun = performance.now();
  const back = await lost(c, first);
  let found: number;
  try {
    const sick = await until('the server without the VIP is found sick', async () =>
      (await servers(c, c.family)).find(r => r.name.startsWith(first) && r.state === 'down'),
    );
    found = performance.now() - begun;
    assert.equal(
      sick.result.replace(/ in \d+ms/, ''),
      `answers at its own address, but not for VIP ${vip(c.mode, c.family)} (no answer): ${
        c.mode === 'dr' ? 'has it the VIP on lo?' : 'has it the VIP, and does it take ipip out?'
      }`,
    );
    assert.deepEqual([...(await answers(c, 8))], [[second, 8]]);
  } finally {
    back();
  }
  await until('it is well again', async () => (await servers(c, c.family)).every(r => r.state === 'up'));
  await until('both answer again', async () => (await answers(c, 8)).size === 2);
  return `found sick after ${(found / 1000).toFixed(1)} s`;
}

/**
 * A client that connects again and again, from a port of its own each time (what comes from one that was in use goes where that went),
 * and says when each connection was begun and who answered it.
 */
const CLIENT = `const { connect } = require('node:net');
const [address, first] = process.argv.slice(1);
let port = Number(first);
const ask = () => {
  const at = performance.timeOrigin + performance.now();
  const s = connect({ host: address, port: 80, localPort: port++ }, () => s.write('GET /whoami HTTP/1.0\\r\\n\\r\\n'));
  let text = '';
  s.setEncoding('latin1').on('data', d => (text += d));
  s.on('error', () => {}).on('close', () => {
    const name = text.split('\\r\\n\\r\\n')[1]?.split(' ')[0];
    if (name) console.log(at.toFixed(3), name);
    setTimeout(ask, 3);
  });
};
for (let i = 0; i < 4; i++) ask();`;
/** Ports of one telling, and of how many before they come again: below those that other programs get (CLIENT_PORTS). */
const PORTS = { first: 10_000, each: 10_000, turns: 4 } as const;

// The check of the service asks for a file that each server has for itself: without it the server is sick, and yet it answers.
export async function soon(c: Context): Promise<string> {
  const [first] = SERVERS[c.mode].names;
  const file = (name: string) => join(c.site.dir, name, 'up', 'well');
  for (const name of SERVERS[c.mode].names) writeFileSync(file(name), 'ok\n');
  const turn = Math.floor(Date.now() / 10_000) % PORTS.turns;
  const address = vip(c.mode, c.family);
  const client = c.site.client.start(process.execPath, [
    ...['-e', CLIENT, address, `${PORTS.first + turn * PORTS.each}`],
  ]);
  const said = () =>
    client
      .output()
      .split('\n')
      .map(line => line.split(' '))
      .filter(([at, name]) => at !== '' && name === first)
      .map(([at]) => Number(at));
  const lags: number[] = [];
  try {
    await c.director.change({ [c.mode]: { check: '/up/well' } });
    for (let round = 0; round < ROUNDS; round++) {
      const from = Date.now();
      await until('it is well', async () => (await servers(c, c.family)).every(r => r.state === 'up'));
      await until('it answers', () => said().some(at => at > from));
      rmSync(file(first));
      const verdict = await until(`a verdict on ${first}`, () =>
        c.director.verdict(`${c.mode}${c.family}`, from),
      );
      // Whoever was on the way by then is answered.
      await new Promise(resolve => setTimeout(resolve, 500));
      lags.push(Math.max(0, Math.max(...said()) - verdict));
      writeFileSync(file(first), 'ok\n');
    }
  } finally {
    await client.stop('SIGKILL');
    await c.director.change({});
    for (const name of SERVERS[c.mode].names) rmSync(file(name), { force: true });
  }
  assert.ok(Math.min(...lags) < SOON, `${lags.map(Math.round).join(', ')} ms`);
  return `the last new connection ${lags.map(l => l.toFixed(1)).join(', ')} ms after the verdict`;
}
