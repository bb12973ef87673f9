// The exec probe with real programs: exit codes, words, bounds, and nothing left behind.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { programFault } from '../../src/daemon/program.ts';
import { exec } from '../../src/probe/exec.ts';
import { checkOf, sleep } from './servers.ts';

const folder = mkdtempSync(join(tmpdir(), 'gtm-exec-'));
after(() => rmSync(folder, { recursive: true }));

async function look(command: string[], timeout = 5000): Promise<string> {
  const check = checkOf({ exec: { command }, timeout: '2s' });
  const target = { address: '192.0.2.7', port: 8443, check };
  return exec(target, AbortSignal.timeout(timeout)).catch((e: Error) => e.message);
}
const sh = (script: string, timeout?: number): Promise<string> => look(['/bin/sh', '-c', script], timeout);

const ROWS: [string, string, string][] = [
  ['exit 0 without a word', 'true', 'exit 0'],
  ['the first line is the text', 'echo; echo "  all is well "; echo more', 'all is well'],
  ['what it says on stderr, if nothing else', 'echo warned >&2', 'warned'],
  ['another exit code', 'echo lag 40 s; exit 2', 'exit 2: lag 40 s'],
  ['without a word', 'exit 3', 'exit 3'],
  ['ended by a signal', 'kill -SEGV $$', 'ended by SIGSEGV'],
  ['what it is told', 'echo $GTM_ADDRESS $GTM_PORT $GTM_TIMEOUT_MS', '192.0.2.7 8443 2000'],
  ['nothing of our own environment', `echo "\${HOME-none} \${NODE_OPTIONS-none} $PWD"`, 'none none /'],
];
for (const [what, script, says] of ROWS)
  test(`exec: ${what}`, async () => assert.equal(await sh(script), says));

test('exec: no shell reads the arguments', async () => {
  assert.equal(await look(['/bin/echo', '$HOME; exit 1']), '$HOME; exit 1');
});

test('exec: much output is bounded, and nobody waits for it', async () => {
  const said = await sh('yes | head -c 3000000; exit 0');
  assert.equal(said, 'y');
  assert.equal((await sh('head -c 100000 /dev/zero | tr "\\0" x')).length, 200);
});

test('exec: a program that is not there', async () => {
  assert.match(await look(['/nowhere/check']), /^cannot run \/nowhere\/check: spawn .*ENOENT$/);
});

/** Whether the process is there and runs. */
function lives(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function gone(file: string): Promise<boolean> {
  const pid = Number(readFileSync(file, 'utf8'));
  assert.ok(pid > 1);
  for (let i = 0; i < 100 && lives(pid); i++) await sleep(10);
  return !lives(pid);
}

test('exec: at the time-out the whole group is killed', async () => {
  const file = join(folder, 'timeout.pid');
  assert.match(await sh(`sleep 60 & echo $! > ${file}; wait`, 500), /timeout|aborted/);
  assert.ok(await gone(file));
});

test('exec: what it leaves in the background goes with it, and is not waited for', async () => {
  const file = join(folder, 'left.pid');
  const began = performance.now();
  assert.equal(await sh(`sleep 60 & echo $! > ${file}; echo done`), 'done');
  assert.ok(performance.now() - began < 2000);
  assert.ok(await gone(file));
});

test('which programs may be run', () => {
  const file = join(folder, 'check');
  assert.equal(programFault('/bin/sh'), undefined);
  assert.equal(programFault(file), `there is no program ${file}`);
  assert.equal(programFault(folder), `${folder} is not a program`);
  writeFileSync(file, '#!/bin/sh\n', { mode: 0o644 });
  assert.equal(programFault(file), `${file} may not be run: permission denied`);
});
