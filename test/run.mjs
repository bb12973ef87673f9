// Runs the compiled tests with node's own runner: `npm test`, or `npm test -- dns cluster` for some rooms.
// Tests that need programs beyond npm's (redis-server, dig …) get them from Debian here; see needs.mjs.
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
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
let skipped = 0;

/** Runs test files, so many at a time, and prints them as they go. Returns the files in which a test failed. */
async function pass(some, concurrency) {
  const failed = new Set();
  if (some.length === 0) return failed;
  const stream = run({ files: some, concurrency, timeout: 300_000 });
  stream.on('test:fail', e => failed.add(e.file ?? some[0]));
  stream.on('test:pass', e => {
    if (e.skip !== undefined) skipped++;
  });
  for await (const text of stream.compose(new spec())) process.stdout.write(text);
  return failed;
}

const together = await pass(
  files.filter(f => !ALONE.test(f)),
  2,
);
const alone = await pass(
  files.filter(f => ALONE.test(f)),
  1,
);
// Many tests hold times against a machine that may stall for a moment. A fault fails twice, a stall does not: what
// failed runs once more by itself, and that it had to is said. More than a few are no stall.
const again = [...together, ...alone];
let failed = again.length;
if (failed > 0 && failed <= 3) {
  process.stdout.write(
    `failed, and run once more by itself: ${again.map(f => relative(root, f)).join(', ')}\n`,
  );
  failed = (await pass(again, 1)).size;
  process.stdout.write(`the second time ${failed} of ${again.length} failed\n`);
}
if (missing.length > 0) process.stdout.write(`not run for want of programs: ${missing.join(', ')}\n`);
if (failed > 0 || (process.env.CI && (skipped > 0 || missing.length > 0))) process.exitCode = 1;
