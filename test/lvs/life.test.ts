// The life of connections: TCP's states and time-outs, reuse, removed and quiesced servers, thresholds, one-packet scheduling,
// persistence, eviction, what a restart keeps.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seeded } from '../../src/kit/rng.ts';
import type { DestOptions } from '../../src/lvs/config.ts';
import { Director } from '../../src/lvs/director.ts';
import { nextState, TCP_STATE } from '../../src/lvs/tcpstate.ts';
import { show, tcp, udp } from './build.ts';
import { CLIENT, CLIENT6, endpoint, Rig, SERVER6, SERVERS, VIP, VIP6 } from './rig.ts';

const IN = { from: CLIENT, to: VIP };
const dest = (options: Partial<DestOptions> = {}): DestOptions => ({ weight: 1, forward: 'nat', ...options });

describe('TCP states', () => {
  // Packets in (>) and answers (<), and the state with its time-out (s) after each.
  const WALKS: [string, 'dr' | 'nat', string][] = [
    ['a DR connection', 'dr', '>S SYN_RECV 60, >A ESTABLISHED 900, >FA FIN_WAIT 120, >A FIN_WAIT 120'],
    ['a reset while half-open', 'dr', '>S SYN_RECV 60, >R SYN_RECV 60'],
    ['a reset of an open one', 'dr', '>S SYN_RECV 60, >A ESTABLISHED 900, >R CLOSE 10'],
    ['SYN, then FIN', 'dr', '>S SYN_RECV 60, >F TIME_WAIT 120'],
    ['no flag at all', 'dr', '>S SYN_RECV 60, > CLOSE 10'],
    [
      'a NAT connection, closed by the client',
      'nat',
      '>S SYN_RECV 60, <SA SYN_RECV 60, >A ESTABLISHED 900, >FA CLOSE_WAIT 60, <FA TIME_WAIT 120',
    ],
    ['NAT, reset by the server', 'nat', '>S SYN_RECV 60, <SA SYN_RECV 60, >A ESTABLISHED 900, <R CLOSE 10'],
    [
      'an answer that passes a DR director',
      'dr',
      '>S SYN_RECV 60, >A ESTABLISHED 900, <A ESTABLISHED 900, >FA CLOSE_WAIT 60',
    ],
  ];
  for (const [what, forward, walk] of WALKS)
    it(what, () => {
      const rig = new Rig();
      rig.service(VIP, [SERVERS[0]], { forward });
      for (const step of walk.split(', ')) {
        const [packet, ...state] = step.split(' ');
        const flags = packet.slice(1);
        if (packet[0] === '>') rig.send(tcp({ ...IN, flags }), 1000);
        else rig.send(tcp({ from: forward === 'nat' ? SERVERS[0] : VIP, to: CLIENT, flags }), 1000);
        assert.equal(rig.state(), state.join(' '), step);
      }
    });

  it('every entry of the three tables leads to a state', () => {
    for (const direction of [0, 1, 2])
      for (const flags of [0, 1, 2, 4, 16])
        for (let state = 0; state < TCP_STATE.length; state++)
          assert.ok(TCP_STATE[nextState(direction, flags, state)] !== undefined);
  });

  it('a packet in the middle opens nothing but with sloppy_tcp, a reset never', () => {
    const strict = new Rig();
    strict.service(VIP, SERVERS);
    assert.equal(strict.send(tcp({ ...IN, flags: 'A' })).reason, 'no-connection');
    const sloppy = new Rig({ sloppy_tcp: 1 });
    sloppy.service(VIP, SERVERS);
    assert.equal(sloppy.send(tcp({ ...IN, flags: 'R' })).reason, 'no-connection');
    assert.equal(sloppy.send(tcp({ ...IN, flags: 'A' })).reason, 'scheduled');
    assert.equal(sloppy.state(), 'ESTABLISHED 900');
    const own = new Rig();
    own.service(VIP, SERVERS, {}, { sloppyTcp: true, timeouts: { tcp: 5000 } });
    own.send(tcp({ ...IN, flags: 'A' }));
    assert.equal(own.state(), 'ESTABLISHED 5');
  });

  it('active and inactive connections are counted by state', () => {
    const rig = new Rig();
    rig.service(VIP, [SERVERS[0]]);
    const counts = () => {
      const [d] = rig.director.services()[0].dests;
      return [d.active, d.inactive];
    };
    rig.send(tcp(IN));
    assert.deepEqual(counts(), [1, 0]);
    rig.send(tcp({ ...IN, flags: 'FA' }));
    assert.deepEqual(counts(), [0, 1]);
    rig.wait(130_000);
    assert.deepEqual(counts(), [0, 0]);
    rig.send(udp({ ...IN }));
    assert.deepEqual(counts(), [0, 0], 'another protocol is another service');
  });
});

describe('time', () => {
  it('a connection ends when its time is up, whether the wheel came by or not', () => {
    for (const ticked of [true, false]) {
      const rig = new Rig();
      rig.service(VIP, SERVERS, {}, { timeouts: { udp: 20_000 } }, 'udp');
      rig.send(udp(IN));
      rig.send(udp(IN), 19_999);
      assert.equal(rig.send(udp(IN), 19_999).reason, 'forwarded');
      rig.now += 20_000;
      if (ticked) rig.wait(64);
      assert.equal(rig.send(udp(IN)).reason, 'scheduled');
      assert.equal(rig.director.table().expired, 1);
    }
  });

  it('both directions end together', () => {
    const rig = new Rig();
    rig.service(VIP, [SERVERS[0]], {}, { timeouts: { udp: 1000 } }, 'udp');
    rig.send(udp(IN));
    rig.send(udp({ from: SERVERS[0], to: CLIENT }), 900);
    assert.equal(rig.send(udp(IN), 900).reason, 'forwarded');
    assert.equal(rig.send(udp({ from: SERVERS[0], to: CLIENT }), 1000).reason, 'not-ours');
    assert.equal(rig.director.table().used, 0);
  });

  it('time may wrap around 2³² ms in the middle', () => {
    const rig = new Rig();
    rig.now = 2 ** 32 - 5000;
    rig.service(VIP, SERVERS);
    rig.wait(0);
    rig.send(tcp(IN));
    rig.wait(10_000);
    assert.equal(rig.state(), 'SYN_RECV 50');
    rig.wait(51_000);
    assert.equal(rig.director.table().used, 0);
  });
});

describe('reuse of a client port', () => {
  const close = (rig: Rig) => {
    rig.send(tcp(IN));
    rig.send(tcp({ ...IN, flags: 'A' }));
    rig.send(tcp({ ...IN, flags: 'R' }));
  };
  it('a SYN on a closed connection is a new one, and gets the next server', () => {
    const rig = new Rig();
    rig.service(VIP, SERVERS);
    close(rig);
    const sent = rig.send(tcp(IN));
    assert.deepEqual([sent.reason, show(sent.packet).to], ['scheduled', SERVERS[1]]);
    assert.equal(rig.conns().length, 1);
  });
  it('conn_reuse_mode 0 leaves it where it was', () => {
    const rig = new Rig({ conn_reuse_mode: 0 });
    rig.service(VIP, SERVERS);
    close(rig);
    assert.equal(rig.send(tcp(IN)).reason, 'forwarded');
  });
  it('FIN_WAIT of DR is reused with mode 2 alone', () => {
    for (const [mode, reason] of [
      [1, 'forwarded'],
      [2, 'scheduled'],
      [3, 'scheduled'],
    ] as const) {
      const rig = new Rig({ conn_reuse_mode: mode });
      rig.service(VIP, SERVERS, { forward: 'dr' });
      for (const flags of ['S', 'A', 'FA']) rig.send(tcp({ ...IN, flags }));
      assert.equal(rig.send(tcp(IN)).reason, reason, `mode ${mode}`);
    }
  });
});

describe('servers come and go', () => {
  it('the list is newest first', () => {
    const rig = new Rig();
    rig.service(VIP, SERVERS);
    assert.deepEqual(
      rig.director.services()[0].dests.map(d => d.address),
      ['10.0.0.3', '10.0.0.2', '10.0.0.1'],
    );
  });

  it('a removed server: its connections are dropped, and go on when it comes back', () => {
    const rig = new Rig();
    const key = rig.service(VIP, [SERVERS[0]]);
    rig.send(tcp(IN));
    rig.director.removeDest(key, endpoint(SERVERS[0]));
    assert.deepEqual(rig.send(tcp({ ...IN, flags: 'A' })).reason, 'server-gone');
    rig.director.addDest(key, endpoint(SERVERS[0]), dest());
    assert.equal(rig.send(tcp({ ...IN, flags: 'A' })).reason, 'forwarded');
    const [d] = rig.director.services()[0].dests;
    assert.deepEqual([d.active, d.counters.conns, d.counters.inpkts], [1, 1, 2]);
  });

  it('expire_nodest_conn: they end at once, and the next SYN goes elsewhere', () => {
    const rig = new Rig({ expire_nodest_conn: 1 });
    const key = rig.service(VIP, SERVERS);
    const { packet } = rig.send(tcp(IN));
    rig.director.removeDest(key, endpoint(show(packet).to));
    assert.equal(rig.director.table().used, 0);
    const again = rig.send(tcp(IN));
    assert.equal(again.reason, 'scheduled');
    assert.notEqual(show(again.packet).to, show(packet).to);
  });

  it('expire_nodest_conn: a SYN to a quiesced server is a new connection', () => {
    const rig = new Rig({ expire_nodest_conn: 1 });
    const key = rig.service(VIP, SERVERS);
    const { packet } = rig.send(tcp(IN));
    rig.director.updateDest(key, endpoint(show(packet).to), dest({ weight: 0 }));
    assert.equal(rig.send(tcp({ ...IN, flags: 'A' })).reason, 'forwarded');
    assert.equal(rig.send(tcp(IN)).reason, 'scheduled');
  });

  it('weight 0 takes no new connections and keeps the open ones', () => {
    const rig = new Rig();
    const key = rig.service(VIP, [SERVERS[0]]);
    rig.send(tcp(IN));
    rig.director.updateDest(key, endpoint(SERVERS[0]), dest({ weight: 0 }));
    assert.equal(rig.send(tcp({ ...IN, flags: 'A' })).reason, 'forwarded');
    assert.equal(rig.send(tcp({ from: '198.51.100.8:1', to: VIP })).reason, 'port-unreachable');
  });

  it('a removed service: open connections are dropped; a new one under its name takes the server back', () => {
    const rig = new Rig();
    const key = rig.service(VIP, [SERVERS[0]]);
    rig.send(tcp(IN));
    rig.director.removeService(key);
    assert.equal(rig.director.services().length, 0);
    rig.service(VIP, [SERVERS[0]]);
    assert.equal(rig.send(tcp({ ...IN, flags: 'A' })).reason, 'forwarded');
  });

  it('trash is emptied 120 s after the last connection', () => {
    const rig = new Rig();
    const key = rig.service(VIP, [SERVERS[0]]);
    rig.send(tcp(IN));
    rig.director.removeDest(key, endpoint(SERVERS[0]));
    rig.wait(61_000);
    rig.wait(121_000);
    rig.director.addDest(key, endpoint(SERVERS[0]), dest());
    assert.equal(rig.director.services()[0].dests[0].counters.conns, 0);
  });

  it('thresholds: full at upper, open again below ¾ of it, or below lower', () => {
    for (const [lower, closing] of [
      [0, 2],
      [1, 4],
    ]) {
      const rig = new Rig();
      rig.service(VIP, [SERVERS[0]], { upper: 4, lower });
      const from = (i: number) => `198.51.100.7:${1000 + i}`;
      for (let i = 0; i < 4; i++)
        assert.equal(rig.send(tcp({ from: from(i), to: VIP }), 1000).reason, 'scheduled');
      assert.equal(rig.send(tcp({ from: from(9), to: VIP })).reason, 'port-unreachable');
      // SYN_RECV ends after 60 s, one connection a second.
      for (let gone = 1; gone <= closing; gone++) {
        rig.wait(gone === 1 ? 57_100 : 1000);
        const expected = gone === closing ? 'scheduled' : 'port-unreachable';
        assert.equal(rig.send(tcp({ from: from(9), to: VIP })).reason, expected, `${lower}: ${gone} gone`);
      }
    }
  });

  it('a faulty verb says what is wrong', () => {
    const rig = new Rig();
    const key = rig.service(VIP, [SERVERS[0]]);
    const code = (run: () => void) =>
      assert.throws(run, (e: { code?: string }) => /^GTM_LVS_/.test(e.code ?? ''));
    code(() => rig.director.addService(key, { scheduler: 'rr' }));
    code(() => rig.director.addService({ ...key, port: 0 }, { scheduler: 'rr' }));
    code(() => rig.director.addDest(key, endpoint(SERVERS[0]), dest()));
    code(() => rig.director.addDest(key, endpoint('[2001:db8::1]:80'), dest()));
    code(() => rig.director.addDest(key, endpoint(SERVERS[1]), dest({ forward: 'fullnat' })));
    code(() => rig.director.removeDest(key, endpoint(SERVERS[2])));
    code(() => rig.director.removeService({ ...key, port: 9 }));
  });
});

describe('one-packet scheduling', () => {
  it('every packet is scheduled anew, and nothing is kept', () => {
    const rig = new Rig();
    rig.service(VIP, SERVERS, {}, { flags: ['ops'] }, 'udp');
    const to = () => show(rig.send(udp(IN)).packet).to;
    assert.deepEqual(new Set([to(), to(), to()]), new Set(SERVERS));
    assert.equal(rig.director.table().used, 0);
    const [s] = rig.director.services();
    assert.deepEqual([s.counters.conns, s.counters.inpkts], [3, 3]);
    assert.ok(s.dests.every(d => d.active === 0 && d.inactive === 0));
  });
});

describe('persistence', () => {
  const from = (host: number, port = 1000) => ({ from: `198.51.100.${host}:${port}`, to: VIP });
  const to = (rig: Rig, f: { from: string; to: string }) => show(rig.send(tcp(f)).packet).to;

  it('a client network keeps its server, by a template that shows as ASSURED once a connection was open', () => {
    const rig = new Rig();
    rig.service(VIP, SERVERS, {}, { persistence: 300, netmask: 24 });
    const first = to(rig, from(7));
    for (let i = 8; i < 20; i++) assert.equal(to(rig, from(i)), first);
    assert.notEqual(to(rig, { from: '198.51.101.7:1000', to: VIP }), first);
    const template = () => rig.conns().find(c => c.template && c.client.address === '198.51.100.0');
    assert.equal(template()?.state, 'NONE');
    rig.send(tcp({ ...from(7), flags: 'A' }));
    const t = template();
    assert.deepEqual(
      [t?.state, t?.expires, t?.client.port, t?.virtual.port, t?.dest.port],
      ['ASSURED', 300_000, 0, 80, 8080],
    );
  });

  it('a template outlives its time while it controls connections, 60 s at a time', () => {
    const rig = new Rig();
    rig.service(VIP, SERVERS, {}, { persistence: 10 });
    rig.send(tcp(from(7)));
    rig.send(tcp({ ...from(7), flags: 'A' }));
    rig.wait(11_000);
    assert.equal(rig.conns().filter(c => c.template).length, 1);
    rig.wait(900_000);
    rig.wait(61_000);
    assert.equal(rig.director.table().used, 0);
    assert.equal(
      rig.director.services()[0].dests.reduce((n, d) => n + d.persistent, 0),
      0,
    );
  });

  it('its server gone: another is picked; quiesced: only with expire_quiescent_template', () => {
    for (const [quiescent, what, moves] of [
      [0, 'remove', true],
      [0, 'quiesce', false],
      [1, 'quiesce', true],
    ] as const) {
      const rig = new Rig({ expire_quiescent_template: quiescent });
      const key = rig.service(VIP, SERVERS, {}, { persistence: 300 });
      const first = to(rig, from(7));
      if (what === 'remove') rig.director.removeDest(key, endpoint(first));
      else rig.director.updateDest(key, endpoint(first), dest({ weight: 0 }));
      assert.equal(to(rig, from(7, 2000)) !== first, moves, what);
    }
  });

  it('port 0 takes every port, and one template serves them all', () => {
    const rig = new Rig();
    rig.service('192.0.2.10:0', ['10.0.0.1:0', '10.0.0.2:0'], {}, { persistence: 300 });
    const a = to(rig, { from: CLIENT, to: '192.0.2.10:443' });
    const b = to(rig, { from: CLIENT, to: '192.0.2.10:8443' });
    assert.equal(a.replace(':443', ':8443'), b);
    assert.equal(rig.conns().filter(c => c.template).length, 1);
  });

  it('a service that stops to be persistent schedules each connection', () => {
    const rig = new Rig();
    const key = rig.service(VIP, SERVERS, {}, { persistence: 300 });
    to(rig, from(7));
    rig.director.updateService(key, { scheduler: 'rr' });
    assert.equal(new Set([to(rig, from(7, 2)), to(rig, from(7, 3)), to(rig, from(7, 4))]).size, 3);
  });
});

describe('a full table', () => {
  const syn = (i: number) =>
    tcp({ from: `198.51.${(i >> 8) & 255}.${i & 255}:${1024 + (i % 60_000)}`, to: VIP });
  it('half-open connections go first while they are more than half, then closing ones, oldest first; open ones never', () => {
    const rig = new Rig({}, 6);
    rig.service(VIP, [SERVERS[0]]);
    const client = (i: number) => ({ from: `198.51.100.${i}:1000`, to: VIP });
    const play = (i: number, ...packets: string[]) => {
      for (const flags of packets) rig.send(tcp({ ...client(i), flags }), 10);
    };
    play(1, 'S', 'A');
    play(2, 'S', 'A', 'R');
    for (let i = 3; i <= 6; i++) play(i, 'S');
    const there = () =>
      rig
        .conns()
        .map(c => Number(c.client.address.split('.')[3]))
        .sort((a, b) => a - b);
    const gone: number[] = [];
    for (let i = 7; i <= 12; i++) {
      const before = there();
      const { reason } = rig.send(tcp({ ...client(i), flags: 'S' }));
      rig.send(tcp({ ...client(i), flags: 'A' }));
      const missing = before.filter(n => !there().includes(n));
      if (reason === 'full') gone.push(0);
      else gone.push(...missing);
    }
    assert.deepEqual(gone, [3, 2, 4, 5, 6, 0]);
    assert.deepEqual(there(), [1, 7, 8, 9, 10, 11]);
    const { evictedHalfOpen, evictedClosing } = rig.director.table();
    assert.deepEqual([evictedHalfOpen, evictedClosing], [4, 1]);
  });

  it('where closing ones fill it, new clients do not push each other out', () => {
    const rig = new Rig({}, 800);
    rig.service(VIP, [SERVERS[0]]);
    const send = (i: number, flags: string) =>
      rig.send(
        tcp({ from: `198.51.${(i >> 8) & 255}.${i & 255}:${1024 + (i % 60_000)}`, to: VIP, flags }),
        1,
      );
    for (let i = 0; i < 800; i++) for (const flags of ['S', 'A', 'R']) send(i, flags);
    // A hundred at a time are half-open; all of them are opened.
    for (let i = 1000; i < 2000; i += 100) {
      for (let k = i; k < i + 100; k++) assert.equal(send(k, 'S').reason, 'scheduled');
      for (let k = i; k < i + 100; k++) {
        assert.equal(send(k, 'A').reason, 'forwarded');
        send(k, 'R');
      }
    }
    const { evictedHalfOpen, evictedClosing } = rig.director.table();
    assert.deepEqual([evictedHalfOpen, evictedClosing], [0, 1000]);
  });

  it('a server alone opens nothing: what it says to SYNs that nobody sent may go', () => {
    const rig = new Rig({}, 8);
    rig.service(VIP, [SERVERS[0]]);
    const client = (i: number) => `198.51.100.${i}:1000`;
    for (let i = 1; i <= 8; i++) {
      rig.send(tcp({ from: client(i), to: VIP }));
      rig.send(tcp({ from: SERVERS[0], to: client(i), flags: 'A' }));
    }
    assert.ok(rig.conns().every(c => c.state === 'ESTABLISHED'));
    rig.send(tcp({ from: client(1), to: VIP, flags: 'A' }));
    for (let i = 9; i <= 15; i++)
      assert.equal(rig.send(tcp({ from: client(i), to: VIP })).reason, 'scheduled');
    assert.equal(rig.director.table().evictedHalfOpen, 7);
    assert.equal(rig.send(tcp({ from: client(1), to: VIP, flags: 'A' })).reason, 'forwarded');
    assert.equal(rig.send(tcp({ from: client(2), to: VIP, flags: 'A' })).reason, 'no-connection');
  });

  it('a flood leaves open connections alone and the counts right', () => {
    const rig = new Rig({}, 500);
    rig.service(VIP, SERVERS, {}, { persistence: 60 });
    rig.send(tcp({ ...IN }));
    rig.send(tcp({ ...IN, flags: 'A' }));
    for (let i = 0; i < 5000; i++) rig.send(syn(i));
    assert.equal(rig.send(tcp({ ...IN, flags: 'A' })).reason, 'forwarded');
    const { used, capacity } = rig.director.table();
    assert.ok(used <= capacity);
    const conns = rig.conns();
    const dests = rig.director.services()[0].dests;
    assert.equal(
      dests.reduce((n, d) => n + d.active + d.inactive, 0),
      conns.filter(c => !c.template).length,
    );
    assert.equal(
      dests.reduce((n, d) => n + d.persistent, 0),
      conns.filter(c => c.template).length,
    );
    assert.equal(used, conns.length);
  });

  it('a million connections fit into 128 MiB, FullNAT and all', () => {
    const rig = new Rig({}, 1_000_000);
    rig.service(VIP, SERVERS, { forward: 'fullnat' }, { localAddresses: ['10.0.0.250'] });
    rig.service(VIP6, [SERVER6], { forward: 'fullnat' }, { localAddresses: ['2001:db8:3::250'] });
    rig.send(syn(1));
    rig.send(tcp({ from: CLIENT6, to: VIP6 }));
    assert.equal(rig.conns().length, 2);
    assert.ok(rig.director.table().bytes <= 128 * 1024 * 1024, String(rig.director.table().bytes));
  });
});

describe('a restart', () => {
  it('what was written is read back: states, servers, templates, FullNAT’s ports; time goes on', () => {
    const make = () => {
      const rig = new Rig();
      rig.service(VIP, SERVERS, {}, { persistence: 300 });
      rig.service('192.0.2.11:53', ['10.0.0.1:53'], {}, {}, 'udp');
      rig.service(
        '192.0.2.12:80',
        ['10.0.0.1:80'],
        { forward: 'fullnat' },
        { localAddresses: ['10.0.0.250'] },
      );
      return rig;
    };
    const old = make();
    for (let i = 0; i < 20; i++) old.send(tcp({ from: `198.51.100.${i}:1000`, to: VIP }), 100);
    old.send(tcp({ from: '198.51.100.3:1000', to: VIP, flags: 'A' }));
    old.send(udp({ from: CLIENT, to: '192.0.2.11:53' }));
    old.send(tcp({ from: CLIENT, to: '192.0.2.12:80', seq: 77 }));
    old.send(tcp({ from: CLIENT, to: '192.0.2.12:80', seq: 78, flags: 'A' }));
    const bytes = new Uint8Array(old.director.savedSize);
    assert.equal(old.director.write(bytes), bytes.length);
    const fresh = make();
    fresh.now = 5_000_000;
    assert.equal(fresh.director.read(bytes, fresh.now), old.conns().length);
    const sorted = (rig: Rig) => rig.conns().sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    assert.deepEqual(sorted(fresh), sorted(old));
    const packet = tcp({ from: CLIENT, to: '192.0.2.12:80', seq: 78, flags: 'A' });
    assert.deepEqual(fresh.send(packet).packet, old.send(packet).packet);
    const counts = (rig: Rig) =>
      rig.director.services().map(s => s.dests.map(d => [d.active, d.inactive, d.persistent]));
    assert.deepEqual(counts(fresh), counts(old));
  });

  it('each connection finds its server among many, whatever order they came in, and goes with one that is gone', () => {
    const gone = (server: string) => /[.:]7[\]:]/.test(server);
    const make = (order: (servers: string[]) => string[]) => {
      const rig = new Rig();
      const range = Array.from({ length: 20 }, (_, i) => i + 1);
      for (const protocol of order(['tcp', 'udp']) as ('tcp' | 'udp')[])
        for (const n of order(['1', '2', '3'])) {
          rig.service(`192.0.2.${n}:80`, order(range.map(i => `10.0.0.${i}:80`)), {}, {}, protocol);
          rig.service(
            `[2001:db8::${n}]:80`,
            order(range.map(i => `[2001:db8:9::${i}]:80`)),
            {},
            {},
            protocol,
          );
        }
      return rig;
    };
    const old = make(all => all);
    for (const packet of [tcp, udp])
      for (let n = 1; n <= 3; n++)
        for (let i = 1; i <= 20; i++) {
          old.send(packet({ from: `198.51.100.${i}:1000`, to: `192.0.2.${n}:80` }));
          old.send(packet({ from: `[2001:db8:1::${i}]:1000`, to: `[2001:db8::${n}]:80` }));
        }
    const bytes = new Uint8Array(old.director.savedSize);
    old.director.write(bytes);
    const fresh = make(all => all.filter(s => !gone(s)).reverse());
    const told = (rig: Rig) =>
      rig.conns().map(c => {
        const end = ({ address, port }: { address: string; port: number }) => `${address}.${port}`;
        return `${c.protocol} ${end(c.client)} ${end(c.virtual)} ${end(c.dest)}`;
      });
    assert.equal(fresh.director.read(bytes, fresh.now), 12 * 19);
    const stay = told(old).filter(line => !/[.:]7\.80$/.test(line));
    assert.equal(told(old).length, 12 * 20);
    assert.deepEqual(told(fresh).sort(), stay.sort());
  });

  it('what is no table is refused, and nothing in one is trusted', () => {
    const rig = new Rig();
    rig.service(VIP, SERVERS);
    for (let i = 0; i < 30; i++) rig.send(tcp({ from: `198.51.100.${i}:1000`, to: VIP }));
    const bytes = new Uint8Array(rig.director.savedSize);
    rig.director.write(bytes);
    assert.throws(() => rig.director.read(bytes.subarray(0, 50), 0), { code: 'GTM_LVS_TABLE' });
    assert.throws(() => rig.director.read(new Uint8Array(100), 0), { code: 'GTM_LVS_TABLE' });
    const rng = seeded(3);
    for (let i = 0; i < 300; i++) {
      const broken = Uint8Array.from(bytes);
      for (let k = 0; k < 8; k++) broken[12 + (rng() % (bytes.length - 12))] = rng();
      const other = new Director({ capacity: 40, routes: rig.routes, rng });
      other.addService({ protocol: 'tcp', ...endpoint(VIP) }, { scheduler: 'rr' });
      for (const s of SERVERS) other.addDest({ protocol: 'tcp', ...endpoint(VIP) }, endpoint(s), dest());
      assert.ok(other.read(broken, 1000) <= 30);
      for (let t = 1000; t < 1_000_000; t += 60_000) other.tick(t);
      assert.equal(other.table().used, 0);
      assert.ok(
        other.services()[0].dests.every(d => d.active === 0 && d.inactive === 0 && d.persistent === 0),
      );
    }
  });
});
