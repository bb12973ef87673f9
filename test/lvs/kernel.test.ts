// What a real IPVS showed about the core, a row for each fault that it found: so that the fast tests find it again.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Forward, TunnelOptions } from '../../src/lvs/config.ts';
import { bytes, cut, get16, icmp, put16, show, tcp, udp } from './build.ts';
import { CLIENT, CLIENT6, endpoint, Rig, SERVER6, SERVERS, VIP, VIP6 } from './rig.ts';

const V4 = '10.0.0.1:80';
const V6 = '[2001:db8:3::1]:80';
const LOCALS = { localAddresses: ['10.0.0.250'] };

describe('as in the kernel', () => {
  for (const forward of ['nat', 'fullnat'] as Forward[])
    it(`${forward}: a datagram without a checksum gets one, on its way in and out`, () => {
      const rig = new Rig();
      rig.service(VIP, [V4], { forward }, LOCALS, 'udp');
      const there = rig.send(udp({ from: CLIENT, to: VIP, bare: true, payload: bytes(11) })).packet;
      assert.deepEqual([get16(there, 26) !== 0, show(there).sound], [true, true]);
      const to = forward === 'nat' ? CLIENT : '10.0.0.250:5000';
      const back = rig.send(udp({ from: V4, to, bare: true, payload: bytes(11) })).packet;
      assert.deepEqual([show(back).from, get16(back, 26) !== 0, show(back).sound], [VIP, true, true]);
    });

  for (const [forward, counted] of [
    ['dr', 1],
    ['tun', 1],
    ['nat', 0],
    ['fullnat', 0],
  ] as [Forward, number][])
    it(`${forward}: the director’s own message ${counted ? 'counts' : 'does not count'} as an answer`, () => {
      const rig = new Rig();
      rig.service(VIP, [V4], { forward }, LOCALS);
      rig.send(tcp({ from: CLIENT, to: VIP }));
      rig.routes.mtu = 1000;
      rig.director.routesChanged();
      const told = rig.send(tcp({ from: CLIENT, to: VIP, flags: 'A', payload: bytes(1200) }));
      assert.equal(told.reason, 'frag-needed');
      const { outpkts, outbytes } = rig.director.services()[0].counters;
      assert.deepEqual([outpkts, outbytes], [counted, counted * told.packet.length]);
    });

  for (const forward of ['nat', 'dr'] as Forward[])
    it(`${forward}: a fragment that is the whole packet goes on without its fragment header`, () => {
      const rig = new Rig();
      rig.service(VIP6, [forward === 'nat' ? SERVER6 : V6], { forward }, {}, 'udp');
      const whole = udp({ from: CLIENT6, to: VIP6, payload: bytes(50) });
      const [atomic] = cut(whole, 1280);
      put16(atomic, 42, 0);
      assert.equal(atomic.length, whole.length + 8);
      const sent = rig.send(atomic);
      assert.deepEqual(
        [sent.reason, sent.packet.length, show(sent.packet).sound],
        ['scheduled', whole.length, true],
      );
      assert.deepEqual(show(sent.packet).payload, bytes(50));
    });

  for (const [name, vip, client, server, small] of [
    ['4 in 4', VIP, CLIENT, V4, true],
    ['4 in 6', VIP, CLIENT, V6, false],
    ['6 in 4', VIP6, CLIENT6, V4, false],
    ['6 in 6', VIP6, CLIENT6, V6, false],
  ] as const)
    it(`${name}: what came in fragments leaves ${small ? 'in as small ones' : 'as the link takes it'}`, () => {
      const rig = new Rig();
      rig.service(vip, [server], { forward: 'tun' }, {}, 'udp');
      const pieces = cut(udp({ from: client, to: vip, payload: bytes(1350), df: false }), 800);
      const last = pieces.map(p => rig.send(p)).at(-1);
      assert.equal(last?.verdict, 'transmit');
      if (small) assert.equal(last?.fragment, pieces[0].length);
      else assert.ok(last?.fragment === 0 || last?.fragment === 1500, `${last?.fragment}`);
    });

  it('an error about a tunnel counts as two answers: as long as its quote of the client’s packet, and as the message to the client', () => {
    const rig = new Rig();
    rig.service('10.0.0.254:1', []);
    rig.service(VIP, [V4], { forward: 'tun' });
    const { packet } = rig.send(tcp({ from: CLIENT, to: VIP, payload: bytes(300) }));
    assert.equal(
      rig.send(icmp('10.0.0.77', '10.0.0.254', 11, 0, 0, packet.subarray(0, 120))).reason,
      'mtu-relayed',
    );
    const service = rig.director.services().find(s => s.port === 80);
    assert.deepEqual([service?.counters.outpkts, service?.counters.outbytes], [2, 100 + 128]);
  });

  for (const scheduler of ['dh', 'lblc', 'lblcr'] as const)
    it(`${scheduler}: an error that opens a connection is scheduled by the client’s address`, () => {
      const rig = new Rig({ schedule_icmp: 1 });
      rig.service(VIP, SERVERS, { weight: 100 }, { scheduler });
      const servers = new Set<string>();
      for (let host = 1; host <= 30; host++) {
        const about = tcp({ from: VIP, to: `203.0.113.${host}:9`, flags: 'A' });
        servers.add(show(rig.send(icmp('203.0.113.254', '192.0.2.10', 3, 1, 0, about)).packet).to);
      }
      assert.ok(servers.size > 1, [...servers].join(' '));
      const packets = new Set<string | undefined>();
      for (let host = 1; host <= 30; host++)
        packets.add(show(rig.send(tcp({ from: `203.0.112.${host}:9`, to: VIP })).packet).to);
      assert.equal(packets.size, 1, 'packets go by the virtual address');
    });

  it('errors about two kinds of tunnels to one server are told apart', () => {
    const rig = new Rig();
    rig.service('10.0.0.254:1', []);
    const vips = { ipip: '192.0.2.20:80', gre: '192.0.2.21:80', gue: '192.0.2.22:80' };
    for (const [type, vip] of Object.entries(vips))
      rig.service(vip, [V4], { forward: 'tun', tunnel: { type, port: 6080 } as TunnelOptions });
    for (const vip of Object.values(vips)) {
      const { packet } = rig.send(tcp({ from: CLIENT, to: vip }));
      const told = rig.send(icmp('10.0.0.77', '10.0.0.254', 3, 1, 0, packet.subarray(0, 120)));
      assert.deepEqual([told.reason, show(told.packet).from], ['mtu-relayed', endpoint(vip).address]);
    }
  });
});

describe('other than in the kernel', () => {
  it('a client with source port 0 keeps its connection', () => {
    const rig = new Rig();
    rig.service(VIP, SERVERS, {}, {}, 'udp');
    const from = '198.51.100.7:0';
    const reasons = [1, 2, 3].map(() => rig.send(udp({ from, to: VIP })).reason);
    assert.deepEqual(reasons, ['scheduled', 'forwarded', 'forwarded']);
    assert.equal(rig.conns().length, 1);
  });
});

describe('FullNAT', () => {
  it('an answer is looked for at the local address alone', () => {
    const rig = new Rig();
    rig.service(VIP, [V4], { forward: 'fullnat' }, LOCALS);
    rig.send(tcp({ from: CLIENT, to: VIP }));
    for (const from of [V4, VIP])
      assert.notEqual(rig.send(tcp({ from, to: CLIENT, flags: 'SA' })).reason, 'answered');
    const { outpkts } = rig.director.services()[0].counters;
    assert.equal(outpkts, 0);
    assert.equal(rig.send(tcp({ from: V4, to: '10.0.0.250:5000', flags: 'SA' })).reason, 'answered');
  });

  it('an answer that cannot go on is told to its server by the address that the server knows', () => {
    const rig = new Rig();
    rig.service(VIP, [V4], { forward: 'fullnat' }, LOCALS);
    rig.send(tcp({ from: CLIENT, to: VIP }));
    rig.routes.mtu = 1000;
    const answer = { from: V4, to: '10.0.0.250:5000', flags: 'A' };
    const long = tcp({ ...answer, payload: bytes(1200) });
    const last = tcp({ ...answer, ttl: 1 });
    for (const [packet, reason, kind] of [
      [long, 'frag-needed', [3, 4]],
      [last, 'time-exceeded', [11, 0]],
    ] as const) {
      const told = rig.send(packet);
      const is = show(told.packet);
      assert.deepEqual([told.reason, is.from, is.to, is.sound], [reason, '10.0.0.250', '10.0.0.1', true]);
      assert.deepEqual([...is.payload.subarray(0, 2)], kind);
      assert.deepEqual(is.payload.slice(8), packet.slice(0, is.payload.length - 8), 'quoted as it came');
    }
  });

  it('one-packet scheduling gives the local port back at once', () => {
    const rig = new Rig();
    rig.service(VIP, [V4], { forward: 'fullnat' }, { ...LOCALS, flags: ['ops'] }, 'udp');
    for (let n = 0; n < 5; n++) rig.send(udp({ from: CLIENT, to: VIP }));
    assert.equal(rig.director.services()[0].locals[0].used, 0);
  });

  it('a connection that is taken up in its middle keeps its sequence numbers', () => {
    const rig = new Rig({ sloppy_tcp: 1 });
    rig.service(VIP, [V4], { forward: 'fullnat' }, { ...LOCALS, fullnat: { toaKind: 0 } });
    const seen = show(rig.send(tcp({ from: CLIENT, to: VIP, flags: 'A', seq: 77, ack: 5 })).packet);
    assert.deepEqual([seen.seq, seen.ack], [77, 5]);
    const back = show(rig.send(tcp({ from: V4, to: '10.0.0.250:5000', flags: 'A', seq: 5, ack: 77 })).packet);
    assert.deepEqual([back.seq, back.ack], [5, 77]);
  });
});
