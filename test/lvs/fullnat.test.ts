// FullNAT: addresses and ports both ways, TOA, timestamps, MSS, sequence numbers, SACK, local ports and their figures.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FullnatOptions } from '../../src/lvs/config.ts';
import { HEADROOM } from '../../src/lvs/director.ts';
import { bytes, get16, get32, icmp, show, tcp, udp } from './build.ts';
import { CLIENT, CLIENT6, Rig, SERVER6, SERVERS, VIP, VIP6 } from './rig.ts';

const LOCALS = ['10.0.0.250', '10.0.0.251'];
const TIMESTAMP = [1, 1, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0];
const MSS = [2, 4, 0x05, 0xb4];

function make(fullnat: FullnatOptions = {}, servers = [SERVERS[0]], protocol: 'tcp' | 'udp' = 'tcp') {
  const rig = new Rig();
  rig.service(VIP, servers, { forward: 'fullnat' }, { localAddresses: LOCALS, fullnat }, protocol);
  return rig;
}

describe('FullNAT', () => {
  it('a handshake: local address to the server, TOA first, no timestamps, own sequence numbers; and back', () => {
    const rig = make();
    const syn = rig.send(tcp({ from: CLIENT, to: VIP, seq: 1000, options: [...MSS, ...TIMESTAMP] }));
    const is = show(syn.packet);
    assert.deepEqual([is.from, is.to, is.sound, is.ttl], ['10.0.0.250:5000', SERVERS[0], true, 63]);
    const toa = [254, 8, 31337 >> 8, 31337 & 255, 198, 51, 100, 7];
    assert.deepEqual(is.options, [...toa, ...MSS, 1, 1, ...new Array(10).fill(1)]);
    const shift = ((is.seq as number) - 1000) | 0;
    assert.notEqual(shift, 0);
    assert.deepEqual(
      rig.send(tcp({ from: CLIENT, to: VIP, seq: 1000, options: [...MSS, ...TIMESTAMP] })).packet,
      syn.packet,
    );

    const ack = (1001 + shift) >>> 0;
    const synack = rig.send(
      tcp({ from: SERVERS[0], to: '10.0.0.250:5000', flags: 'SA', seq: 7000, ack, options: MSS }),
    );
    const back = show(synack.packet);
    assert.deepEqual([back.from, back.to, back.ack, back.seq, back.sound], [VIP, CLIENT, 1001, 7000, true]);
    assert.deepEqual(back.options, [2, 4, 0x05, 0xb4 - 8]);

    for (const payload of [bytes(0), bytes(50)]) {
      const first = show(
        rig.send(tcp({ from: CLIENT, to: VIP, flags: 'A', seq: 1001, ack: 7001, payload })).packet,
      );
      assert.deepEqual([first.options, first.payload, first.sound], [toa, payload, true]);
    }
    const later = show(rig.send(tcp({ from: CLIENT, to: VIP, flags: 'A', seq: 1051, ack: 7301 })).packet);
    assert.deepEqual([later.options, later.seq], [[], (1051 + shift) >>> 0]);

    const edge = (n: number) => {
      const v = (n + shift) >>> 0;
      return [v >>> 24, (v >>> 16) & 255, (v >>> 8) & 255, v & 255];
    };
    const sack = [1, 1, 5, 18, ...edge(2000), ...edge(2100), ...edge(3000), ...edge(3100)];
    const gap = rig.send(
      tcp({ from: SERVERS[0], to: '10.0.0.250:5000', flags: 'A', seq: 7301, ack, options: sack }),
    );
    const seen = show(gap.packet);
    assert.ok(seen.sound);
    const options = Uint8Array.from(seen.options as number[]);
    assert.deepEqual(
      [4, 8, 12, 16].map(at => get32(options, at)),
      [2000, 2100, 3000, 3100],
    );
    assert.equal(rig.state(), 'ESTABLISHED 900');
  });

  for (const [family, vip, server, client] of [
    ['IPv4', VIP, SERVERS[0], CLIENT],
    ['IPv6', VIP6, SERVER6, CLIENT6],
  ])
    it(`${family}: over a restart a local port's numbers go on, whoever comes from it`, () => {
      const key = Int32Array.of(1, -2, 3, -4);
      /** The number that a director's first SYN has, of one that started at `since` and is `age` old. */
      const first = (source: Int32Array, since: number, age: number, seq: number): number => {
        const rig = new Rig({}, 1000, 1000, { key: source, since });
        rig.service(vip, [server], { forward: 'fullnat' }, { localAddresses: [...LOCALS, '2001:db8:3::fa'] });
        rig.now = age;
        return show(rig.send(tcp({ from: client, to: vip, seq })).packet).seq as number;
      };
      const begun = 1_795_000_000_000;
      const before = first(key, begun, 9_000_000, 0xffff_fff0);
      for (const [passed, seq] of [
        [0, 5],
        [300, 0x7fff_ffff],
        [60_000, 0x8000_0000],
        [600_000, 1],
      ]) {
        // What the server knows ends behind `before`; it takes a SYN that is later than that.
        const after = first(key, begun + 9_000_000 + passed - 20, 20, seq);
        assert.equal((after - before) | 0, 1000 * passed, `${passed} ms later`);
        const other = first(Int32Array.of(1, -2, 3, -5), begun + 9_000_000 + passed - 20, 20, seq);
        assert.notEqual(other, after);
      }
    });

  it('each option can be turned off', () => {
    const rig = make({ toaKind: 0, timestampRemove: false, sequence: false });
    const options = [...MSS, ...TIMESTAMP];
    const is = show(rig.send(tcp({ from: CLIENT, to: VIP, options })).packet);
    assert.deepEqual([is.options, is.seq, is.sound], [options, 1000, true]);
    const back = show(
      rig.send(tcp({ from: SERVERS[0], to: '10.0.0.250:5000', flags: 'SA', ack: 1001, options: MSS })).packet,
    );
    assert.deepEqual([back.options, back.ack, back.sound], [MSS, 1001, true]);
    assert.equal(show(make({ toaKind: 200 }).send(tcp({ from: CLIENT, to: VIP })).packet).options?.[0], 200);
  });

  it('timestamps are blanked wherever they stand, their neighbours stay', () => {
    const stamp = [8, 10, 0xff, 0xfe, 0xfd, 0xfc, 0x80, 0x7f, 1, 0xff];
    for (let before = 0; before < 4; before++) {
      const scale = [3, 3, 0xe7];
      const pad = new Array((4 - ((before + stamp.length + scale.length) & 3)) & 3).fill(0);
      const nops = new Array(before).fill(1);
      const options = [...nops, ...stamp, ...scale, ...pad];
      const is = show(make({ toaKind: 0 }).send(tcp({ from: CLIENT, to: VIP, options })).packet);
      assert.deepEqual([is.options, is.sound], [[...nops, ...new Array(10).fill(1), ...scale, ...pad], true]);
    }
  });

  it('a TCP header that claims to go on behind the packet, at the very end of the memory: nothing is read there', () => {
    for (const size of [0, 1, 9, 10, 11, 12, 13]) {
      const packet = tcp({
        from: CLIENT,
        to: VIP,
        payload: Uint8Array.from([1, ...TIMESTAMP.slice(2), 1, 1]).subarray(0, size),
      });
      packet[20 + 12] = 0xf0;
      const frame = new Uint8Array(HEADROOM + packet.length);
      frame.set(packet, HEADROOM);
      const { director, now } = make();
      director.handle(frame, HEADROOM, packet.length, now);
      assert.equal(director.out.length, packet.length);
      assert.deepEqual(frame.slice(HEADROOM + 40), packet.slice(40));
    }
  });

  it('TOA is left out where it has no room: header or link', () => {
    const full = new Array(36).fill(1);
    const is = show(make().send(tcp({ from: CLIENT, to: VIP, options: full })).packet);
    assert.deepEqual([is.options, is.sound], [full, true]);
    const rig = make();
    rig.send(tcp({ from: CLIENT, to: VIP }));
    rig.send(tcp({ from: SERVERS[0], to: '10.0.0.250:5000', flags: 'SA', seq: 7000 }));
    const tight = show(
      rig.send(tcp({ from: CLIENT, to: VIP, flags: 'A', ack: 7001, payload: bytes(1453) })).packet,
    );
    assert.deepEqual([tight.options, tight.sound], [[], true]);
    const fits = show(
      rig.send(tcp({ from: CLIENT, to: VIP, flags: 'A', ack: 7001, payload: bytes(1452) })).packet,
    );
    assert.deepEqual([fits.options?.length, fits.length], [8, 1500]);
  });

  it('IPv6: an option of 20 bytes', () => {
    const rig = new Rig();
    rig.service(VIP6, [SERVER6], { forward: 'fullnat' }, { localAddresses: ['2001:db8:3::250'] });
    const is = show(rig.send(tcp({ from: CLIENT6, to: VIP6 })).packet);
    assert.deepEqual([is.from, is.to, is.sound], ['[2001:db8:3::250]:5000', SERVER6, true]);
    assert.deepEqual(is.options?.slice(0, 8), [254, 20, 31337 >> 8, 31337 & 255, 0x20, 1, 0x0d, 0xb8]);
    const back = show(
      rig.send(tcp({ from: SERVER6, to: '[2001:db8:3::250]:5000', flags: 'SA', options: MSS })).packet,
    );
    assert.deepEqual(
      [back.from, back.to, back.sound, back.options],
      [VIP6, CLIENT6, true, [2, 4, 0x05, 0xb4 - 20]],
    );
  });

  it('UDP: addresses and ports alone', () => {
    const rig = make({}, [SERVERS[0]], 'udp');
    const is = show(rig.send(udp({ from: CLIENT, to: VIP })).packet);
    assert.deepEqual([is.from, is.to, is.sound, is.length], ['10.0.0.250:5000', SERVERS[0], true, 38]);
    const back = show(rig.send(udp({ from: SERVERS[0], to: '10.0.0.250:5000' })).packet);
    assert.deepEqual([back.from, back.to, back.sound], [VIP, CLIENT, true]);
  });

  it('ICMP errors both ways, with the sequence number that their receiver knows', () => {
    const rig = make();
    const { packet } = rig.send(tcp({ from: CLIENT, to: VIP, seq: 1000 }));
    const out = show(rig.send(icmp('10.0.0.99', '10.0.0.250', 3, 1, 0, packet.subarray(0, 60))).packet);
    const quoted = show(out.payload.subarray(8));
    assert.deepEqual([out.from, out.to, out.sound], ['192.0.2.10', '198.51.100.7', true]);
    assert.deepEqual([quoted.from, quoted.to, quoted.seq], [CLIENT, VIP, 1000]);
    const down = tcp({ from: VIP, to: CLIENT, flags: 'SA', seq: 5 });
    const into = show(rig.send(icmp('203.0.113.1', '192.0.2.10', 3, 4, 1400, down)).packet);
    const inner = show(into.payload.subarray(8));
    assert.deepEqual([into.from, into.to, into.sound], ['10.0.0.250', '10.0.0.1', true]);
    assert.deepEqual([inner.from, inner.to, inner.seq], [SERVERS[0], '10.0.0.250:5000', 5]);
    assert.equal(get16(into.payload, 6), 1400);
  });

  it('local addresses take turns; one port serves several servers; figures are kept', () => {
    const rig = make({}, SERVERS);
    const from = (i: number) =>
      show(rig.send(tcp({ from: `198.51.100.7:${1000 + i}`, to: VIP })).packet).from;
    assert.deepEqual([0, 1, 2, 3].map(from), [
      '10.0.0.250:5000',
      '10.0.0.251:5000',
      '10.0.0.250:5001',
      '10.0.0.251:5001',
    ]);
    const [{ locals }] = rig.director.services();
    assert.deepEqual(
      locals,
      LOCALS.map(address => ({ address, used: 2, free: 60_534, missed: 0 })),
    );
    rig.wait(61_000);
    assert.equal(rig.director.services()[0].locals[0].used, 0);
  });

  it('no port left towards a server: the connection is refused and counted', () => {
    const rig = new Rig({}, 70_000);
    rig.service(VIP, [SERVERS[0]], { forward: 'fullnat' }, { localAddresses: ['10.0.0.250'] });
    const from = (i: number) => ({ from: `198.51.${i >> 12}.7:${1000 + (i & 4095)}`, to: VIP });
    for (let i = 0; i < 60_536; i++) rig.send(tcp(from(i)));
    const [s] = rig.director.services();
    assert.deepEqual(s.locals, [{ address: '10.0.0.250', used: 60_536, free: 0, missed: 0 }]);
    assert.equal(rig.send(tcp(from(60_536))).reason, 'no-port');
    assert.equal(rig.director.services()[0].locals[0].missed, 1);
    assert.equal(rig.director.services()[0].dests[0].active, 60_536);
    rig.director.addDest(
      { protocol: 'tcp', address: '192.0.2.10', port: 80 },
      { address: '10.0.0.2', port: 8080 },
      { weight: 1, forward: 'fullnat' },
    );
    const again = [1, 2].map(i => rig.send(tcp(from(60_536 + i))).reason);
    assert.ok(again.includes('scheduled'), 'ports are free towards another server');
  });
});
