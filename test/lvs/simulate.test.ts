// A packet's way as gtm lvs simulate tells it: at each point before and after, why this server, and the way of its answer.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seeded } from '../../src/kit/rng.ts';
import { Director, HEADROOM } from '../../src/lvs/director.ts';
import { reconcile } from '../../src/lvs/reconcile.ts';
import { answerTo, firstPacket } from '../../src/lvs/simulate/craft.ts';
import { type Journey, journey } from '../../src/lvs/simulate/journey.ts';
import { arrivalMac, Simulator } from '../../src/lvs/simulate/simulator.ts';
import { endsOf, type PacketView, viewOf } from '../../src/lvs/simulate/view.ts';
import { SCHEDULERS } from '../../src/model/schema.ts';
import type { ServiceSpec } from '../../src/model/service.ts';
import { tcp, udp } from './build.ts';
import { CLIENT, CLIENT6, endpoint, OneLink, SERVER6, VIP, VIP6 } from './rig.ts';
import { spec } from './specs.ts';

const SERVER = '10.0.0.1:80';

function play(services: ServiceSpec | ServiceSpec[], packet: Uint8Array): Journey {
  const all = [services].flat();
  return journey(
    new Simulator({ services: all, name: 'd1', source4: '10.0.0.254' }),
    packet,
    0,
    arrivalMac('d1'),
  );
}

/** One packet on one line: MACs, then each header. */
function line(view: PacketView | undefined): string {
  if (view === undefined) return '';
  const mac = view.mac === undefined ? '' : `${view.mac.source} ${view.mac.destination} | `;
  const headers = view.headers.map(h => {
    if (h.kind === 'ip') return `${h.source} ${h.destination} ${h.ttl}`;
    if (h.kind === 'tcp') return `${h.source} ${h.destination} ${h.flags}`;
    return h.kind === 'udp' ? `${h.source} ${h.destination}` : h.kind;
  });
  return mac + headers.join(' | ');
}

interface Row {
  mode: string;
  service: ServiceSpec;
  packet: Uint8Array;
  points: string;
  leaves: RegExp;
  answerPoints: string;
  answer: RegExp;
}

const SYN = tcp({ from: CLIENT, to: VIP });
const SYN6 = tcp({ from: CLIENT6, to: VIP6 });
const ONWARD = 'mac\\(d1\\) mac\\(10.0.0.1\\)';
const ROWS: Row[] = [
  {
    mode: 'nat',
    service: spec(VIP, ['10.0.0.1:8080']),
    packet: SYN,
    points: 'PREROUTING LOCAL_IN LOCAL_OUT POSTROUTING',
    leaves: new RegExp(`^${ONWARD} \\| 198.51.100.7 10.0.0.1 63 \\| 31337 8080 SYN$`),
    answerPoints: 'PREROUTING FORWARD POSTROUTING',
    answer: /^mac\(d1\) mac\(client-gw\) \| 192.0.2.10 198.51.100.7 63 \| 80 31337 SYN ACK$/,
  },
  {
    mode: 'nat, IPv6',
    service: spec(VIP6, [SERVER6]),
    packet: SYN6,
    points: 'PREROUTING LOCAL_IN LOCAL_OUT POSTROUTING',
    leaves: /^mac\(d1\) mac\(2001:db8:3::1\) \| 2001:db8:1::7 2001:db8:3::1 63 \| 31337 8080 SYN$/,
    answerPoints: 'PREROUTING FORWARD POSTROUTING',
    answer: /^mac\(d1\) mac\(client-gw\) \| 2001:db8:2::10 2001:db8:1::7 63 \| 80 31337 SYN ACK$/,
  },
  {
    mode: 'dr',
    service: spec(VIP, [SERVER], { forward: 'dr' }),
    packet: SYN,
    points: 'PREROUTING LOCAL_IN LOCAL_OUT POSTROUTING',
    leaves: new RegExp(`^${ONWARD} \\| 198.51.100.7 192.0.2.10 63 \\| 31337 80 SYN$`),
    answerPoints: '',
    answer: /^mac\(10.0.0.1\) mac\(10.0.0.1-gw\) \| 192.0.2.10 198.51.100.7 64 \| 80 31337 SYN ACK$/,
  },
  {
    mode: 'tun, ipip',
    service: spec(VIP, [SERVER], { forward: 'tun' }),
    packet: SYN,
    points: 'PREROUTING LOCAL_IN LOCAL_OUT POSTROUTING',
    leaves: new RegExp(
      `^${ONWARD} \\| 10.0.0.254 10.0.0.1 63 \\| 198.51.100.7 192.0.2.10 63 \\| 31337 80 SYN$`,
    ),
    answerPoints: '',
    answer: /^mac\(10.0.0.1\) mac\(10.0.0.1-gw\) \| 192.0.2.10 198.51.100.7 64 \| 80 31337 SYN ACK$/,
  },
  {
    mode: 'tun, gue',
    service: spec(VIP, [SERVER], { forward: 'tun', tunnel: { type: 'gue', port: 6080, checksum: true } }),
    packet: SYN,
    points: 'PREROUTING LOCAL_IN LOCAL_OUT POSTROUTING',
    leaves: new RegExp(
      `^${ONWARD} \\| 10.0.0.254 10.0.0.1 63 \\| \\d+ 6080 \\| gue \\| 198.51.100.7 192.0.2.10 63 \\| 31337 80 SYN$`,
    ),
    answerPoints: '',
    answer: /^mac\(10.0.0.1\) mac\(10.0.0.1-gw\) \| 192.0.2.10 198.51.100.7 64 \| 80 31337 SYN ACK$/,
  },
  {
    mode: 'tun, gre with UDP inside, IPv4 in IPv6',
    service: spec(VIP, [SERVER6], {
      forward: 'tun',
      protocol: 'udp',
      tunnel: { type: 'gre', port: 6080, checksum: true },
    }),
    packet: udp({ from: CLIENT, to: VIP }),
    points: 'PREROUTING LOCAL_IN LOCAL_OUT POSTROUTING',
    leaves:
      /^mac\(d1\) mac\(2001:db8:3::1\) \| address\(d1\) 2001:db8:3::1 63 \| gre \| 198.51.100.7 192.0.2.10 63 \| 31337 80$/,
    answerPoints: '',
    answer: /^mac\(2001:db8:3::1\) mac\(2001:db8:3::1-gw\) \| 192.0.2.10 198.51.100.7 64 \| 80 31337$/,
  },
  {
    mode: 'fullnat',
    service: spec(VIP, ['10.0.0.1:8080'], { forward: 'fullnat', localAddresses: ['10.0.0.253'] }),
    packet: SYN,
    points: 'PREROUTING LOCAL_IN LOCAL_OUT POSTROUTING',
    leaves: new RegExp(`^${ONWARD} \\| 10.0.0.253 10.0.0.1 63 \\| \\d+ 8080 SYN$`),
    answerPoints: 'PREROUTING LOCAL_IN LOCAL_OUT POSTROUTING',
    answer: /^mac\(d1\) mac\(client-gw\) \| 192.0.2.10 198.51.100.7 63 \| 80 31337 SYN ACK$/,
  },
];

describe('the way there and back', () => {
  for (const row of ROWS)
    it(row.mode, () => {
      const story = play(row.service, row.packet);
      const { request, answer } = story;
      assert.deepEqual([request.verdict, request.reason], ['transmit', 'scheduled']);
      assert.equal(request.stops.map(s => s.point).join(' '), row.points);
      assert.match(line(request.leaves), row.leaves);
      assert.equal(line(request.stops[0].before), line(request.arrives));
      assert.equal(line(request.stops[1].after), line(request.leaves), 'LOCAL_IN rewrites it');
      assert.equal(line(request.stops.at(-1)?.before), line(request.leaves));
      assert.equal(story.server?.key, row.service.realServers[0].key);
      assert.equal((answer?.way?.stops ?? []).map(s => s.point).join(' '), row.answerPoints);
      assert.equal(answer?.through, row.answerPoints !== '');
      assert.match(line(answer?.way?.leaves ?? answer?.packet), row.answer);
    });

  it('a server gets what was in the tunnel, and FullNAT’s gets the client’s address as TOA', () => {
    const tunnel = play(spec(VIP, [SERVER], { forward: 'tun' }), SYN);
    assert.match(line(tunnel.received?.packet), /\| 198.51.100.7 192.0.2.10 63 \| 31337 80 SYN$/);
    assert.equal(tunnel.received?.packet.headers.length, 2);
    const full = play(spec(VIP, [SERVER], { forward: 'fullnat', localAddresses: ['10.0.0.253'] }), SYN);
    const header = full.received?.packet.headers.find(h => h.kind === 'tcp');
    assert.ok(header?.options.includes(`toa ${CLIENT}`), header?.options.join());
    assert.match(full.connection?.local ?? '', /^10\.0\.0\.253:\d+$/);
  });
});

it('each hook says what it did', () => {
  const { request, answer } = play(spec(VIP, [SERVER]), SYN);
  const hooks = (way: typeof request) =>
    way.stops.flatMap(s => s.hooks.map(h => `${s.point} ${h.name} ${h.priority} ${h.did.split(' (')[0]}`));
  assert.deepEqual(hooks(request), [
    'LOCAL_IN lvs-out 98 lets it pass',
    'LOCAL_IN lvs-in 99 decides: scheduled',
    'LOCAL_OUT lvs-out -99 lets it pass: LVS’s own packet',
    'LOCAL_OUT lvs-in -98 lets it pass: LVS’s own packet',
  ]);
  assert.deepEqual(answer?.way && hooks(answer.way), [
    'FORWARD lvs-forward-icmp 99 lets it pass',
    'FORWARD lvs-out 100 decides: answered',
  ]);
});

describe('packets that reach no server', () => {
  const rows: [string, ServiceSpec, Uint8Array, string][] = [
    ['no service', spec(VIP, [SERVER]), tcp({ from: CLIENT, to: '192.0.2.10:81' }), 'host no-service'],
    ['no SYN', spec(VIP, [SERVER]), tcp({ from: CLIENT, to: VIP, flags: 'A' }), 'host no-connection'],
    ['elsewhere', spec(VIP, [SERVER]), tcp({ from: CLIENT, to: '203.0.113.1:80' }), 'host not-ours'],
    ['no weight', spec(VIP, [`${SERVER} 0`]), SYN, 'reply port-unreachable'],
    ['no hops left', spec(VIP, [SERVER]), tcp({ from: CLIENT, to: VIP, ttl: 1 }), 'reply time-exceeded'],
  ];
  for (const [what, service, packet, expected] of rows)
    it(what, () => {
      const { request, server } = play(service, packet);
      assert.equal(`${request.verdict} ${request.reason}`, expected);
      // A packet without hops left opened its connection first, as in the kernel.
      assert.equal(server?.why.startsWith('rr: '), what === 'no hops left' ? true : undefined);
      if (request.verdict === 'reply')
        assert.match(
          line(request.leaves),
          /^mac\(d1\) mac\(client-gw\) \| (192.0.2.10|10.0.0.254) 198.51.100.7 \d+ \| icmp/,
        );
    });
});

describe('why this server', () => {
  const three = ['10.0.0.1:80 1', '10.0.0.2:80 0', '10.0.0.3:80 3'];
  const why = (other: Partial<ServiceSpec>) => play(spec(VIP, three, other), SYN).server;

  it('every scheduler names one server, the one that the packet went to', () => {
    for (const scheduler of SCHEDULERS) {
      // dh, sh and mh may lead to a server that is not available.
      const servers = ['dh', 'sh', 'mh'].includes(scheduler) ? three.filter(s => !s.endsWith(' 0')) : three;
      const { server, request } = play(spec(VIP, servers, { scheduler, forward: 'nat' }), SYN);
      const picked = server?.candidates.filter(c => c.picked) ?? [];
      assert.equal(picked.length, 1, scheduler);
      assert.equal(picked[0].key, server?.key, scheduler);
      assert.ok(request.leaves && endsOf(request.leaves).destination === server?.key, scheduler);
      assert.ok(server?.why.startsWith(`${scheduler}: `), server?.why);
    }
  });

  it('figures and what bars a server', () => {
    const sed = why({ scheduler: 'sed' });
    assert.deepEqual(
      sed?.candidates.map(c => [c.key, c.value, c.barred]),
      [
        ['10.0.0.3:80', 1 / 3, undefined],
        ['10.0.0.2:80', undefined, 'weight 0'],
        ['10.0.0.1:80', 1, undefined],
      ],
    );
    assert.equal(sed?.key, '10.0.0.3:80');
  });

  it('hashes: the same place for the same client, another with the port', () => {
    const place = (flags: ServiceSpec['flags'], from: string) => {
      const services = spec(VIP, ['10.0.0.1:80'], { scheduler: 'mh', flags });
      return /entry (\d+)/.exec(play(services, tcp({ from, to: VIP })).server?.why ?? '')?.[1];
    };
    assert.equal(place([], '198.51.100.7:1'), place([], '198.51.100.7:2'));
    assert.notEqual(place(['mh-port'], '198.51.100.7:1'), place(['mh-port'], '198.51.100.7:2'));
  });

  it('an open connection and a template leave nothing to choose', () => {
    const services = [spec(VIP, three, { persistence: 300_000 })];
    const simulator = new Simulator({ services, name: 'd1' });
    const mac = arrivalMac('d1');
    const told = (packet: Uint8Array, now: number) => journey(simulator, packet, now, mac).server?.why ?? '';
    assert.match(told(SYN, 0), /^rr: .*For 5m this client stays there/);
    assert.match(told(tcp({ from: CLIENT, to: VIP, flags: 'A' }), 10), /^an open connection leads there: /);
    assert.match(
      told(tcp({ from: '198.51.100.7:5', to: VIP }), 20),
      /^persistence 5m: this client was sent there/,
    );
  });
});

it('the watchers change nothing: a director without them says the same', () => {
  const services = ROWS.filter(r => r.packet === SYN).map((r, i) => ({
    ...r.service,
    address: `192.0.2.${20 + i}`,
  }));
  const simulator = new Simulator({ services, name: 'd1', source4: '10.0.0.254' });
  const plain = new Director({ capacity: 65_536, routes: new OneLink(), rng: seeded(1) });
  reconcile(plain, services);
  for (const [i, s] of services.entries()) {
    const packet = tcp({ from: CLIENT, to: `${s.address}:80` });
    const { out, way } = simulator.pass(packet, i, arrivalMac('d1'));
    const frame = new Uint8Array(HEADROOM + packet.length);
    frame.set(packet, HEADROOM);
    const verdict = plain.handle(frame, HEADROOM, packet.length, i);
    assert.equal(verdict, 2);
    assert.equal(way.verdict, 'transmit');
    const { out: expected } = plain;
    assert.deepEqual(out, expected.frame.slice(expected.offset, expected.offset + expected.length));
  }
});

describe('packets made for it', () => {
  it('are sound, of both families and protocols, and so are their answers', () => {
    for (const [from, to] of [
      [CLIENT, VIP],
      [CLIENT6, VIP6],
    ])
      for (const protocol of ['tcp', 'udp'] as const) {
        const first = firstPacket(protocol, endpoint(from), endpoint(to));
        const answer = answerTo(first) as Uint8Array;
        const service = spec(to, [from === CLIENT ? SERVER : SERVER6], { protocol });
        const story = play(service, first);
        assert.equal(story.answer?.way?.verdict, 'transmit', `${protocol} ${to}`);
        const hints = { gue: new Set<number>(), toa: 0 };
        assert.deepEqual(endsOf(viewOf(answer, hints)), { source: to, destination: from, protocol });
      }
  });

  it('an answer acknowledges the data, and nothing is answered to what is no TCP or UDP', () => {
    const hints = { gue: new Set<number>(), toa: 0 };
    const data = tcp({ from: CLIENT, to: VIP, flags: 'PA', seq: 100, ack: 77, payload: new Uint8Array(5) });
    const header = viewOf(answerTo(data) as Uint8Array, hints).headers[1];
    assert.ok(header.kind === 'tcp');
    assert.deepEqual([header.flags, header.sequence, header.acknowledgement], ['ACK', 77, 105]);
    assert.equal(answerTo(Uint8Array.of(0x45, 0)), undefined);
  });

  it('two families are refused', () => {
    assert.throws(() => firstPacket('tcp', endpoint(CLIENT), endpoint(VIP6)), { code: 'GTM_LVS_INVALID' });
  });
});

it('a view of broken bytes reads inside them alone', () => {
  const hints = { gue: new Set([6080, 80]), toa: 254 };
  const rng = seeded(3);
  for (let i = 0; i < 20_000; i++) {
    const from = [SYN, SYN6, udp({ from: CLIENT, to: VIP })][i % 3];
    const bytes = from.slice(0, rng() % (from.length + 1));
    for (let n = 0; n < 3 && bytes.length > 0; n++) bytes[rng() % bytes.length] = rng();
    const { headers } = viewOf(bytes, hints);
    assert.ok(headers.length <= 30);
    for (const h of headers) if (h.kind === 'udp') assert.ok(Number.isInteger(h.destination));
  }
});
