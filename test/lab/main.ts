// The lab: the planes between real hosts. `npm run lab [-- --only REGEX] [--plane xdp] [--cards A=B,C=D]`
//   for each plane: start → every story of the table, for each mode and family that it is about → stop
// One line for each story: ok, FAILED or not run, with the reason; the last line counts them, and the exit code tells.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { reason } from '../../src/kit/errors.ts';
import { Director, type Plane } from './director.ts';
import { type Cards, labFault } from './hosts.ts';
import { PAGE_NAMES, playPage } from './pages.ts';
import { plainStories } from './plain.ts';
import { LAB_PROGRAMS } from './programs.ts';
import { CLIENT, FAMILIES, MODES, type Mode, Site, serverAddress, vip } from './site.ts';
import { STORIES } from './stories.ts';
import { type Context, Files } from './telling.ts';

/** Files, by name: octets. `long` is more than 100 MB. */
const SIZES = { small: 32 << 20, medium: 64 << 20, long: 96 << 20, large: 1 << 30 } as const;

/** Stories that may be told once more: a fault fails twice, a machine that stalls for a moment does not. */
const SECOND_TRIES = 3;

const counts = { ok: 0, failed: 0, skipped: 0, again: 0 };

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { only: { type: 'string', default: '' }, plane: { type: 'string' }, cards: { type: 'string' } },
  });
  const only = new RegExp(values.only);
  const cards = values.cards?.split(',').map(pair => pair.split('=') as unknown as Cards);
  const provider = join(import.meta.dirname, '..', '..', '..', 'test', 'needs.mjs');
  const { provide } = (await import(provider)) as { provide: (programs: Record<string, string>) => string[] };
  const missing = provide(LAB_PROGRAMS);
  const fault = labFault() ?? (missing.length > 0 ? `missing: ${missing.join(', ')}` : undefined);
  if (fault !== undefined) {
    tell('not run', 'the lab', fault);
    return close();
  }
  const begun = performance.now();
  const site = new Site(MODES, cards);
  try {
    await site.startServers();
    const files = new Files(site.files, SIZES);
    if (values.plane === undefined)
      for (const { name, tell: story } of plainStories(site))
        if (only.test(name)) await run(name, () => story(files));
    if (values.plane === undefined || values.plane === 'xdp')
      for (const page of PAGE_NAMES) {
        const name = `xdp: docs/${page} does what it says`;
        if (only.test(name)) await run(name, () => playPage(page, { plane: 'xdp', decap: true }));
      }
    for (const [plane, queues] of [
      ['proxy', 1],
      ['xdp', 1],
      ['xdp', 2],
    ] as const) {
      if (values.plane !== undefined && values.plane !== plane) continue;
      // Cards have the queues that they have.
      if (site.emulated && queues > 1) continue;
      site.setQueues(queues);
      await play(site, plane, queues, files, only);
    }
  } finally {
    await site.close();
  }
  console.log(`${Math.round((performance.now() - begun) / 1000)} s`);
  return close();
}

/** Every story of one plane. */
async function play(site: Site, plane: Plane, queues: number, files: Files, only: RegExp): Promise<void> {
  // The proxy plane forwards through sockets whatever the method is; it needs the VIPs on its host.
  const modes: readonly Mode[] = plane === 'proxy' ? ['nat'] : MODES;
  const told = STORIES.filter(
    s => (s.planes?.includes(plane) ?? true) && (queues === 1 || s.queues === true),
  );
  const by = queues === 1 ? plane : `${plane} (${queues} queues)`;
  const rows = told.flatMap(story =>
    modes
      .filter(mode => story.modes?.includes(mode) ?? true)
      .flatMap(mode =>
        FAMILIES.filter(family => story.families?.includes(family) ?? true).map(family => ({
          story,
          mode,
          family,
          name: `${by} ${mode} ipv${family} ${story.protocol}: ${story.name}`,
        })),
      ),
  );
  const wanted = rows.filter(r => only.test(r.name));
  if (wanted.length === 0) return;
  const director = new Director(site, plane, modes);
  const decaps = plane === 'xdp' ? await startDecap(site) : [];
  // At once when a story fails: a moment later it may be mended.
  const look = async () => {
    const frames = await director.frames().catch(reason);
    console.log(indent(`frames: ${frames}\n${director.log}`));
    if (site.emulated) await lookAtCards(site, frames);
  };
  const tale = (name: string, story: () => Promise<unknown>) => run(name, story, look);
  try {
    if (plane === 'proxy') ownVips(site, 'add');
    await director.start();
    if (site.emulated)
      await tale(`${by}: the director's cards move frames without copies`, () => uncopied(director));
    for (const { story, mode, family, name } of wanted) {
      const context: Context = { site, director, mode, family, plane, queues, files };
      await tale(name, () => story.tell(context));
    }
    if (site.emulated)
      await tale(`${by}: the next process takes the cards over, without copies`, () => again(site, director));
  } catch (e) {
    if (e instanceof DeadCard) throw e;
    tell('FAILED', `${plane}: the director starts`, reason(e));
    console.log(indent(director.log));
  } finally {
    await director.stop();
    if (plane === 'proxy') ownVips(site, 'del');
    for (const decap of decaps) await decap.stop('SIGKILL');
  }
}

/** Tells a story; `look` prints what is to be known when it fails. */
async function run(
  name: string,
  story: () => Promise<unknown>,
  look: () => Promise<void> = async () => {},
  first = true,
): Promise<void> {
  const begun = performance.now();
  try {
    const remark = await story();
    const seconds = `${((performance.now() - begun) / 1000).toFixed(1)} s`;
    tell('ok', name, typeof remark !== 'string' ? seconds : `${seconds}; ${remark}`);
  } catch (e) {
    const why = reason(e).slice(0, 600);
    if (first && counts.again < SECOND_TRIES) {
      counts.again++;
      console.log(`again    ${name} (${why})`);
      await look();
      return run(name, story, look, false);
    }
    tell('FAILED', name, why);
    await look();
  }
}

async function uncopied(director: Director): Promise<void> {
  for (const name of ['eth0', 'eth1'])
    if (!new RegExp(`xdp plane: ${name}: (native|kept), zero-copy`).test(director.said))
      throw new Error(/xdp plane: eth\d: [^"]*/.exec(director.said)?.[0] ?? director.said);
}

/** The lab ends without its last line: the machine is to be booted again (zerocopy.ts). */
class DeadCard extends Error {}

// An emulated card may stop for good: not even the kernel's own pings go by it then, though it has frames to receive into. Nothing that
// is told from there on tells of the director.
async function lookAtCards(site: Site, frames: string): Promise<void> {
  for (const [name, address] of [
    ['eth0', CLIENT[4]],
    ['eth1', serverAddress('nat', 4, 0)],
  ]) {
    const { code } = await site.director.run('ping', ['-c', '5', '-W', '4', address], { timeout: 60_000 });
    if (code !== 0 && new RegExp(`fill ${name} [1-9]`).test(frames))
      throw new DeadCard(
        `the emulated card ${name} moves nothing any more: no ping to ${address} by the kernel`,
      );
  }
}

// Sockets of a driver that has frames in its own rings are closed and opened again.
async function again(site: Site, director: Director): Promise<void> {
  await director.stop();
  await director.start();
  await uncopied(director);
  const ask = ['-gsS', '-m', '10', `http://${vip('nat', 4)}/whoami`];
  const { code, err } = await site.client.run('curl', ask);
  if (code !== 0) throw new Error(err);
}

// The servers of TUN unpack by themselves: in user space, as not every kernel has the devices.
async function startDecap(site: Site) {
  const script = join(import.meta.dirname, 'decap.js');
  return Promise.all(
    ['t1', 't2'].map(async name => {
      const running = site.servers.get(name)?.start(process.execPath, [script]);
      await running?.says(/ready/);
      return running as NonNullable<typeof running>;
    }),
  );
}

function ownVips(site: Site, verb: 'add' | 'del'): void {
  site.director.ip('addr', verb, '192.0.2.101/32', 'dev', 'eth0');
  site.director.ip('addr', verb, '2001:db8:a::101/128', 'dev', 'eth0');
}

function tell(what: 'ok' | 'FAILED' | 'not run', name: string, more: string): void {
  counts[what === 'ok' ? 'ok' : what === 'FAILED' ? 'failed' : 'skipped']++;
  console.log(`${what.padEnd(8)} ${name} (${more})`);
}

function close(): number {
  if (counts.again > 0) console.log(`told once more: ${counts.again}`);
  console.log(`lab: ${counts.ok} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return counts.failed > 0 || (process.env.CI !== undefined && counts.skipped > 0) ? 1 : 0;
}

function indent(text: string): string {
  return text.replace(/^/gm, '         | ');
}

process.exitCode = await main();
