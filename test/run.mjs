// Runs the compiled tests with node's own runner: `npm test`, or `npm test -- dns cluster` for some rooms.
// Tests that need programs beyond npm's (redis-server, dig …) get them from Debian here; see needs.mjs.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { provide } from './needs.mjs';

const root = join(import.meta.dirname, '..', 'dist', 'test');
const wanted = process.argv.slice(2);
const files = readdirSync(root, { recursive: true })
  .filter(f => f.endsWith('.test.js'))
  .filter(f => wanted.length === 0 || wanted.some(w => f.startsWith(w) || f.includes(`/${w}`)))
  .sort()
  .map(f => join(root, f));
if (files.length === 0) {
  process.stderr.write(`no test file matches: ${wanted.join(' ')}\n`);
  process.exit(1);
}
const missing = provide();
let failed = 0;
let skipped = 0;
const stream = run({ files, concurrency: 2, timeout: 300_000 });
stream.on('test:fail', () => {
  failed++;
});
stream.on('test:pass', e => {
  if (e.skip !== undefined) skipped++;
});
stream.on('end', () => {
  if (missing.length > 0) process.stdout.write(`not run for want of programs: ${missing.join(', ')}\n`);
  if (failed > 0 || (process.env.CI && (skipped > 0 || missing.length > 0))) process.exitCode = 1;
});
stream.compose(new spec()).pipe(process.stdout);
