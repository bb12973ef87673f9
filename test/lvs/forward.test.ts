// Packet in, packet out, field by field: the four ways to a server and back, and what is never touched.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bytes, type Fields, get16, get32, show, tcp, udp } from './build.ts';
import { CLIENT, CLIENT6, Rig, SERVER6, SERVERS, VIP, VIP6 } from './rig.ts';

interface Row {
  what: string;
  packet: Uint8Array;
  forward: 'nat' | 'dr';
  from: string;
  to: string;
}

const base: Fields = { from: CLIENT, to: VIP };
const base6: Fields = { from: CLIENT6, to: VIP6 };
const ROWS: Row[] = [
  { what: 'TCP to a VIP, NAT', packet: tcp(base), forward: 'nat', from: CLIENT, to: SERVERS[0] },
  { what: 'UDP to a VIP, NAT', packet: udp(base), forward: 'nat', from: CLIENT, to: SERVERS[0] },
  {
    what: 'UDP without a checksum, NAT',
    packet: udp({ ...base, bare: true }),
    forward: 'nat',
    from: CLIENT,
    to: SERVERS[0],
  },
  { what: 'TCP to a VIP, DR', packet: tcp(base), forward: 'dr', from: CLIENT, to: VIP },
  { what: 'TCP to an IPv6 VIP, NAT', packet: tcp(base6), forward: 'nat', from: CLIENT6, to: SERVER6 },
  { what: 'UDP to an IPv6 VIP, NAT', packet: udp(base6), forward: 'nat', from: CLIENT6, to: SERVER6 },
  { what: 'TCP to an IPv6 VIP, DR', packet: tcp(base6), forward: 'dr', from: CLIENT6, to: VIP6 },
];

describe('the way in', () => {
  for (const row of ROWS)
    it(row.what, () => {
      const rig = new Rig();
      const six = row.packet[0] >> 4 === 6;
      const protocol = show(row.packet).protocol === 6 ? 'tcp' : 'udp';
      rig.service(six ? VIP6 : VIP, [six ? SERVER6 : SERVERS[0]], { forward: row.forward }, {}, protocol);
      const sent = rig.send(row.packet);
      assert.deepEqual([sent.verdict, sent.reason], ['transmit', 'scheduled']);
      const was = show(row.packet);
      const is = show(sent.packet);
      assert.deepEqual(is, { ...was, from: row.from, to: row.to, ttl: 63, sound: true });
      if (!six) assert.equal(get16(sent.packet, 4), 0x1234, 'the IP id stays');
      const again = rig.send(row.packet);
      assert.equal(again.reason, 'forwarded');
      assert.deepEqual(again.packet, sent.packet);
    });
});

describe('the way back', () => {
  for (const [vip, client, server] of [
    [VIP, CLIENT, SERVERS[0]],
    [VIP6, CLIENT6, SERVER6],
  ])
    for (const [name, make] of [
      ['tcp', tcp],
      ['udp', udp],
    ] as const)
      it(`NAT, ${name}, ${vip}: the server's address becomes the virtual one`, () => {
        const rig = new Rig();
        rig.service(vip, [server], {}, {}, name);
        rig.send(make({ from: client, to: vip }));
        const back = make({
          from: server,
          to: client,
          flags: 'SA',
          seq: 5000,
          ack: 1001,
          payload: bytes(33),
        });
        const sent = rig.send(back);
        assert.deepEqual([sent.verdict, sent.reason], ['transmit', 'answered']);
        assert.deepEqual(show(sent.packet), { ...show(back), from: vip, ttl: 63, sound: true });
        const [s] = rig.director.services();
        assert.equal(s.counters.outpkts, 1);
        assert.equal(s.counters.outbytes, back.length);
      });

  it('a packet of a server that belongs to nobody, and of nobody at all, passes untouched', () => {
    const rig = new Rig();
    rig.service(VIP, SERVERS);
    for (const packet of [
      tcp({ from: SERVERS[0], to: CLIENT, flags: 'SA' }),
      udp({ from: '10.9.9.9:53', to: '10.8.8.8:53' }),
    ]) {
      const sent = rig.send(packet);
      assert.deepEqual([sent.verdict, sent.reason, sent.packet], ['host', 'not-ours', packet]);
    }
  });

  it('nat_icmp_send: such a packet of a NAT server is answered with port unreachable from the host', () => {
    const rig = new Rig({ nat_icmp_send: 1 });
    rig.service(VIP, SERVERS);
    const sent = rig.send(tcp({ from: SERVERS[0], to: CLIENT, flags: 'A' }));
    assert.deepEqual([sent.verdict, sent.reason], ['reply', 'stray']);
    const is = show(sent.packet);
    assert.deepEqual(
      [is.from, is.to, is.payload[0], is.payload[1], is.sound],
      ['10.0.0.254', '10.0.0.1', 3, 3, true],
    );
    assert.equal(rig.send(tcp({ from: SERVERS[0], to: CLIENT, flags: 'R' })).verdict, 'host');
  });
});

describe('tunnels', () => {
  const V4 = '10.0.0.1:80';
  const inner4 = tcp({ ...base, tos: 0xba, payload: bytes(20) });
  const inner6 = tcp({ ...base6, tos: 0xba, payload: bytes(20) });
  const kinds = [
    { type: 'ipip', extra: 0, protocol: 0 },
    { type: 'gue', extra: 12, protocol: 17, port: 6080 },
    { type: 'gue', extra: 12, protocol: 17, port: 6080, csum: true },
    { type: 'gre', extra: 4, protocol: 47 },
    { type: 'gre', extra: 8, protocol: 47, csum: true },
  ] as const;
  for (const inner of [inner4, inner6])
    for (const outer of [4, 6])
      for (const kind of kinds) {
        const family = inner[0] >> 4;
        it(`${kind.type}${'csum' in kind ? ' with checksum' : ''}: ${family}in${outer}`, () => {
          const rig = new Rig();
          const { type } = kind;
          const tunnel = {
            type,
            ...('port' in kind && { port: kind.port }),
            ...('csum' in kind && { csum: true }),
          };
          rig.service(family === 4 ? VIP : VIP6, [outer === 4 ? V4 : '[2001:db8:3::1]:80'], {
            forward: 'tun',
            tunnel,
          });
          const sent = rig.send(inner);
          assert.deepEqual([sent.verdict, sent.reason], ['transmit', 'scheduled']);
          const b = sent.packet;
          const header = outer === 4 ? 20 : 40;
          assert.equal(b.length, header + kind.extra + inner.length);
          const is = show(b);
          assert.ok(is.sound);
          assert.equal(is.protocol, kind.protocol === 0 ? (family === 4 ? 4 : 41) : kind.protocol);
          assert.equal(is.ttl, 63);
          if (outer === 4) {
            assert.equal(b[1], 0xba, 'dsfield and ECT(0) go outside');
            assert.equal(get16(b, 6), family === 4 ? 0x4000 : 0, 'DF is the inner DF');
            if (family === 4) assert.equal(get16(b, 4), 0, 'no id where DF is');
            assert.deepEqual([...b.subarray(12, 20)], [10, 0, 0, 254, 10, 0, 0, 1]);
          } else assert.equal((get16(b, 0) >> 4) & 0xff, 0xba);
          const l4 = b.subarray(header);
          if (type === 'gue') {
            assert.ok(get16(l4, 0) >= 32768);
            assert.equal(get16(l4, 2), 6080);
            assert.equal(get16(l4, 4), l4.length);
            assert.equal(get16(l4, 6) !== 0, 'csum' in kind);
            assert.deepEqual([...l4.subarray(8, 12)], [0, family === 4 ? 4 : 41, 0, 0]);
          } else if (type === 'gre') {
            assert.equal(get16(l4, 0), 'csum' in kind ? 0x8000 : 0);
            assert.equal(get16(l4, 2), family === 4 ? 0x0800 : 0x86dd);
          }
          const inside = b.subarray(header + kind.extra);
          assert.deepEqual(show(inside), { ...show(inner), ttl: 63, sound: true });
        });
      }

  it('congestion marked inside stays inside: outside it is ECT(0)', () => {
    const rig = new Rig();
    rig.service(VIP, [V4], { forward: 'tun' });
    const sent = rig.send(tcp({ ...base, tos: 0x03 }));
    assert.deepEqual([sent.packet[1], sent.packet[21]], [0x02, 0x03]);
  });

  it('pmtu_disc 0: no DF outside, and what is too long goes in fragments', () => {
    const rig = new Rig({ pmtu_disc: 0 });
    rig.service(VIP, [V4], { forward: 'tun' });
    const sent = rig.send(tcp({ ...base, payload: bytes(1460) }));
    assert.deepEqual([sent.verdict, sent.fragment, get16(sent.packet, 6)], ['transmit', 1500, 0]);
    assert.notEqual(get16(sent.packet, 4), 0);
  });

  it('a flow keeps its GUE port and its outer source, and flows differ', () => {
    for (const type of ['gue', 'ipip'] as const) {
      const rig = new Rig();
      const tunnel = type === 'gue' ? { type, port: 6080 } : { type, sourcePrefix: '172.16.0.0/16' };
      rig.service(VIP, [V4], { forward: 'tun', tunnel });
      const key = (port: number) => {
        const { packet } = rig.send(tcp({ from: `198.51.100.7:${port}`, to: VIP }));
        return type === 'gue' ? get16(packet, 20) : get32(packet, 12);
      };
      const keys = Array.from({ length: 64 }, (_, i) => key(2000 + i));
      assert.deepEqual(
        keys,
        Array.from({ length: 64 }, (_, i) => key(2000 + i)),
      );
      assert.ok(new Set(keys).size > 48);
      if (type === 'ipip') assert.ok(keys.every(k => k >>> 16 === 0xac10));
    }
  });

  it('without headroom nothing is written', () => {
    const rig = new Rig();
    rig.service(VIP, [V4], { forward: 'tun' });
    const packet = tcp(base);
    const frame = Uint8Array.from(packet);
    assert.equal(rig.director.handle(frame, 0, frame.length, 5), 0);
    assert.equal(rig.director.reasons()['no-headroom'], 1);
  });
});

describe('hops and MTU', () => {
  const big = tcp({ ...base, payload: bytes(1460) });
  it('DF over the MTU of a tunnel: fragmentation needed, 1480, from the VIP, quoting 548 bytes', () => {
    const rig = new Rig();
    rig.service(VIP, ['10.0.0.1:80'], { forward: 'tun' });
    const sent = rig.send(big);
    assert.deepEqual([sent.verdict, sent.reason], ['reply', 'frag-needed']);
    const is = show(sent.packet);
    assert.deepEqual(
      [is.from, is.to, is.ttl, is.length, is.sound],
      ['192.0.2.10', '198.51.100.7', 64, 576, true],
    );
    assert.equal(sent.packet[1], 0xc0);
    assert.deepEqual([is.payload[0], is.payload[1], get16(is.payload, 6)], [3, 4, 1480]);
    const quote = is.payload.subarray(8);
    assert.equal(quote.length, 548);
    assert.equal(quote[8], 63);
    assert.deepEqual([...quote.subarray(12)], [...big.subarray(12, 548)]);
  });

  it('without DF it goes, to be cut', () => {
    const rig = new Rig();
    rig.routes.mtu = 1000;
    rig.service(VIP, SERVERS);
    const sent = rig.send(tcp({ ...base, payload: bytes(1460), df: false }));
    assert.deepEqual([sent.verdict, sent.fragment], ['transmit', 1000]);
  });

  it('IPv6 over the MTU: packet too big with at most 1280 bytes', () => {
    const rig = new Rig();
    rig.routes.mtu = 1400;
    rig.service(VIP6, [SERVER6], { forward: 'dr' });
    const sent = rig.send(tcp({ ...base6, payload: bytes(1440) }));
    const is = show(sent.packet);
    assert.deepEqual(
      [sent.reason, is.length, is.payload[0], get32(is.payload, 4), is.sound],
      ['frag-needed', 1280, 2, 1400, true],
    );
    assert.equal(is.from, '2001:db8:2::10');
  });

  it('the last hop: time exceeded from the VIP, and nothing about an ICMP error', () => {
    for (const [packet, vip, server, type] of [
      [tcp({ ...base, ttl: 1 }), VIP, SERVERS[0], 11],
      [tcp({ ...base6, ttl: 1 }), VIP6, SERVER6, 3],
    ] as const) {
      const rig = new Rig();
      rig.service(vip, [server]);
      const sent = rig.send(packet);
      const is = show(sent.packet);
      assert.deepEqual(
        [sent.reason, is.payload[0], is.payload[1], is.sound],
        ['time-exceeded', type, 0, true],
      );
      assert.deepEqual([...is.payload.subarray(8)], [...packet]);
    }
  });

  it('an answer over the MTU is told to its server by the host', () => {
    const rig = new Rig();
    rig.service(VIP, [SERVERS[0]]);
    rig.send(tcp(base));
    rig.routes.mtu = 1000;
    const sent = rig.send(tcp({ from: SERVERS[0], to: CLIENT, flags: 'A', payload: bytes(1400) }));
    const is = show(sent.packet);
    assert.deepEqual(
      [sent.reason, is.from, is.to, get16(is.payload, 6)],
      ['frag-needed', '10.0.0.254', '10.0.0.1', 1000],
    );
  });

  it('no server: port unreachable from the VIP', () => {
    for (const [vip, packet, type, code] of [
      [VIP, tcp(base), 3, 3],
      [VIP6, tcp(base6), 1, 4],
    ] as const) {
      const rig = new Rig();
      rig.service(vip, []);
      const sent = rig.send(packet);
      const is = show(sent.packet);
      assert.deepEqual(
        [sent.reason, is.payload[0], is.payload[1], is.sound],
        ['port-unreachable', type, code, true],
      );
      assert.deepEqual([...is.payload.subarray(8)], [...packet]);
    }
  });
});
