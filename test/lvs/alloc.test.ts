// A pick allocates nothing: the packet core makes one for every new connection.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeScheduler } from '../../src/lvs/sched/index.ts';
import { SCHEDULERS } from '../../src/model/schema.ts';
import { clients, table } from './fixture.ts';

const PICKS = 100_000;

for (const name of SCHEDULERS) {
  test(`${name} picks without allocating`, () => {
    const flows = clients(64);
    const dests = table(3, 1, 4, 1, 5, 9, 2, 6);
    dests.charge(0, 1, 0);
    const scheduler = makeScheduler(name, dests, [`${name}-fallback`, `${name}-port`]);
    let sum = 0;
    const round = () => {
      for (let i = 0; i < PICKS; i++) sum += scheduler.pick(flows[i & 63]);
    };
    // The least growth of some rounds, as many as it takes: what a pick costs is in each; a collection or the compiler is not.
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 40 && least >= PICKS / 2; i++) {
      const before = process.memoryUsage().heapUsed;
      round();
      const grown = process.memoryUsage().heapUsed - before;
      if (grown >= 0) least = Math.min(least, grown);
    }
    assert.ok(sum > 0);
    assert.ok(least < PICKS, `${(least / PICKS).toFixed(1)} bytes a pick`);
  });
}
