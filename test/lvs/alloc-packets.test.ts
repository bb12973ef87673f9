// No allocation per packet: a child with --expose-gc sends a million packets of every mode and looks at its heap.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

test('a million packets leave at most 1 MB on the heap', async () => {
  const child = join(import.meta.dirname, 'alloc-packets.js');
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', child]);
  const grown = JSON.parse(stdout) as Record<string, number>;
  assert.deepEqual(Object.keys(grown).sort(), ['dr', 'fullnat', 'nat', 'tun']);
  for (const [mode, bytes] of Object.entries(grown))
    assert.ok(bytes <= 1024 * 1024, `${mode}: ${bytes} bytes`);
});
