// The pages on the modes: their cluster files are sound. What they tell to type is typed between
// hosts, with plane: xdp (npm run lab) and with plane: ipvs (npm run oracle:plane).
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { loadConfig } from '../../src/model/load.ts';
import { readPage } from '../docs-page.ts';

for (const [name, played] of [
  ['dr.md', 3],
  ['nat.md', 3],
  ['tun.md', 4],
  ['fullnat.md', 3],
] as const)
  it(`docs/${name}: the cluster file has no fault, and there is something to type`, () => {
    const { cluster, blocks } = readPage(name);
    const { config, diagnostics } = loadConfig(
      cluster,
      name,
      {},
      () => undefined,
      () => undefined,
    );
    assert.deepEqual(
      diagnostics.filter(d => d.severity === 'error').map(d => d.message),
      [],
    );
    assert.equal(config?.vips['web'].services[0].forward, name.replace('.md', ''));
    assert.equal(blocks.length, played);
  });
