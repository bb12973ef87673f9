// What holds for every packet: NAT and back is the identity, checksums are what a full computation gives, a full table is as quick.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Forward } from '../../src/lvs/config.ts';
import { ConnTable } from '../../src/lvs/conn.ts';
import { CPORTS, DEST, WORDS } from '../../src/lvs/line.ts';
import { fragment } from '../../src/lvs/packet/fragment.ts';
import { Packet, SYN, TCP } from '../../src/lvs/packet/parse.ts';
import { DestTable } from '../../src/lvs/sched/dests.ts';
import { makeScheduler } from '../../src/lvs/sched/index.ts';
import { Dest, Service } from '../../src/lvs/service.ts';
import { bytes, show, tcp, udp } from './build.ts';
import { Rig, SERVER6, SERVERS, VIP, VIP6 } from './rig.ts';

const flow = fc.record({
  six: fc.boolean(),
  stream: fc.boolean(),
  host: fc.integer({ min: 1, max: 254 }),
  port: fc.integer({ min: 1, max: 65_535 }),
  seq: fc.nat({ max: 0xffffffff }),
  ttl: fc.integer({ min: 3, max: 255 }),
  tos: fc.nat({ max: 255 }),
  payload: fc.uint8Array({ maxLength: 1200 }),
  options: fc.constantFrom(
    [],
    [2, 4, 5, 180],
    [1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8],
    [1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1],
  ),
});

for (const forward of ['nat', 'fullnat'] as Forward[])
  describe(forward, () => {
    it('to the server and straight back from it, a packet is what it was, two hops later', () => {
      fc.assert(
        fc.property(flow, f => {
          const rig = new Rig();
          const vip = f.six ? VIP6 : VIP;
          const server = f.six ? SERVER6 : SERVERS[0];
          const local = f.six ? '2001:db8:3::250' : '10.0.0.250';
          const fullnat = { toaKind: 0, timestampRemove: false };
          const client = f.six ? `[2001:db8:1::${f.host}]:${f.port}` : `198.51.100.${f.host}:${f.port}`;
          const protocol = f.stream ? 'tcp' : 'udp';
          rig.service(vip, [server], { forward }, { localAddresses: [local], fullnat }, protocol);
          const make = f.stream ? tcp : udp;
          const fields = { ttl: f.ttl, tos: f.tos, payload: f.payload, options: f.options };
          const there = rig.send(make({ ...fields, from: client, to: vip, seq: f.seq }));
          const seen = show(there.packet);
          assert.ok(seen.sound);
          assert.deepEqual(seen.payload, f.payload);
          const shift = f.stream ? ((seen.seq as number) - f.seq) | 0 : 0;
          // The server says the same bytes to whoever spoke to it, acknowledging what it saw.
          const echo = make({
            ...fields,
            from: seen.to,
            to: seen.from,
            flags: 'A',
            seq: f.seq,
            ack: (f.seq + shift) >>> 0,
          });
          const back = rig.send(echo);
          const heard = show(back.packet);
          assert.ok(heard.sound);
          const expected = show(
            make({ ...fields, from: vip, to: client, flags: 'A', seq: f.seq, ack: f.seq }),
          );
          assert.deepEqual(heard, { ...expected, ttl: f.ttl - 1 });
        }),
        { numRuns: 500 },
      );
    });
  });

describe('the table', () => {
  it('at 90 % of its limit the slowest look-up passes few others, whatever the clients’ pattern', () => {
    const capacity = 100_000;
    for (const pattern of ['hosts', 'ports', 'random-looking'] as const) {
      const table = new DestTable();
      const service = new Service({ scheduler: 'rr' }, table, makeScheduler('rr', table, []));
      service.protocol = TCP;
      const dest = new Dest(0, service, 4, Int32Array.of(1, 0, 0, 0), 80);
      const conns = new ConnTable(capacity, 12345, [dest], []);
      const p = new Packet();
      p.protocol = TCP;
      p.tcpFlags = SYN;
      const client = (n: number) => {
        p.s0 = pattern === 'hosts' ? n << 8 : pattern === 'ports' ? n >>> 15 : Math.imul(n, 0x9e3779b1);
        p.sport = pattern === 'ports' ? n & 0x7fff : 4000;
      };
      for (let n = 1; n <= capacity * 0.9; n++) {
        client(n);
        const c = conns.take();
        conns.t[c * WORDS] = p.s0;
        conns.t[c * WORDS + CPORTS] = p.sport << 16;
        conns.t[c * WORDS + DEST] = 0;
        conns.chain(c);
      }
      assert.ok(conns.chains.longest() <= 10, `${pattern}: ${conns.chains.longest()}`);
      for (let n = 1; n <= capacity * 0.9; n += 97) {
        client(n);
        assert.equal(conns.findIn(p), n);
      }
      for (let n = 1; n <= capacity * 0.9; n++) conns.drop(n);
      assert.deepEqual([conns.used, conns.chains.longest()], [0, 0]);
    }
  });
});

describe('cutting', () => {
  it('fragments go through another director and come out whole', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 4000 }),
        fc.integer({ min: 68, max: 1500 }),
        fc.boolean(),
        (size, mtu, six) => {
          const vip = six ? VIP6 : VIP;
          const from = six ? '[2001:db8:1::7]:9' : '198.51.100.7:9';
          const whole = udp({ from, to: vip, payload: bytes(size), df: false });
          const rig = new Rig();
          rig.service(vip, [six ? SERVER6 : SERVERS[0]], { forward: 'dr' }, {}, 'udp');
          const buffer = new Uint8Array(1500);
          let last: ReturnType<Rig['send']> | undefined;
          const ok = fragment(whole, 0, whole.length, mtu, 77, buffer, n => {
            assert.ok(n <= mtu);
            last = rig.send(buffer.slice(0, n));
          });
          assert.ok(ok);
          const is = show(last?.packet as Uint8Array);
          assert.deepEqual([is.sound, is.payload, is.to], [true, bytes(size), vip]);
        },
      ),
      { numRuns: 200 },
    );
  });
});
