// The story of a restart, one process after the other: how long clients wait as they see it, and that whatever was open goes on.
//   a ping every 10 ms · a download of 100 MB · wrk over kept connections · tcpdump for resets ─ SIGTERM, start ─→ none is lost
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { vip } from './site.ts';
import { type Context, curl, hashOf, sure, url } from './telling.ts';

const PINGER = join(import.meta.dirname, 'pinger.js');
/** The download lasts longer than the restart: octets a second. */
const RATE = '16M';
/** Seconds that wrk goes on for, around the restart, and what it waits for an answer. */
const WRK = { seconds: 7, timeout: 3 };
/** The longest time without an answer: milliseconds, and where the machine is slow or at work, starts of an empty node. */
const GAP = { ms: 700, starts: 10 };

interface Heard {
  udp: number;
  tcp: number;
  answers: number;
  refused: number;
}

/** Restarts that may take longer, as the machine may be busy otherwise for a moment: what is slow by itself is so each time. */
const TRIES = 3;

/** Nothing may be lost at any time; the gap holds at one of a few times. */
export async function restart(c: Context): Promise<string> {
  const said: string[] = [];
  for (let i = 0; i < TRIES; i++) {
    const { told, short } = await once(c);
    said.push(told);
    if (short) return said.reverse().join('; before: ');
  }
  throw new Error(said.join('; '));
}

async function once(c: Context): Promise<{ told: string; short: boolean }> {
  const into = join(c.site.dir, 'over');
  const hash = c.files.hash('long');
  const { client, router } = c.site;
  // With its first TTL: what the director's host says itself, not what servers say.
  const filter = `src host ${vip(c.mode, c.family)} and tcp[tcpflags] & tcp-rst != 0 and ip[8] == 64`;
  const dump = router.start('tcpdump', ['-nni', 'dir-eth0', filter]);
  await dump.says(/listening on/);
  const before = await emptyStart(c);
  const slow = curl(c, '-m', '60', '--limit-rate', RATE, '-o', into, url(c, '/long'));
  slow.catch(() => {});
  const busy = sure(
    client.run(
      'wrk',
      ['-t1', '-c16', `-d${WRK.seconds}s`, '--timeout', `${WRK.timeout}s`, url(c, '/whoami')],
      { timeout: 30_000 },
    ),
  );
  busy.catch(() => {});
  const pinger = client.start(process.execPath, [PINGER, vip(c.mode, c.family)]);
  try {
    await pinger.says(/ready/);
    await pause(1500);
    await c.director.stop();
    await c.director.start();
    assert.match(c.director.said, /forwards by what the run before left/);
    await pause(300);
    await pinger.stop('SIGTERM');
    const { udp, tcp, answers, refused } = JSON.parse(
      pinger.output().trim().split('\n').at(-1) ?? '{}',
    ) as Heard;
    const wrk = await busy;
    await slow;
    const after = await emptyStart(c);
    const gap = Math.round(Math.max(udp, tcp));
    const bound = Math.max(GAP.ms, GAP.starts * Math.max(before, after));
    const said = `no answer for ${gap} ms (udp ${Math.round(udp)}, tcp ${Math.round(tcp)}; an empty node starts in ${Math.round(before)} and ${Math.round(after)} ms)`;
    assert.ok(answers > 100, `${answers} answers`);
    assert.equal(refused, 0, `${refused} connections refused or reset; ${said}`);
    // With a longer gap TCP asks so seldom in the end that wrk need not wait for it.
    const late = gap <= GAP.ms ? '' : ', timeout \\d+';
    if (/Socket errors/.test(wrk)) assert.match(wrk, new RegExp(`connect 0, read 0, write 0${late}$`, 'm'));
    assert.doesNotMatch(wrk, /Non-2xx/);
    assert.equal(await hashOf(into), hash);
    await dump.stop('SIGINT');
    assert.match(dump.output(), /\b0 packets captured/);
    const rate = /Requests\/sec:\s*(\d+)/.exec(wrk)?.[1];
    return { told: `${said}; wrk ${rate} requests/s over it`, short: gap <= bound };
  } finally {
    await pinger.stop('SIGKILL');
    await dump.stop('SIGKILL');
    await Promise.allSettled([slow, busy]);
    rmSync(into, { force: true });
    if (c.director.pid === 0) await c.director.start();
  }
}

// How long a node takes to start that does nothing: what there is of this machine now. Milliseconds.
async function emptyStart(c: Context): Promise<number> {
  const begun = performance.now();
  await sure(c.site.director.run(process.execPath, ['-e', '0']));
  return performance.now() - begun;
}

/** New connections a second: at least so much of before, and so many, as 16 clients that wait for a second now and then have a hundred. */
const NEW = { part: 1 / 3, least: 500, seconds: 2 };

/**
 * After a restart local ports are given out from the first one on, and the servers keep their last connections still (TIME_WAIT):
 * they take new ones from them at once, whoever the clients are.
 */
export async function remembered(c: Context): Promise<string> {
  const load = async (): Promise<number> => {
    const args = ['-t1', '-c16', `-d${NEW.seconds}s`, '-H', 'Connection: close', url(c, '/whoami')];
    const said = await sure(c.site.client.run('wrk', args, { timeout: 30_000 }));
    return Number(/(\d+) requests in/.exec(said)?.[1]) / NEW.seconds;
  };
  const before = await load();
  await c.director.stop();
  await c.director.start();
  const after = await load();
  const told = `${Math.round(before)} connections/s before, ${Math.round(after)} after`;
  assert.ok(after >= Math.max(before * NEW.part, NEW.least), told);
  return told;
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
