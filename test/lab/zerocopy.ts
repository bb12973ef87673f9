// The lab on network cards that AF_XDP drives without copies: `npm run lab:zerocopy [-- REGEX]`.
//   this machine's lab, in an emulated one: its director's two links are cards, all else is as it is
// Prints what the lab prints. What it takes of the kernel is the same as ever; the driver gives and takes the frames themselves.
import { join } from 'node:path';
import { reason } from '../../src/kit/errors.ts';
import { boot, CARDS, MACHINE_PROGRAMS } from './machine.ts';
import { fetchKernel } from './machine-kernel.ts';
import { LAB_PROGRAMS } from './programs.ts';

/** What a driver may get wrong: frames that are lost, cut, mixed up or not given back, lone ones and many, and sockets that are opened again. */
const STORIES =
  'without copies|in turn|sees who asks|(nat|tun) ipv4 tcp: a file of 64 MiB|200 connections|both servers answer dig|in fragments|a server begins';
/** How often the machine may be booted: emulation may kill its kernel (machine.ts), or a card (main.ts). A story that failed has failed. */
const BOOTS = 3;
const LAST = /^lab: (\d+) passed, (\d+) failed, (\d+) skipped/;

async function main(): Promise<number> {
  const provider = join(import.meta.dirname, '..', '..', '..', 'test', 'needs.mjs');
  const { provide } = (await import(provider)) as { provide: (programs: Record<string, string>) => string[] };
  const missing = provide({ ...LAB_PROGRAMS, ...MACHINE_PROGRAMS });
  const why =
    process.arch !== 'x64'
      ? 'needs an x64 machine'
      : missing.length > 0
        ? `missing: ${missing.join(', ')}`
        : undefined;
  if (why !== undefined) {
    console.log(`not run  the lab without copies (${why})\nlab: 0 passed, 0 failed, 1 skipped`);
    return process.env.CI === undefined ? 0 : 1;
  }
  let told: RegExpExecArray | null = null;
  for (let boots = 0; told === null && boots < BOOTS; boots++) told = await play(process.argv[2] ?? STORIES);
  const [line, passed, failed] = told ?? ['lab: 0 passed, 1 failed, 0 skipped', '0', '1'];
  console.log(line);
  return failed === '0' && passed !== '0' ? 0 : 1;
}

/** Tells the stories in a machine of its own; the lab's last line, or null when it did not come so far. */
async function play(only: string): Promise<RegExpExecArray | null> {
  let told: RegExpExecArray | null = null;
  const said: string[] = [];
  try {
    const kernel = fetchKernel();
    console.log(`Linux ${kernel.version}`);
    const lab = join(import.meta.dirname, 'main.js');
    const words = ['--plane', 'xdp', '--cards', CARDS.join(','), '--only', only];
    const command = [process.execPath, lab, ...words].map(w => `'${w}'`).join(' ');
    await boot(kernel, `CI='${process.env.CI ?? ''}' ${command}`, line => {
      if (/^(ok|FAILED|again|not run|told once) |^ +\|/.test(line)) console.log(line);
      told = LAST.exec(line) ?? told;
      said.push(line);
    });
  } catch (e) {
    said.push(reason(e));
  }
  if (told === null)
    console.log(`the machine ended early:\n${said.slice(-40).join('\n').replace(/^/gm, '         | ')}`);
  return told;
}

process.exitCode = await main();
