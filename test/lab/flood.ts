// A SYN flood from random sources, at half of what the director carries here, until its table is overfilled tenfold; and what goes
// on meanwhile: a long download, an idle connection, new clients one after another.
import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { reason } from '../../src/kit/errors.ts';
import { idle } from './contents.ts';
import { ADMIN, CONNECTIONS } from './director.ts';
import { host, vip } from './site.ts';
import { type Context, CURL, curl, hashOf, sure, url } from './telling.ts';

const SENDER = join(import.meta.dirname, 'flood-sender.js');
const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.js');
/** Where the sender's sources would be. */
const SOURCES = { 4: '198.18.0.0/15', 6: '2001:db8:f::/48' } as const;
/** New connections that the director is to be asked for, and SYNs that are sent to that end: some are lost where others work too. */
const ASKED = 10 * CONNECTIONS;
const SENT = 1.2 * ASKED;
/** New clients while it lasts, and how many a second. */
const CLIENTS = 240;
const PACE = 80;
/** What resident memory may grow by: not for connections, whose table is there from the start, but as garbage comes and goes. MiB. */
const GROWTH = 48;
/** The longest flood, seconds: on a machine that has much else to do it is of more than half then. */
const LONGEST = 20;

export async function flood(c: Context): Promise<string> {
  const { router } = c.site;
  // A router of the Internet does not ask where a source belongs, and nobody out there hears the answers.
  for (const name of ['all', 'to-client']) router.sysctl(`net.ipv4.conf.${name}.rp_filter`, 0);
  router.ip(`-${c.family}`, 'route', 'add', 'blackhole', SOURCES[c.family]);
  try {
    const { capacity, before } = await carried(c);
    const rate = Math.round(Math.max(capacity / 2, SENT / LONGEST));
    const seconds = Math.max(SENT / rate, CLIENTS / PACE + 1);
    const memory = resident(c);
    const answered = await meanwhile(c, seconds, () => send(c, rate, seconds)).catch(async e => {
      throw new Error(`${rate} of ${capacity} SYN/s: ${reason(e)}; frames: ${await c.director.frames()}`);
    });
    const grown = Math.round(resident(c) - memory);
    const after = await settled(c);
    const evicted = after.evicted - before.evicted;
    const said = `${rate} of ${capacity} SYN/s: ${answered} of ${CLIENTS} new clients answered, ${evicted} half-open connections gave way, ${grown} MiB more`;
    assert.ok(answered >= 0.99 * CLIENTS, said);
    // All were asked for; how many came to the table tells what else the machine had to do.
    assert.ok(evicted > ASKED / 2, said);
    assert.ok(grown < GROWTH, said);
    assert.equal(after.refused, before.refused, said);
    assert.ok(after.used <= CONNECTIONS, `${after.used} connections`);
    const status = await sure(
      c.site.director.run(process.execPath, [MAIN, 'status', '--url', `http://${ADMIN}`]),
    );
    assert.match(status, /^! connection table: \d+ of 10000 in use; so far \d+ half-open /m);
    return said;
  } finally {
    router.ip(`-${c.family}`, 'route', 'del', 'blackhole', SOURCES[c.family]);
  }
}

/** Small packets that the director carries from clients, a second, while SYNs come as fast as they go; and the figures after that. */
async function carried(c: Context) {
  const first = await figures(c);
  const seconds = await send(c, 0, 1);
  const before = await settled(c);
  return { capacity: Math.round((before.inPackets - first.inPackets) / seconds), before };
}

/** The sender, to its end: how long it sent, seconds. */
async function send(c: Context, rate: number, seconds: number): Promise<number> {
  const args = [SENDER, vip(c.mode, c.family), '80', `${rate}`, seconds.toFixed(3)];
  const out = await sure(c.site.client.run(process.execPath, args, { timeout: (LONGEST + 5) * 1000 }));
  return (JSON.parse(out) as { seconds: number }).seconds;
}

/** What was open before `load` goes on during it; resolves to how many new clients got an answer, with as many tries as TCP makes. */
async function meanwhile(c: Context, seconds: number, load: () => Promise<unknown>): Promise<number> {
  const into = join(c.site.dir, 'meanwhile');
  const hash = c.files.hash('small');
  const pace = Math.round((32 << 20) / (seconds + 1));
  const open = Promise.all([
    curl(c, '-m', '60', '--limit-rate', `${pace}`, '-o', into, url(c, '/small')),
    idle(c, Math.round(seconds)),
  ]);
  // Whichever fails is told below, once all have ended.
  open.catch(() => {});
  try {
    await new Promise(resolve => setTimeout(resolve, 300));
    const urls = Array.from({ length: CLIENTS }, () => url(c, '/whoami'));
    const args = ['-gs', '-m', '8', '--rate', `${PACE}/s`, '-H', 'Connection: close', ...urls];
    const [clients] = await Promise.all([c.site.client.run('curl', args, { timeout: 60_000 }), load()]);
    await open;
    assert.equal(await hashOf(into), hash);
    return clients.out.match(/^[a-z]\d /gm)?.length ?? 0;
  } finally {
    await open.catch(() => {});
    rmSync(into, { force: true });
  }
}

/** Counters once they are of now: a worker tells them twice a second, or once if that is much work. */
async function settled(c: Context) {
  await new Promise(resolve => setTimeout(resolve, 1100));
  return figures(c);
}

/** Counters of the table and of this story's service. */
async function figures(c: Context) {
  const text = await sure(c.site.director.run('curl', [...CURL, `http://${ADMIN}/metrics`]));
  const of = (name: string, ...labels: string[]) =>
    text
      .split('\n')
      .filter(line => line.startsWith(`${name}{`) && labels.every(l => line.includes(l)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  const service = `"tcp ${host(vip(c.mode, c.family))}:80"`;
  return {
    inPackets: of('gtm_lvs_in_packets_total', service),
    evicted: of('gtm_lvs_table_evicted_total', '"half-open"'),
    refused: of('gtm_lvs_frames_total', '"director"', '"full"'),
    used: of('gtm_lvs_table_connections', '"used"'),
  };
}

/** Resident memory of the director, MiB. */
function resident(c: Context): number {
  const status = readFileSync(`/proc/${c.director.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}
