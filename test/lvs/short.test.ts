// The short way does what the long one does: the same packets through two directors, one of them with a hook in its lists that does
// nothing but keep every packet on the long way.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { finish, sum } from '../../src/kit/checksum.ts';
import { parseIp } from '../../src/kit/ip.ts';
import { HEADROOM } from '../../src/lvs/director.ts';
import { CONTINUE, FORWARD, LOCAL_IN, LOCAL_OUT } from '../../src/lvs/hooks.ts';
import { VERDICT } from '../../src/lvs/verdict.ts';
import { icmp, ip, put16, tcp, udp } from './build.ts';
import { CLIENT, CLIENT6, endpoint, Rig, SERVER6, SERVERS, VIP, VIP6 } from './rig.ts';

const DNS = '192.0.2.11:53';
const DNS6 = '[2001:db8:2::11]:53';
const SERVER = SERVERS[0];
const ALL = [
  { vip: VIP, server: SERVER, protocol: 'tcp' },
  { vip: VIP6, server: SERVER6, protocol: 'tcp' },
  { vip: DNS, server: SERVER, protocol: 'udp' },
  { vip: DNS6, server: SERVER6, protocol: 'udp' },
] as const;
/** The same client stays with its server here. */
const FAITHFUL = { vip: '192.0.2.14:80', server: SERVER, protocol: 'tcp' } as const;
const OTHERS = [
  FAITHFUL,
  { ...FAITHFUL, vip: '192.0.2.12:80' },
  { ...FAITHFUL, vip: '192.0.2.13:80' },
] as const;

function rig(long: boolean, capacity = 1000): Rig {
  const made = new Rig({}, capacity);
  for (const { vip, server, protocol } of ALL) made.service(vip, [server], { forward: 'dr' }, {}, protocol);
  const [, nat, tun] = OTHERS;
  made.service(FAITHFUL.vip, [SERVER], { forward: 'dr' }, { persistence: 60_000 });
  made.service(nat.vip, [SERVER], { forward: 'nat' });
  made.service(tun.vip, [SERVER], { forward: 'tun' });
  if (long) made.director.hooks.add('watch', FORWARD, 200, () => CONTINUE);
  return made;
}

/** What a director knows and counted. */
function known({ director }: Rig) {
  const hooks = [LOCAL_IN, LOCAL_OUT].flatMap(point =>
    director.hooks.list(point).map(h => [h.name, h.seen, h.changed, h.dropped, ...h.why]),
  );
  const saved = new Uint8Array(director.savedSize);
  director.write(saved);
  return {
    conns: [...director.connections()],
    saved,
    services: director.services(),
    reasons: director.reasons(),
    table: director.table(),
    hooks,
  };
}

function sendBoth(rigs: readonly Rig[], packet: Uint8Array): void {
  const [one, other] = rigs.map(r => {
    const sent = r.send(packet);
    const { route, family, offset, changed } = r.director.out;
    const way = { hop: [...route.hop], of: route.hopFamily, iface: route.iface, family, offset, changed };
    return { ...sent, ...(sent.verdict === 'transmit' && way) };
  });
  assert.deepEqual(one, other);
}

/** How often LVS's `in` was asked by way of its hook. */
function asked({ director }: Rig): () => number {
  const [, hook] = director.hooks.list(LOCAL_IN);
  const { run } = hook;
  let times = 0;
  Object.assign(hook, {
    run: (...a: Parameters<typeof run>) => {
      times++;
      return run(...a);
    },
  });
  return () => times;
}

it('nothing is read behind the end of a frame, wherever a packet is cut off', () => {
  const { director } = rig(false);
  for (const whole of [
    tcp({ from: CLIENT, to: VIP, flags: 'A' }),
    tcp({ from: CLIENT6, to: VIP6, flags: 'A' }),
  ])
    for (let length = 0; length < whole.length; length++) {
      const frame = new Uint8Array(HEADROOM + length);
      frame.set(whole.subarray(0, length), HEADROOM);
      assert.notEqual(VERDICT[director.handle(frame, HEADROOM, length, 0)], 'transmit', `${length} octets`);
    }
});

describe('who goes the short way', () => {
  const ack = { from: CLIENT, to: VIP, flags: 'A' };
  const ask = { from: '198.51.100.7:5353', to: DNS };
  const table: [string, Uint8Array, boolean][] = [
    ['TCP, open', tcp(ack), true],
    ['TCP with data', tcp({ ...ack, flags: 'PA', payload: new Uint8Array(1000) }), true],
    ['TCP over IPv6', tcp({ from: CLIENT6, to: VIP6, flags: 'A' }), true],
    ['UDP, seen before', udp(ask), true],
    ['UDP over IPv6', udp({ from: '[2001:db8:1::7]:5353', to: DNS6 }), true],
    ['a SYN', tcp({ ...ack, flags: 'S' }), false],
    ['a FIN', tcp({ ...ack, flags: 'FA' }), false],
    ['another client', tcp({ ...ack, from: '198.51.100.8:31337' }), false],
    ['the last hop', tcp({ ...ack, ttl: 1 }), false],
    ['longer than the link', udp({ ...ask, payload: new Uint8Array(1500), df: false }), false],
    ['a server', tcp({ ...ack, from: SERVER }), false],
  ];
  for (const [name, packet, short] of table)
    it(`${name}: ${short ? 'yes' : 'no'}`, () => {
      const made = rig(false);
      for (const { from, to } of [ack, { from: CLIENT6, to: VIP6 }]) {
        made.send(tcp({ from, to, flags: 'S' }));
        made.send(tcp({ from, to, flags: 'A' }));
      }
      for (const from of ['198.51.100.7:5353', '[2001:db8:1::7]:5353'])
        for (let i = 0; i < 2; i++) made.send(udp({ from, to: from.includes('[') ? DNS6 : DNS }));
      const times = asked(made);
      made.send(packet);
      assert.equal(times() === 0, short);
    });

  it('nobody, while somebody else looks at the packets; and again when he is gone', () => {
    const made = rig(false);
    made.send(tcp({ ...ack, flags: 'S' }));
    made.send(tcp(ack));
    const times = asked(made);
    const hook = made.director.hooks.add('watch', FORWARD, 0, () => CONTINUE);
    made.send(tcp(ack));
    assert.equal(times(), 1);
    made.director.hooks.remove(hook);
    made.send(tcp(ack));
    assert.equal(times(), 1);
  });
});

/** An IP packet's length field says less than came, or IPv4's word of flags and offset is another; the header's sum is right. */
function tell(made: Uint8Array, less: number, fragment: number): void {
  if (made[0] >> 4 === 6) {
    put16(made, 4, made.length - 40 - less);
    return;
  }
  put16(made, 2, made.length - less);
  if (fragment !== 0) put16(made, 6, fragment);
  put16(made, 10, 0);
  put16(made, 10, finish(sum(made, 0, 20, 0)));
}

const pick = fc.constantFrom;
/** What is lost of a packet with 100 octets of data: some, all, and of its headers too. */
const CUTS = [1, 20, 30, 100, 105, 108, 112, 115, 118, 121];

/** What is odd about a packet; nothing, for most. */
const odd = fc.oneof(
  { weight: 12, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.record({ ttl: pick(0, 1, 2) }) },
  { weight: 1, arbitrary: fc.record({ size: pick(1440, 1461, 1461), df: pick(false, false, true) }) },
  { weight: 1, arbitrary: fc.record({ less: pick(5, 15) }) },
  { weight: 1, arbitrary: fc.record({ fragment: pick(0x2000, 0x2001, 0x0007) }) },
  { weight: 1, arbitrary: fc.record({ cut: pick(...CUTS) }) },
  { weight: 1, arbitrary: fc.record({ at: fc.nat({ max: 59 }), by: fc.integer({ min: 1, max: 255 }) }) },
);

interface Odd {
  ttl?: number;
  size?: number;
  df?: boolean;
  less?: number;
  fragment?: number;
  cut?: number;
  at?: number;
  by?: number;
}

const packet = fc
  .record({
    service: fc.nat({ max: 6 }),
    host: pick(7, 7, 7, 8),
    flags: pick('A', 'A', 'A', 'A', 'PA', 'S', 'FA', 'RA', 'R', 'SA', ''),
    way: pick('ask', 'ask', 'ask', 'ask', 'answer', 'back', 'server', 'vip'),
    odd: odd as fc.Arbitrary<Odd>,
  })
  .map(f => {
    const { ttl = 64, size = 100, df = true, less = 0, fragment = 0, cut = 0, at = 0, by = 0 } = f.odd;
    const { vip, server, protocol } = [...ALL, ...OTHERS][f.service];
    const six = vip.startsWith('[');
    const client = clientOf(vip, f.host);
    const from = { ask: client, answer: vip, back: server, server, vip: six ? VIP6 : VIP }[f.way];
    const to = f.way === 'answer' || f.way === 'back' ? client : vip;
    const fields = { from, to, flags: f.flags, ttl, df, payload: new Uint8Array(size) };
    const made = protocol === 'udp' ? udp(fields) : tcp(fields);
    // Less than the transport header, or another word.
    if (less !== 0 || fragment !== 0) tell(made, less === 0 ? 0 : size + less, fragment);
    made[at] ^= by;
    return made.subarray(0, made.length - cut);
  });

/** The packets of a client that a connection is opened for, the server's or not among them. */
const opening = fc
  .record({
    service: fc.nat({ max: 6 }),
    host: fc.integer({ min: 7, max: 10 }),
    words: fc.array(pick('A', 'A', 'answer SA', 'answer A', 'answer R', 'FA'), { maxLength: 4 }),
  })
  .map(({ service, host, words }) => {
    const { vip, protocol } = [...ALL, ...OTHERS][service];
    const client = clientOf(vip, host);
    return ['S', ...words].map(word => {
      const [flags, back] = word.split(' ').reverse();
      const ends = back === undefined ? { from: client, to: vip } : { from: vip, to: client };
      return protocol === 'udp' ? udp(ends) : tcp({ ...ends, flags });
    });
  });

function clientOf(vip: string, host: number): string {
  return vip.startsWith('[') ? `[2001:db8:1::${host}]:4000` : `198.51.100.${host}:4000`;
}

/** A server is reached by a tunnel for a while, and a router says that a link on its way is narrow; then comes a long packet. */
function narrowed(rigs: readonly Rig[]): void {
  const client = clientOf(VIP, 7);
  const [own, server] = [VIP, SERVER].map(e => endpoint(e).address);
  const told = ip(
    parseIp(own) as Uint8Array,
    parseIp(server) as Uint8Array,
    4,
    tcp({ from: client, to: VIP, flags: 'A' }),
  );
  const turn = (forward: 'tun' | 'dr') => {
    for (const { director } of rigs)
      try {
        director.updateDest({ protocol: 'tcp', ...endpoint(VIP) }, endpoint(SERVER), { weight: 1, forward });
      } catch {
        // It was removed, from both.
      }
  };
  turn('tun');
  sendBoth(rigs, icmp('10.0.0.99', own, 3, 4, 1300, told));
  turn('dr');
  for (const size of [0, 1350])
    sendBoth(rigs, tcp({ from: client, to: VIP, flags: 'A', payload: new Uint8Array(size) }));
}

const step = fc.oneof(
  { weight: 20, arbitrary: packet.map(bytes => (rigs: readonly Rig[]) => sendBoth(rigs, bytes)) },
  {
    weight: 4,
    arbitrary: opening.map(all => (rigs: readonly Rig[]) => {
      for (const bytes of all) sendBoth(rigs, bytes);
    }),
  },
  {
    weight: 3,
    arbitrary: pick(1, 1000, 61_000, 300_000, 901_000).map(ms => (rigs: readonly Rig[]) => {
      for (const r of rigs) r.now += ms;
    }),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.nat({ max: 3 }), pick('weight', 'remove', 'add'))
      .map(([i, what]) => (rigs: readonly Rig[]) => {
        const { vip, server, protocol } = ALL[i];
        const [key, dest] = [{ protocol, ...endpoint(vip) }, endpoint(server)];
        for (const { director } of rigs)
          try {
            if (what === 'weight') director.updateDest(key, dest, { weight: 0, forward: 'dr' });
            else if (what === 'remove') director.removeDest(key, dest);
            else director.addDest(key, dest, { weight: 1, forward: 'dr' });
          } catch {
            // It is there, or it is not: of both directors.
          }
      }),
  },
  { weight: 1, arbitrary: fc.constant(narrowed) },
  {
    weight: 2,
    arbitrary: pick('mtu', 'local', 'client', 'away', 'secure', 'stray').map(
      what => (rigs: readonly Rig[]) => {
        for (const { director, routes } of rigs) {
          if (what === 'mtu') routes.mtu = routes.mtu === 1500 ? 1400 : 1500;
          if (what === 'local') routes.local = [endpoint(SERVER).address];
          if (what === 'client') routes.local = ['198.51.100.7'];
          if (what === 'away') routes.local = [];
          if (what === 'secure') director.setSysctl({ secure_tcp: 3 });
          if (what === 'stray') director.setSysctl({ nat_icmp_send: 1 });
          director.routesChanged();
        }
      },
    ),
  },
);

/** The packet that goes the short way comes last, and finds what others have left behind. */
const AFTER: Record<string, (rigs: readonly Rig[]) => void> = {
  'one that goes on in pieces': rigs =>
    sendBoth(rigs, udp({ from: clientOf(DNS, 7), to: DNS, payload: new Uint8Array(1480), df: false })),
  "a server's answer to a client on this host": rigs => {
    sendBoth(rigs, tcp({ from: VIP, to: OTHERS[1].vip }));
    sendBoth(rigs, tcp({ from: SERVER, to: VIP, flags: 'SA' }));
  },
  'an opening that only the server went on with': rigs => {
    const client = clientOf(VIP, 7);
    sendBoth(rigs, tcp({ from: client, to: VIP, flags: 'S' }));
    sendBoth(rigs, tcp({ from: VIP, to: client, flags: 'A' }));
  },
  'a narrow link': narrowed,
};

describe('the short way after', () => {
  for (const [name, before] of Object.entries(AFTER))
    it(name, () => {
      const rigs = [rig(false, 16), rig(true, 16)];
      const ack = tcp({ from: clientOf(VIP, 7), to: VIP, flags: 'A' });
      const opened = name.startsWith('an opening') ? [] : [tcp({ from: clientOf(VIP, 7), to: VIP }), ack];
      for (const bytes of opened) sendBoth(rigs, bytes);
      before(rigs);
      sendBoth(rigs, ack);
      // So many clients that come and go: whose connection gives way to them?
      for (let i = 20; i < 40; i++) sendBoth(rigs, tcp({ from: clientOf(VIP, i), to: VIP }));
      assert.deepEqual(known(rigs[0]), known(rigs[1]));
    });
});

it('whatever comes and whatever changes, the two ways say, send, count and remember the same', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 120, size: 'max' }), steps => {
      const rigs = [rig(false), rig(true)];
      for (const { vip, server, protocol } of ALL) {
        const client = clientOf(vip, 7);
        const make = protocol === 'tcp' ? tcp : udp;
        for (const from of [client, server])
          for (const flags of ['S', 'A']) sendBoth(rigs, make({ from, to: vip, flags }));
      }
      for (const run of steps) run(rigs);
      assert.deepEqual(known(rigs[0]), known(rigs[1]));
    }),
    { numRuns: 600 },
  );
});
