// The hook lists: order, counting, what happens without LVS's own; the access list and the per-source limit.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { access } from '../../src/lvs/access.ts';
import {
  CONTINUE,
  FORWARD,
  LOCAL_IN,
  LOCAL_OUT,
  POINT,
  POSTROUTING,
  PREROUTING,
} from '../../src/lvs/hooks.ts';
import { limit } from '../../src/lvs/limit.ts';
import { DROP, WHY } from '../../src/lvs/verdict.ts';
import { tcp, udp } from './build.ts';
import { CLIENT, CLIENT6, Rig, SERVERS, VIP, VIP6 } from './rig.ts';

const packet = tcp({ from: CLIENT, to: VIP });

describe('the hook lists', () => {
  it('LVS stands where the kernel registers it', () => {
    const { hooks } = new Rig().director;
    const shown = POINT.map((name, i) =>
      [name, ...hooks.list(i).map(h => `${h.name} ${h.priority}`)].join(' | '),
    );
    assert.deepEqual(shown, [
      'PREROUTING',
      'LOCAL_IN | lvs-out 98 | lvs-in 99',
      'FORWARD | lvs-forward-icmp 99 | lvs-out 100',
      'LOCAL_OUT | lvs-out -99 | lvs-in -98',
      'POSTROUTING',
    ]);
  });

  it('without LVS’s `in` packets pass untouched; put back, they are forwarded', () => {
    const rig = new Rig();
    rig.service(VIP, SERVERS);
    const { hooks } = rig.director;
    const [, lvsIn] = hooks.list(LOCAL_IN);
    assert.ok(hooks.remove(lvsIn));
    const sent = rig.send(packet);
    assert.deepEqual([sent.verdict, sent.packet], ['host', packet]);
    hooks.add(lvsIn.name, LOCAL_IN, lvsIn.priority, lvsIn.run, true);
    assert.equal(rig.send(packet).verdict, 'transmit');
  });

  it('every point is passed in order, by priority, and each hook counts', () => {
    const rig = new Rig();
    rig.service(VIP, [SERVERS[0]]);
    const { hooks } = rig.director;
    const way: string[] = [];
    for (const point of [PREROUTING, LOCAL_IN, FORWARD, LOCAL_OUT, POSTROUTING])
      for (const priority of [200, -200, 200])
        hooks.add('watch', point, priority, p => {
          way.push(`${POINT[point]} ${priority} ${p.dport}`);
          return CONTINUE;
        });
    rig.send(packet);
    // LVS takes the packet at LOCAL_IN 99, so that 200 does not see it there.
    assert.deepEqual(way, [
      'PREROUTING -200 80',
      'PREROUTING 200 80',
      'PREROUTING 200 80',
      'LOCAL_IN -200 80',
      'LOCAL_OUT -200 8080',
      'LOCAL_OUT 200 8080',
      'LOCAL_OUT 200 8080',
      'POSTROUTING -200 8080',
      'POSTROUTING 200 8080',
      'POSTROUTING 200 8080',
    ]);
    way.length = 0;
    rig.send(tcp({ from: SERVERS[0], to: CLIENT, flags: 'SA' }));
    assert.deepEqual(
      new Set(way.map(w => w.split(' ')[0])),
      new Set(['PREROUTING', 'FORWARD', 'POSTROUTING']),
    );
    const [, out, into] = hooks.list(LOCAL_IN);
    assert.deepEqual([out.seen, out.changed, into.seen, into.changed, into.dropped], [1, 0, 1, 1, 0]);
    assert.equal(into.why[WHY['scheduled']], 1);
    const [, , back] = hooks.list(FORWARD);
    assert.deepEqual([back.name, back.seen, back.changed], ['lvs-out', 1, 1]);
  });

  it('a hook behind LVS may still drop what it sends', () => {
    const rig = new Rig();
    rig.service(VIP, SERVERS);
    const hook = rig.director.hooks.add('no', POSTROUTING, 0, (_, out) => {
      out.reason = WHY['denied'];
      return DROP;
    });
    assert.deepEqual(rig.send(packet).reason, 'denied');
    assert.deepEqual([hook.seen, hook.dropped, hook.why[WHY['denied']]], [1, 1, 1]);
  });
});

describe('the access list', () => {
  it('the first matching prefix decides, of its own family', () => {
    const rig = new Rig();
    rig.service(VIP, SERVERS);
    const rules = [
      { prefix: '198.51.100.8', allow: true },
      { prefix: '198.51.100.0/24', allow: false },
      { prefix: '2001:db8:1::/48', allow: false },
    ];
    const hook = rig.director.hooks.add('access', PREROUTING, -300, access(rules, true));
    const from = (address: string) => rig.send(tcp({ from: `${address}:1000`, to: VIP })).reason;
    assert.deepEqual(['198.51.100.7', '198.51.100.8', '198.51.101.7'].map(from), [
      'denied',
      'scheduled',
      'scheduled',
    ]);
    assert.equal(rig.send(tcp({ from: CLIENT6, to: VIP6 })).reason, 'denied');
    assert.deepEqual([hook.seen, hook.dropped], [4, 2]);
  });
  it('or nothing but what is allowed', () => {
    const rig = new Rig();
    rig.director.hooks.add(
      'access',
      PREROUTING,
      -300,
      access([{ prefix: '10.0.0.0/8', allow: true }], false),
    );
    assert.equal(rig.send(packet).reason, 'denied');
    assert.throws(() => access([{ prefix: '10.0.0.0/33', allow: true }], false), { code: 'GTM_LVS_INVALID' });
  });
});

describe('the per-source limit', () => {
  it('lets a burst through, then so many a second; others and open connections are not touched', () => {
    const rig = new Rig();
    rig.service(VIP, SERVERS);
    rig.director.hooks.add('limit', PREROUTING, -200, limit({ rate: 10, burst: 5 }));
    const syn = (host: number, port: number) =>
      rig.send(tcp({ from: `198.51.100.${host}:${port}`, to: VIP })).reason;
    const many = (n: number) =>
      Array.from({ length: n }, (_, i) => syn(7, 1000 + i)).filter(r => r !== 'limited').length;
    assert.equal(many(50), 5);
    assert.equal(syn(8, 1), 'scheduled');
    assert.equal(rig.send(tcp({ from: '198.51.100.7:1000', to: VIP, flags: 'A' })).reason, 'forwarded');
    rig.wait(300);
    assert.equal(many(50), 3);
    rig.wait(3600_000);
    assert.equal(many(50), 5);
  });
  it('UDP if asked for; IPv6 by /64; many sources do not help each other', () => {
    const rig = new Rig();
    rig.service(VIP, SERVERS, {}, {}, 'udp');
    rig.director.hooks.add('limit', PREROUTING, -200, limit({ rate: 1, burst: 2, udp: true, sources: 64 }));
    const passed = (from: string, to: string) => rig.send(udp({ from, to })).reason !== 'limited';
    assert.deepEqual(
      [1, 2, 3].map(i => passed(`[2001:db8:1::${i}]:1`, VIP6)),
      [true, true, false],
    );
    assert.ok(passed('[2001:db8:1:1::1]:1', VIP6));
    for (let i = 0; i < 1000; i++) passed(`198.51.${i >> 8}.${i & 255}:1`, VIP);
    assert.deepEqual(
      [1, 2, 3].map(() => passed('203.0.113.5:1', VIP)),
      [true, true, false],
    );
  });
});
