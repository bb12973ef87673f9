// The packet loop of a forward worker over rings whose other side is the test: what goes where, and that no frame is lost.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { openLibc } from '../../src/nic/libc.ts';
import { FRAME } from '../../src/plane/xdp/counters.ts';
import { cut, show, tcp, udp } from '../lvs/build.ts';
import { frame } from '../nic/frames.ts';
import { makeRig, type Rig } from './xdp-rig.ts';
import { spec } from './xdp-specs.ts';

const libc = await openLibc();
const VIP = '192.0.2.10:80';
const KEY = { protocol: 'tcp', address: '192.0.2.10', port: 80 } as const;
const UDP = { protocol: 'udp', address: '192.0.2.10', port: 80 } as const;
const C = '198.51.100.7:31337';
const HOP = [0, 16].map(base => Array.from({ length: 12 }, (_, i) => base + i));

describe('the packet loop', () => {
  let rig: Rig;
  let now = 1000;
  beforeEach(() => {
    rig = makeRig(libc);
    rig.director.addService(KEY, { scheduler: 'rr' });
    rig.director.addDest(KEY, { address: '10.0.0.1', port: 8080 }, { weight: 1, forward: 'nat' });
    rig.director.addService(UDP, { scheduler: 'rr' });
    rig.director.addDest(UDP, { address: '10.0.0.2', port: 80 }, { weight: 1, forward: 'dr' });
  });
  afterEach(() => {
    for (let i = 0; i < 3; i++) {
      for (const s of rig.sockets) s.sent();
      rig.forwarder.flush();
    }
    assert.equal(rig.lost(), 0);
    rig.close();
  });
  /** One turn; what left by each port. */
  function turn(ms = 1): Uint8Array[][] {
    now += ms;
    rig.forwarder.turn(now);
    rig.forwarder.flush();
    rig.forwarder.count();
    return rig.sockets.map(s => s.sent());
  }
  const packetOf = (f: Uint8Array, header = 14) => show(f.subarray(header));

  it('forwards by the link header of the next hop, both ways', () => {
    rig.sockets[0].receive(frame(tcp({ from: C, to: VIP })));
    const [none, [out]] = turn();
    assert.deepEqual(none, []);
    assert.deepEqual([...out.subarray(0, 14)], [...HOP[1], 8, 0]);
    assert.equal(packetOf(out).to, '10.0.0.1:8080');
    assert.ok(packetOf(out).sound);
    rig.sockets[1].receive(frame(tcp({ from: '10.0.0.1:8080', to: C, flags: 'SA' })));
    const [[back]] = turn();
    assert.deepEqual([...back.subarray(0, 14)], [...HOP[0], 8, 0]);
    assert.equal(packetOf(back).from, VIP);
  });

  it('puts a VLAN’s tag in front where the way has one', () => {
    rig.ways.headers.set([0, 42], 16 + 12);
    rig.sockets[0].receive(frame(tcp({ from: C, to: VIP })));
    const [, [out]] = turn();
    assert.deepEqual([...out.subarray(0, 18)], [...HOP[1], 0x81, 0, 0, 42, 8, 0]);
    assert.equal(packetOf(out, 18).to, '10.0.0.1:8080');
  });

  it('drops the tag that a frame came with when it leaves by another link', () => {
    rig.sockets[0].receive(frame(tcp({ from: C, to: VIP }), [[0x8100, 7]]));
    const [, [out]] = turn();
    assert.deepEqual([...out.subarray(12, 14)], [8, 0]);
  });

  it('lets frames wait for the next hop, and gives up after three seconds', () => {
    rig.ways.known[1] = false;
    for (let i = 0; i < 300; i++)
      rig.sockets[0].receive(frame(tcp({ from: `198.51.100.7:${1024 + i}`, to: VIP })));
    for (let i = 0; i < 6; i++) assert.deepEqual(turn()[1], []);
    assert.equal(rig.forwarder.waits, true);
    // No more than 256 wait.
    assert.equal(rig.counters[FRAME.unresolved], 300 - 256);
    rig.ways.known[1] = true;
    assert.equal(turn()[1].length, 256);
    rig.ways.known[1] = false;
    rig.sockets[0].receive(frame(tcp({ from: C, to: VIP })));
    turn();
    assert.deepEqual(turn(3100)[1], []);
    assert.equal(rig.forwarder.waits, false);
    assert.equal(rig.counters[FRAME.unresolved], 300 - 256 + 1);
  });

  it('gives the host what is its own: by the TUN device, fragments put together', () => {
    rig.sockets[0].receive(frame(tcp({ from: C, to: '192.0.2.10:22' })));
    turn();
    assert.deepEqual(rig.tun, [40]);
    const whole = udp({ from: C, to: '192.0.2.10:53', payload: new Uint8Array(3000), df: false });
    for (const part of cut(whole, 1500)) rig.sockets[0].receive(frame(part));
    turn();
    assert.deepEqual(rig.tun, [40, whole.length]);
    assert.equal(rig.counters[FRAME.host], 2);
  });

  it('cuts what came in fragments into fragments again', () => {
    const whole = udp({ from: C, to: '192.0.2.10:80', payload: new Uint8Array(3000), df: false });
    for (const part of cut(whole, 1500)) rig.sockets[0].receive(frame(part));
    const [, out] = turn();
    assert.deepEqual(
      out.map(f => f.length),
      cut(whole, 1500).map(p => p.length + 14),
    );
    assert.deepEqual([...out[0].subarray(0, 14)], [...HOP[1], 8, 0]);
  });

  it('tells a client of the MTU on the way, from the VIP', () => {
    rig.ways.mtu = 1400;
    rig.ways.routes++;
    rig.sockets[0].receive(frame(tcp({ from: C, to: VIP })));
    turn();
    rig.sockets[0].receive(frame(tcp({ from: C, to: VIP, flags: 'A', payload: new Uint8Array(1440) })));
    const [[icmp], none] = turn();
    assert.deepEqual(none, []);
    assert.equal(packetOf(icmp).from, '192.0.2.10');
    assert.deepEqual([...icmp.subarray(34, 36)], [3, 4]);
  });

  it('drops when a ring is full, and loses no frame over it', () => {
    rig.sockets[0].receive(frame(tcp({ from: C, to: VIP })));
    turn();
    for (let i = 0; i < 20; i++) {
      for (let k = 0; k < 50; k++) rig.sockets[0].receive(frame(tcp({ from: C, to: VIP, flags: 'A' })));
      rig.forwarder.turn(++now);
      rig.forwarder.flush();
    }
    rig.forwarder.count();
    const crowded = rig.counters[FRAME.crowded];
    assert.ok(crowded > 0);
    assert.equal(rig.counters[FRAME.received], rig.counters[FRAME.sent] + crowded);
    assert.equal(rig.sockets[1].sent().length, 512);
  });

  it('allocates nothing for a packet', () => {
    const there = frame(tcp({ from: C, to: VIP, flags: 'A' }));
    rig.sockets[0].receive(frame(tcp({ from: C, to: VIP })));
    turn();
    const { tx, completion } = rig.sockets[1];
    const round = () => {
      for (let i = 0; i < 20_000; i++) {
        rig.sockets[0].receive(there);
        rig.forwarder.turn(now);
        rig.forwarder.flush();
        // As the kernel would: sent, and given back.
        completion.entries[(completion.producer[0] & 511) * 2] = tx.entries[(tx.consumer[0] & 511) * 4];
        completion.producer[0]++;
        tx.consumer[0]++;
      }
    };
    // The least growth of some rounds: a collection or the compiler may fall into one.
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 12; i++) {
      const before = process.memoryUsage().heapUsed;
      round();
      const grown = process.memoryUsage().heapUsed - before;
      if (grown >= 0) least = Math.min(least, grown);
    }
    assert.ok(least < 20_000 * 8, `${(least / 20_000).toFixed(1)} bytes a packet`);
    rig.forwarder.flush();
  });
});

describe('the packet loop of one of two workers', () => {
  it('hands over what another worker owns, whole, and does the rest itself', () => {
    const rig = makeRig(libc, 2);
    const services = [spec('tcp 192.0.2.10:80', 'nat', ['10.0.0.1:8080'])];
    rig.owners.set(services);
    rig.director.addService(KEY, { scheduler: 'rr' });
    rig.director.addDest(KEY, { address: '10.0.0.1', port: 8080 }, { weight: 1, forward: 'nat' });
    const frames = Array.from({ length: 40 }, (_, i) =>
      frame(tcp({ from: `198.51.100.${i + 1}:1024`, to: VIP })),
    );
    for (const f of frames) rig.sockets[0].receive(f);
    rig.forwarder.turn(1);
    rig.forwarder.flush();
    const sent = rig.sockets[1].sent().length;
    const { peer } = rig;
    assert.ok(peer);
    assert.ok(sent > 5 && sent < 35);
    assert.equal(peer.reader.waiting(), 0);
    peer.reader.sleep(1);
    assert.equal(peer.writer.publish(), true);
    assert.equal(peer.writer.publish(), false);
    assert.equal(peer.reader.waiting(), 40 - sent);
    const there = new Uint8Array(2048);
    const want = new Set(frames.map(f => f.join()));
    for (let i = 0; i < 40 - sent; i++) {
      peer.reader.take(there, 100);
      assert.equal(peer.reader.port, 0);
      assert.ok(want.delete(there.subarray(100, 100 + peer.reader.length).join()));
    }
    // What is not fetched in time is dropped, and nobody waits.
    for (let i = 0; i < 20; i++) {
      for (const f of frames) rig.sockets[0].receive(f);
      rig.forwarder.turn(2 + i);
      rig.forwarder.flush();
      rig.sockets[1].sent();
      rig.forwarder.flush();
    }
    rig.forwarder.count();
    assert.equal(rig.counters[FRAME.handed], 40 - sent + 256);
    assert.equal(rig.counters[FRAME.crowded], 20 * (40 - sent) - 256);
    assert.equal(rig.lost(), 0);
    rig.close();
  });
});
