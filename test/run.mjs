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
// These hold times that a user would notice, or open thousands of sockets: each by itself, so that no neighbour is
// measured with it.
const ALONE = /\/(scenario|hostile|cluster|plane)\/|\/net\/answers|\/probe\/prober|\/daemon\/reload/;
const missing = provide();
let failed = 0;
let skipped = 0;

/** Runs test files, so many at a time, and prints them as they go. */
async function pass(some, concurrency) {
  if (some.length === 0) return;
  const stream = run({ files: some, concurrency, timeout: 300_000 });
  stream.on('test:fail', () => {
    failed++;
  });
  stream.on('test:pass', e => {
    if (e.skip !== undefined) skipped++;
  });
  for await (const text of stream.compose(new spec())) process.stdout.write(text);
}

await pass(
  files.filter(f => !ALONE.test(f)),
  2,
);
await pass(
  files.filter(f => ALONE.test(f)),
  1,
);
if (missing.length > 0) process.stdout.write(`not run for want of programs: ${missing.join(', ')}\n`);
if (failed > 0 || (process.env.CI && (skipped > 0 || missing.length > 0))) process.exitCode = 1;
