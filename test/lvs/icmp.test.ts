// ICMP errors that belong to connections, from both sides; errors about the director's own tunnels; fragments.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fold, sum } from '../../src/kit/checksum.ts';
import { bytes, cut, get16, get32, icmp, ip, put16, show, tcp, udp } from './build.ts';
import { CLIENT, CLIENT6, Rig, SERVER6, SERVERS, VIP, VIP6 } from './rig.ts';

const DOWN = { from: VIP, to: CLIENT, flags: 'A', seq: 5000 };

// The quoted TCP or UDP checksum stays as it was, since the quote is mostly cut; the quoted IPv4 header's is right.
const headerSound = (b: Uint8Array) => b[0] >> 4 === 6 || fold(sum(b, 0, 20, 0)) === 0xffff;

describe('ICMP errors of connections', () => {
  it('NAT, from the client’s side: destination and quoted source become the server’s', () => {
    for (const [vip, client, server, router, type] of [
      [VIP, CLIENT, SERVERS[0], '203.0.113.1', 3],
      [VIP6, CLIENT6, SERVER6, '2001:db8:9::1', 2],
    ] as const) {
      const rig = new Rig();
      rig.service(vip, [server]);
      rig.send(tcp({ from: client, to: vip }));
      const about = tcp({ ...DOWN, from: vip, to: client, ttl: 9 });
      const sent = rig.send(
        icmp(router, vip.replace(/^\[|\]?:80$/g, ''), type, type === 3 ? 4 : 0, 1400, about),
      );
      assert.deepEqual([sent.verdict, sent.reason], ['transmit', 'icmp-in']);
      const is = show(sent.packet);
      const quoted = show(is.payload.subarray(8));
      assert.ok(is.sound && headerSound(is.payload.subarray(8)));
      assert.deepEqual([is.from, is.to, is.ttl], [router, server.replace(/^\[|\]?:8080$/g, ''), 63]);
      assert.deepEqual([quoted.from, quoted.to, quoted.ttl], [server, client, 9]);
    }
  });

  it('NAT, from the server’s side: source and quoted destination become the virtual ones', () => {
    for (const [vip, client, server, type, code] of [
      [VIP, CLIENT, SERVERS[0], 3, 3],
      [VIP6, CLIENT6, SERVER6, 1, 4],
    ] as const) {
      const rig = new Rig();
      rig.service(vip, [server], {}, {}, 'udp');
      const { packet } = rig.send(udp({ from: client, to: vip }));
      const bare = (text: string) => text.replace(/^\[|\]?:\d+$/g, '');
      const sent = rig.send(icmp(bare(server), bare(client), type, code, 0, packet));
      assert.deepEqual([sent.verdict, sent.reason], ['transmit', 'icmp-out']);
      const is = show(sent.packet);
      const quoted = show(is.payload.subarray(8));
      assert.ok(is.sound && headerSound(is.payload.subarray(8)));
      assert.deepEqual([is.from, is.to, is.ttl], [bare(vip), bare(client), 63]);
      assert.deepEqual([quoted.from, quoted.to], [client, vip]);
    }
  });

  it('DR and TUN: sent on as it is', () => {
    for (const forward of ['dr', 'tun'] as const) {
      const rig = new Rig();
      rig.service(VIP, ['10.0.0.1:80'], { forward });
      rig.send(tcp({ from: CLIENT, to: VIP }));
      const error = icmp('203.0.113.1', '192.0.2.10', 11, 0, 0, tcp(DOWN));
      const sent = rig.send(error);
      assert.equal(sent.reason, 'icmp-in');
      const inside = forward === 'dr' ? sent.packet : sent.packet.subarray(20);
      assert.deepEqual(show(inside), { ...show(error), ttl: 63 });
    }
  });

  it('a wrong checksum is dropped; pings, strange errors and what concerns nobody pass', () => {
    const rig = new Rig();
    rig.service(VIP, SERVERS);
    rig.send(tcp({ from: CLIENT, to: VIP }));
    const broken = icmp('203.0.113.1', '192.0.2.10', 3, 1, 0, tcp(DOWN));
    broken[22] ^= 1;
    assert.deepEqual(rig.send(broken).reason, 'checksum');
    const pass = (packet: Uint8Array) => {
      const sent = rig.send(packet);
      assert.deepEqual([sent.verdict, sent.packet], ['host', packet]);
      return sent.reason;
    };
    assert.equal(pass(icmp('203.0.113.1', '192.0.2.10', 8, 0, 1, bytes(20))), 'other-protocol');
    assert.equal(pass(icmp('203.0.113.1', '192.0.2.10', 12, 0, 1, tcp(DOWN))), 'other-protocol');
    assert.equal(
      pass(icmp('203.0.113.1', '192.0.2.10', 3, 1, 0, tcp({ ...DOWN, from: '192.0.2.10:81' }))),
      'not-ours',
    );
    assert.equal(pass(icmp('203.0.113.1', '192.0.2.10', 3, 1, 0, bytes(10))), 'not-ours');
  });

  it('schedule_icmp: an error without a connection opens one', () => {
    const rig = new Rig({ schedule_icmp: 1 });
    rig.service(VIP, SERVERS);
    const sent = rig.send(icmp('203.0.113.1', '192.0.2.10', 3, 1, 0, tcp(DOWN)));
    assert.deepEqual([sent.verdict, rig.conns().length, rig.conns()[0].client.port], ['transmit', 1, 31337]);
  });
});

describe('errors about the director’s own tunnel packets', () => {
  for (const [type, extra] of [
    ['ipip', 0],
    ['gue', 12],
    ['gre', 4],
  ] as const)
    it(`${type}: the client is told, less the tunnel’s room, and the path MTU is kept`, () => {
      const rig = new Rig();
      rig.service(VIP, ['10.0.0.1:80'], { forward: 'tun', tunnel: { type, port: 6080 } });
      const { packet } = rig.send(tcp({ from: CLIENT, to: VIP, payload: bytes(1300) }));
      const sent = rig.send(icmp('10.0.0.77', '10.0.0.254', 3, 4, 1300, packet.subarray(0, 120)));
      assert.equal(sent.verdict, 'host', 'the outer source is no address of ours that LVS knows');
      const own = new Rig();
      own.service('10.0.0.254:1', []);
      own.service(VIP, ['10.0.0.1:80'], { forward: 'tun', tunnel: { type, port: 6080 } });
      const first = own.send(tcp({ from: CLIENT, to: VIP, payload: bytes(1300) })).packet;
      const told = own.send(icmp('10.0.0.77', '10.0.0.254', 3, 4, 1300, first.subarray(0, 120)));
      assert.deepEqual([told.verdict, told.reason], ['reply', 'mtu-relayed']);
      const is = show(told.packet);
      assert.deepEqual([is.from, is.to, is.sound], ['192.0.2.10', '198.51.100.7', true]);
      assert.equal(get16(is.payload, 6), 1300 - 20 - extra);
      assert.equal(own.send(tcp({ from: CLIENT, to: VIP, payload: bytes(1300) })).reason, 'frag-needed');
    });
});

describe('fragments', () => {
  const payload = bytes(3000);
  for (const [vip, client, server] of [
    [VIP, CLIENT, SERVERS[0]],
    [VIP6, CLIENT6, SERVER6],
  ])
    it(`${vip}: in any order they go where the first one goes, and so do the answer’s`, () => {
      for (const order of [
        [0, 1, 2],
        [2, 1, 0],
        [1, 1, 2, 0],
      ]) {
        const rig = new Rig();
        rig.service(vip, [server], {}, {}, 'udp');
        const whole = udp({ from: client, to: vip, payload, df: false });
        const pieces = cut(whole, 1300);
        assert.equal(pieces.length, 3);
        const sent = order.map(i => rig.send(pieces[i]));
        const last = sent.pop();
        assert.ok(sent.every(s => s.verdict === 'drop' && s.reason === 'held'));
        assert.equal(last?.verdict, 'transmit');
        const is = show(last?.packet as Uint8Array);
        assert.deepEqual([is.to, is.sound, is.payload], [server, true, payload]);
        assert.equal(last?.fragment, pieces[0].length, 'cut again as small as it came');
        assert.equal(rig.director.services()[0].counters.inpkts, 1);
        const back = cut(udp({ from: server, to: client, payload, df: false }), 1300).map(f => rig.send(f));
        assert.deepEqual([back[2].reason, show(back[2].packet).from], ['answered', vip]);
      }
    });

  it('an overlap ends the packet, an incomplete one is forgotten, and their number is bounded', () => {
    const rig = new Rig();
    rig.service(VIP, SERVERS, {}, {}, 'udp');
    const pieces = cut(udp({ from: CLIENT, to: VIP, payload, df: false }), 1300);
    rig.send(pieces[0]);
    const lie = Uint8Array.from(pieces[0]);
    lie[30] ^= 1;
    assert.equal(rig.send(lie).reason, 'fragment');
    rig.send(pieces[0]);
    rig.wait(31_000);
    assert.equal(rig.send(pieces[1]).reason, 'held');
    assert.equal(rig.send(pieces[2]).reason, 'held');
    for (let i = 0; i < 100; i++)
      rig.send(cut(udp({ from: CLIENT, to: VIP, payload, df: false, id: i }), 1300)[1]);
    assert.equal(rig.director.table().used, 0);
  });

  it('fragments of others pass', () => {
    const rig = new Rig();
    rig.service(VIP, SERVERS);
    const [first] = cut(udp({ from: '10.9.9.9:1', to: '10.8.8.8:1', payload, df: false }), 1300);
    assert.deepEqual(rig.send(first).packet, first);
  });
});

describe('what is no packet', () => {
  it('passes to the host untouched', () => {
    const rig = new Rig();
    rig.service(VIP, SERVERS);
    const good = tcp({ from: CLIENT, to: VIP });
    const wrong = Uint8Array.from(good);
    wrong[10] ^= 1;
    const long = Uint8Array.from(good);
    put16(long, 2, 5000);
    for (const packet of [wrong, long, good.subarray(0, 19), bytes(60, 0x50), new Uint8Array(0)]) {
      const sent = rig.send(packet);
      assert.deepEqual([sent.verdict, sent.reason, sent.packet], ['host', 'not-ip', packet]);
    }
    const sctp = ip(Uint8Array.of(1, 2, 3, 4), Uint8Array.of(192, 0, 2, 10), 132, bytes(20));
    assert.equal(rig.send(sctp).reason, 'other-protocol');
    const short = ip(Uint8Array.of(1, 2, 3, 4), Uint8Array.of(192, 0, 2, 10), 6, bytes(10));
    assert.equal(rig.send(short).reason, 'cut');
    assert.equal(get32(good, 16), 0xc000020a);
  });
});
