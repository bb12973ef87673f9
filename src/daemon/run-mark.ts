// A word on a run by which the next one knows, before it has read anything, that it would come to the same services.
import { createHash } from 'node:crypto';
import type { RunMark } from '../plane/xdp/resume-file.ts';
import type { Loaded } from './loader.ts';
import { VERSION } from './version.ts';

/** Of this process: all that says which node of which cluster file it runs. Secrets change nothing of what is forwarded. */
export function runWord(): string {
  const { GTM_CONFIG, GTM_NODE } = process.env;
  const all = [
    VERSION,
    process.version,
    process.argv.slice(1),
    process.cwd(),
    GTM_CONFIG ?? null,
    GTM_NODE ?? null,
  ];
  return createHash('sha256').update(JSON.stringify(all)).digest('hex');
}

/** Of this process, with the files that it runs on. */
export function markOf({ file, digest }: Loaded): RunMark {
  return { run: runWord(), file, print: digest.slice(0, digest.indexOf('.')) };
}
