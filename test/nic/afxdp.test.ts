// AF_XDP between two interfaces, in a network namespace that lives as long as the child.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const CHILD = join(import.meta.dirname, 'afxdp-child.js');

describe('AF_XDP', () => {
  const said = JSON.parse(
    execFileSync('unshare', ['--net', process.execPath, CHILD], { encoding: 'utf8', timeout: 60_000 }),
  );
  for (const [i, name] of ['native', 'generic', 'native, tagged'].entries())
    it(`${name}: what comes in by one interface goes out by the other, whole`, () => {
      const { seen, whole, sent, taken, dropped } = said.rounds[i];
      assert.deepEqual({ seen, whole, dropped }, { seen: sent, whole: sent, dropped: [0, 0] });
      assert.equal(taken.service, sent);
    });

  it('leaves no descriptor and no map behind', () => {
    assert.equal(said.fds, 0);
    assert.equal(said.maps, 0);
  });
});
