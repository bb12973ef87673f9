// gtm init: a cluster file to begin with, its zone and its schema for editors, for one forwarding method. Never overwrites.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GtmError, reason } from '../../kit/errors.ts';
import { nearest } from '../../kit/suggest.ts';
import { type Context, say, writeJson } from '../context.ts';
import { EXIT } from '../exit.ts';
import { CONFIG_FILE, MODES, starterConfig, starterZone, ZONE_FILE } from '../starter.ts';

export async function run(ctx: Context): Promise<number> {
  const named = ctx.flags.text('mode') ?? 'nat';
  const mode = MODES.find(m => m === named);
  if (mode === undefined) {
    const near = nearest(named, MODES);
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    throw new GtmError('GTM_USAGE', `--mode: «${named}» is none of ${MODES.join(', ')}${hint}`);
  }
  const folder = ctx.flags.text('dir') as string;
  const { jsonSchema } = await import('../../model/json-schema.ts');
  const files: [name: string, text: string][] = [
    [CONFIG_FILE, starterConfig(mode)],
    [ZONE_FILE, starterZone()],
    ['gtm.schema.json', `${JSON.stringify(jsonSchema(), null, 2)}\n`],
  ];
  const written = writeAll(folder, files);
  if (ctx.flags.on('json')) writeJson(ctx, 'Init', { mode, files: written });
  else {
    ctx.io.out(written.map(f => `${f}\n`).join(''));
    const at = join(folder, CONFIG_FILE);
    say(ctx, `put in your addresses, then: gtm check -c ${at}; gtm lvs simulate -c ${at}`);
  }
  return EXIT.ok;
}

// All of them or none: what was written is taken back where another is there already.
function writeAll(folder: string, files: readonly (readonly [string, string])[]): string[] {
  const written: string[] = [];
  let path = folder;
  try {
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of files) {
      path = join(folder, name);
      writeFileSync(path, text, { flag: 'wx' });
      written.push(path);
    }
  } catch (e) {
    for (const file of written) rmSync(file, { force: true });
    const there = path !== folder && (e as { code?: unknown }).code === 'EEXIST';
    const what = there
      ? `${path} is there already; --dir says another folder`
      : `cannot write ${path}: ${reason(e)}`;
    throw new GtmError('GTM_INIT', what, e);
  }
  return written;
}
