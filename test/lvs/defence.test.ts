// Defence against floods: secure_tcp's stricter states, drop_packet's share of new connections, and the modes that a filling
// table turns on by itself.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nextState, SECURE, TCP_STATE } from '../../src/lvs/tcpstate.ts';
import { tcp, udp } from './build.ts';
import { CLIENT, Rig, SERVERS, VIP } from './rig.ts';

const IN = { from: CLIENT, to: VIP };
const from = (n: number) => `198.51.${n >> 8}.${n & 255}:4000`;

describe('secure_tcp', () => {
  // Packets in (>) and answers (<), and the state after each.
  const WALKS: [string, 'dr' | 'nat', string][] = [
    [
      'NAT: the client’s word alone establishes nothing',
      'nat',
      '>S SYN_RECV, >A SYN_RECV, <SA SYNACK, >A SYNACK, <A ESTABLISHED',
    ],
    ['NAT: a SYN in any state waits for the server', 'nat', '>S SYN_RECV, <SA SYNACK, >S SYNACK, >FA SYNACK'],
    ['NAT: the server’s reset closes', 'nat', '>S SYN_RECV, <SA SYNACK, <R CLOSE'],
    ['DR: a SYN alone is half of a handshake', 'dr', '>S SYNACK, >A ESTABLISHED, >FA FIN_WAIT, >S SYNACK'],
    ['DR: a reset while half-open', 'dr', '>S SYNACK, >R CLOSE'],
  ];
  for (const [what, forward, walk] of WALKS)
    it(what, () => {
      const rig = new Rig({ secure_tcp: 3, conn_reuse_mode: 0 });
      rig.service(VIP, [SERVERS[0]], { forward });
      for (const step of walk.split(', ')) {
        const [packet, state] = step.split(' ');
        const flags = packet.slice(1);
        if (packet[0] === '>') rig.send(tcp({ ...IN, flags }));
        else rig.send(tcp({ from: forward === 'nat' ? SERVERS[0] : VIP, to: CLIENT, flags }));
        assert.equal(rig.state().split(' ')[0], state, step);
      }
    });

  it('every entry of its tables leads to a state', () => {
    for (const direction of [0, 1, 2])
      for (const flags of [0, 1, 2, 4, 16])
        for (let state = 0; state < TCP_STATE.length; state++)
          assert.ok(TCP_STATE[nextState(direction + SECURE, flags, state)] !== undefined);
  });

  it('can be turned on and off while running', () => {
    const rig = new Rig();
    rig.service(VIP, [SERVERS[0]]);
    rig.send(tcp(IN));
    rig.director.setSysctl({ secure_tcp: 3 });
    rig.send(tcp({ ...IN, flags: 'A' }));
    assert.equal(rig.state(), 'SYN_RECV 60');
    rig.director.setSysctl({ secure_tcp: 0 });
    rig.send(tcp({ ...IN, flags: 'A' }));
    assert.equal(rig.state(), 'ESTABLISHED 900');
  });
});

describe('drop_packet', () => {
  it('3: the first new connection and then one in am_droprate is dropped; what is open goes on', () => {
    const rig = new Rig({ drop_packet: 3, am_droprate: 3 });
    rig.service(VIP, SERVERS, {}, {}, 'udp');
    const reasons = Array.from({ length: 7 }, (_, n) => rig.send(udp({ ...IN, from: from(n) })).reason);
    const expected = ['shed', 'scheduled', 'scheduled', 'shed', 'scheduled', 'scheduled', 'shed'];
    assert.deepEqual(reasons, expected);
    assert.equal(rig.send(udp({ ...IN, from: from(1) })).reason, 'forwarded');
    assert.equal(rig.send(udp({ ...IN, to: '192.0.2.10:81' })).reason, 'no-service', 'nothing to protect');
    rig.director.setSysctl({ drop_packet: 0 });
    assert.equal(rig.send(udp({ ...IN, from: from(8) })).reason, 'scheduled');
  });

  it('1: more and more as the table fills up, with secure_tcp; and off again when it empties', () => {
    const rig = new Rig({ drop_packet: 1, secure_tcp: 1 }, 160);
    rig.service(VIP, [SERVERS[0]], {}, { timeouts: { states: { SYN_RECV: 60_000 } } });
    const shed: number[] = [];
    for (let n = 0; n < 200; n++) {
      rig.wait(0);
      if (rig.send(tcp({ ...IN, from: from(n) })).reason === 'shed') shed.push(n);
    }
    // The last sixteenth of the table is the reserve: with k of its ten lines gone, one in ⌊10 / k⌋ is dropped.
    assert.ok(shed[0] >= 150, `${shed[0]}`);
    assert.equal(rig.director.table().used, 156);
    assert.ok(rig.send(tcp({ ...IN, from: from(300) })).reason === 'shed');
    rig.send(tcp({ ...IN, from: from(0), flags: 'A' }));
    assert.equal(rig.conns().find(c => c.client.address === '198.51.0.0')?.state, 'SYN_RECV');
    rig.wait(70_000);
    rig.wait(0);
    rig.send(tcp(IN));
    rig.send(tcp({ ...IN, flags: 'A' }));
    assert.equal(rig.state(), 'ESTABLISHED 900');
  });
});
