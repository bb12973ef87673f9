// From the services that a plane is given to the director's verbs: what differs is done, nothing else.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reconcile } from '../../src/lvs/reconcile.ts';
import type { ServiceSpec } from '../../src/model/service.ts';
import { tcp } from './build.ts';
import { CLIENT, Rig, VIP, VIP6 } from './rig.ts';
import { spec } from './specs.ts';

/** The changes as text: `add tcp 192.0.2.10:80 10.0.0.1:8080`. */
function apply(rig: Rig, ...services: ServiceSpec[]): string[] {
  const { changes, faults } = reconcile(rig.director, services);
  return [
    ...changes.map(c => [c.verb, c.service, c.server].filter(Boolean).join(' ')),
    ...faults.map(f => `fault ${f.key}: ${f.fault}`),
  ];
}

const TWO = ['10.0.0.1:8080', '10.0.0.2:8080 3'];
const KEY = `tcp ${VIP}`;

const ROWS: [string, ServiceSpec[], ServiceSpec[], string[]][] = [
  ['the same again: nothing', [spec(VIP, TWO)], [spec(VIP, TWO)], []],
  [
    'another spelling of an address: nothing',
    [spec(VIP6, ['[2001:db8:3::1]:8080'])],
    [spec('[2001:0db8:2:0::10]:80', ['[2001:db8:3:0:0::1]:8080'])],
    [],
  ],
  ['a server more', [spec(VIP, TWO)], [spec(VIP, [...TWO, '10.0.0.3:8080'])], [`add ${KEY} 10.0.0.3:8080`]],
  ['a server less', [spec(VIP, TWO)], [spec(VIP, TWO.slice(1))], [`remove ${KEY} 10.0.0.1:8080`]],
  [
    'a weight',
    [spec(VIP, TWO)],
    [spec(VIP, ['10.0.0.1:8080', '10.0.0.2:8080 0'])],
    [`update ${KEY} 10.0.0.2:8080`],
  ],
  [
    'the forwarding method',
    [spec(VIP, TWO.slice(1))],
    [spec(VIP, TWO.slice(1), { forward: 'tun' })],
    [`update ${KEY} 10.0.0.2:8080`],
  ],
  [
    'the tunnel',
    [spec(VIP, TWO.slice(1), { forward: 'tun' })],
    [spec(VIP, TWO.slice(1), { forward: 'tun', tunnel: { type: 'gre', port: 6080, checksum: true } })],
    [`update ${KEY} 10.0.0.2:8080`],
  ],
  [
    'a tunnel that is not used: nothing',
    [spec(VIP, TWO)],
    [spec(VIP, TWO, { tunnel: { type: 'gre', port: 6080, checksum: true } })],
    [],
  ],
  [
    'thresholds',
    [spec(VIP, TWO.slice(1))],
    [spec(VIP, TWO.slice(1), { thresholds: { upper: 10, lower: 5 } })],
    [`update ${KEY} 10.0.0.2:8080`],
  ],
  ['the scheduler', [spec(VIP, TWO)], [spec(VIP, TWO, { scheduler: 'mh' })], [`update ${KEY}`]],
  ['a flag', [spec(VIP, TWO)], [spec(VIP, TWO, { flags: ['sh-port'] })], [`update ${KEY}`]],
  ['persistence', [spec(VIP, TWO)], [spec(VIP, TWO, { persistence: 300_000 })], [`update ${KEY}`]],
  [
    'a time-out',
    [spec(VIP, TWO)],
    [spec(VIP, TWO, { timeouts: { connect: 2000, tcp: 60_000, tcp_fin: 120_000, udp: 300_000 } })],
    [`update ${KEY}`],
  ],
  [
    'NAT becomes FullNAT',
    [spec(VIP, TWO.slice(1))],
    [spec(VIP, TWO.slice(1), { forward: 'fullnat', localAddresses: ['10.0.0.254'] })],
    [`update ${KEY}`, `update ${KEY} 10.0.0.2:8080`],
  ],
  [
    'a local address more',
    [spec(VIP, TWO, { forward: 'fullnat', localAddresses: ['10.0.0.254'] })],
    [spec(VIP, TWO, { forward: 'fullnat', localAddresses: ['10.0.0.254', '10.0.0.253'] })],
    [`update ${KEY}`],
  ],
  [
    'one service for another of the same address',
    [spec(VIP, TWO.slice(1))],
    [spec(VIP, TWO.slice(1), { protocol: 'udp' })],
    [`remove ${KEY}`, `add udp ${VIP}`, `add udp ${VIP} 10.0.0.2:8080`],
  ],
  ['all of it gone', [spec(VIP, TWO), spec(VIP6, [])], [], [`remove tcp ${VIP6}`, `remove ${KEY}`]],
];

describe('reconcile touches only what differs', () => {
  for (const [what, before, after, expected] of ROWS)
    it(what, () => {
      const rig = new Rig();
      apply(rig, ...before);
      assert.deepEqual(apply(rig, ...after), expected);
      assert.deepEqual(apply(rig, ...after), [], 'and a second time nothing');
    });
});

it('a first time everything is added, servers in the order of the file', () => {
  const rig = new Rig();
  assert.deepEqual(apply(rig, spec(VIP, TWO)), [
    `add ${KEY}`,
    `add ${KEY} 10.0.0.1:8080`,
    `add ${KEY} 10.0.0.2:8080`,
  ]);
  const [{ dests }] = rig.director.services();
  assert.deepEqual(
    dests.map(d => [d.address, d.weight]),
    [
      ['10.0.0.2', 3],
      ['10.0.0.1', 1],
    ],
  );
});

it('connections outlive a change of weight, of scheduler, and of other servers', () => {
  const rig = new Rig();
  apply(rig, spec(VIP, ['10.0.0.1:8080']));
  rig.send(tcp({ from: CLIENT, to: VIP }));
  const before = rig.conns();
  assert.equal(before.length, 1);
  apply(rig, spec(VIP, ['10.0.0.1:8080 0', '10.0.0.2:8080'], { scheduler: 'mh' }));
  assert.deepEqual(rig.conns(), before);
  assert.equal(rig.send(tcp({ from: CLIENT, to: VIP, flags: 'A' })).reason, 'forwarded');
});

it('what the director will not take is a fault of its service; all else is done', () => {
  const rig = new Rig();
  const mixed = spec(VIP, ['10.0.0.1:8080', '[2001:db8:3::1]:8080']);
  const told = apply(rig, mixed, spec('192.0.2.11:80', ['10.0.0.1:8080'], { forward: 'fullnat' }));
  assert.deepEqual(told, [
    `add ${KEY}`,
    `add ${KEY} 10.0.0.1:8080`,
    'add tcp 192.0.2.11:80',
    `fault ${KEY}: 2001:db8:3::1: only tunnels lead to a server of the other family`,
    'fault tcp 192.0.2.11:80: 10.0.0.1: FullNAT needs local addresses',
  ]);
});

it('many services at one time: each of them forwards, and what one lacks does not hold up the others', () => {
  const rig = new Rig();
  const many = Array.from({ length: 300 }, (_, i) =>
    spec(`192.0.${2 + (i >> 8)}.${i & 255}:80`, ['10.0.0.1:80', '10.0.0.2:80'], {
      forward: i === 7 ? 'fullnat' : 'nat',
    }),
  );
  const { changes, faults } = reconcile(rig.director, many);
  assert.deepEqual([changes.length, faults.length], [300 + 299 * 2, 2]);
  for (const [i, s] of many.entries()) {
    const { reason } = rig.send(tcp({ from: CLIENT, to: `${s.address}:80` }));
    assert.equal(reason, i === 7 ? 'port-unreachable' : 'scheduled', s.key);
  }
  reconcile(rig.director, many.slice(1));
  assert.equal(rig.send(tcp({ from: CLIENT, to: '192.0.2.0:80', flags: 'S' })).reason, 'not-ours');
  assert.equal(rig.send(tcp({ from: '198.51.100.8:1', to: '192.0.2.1:80' })).reason, 'scheduled');
});
