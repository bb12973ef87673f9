// Rates from counters: smoothed as IPVS does, deaf to a plane that began anew, and only of what there is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Estimates } from '../../src/daemon/estimate.ts';
import type { ServiceCounters } from '../../src/model/service.ts';

const counters = (connections: number, more: Partial<ServiceCounters> = {}): ServiceCounters[] => [
  {
    key: 'tcp 192.0.2.1:80',
    vip: 'web',
    connections,
    inBytes: connections * 100,
    outBytes: 0,
    refused: 0,
    realServers: [
      {
        key: '10.0.0.1:80',
        name: 'a',
        weight: 1,
        active: 0,
        inactive: 0,
        failed: 0,
        connections: connections / 2,
        inBytes: 0,
        outBytes: 0,
      },
    ],
    ...more,
  },
];

test('a quarter of the way at each step, to the rate that is', () => {
  const e = new Estimates();
  e.step(counters(1000), 0);
  assert.equal(e.of('tcp 192.0.2.1:80').connections, 0, 'what was before is no rate');
  const seen: number[] = [];
  for (let i = 1; i <= 40; i++) {
    e.step(counters(1000 + i * 16), i * 1000);
    seen.push(e.of('tcp 192.0.2.1:80').connections);
  }
  assert.deepEqual(seen.slice(0, 3), [4, 7, 9.25]);
  assert.ok(Math.abs(seen[39] - 16) < 0.001);
  assert.ok(Math.abs(e.of('tcp 192.0.2.1:80').inBytes - 1600) < 0.1);
  assert.ok(Math.abs(e.of('tcp 192.0.2.1:80', '10.0.0.1:80').connections - 8) < 0.001);
});

test('steps of any length; one of none and one backwards tell nothing', () => {
  const e = new Estimates();
  e.step(counters(0), 0);
  e.step(counters(40), 2000);
  assert.equal(e.of('tcp 192.0.2.1:80').connections, 5);
  e.step(counters(40), 2000);
  assert.equal(e.of('tcp 192.0.2.1:80').connections, 5);
  e.step(counters(3), 3000);
  assert.equal(e.of('tcp 192.0.2.1:80').connections, 5);
  e.step(counters(3), 4000);
  assert.equal(e.of('tcp 192.0.2.1:80').connections, 3.75);
});

test('packets only where they are counted; what is gone is forgotten', () => {
  const e = new Estimates();
  e.step(counters(0, { inPackets: 0, outPackets: 0 }), 0);
  e.step(counters(0, { inPackets: 8, outPackets: 4 }), 1000);
  const { inPackets, outPackets } = e.of('tcp 192.0.2.1:80');
  assert.deepEqual([inPackets, outPackets], [2, 1]);
  assert.equal('inPackets' in e.of('tcp 192.0.2.1:80', '10.0.0.1:80'), false);
  e.step([], 2000);
  assert.deepEqual(e.of('tcp 192.0.2.1:80'), { connections: 0, inBytes: 0, outBytes: 0 });
});
