// The XDP program, run by the kernel over packets: what it takes, as what, and what it leaves to the host.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { ServiceSpec } from '../../src/model/service.ts';
import { beat } from '../../src/nic/alive.ts';
import { readObject } from '../../src/nic/elf.ts';
import { openLibc } from '../../src/nic/libc.ts';
import { OBJECT, openSteer, type Steered } from '../../src/nic/steer.ts';
import { planOf } from '../../src/plane/xdp/plan.ts';
import { ip, icmp as message, tcp, udp } from '../lvs/build.ts';
import { spec } from '../plane/xdp-specs.ts';
import { frame, HERE, THERE } from './frames.ts';

const libc = await openLibc();
const steer = openSteer(libc);
after(() => steer.close());

const SERVICES: ServiceSpec[] = [
  spec('tcp 192.0.2.10:80', 'nat', ['10.0.0.1:8080']),
  spec('udp 192.0.2.10:53', 'dr', ['10.0.0.1:53']),
  spec('tcp 192.0.2.11:443', 'tun', ['10.0.0.2:443'], {
    tunnel: { type: 'gue', port: 6080, checksum: false },
  }),
  spec('tcp 192.0.2.12:0', 'dr', ['10.0.0.3:0'], { persistence: 1000 }),
  spec('tcp 192.0.2.13:80', 'fullnat', ['10.0.0.4:80'], { localAddresses: ['10.9.9.9'] }),
  spec('tcp [2001:db8::10]:80', 'nat', ['[fd00::1]:8080']),
  spec('udp [2001:db8::10]:53', 'nat', ['[fd00::1]:53']),
  spec('tcp [2001:db8::13]:80', 'fullnat', ['[fd00::4]:80'], { localAddresses: ['fd00::99'] }),
];
const HOST = ['10.0.0.254', 'fd00::254'];
steer.set(planOf(SERVICES, HOST));
// The kernel runs tests as if the frame came in by the loopback interface; there is no socket, so what is taken is dropped.
steer.watch(0, 1, 1, HERE);

const PASS = 2;
const DROP = 1;

function judge(packet: Uint8Array): { as: Steered; verdict: number } {
  const [s, ns] = process.hrtime();
  steer.alive[0] = beat(s * 1e9 + ns);
  return run(packet);
}

function run(packet: Uint8Array): { as: Steered; verdict: number } {
  const before = steer.counters();
  const { verdict } = steer.bpf.test(steer.program, packet);
  const now = steer.counters();
  const grown = (Object.keys(now) as Steered[]).filter(k => now[k] > before[k]);
  assert.equal(grown.length, 1, `counted as ${grown}`);
  return { as: grown[0], verdict };
}

const C = '198.51.100.7:31337';
const C6 = '[2001:db8:c::7]:31337';
/** An ICMP message about `quoted`. */
function icmp(f: { from: string; to: string; type: number; code: number; quoted?: Uint8Array }): Uint8Array {
  return message(f.from, f.to, f.type, f.code, 0, f.quoted ?? new Uint8Array(24));
}
const quote = (from: string, to: string, size = 28) => tcp({ from, to }).subarray(0, size);

/** An IPv4 fragment of a UDP datagram, at `offset` octets. */
function cut4(packet: Uint8Array, offset: number, more: boolean): Uint8Array {
  const b = packet.slice();
  b[6] = (more ? 0x20 : 0) | (offset >> 11);
  b[7] = offset >> 3;
  return b;
}

/** The packet with extension headers of these kinds in front of its transport header; 44 is a fragment header. */
function extended(packet: Uint8Array, kinds: readonly number[], cut = 0): Uint8Array {
  const next = [...kinds, packet[6]];
  const headers = kinds.flatMap((kind, i) => [
    next[i + 1],
    kind === 44 ? 0 : kind === 51 ? 4 : 0,
    ...(kind === 44 ? [cut >> 8, cut & 255] : [1, 4]),
    ...(kind === 51 ? new Array(20).fill(0) : [0, 0, 0, 1]),
  ]);
  return Uint8Array.from([
    ...packet.subarray(0, 6),
    next[0],
    ...packet.subarray(7, 40),
    ...headers,
    ...packet.subarray(40),
  ]);
}

const u4 = (from: string, to: string) => udp({ from, to, payload: new Uint8Array(40) });

const TABLE: readonly [string, Uint8Array, Steered][] = [
  ['a request', frame(tcp({ from: C, to: '192.0.2.10:80' })), 'service'],
  ['a request over UDP', frame(u4(C, '192.0.2.10:53')), 'service'],
  ['a request in IPv6', frame(tcp({ from: C6, to: '[2001:db8::10]:80' })), 'service'],
  ['another port of the VIP', frame(tcp({ from: C, to: '192.0.2.10:22' })), 'other'],
  ['another protocol to the same port', frame(u4(C, '192.0.2.10:80')), 'other'],
  ['another port of the VIP in IPv6', frame(tcp({ from: C6, to: '[2001:db8::10]:22' })), 'other'],
  ['a service of all ports', frame(tcp({ from: C, to: '192.0.2.12:22' })), 'service'],
  ['… of its protocol', frame(u4(C, '192.0.2.12:22')), 'other'],
  ['to nobody known', frame(tcp({ from: C, to: '203.0.113.1:80' })), 'other'],
  ['the answer of a NAT server', frame(tcp({ from: '10.0.0.1:8080', to: C })), 'answer'],
  ['… in IPv6', frame(tcp({ from: '[fd00::1]:8080', to: C6 })), 'answer'],
  ['… over UDP in IPv6', frame(udp({ from: '[fd00::1]:53', to: C6 })), 'answer'],
  [
    'the answer to the host’s own probe',
    frame(tcp({ from: '10.0.0.1:8080', to: '10.0.0.254:40000' })),
    'other',
  ],
  ['… in IPv6', frame(tcp({ from: '[fd00::1]:8080', to: '[fd00::254]:40000' })), 'other'],
  ['what a NAT server begins itself', frame(tcp({ from: '10.0.0.1:40000', to: '203.0.113.9:443' })), 'other'],
  ['a DR server’s answer', frame(u4('10.0.0.1:53', C)), 'other'],
  ['a FullNAT server’s answer', frame(tcp({ from: '10.0.0.4:80', to: '10.9.9.9:5001' })), 'local'],
  ['… in IPv6', frame(tcp({ from: '[fd00::4]:80', to: '[fd00::99]:5001' })), 'local'],
  ['a FullNAT server, to elsewhere', frame(tcp({ from: '10.0.0.4:80', to: C })), 'other'],
  ['a ping to the VIP', frame(icmp({ from: '198.51.100.7', to: '192.0.2.10', type: 8, code: 0 })), 'other'],
  ['behind one tag', frame(tcp({ from: C, to: '192.0.2.10:80' }), [[0x8100, 10]]), 'service'],
  [
    'behind two tags',
    frame(tcp({ from: C, to: '192.0.2.10:80' }), [
      [0x88a8, 10],
      [0x8100, 20],
    ]),
    'service',
  ],
  [
    'behind three',
    frame(tcp({ from: C, to: '192.0.2.10:80' }), [
      [0x88a8, 1],
      [0x8100, 2],
      [0x8100, 3],
    ]),
    'other',
  ],
  ['in IPv6 behind a tag', frame(tcp({ from: C6, to: '[2001:db8::10]:80' }), [[0x8100, 10]]), 'service'],
  ['to another host on the wire', frame(tcp({ from: C, to: '192.0.2.10:80' }), [], THERE), 'other-host'],
  ['a first fragment', frame(cut4(u4(C, '192.0.2.10:53'), 0, true)), 'fragment'],
  ['a later fragment', frame(cut4(u4(C, '192.0.2.10:53'), 64, false)), 'fragment'],
  ['a later fragment far behind', frame(cut4(u4(C, '192.0.2.10:53'), 8192, false)), 'fragment'],
  ['a fragment of a protocol without a service', frame(cut4(u4(C, '192.0.2.13:53'), 64, false)), 'other'],
  ['a fragment of a NAT server', frame(cut4(tcp({ from: '10.0.0.1:8080', to: C }), 64, true)), 'fragment'],
  ['… to the host', frame(cut4(tcp({ from: '10.0.0.1:8080', to: '10.0.0.254:1' }), 64, true)), 'other'],
  [
    'a fragment of a ping',
    frame(cut4(icmp({ from: '198.51.100.7', to: '192.0.2.10', type: 8, code: 0 }), 64, true)),
    'other',
  ],
  ['IPv6, options', frame(extended(tcp({ from: C6, to: '[2001:db8::10]:80' }), [0, 60, 43, 60])), 'service'],
  ['IPv6, authenticated', frame(extended(tcp({ from: C6, to: '[2001:db8::10]:80' }), [51])), 'service'],
  ['IPv6, first fragment', frame(extended(udp({ from: C6, to: '[2001:db8::10]:53' }), [44], 1)), 'fragment'],
  [
    'IPv6, later fragment',
    frame(extended(udp({ from: C6, to: '[2001:db8::10]:53' }), [0, 44], 128)),
    'fragment',
  ],
  [
    'IPv6, whole in one fragment',
    frame(extended(udp({ from: C6, to: '[2001:db8::10]:53' }), [44], 0)),
    'service',
  ],
  [
    'IPv6, too many headers',
    frame(extended(tcp({ from: C6, to: '[2001:db8::10]:80' }), [60, 60, 60, 60, 60, 60, 60])),
    'other',
  ],
  [
    'an error about what went to a client',
    frame(
      icmp({ from: '198.51.100.1', to: '192.0.2.10', type: 3, code: 4, quoted: quote('192.0.2.10:80', C) }),
    ),
    'icmp',
  ],
  [
    'an error about what the host said from the VIP',
    frame(
      icmp({ from: '198.51.100.1', to: '192.0.2.10', type: 3, code: 4, quoted: quote('192.0.2.10:22', C) }),
    ),
    'other',
  ],
  [
    'an error about what went to a NAT server',
    frame(
      icmp({ from: '10.0.0.77', to: '198.51.100.7', type: 11, code: 0, quoted: quote(C, '10.0.0.1:8080') }),
    ),
    'icmp',
  ],
  [
    'an error about the host’s own probe',
    frame(
      icmp({
        from: '10.0.0.77',
        to: '10.0.0.254',
        type: 3,
        code: 1,
        quoted: quote('10.0.0.254:9', '10.0.0.1:8080'),
      }),
    ),
    'other',
  ],
  [
    'an error about what went to a FullNAT server',
    frame(
      icmp({
        from: '10.0.0.77',
        to: '10.9.9.9',
        type: 3,
        code: 1,
        quoted: quote('10.9.9.9:5001', '10.0.0.4:80'),
      }),
    ),
    'icmp',
  ],
  [
    'an error about a request to the VIP',
    frame(
      icmp({ from: '10.0.0.77', to: '198.51.100.7', type: 3, code: 3, quoted: quote(C, '192.0.2.11:443') }),
    ),
    'icmp',
  ],
  [
    'an error about a tunnel packet',
    frame(
      icmp({
        from: '10.0.0.77',
        to: '10.0.0.254',
        type: 3,
        code: 4,
        quoted: ip(
          Uint8Array.of(10, 0, 0, 254),
          Uint8Array.of(10, 0, 0, 2),
          4,
          tcp({ from: C, to: '192.0.2.11:443' }),
        ),
      }),
    ),
    'icmp',
  ],
  [
    'an error about a GUE packet',
    frame(
      icmp({
        from: '10.0.0.77',
        to: '10.0.0.254',
        type: 3,
        code: 4,
        quoted: u4('10.0.0.254:7777', '10.0.0.2:6080'),
      }),
    ),
    'icmp',
  ],
  [
    'an error about a datagram of the host to a tunnel’s server',
    frame(
      icmp({
        from: '10.0.0.77',
        to: '10.0.0.254',
        type: 3,
        code: 4,
        quoted: u4('10.0.0.254:7777', '10.0.0.2:53'),
      }),
    ),
    'other',
  ],
  [
    'packet too big, about what went to a client',
    frame(
      icmp({
        from: '2001:db8:c::1',
        to: '2001:db8::10',
        type: 2,
        code: 0,
        quoted: quote('[2001:db8::10]:80', C6, 48),
      }),
    ),
    'icmp',
  ],
  [
    'a neighbour’s advertisement',
    frame(icmp({ from: '2001:db8:c::1', to: '2001:db8::10', type: 136, code: 0 })),
    'other',
  ],
  ['ARP', Uint8Array.from([...HERE, ...THERE, 8, 6, ...new Array(28).fill(0)]), 'other'],
  ['a cut header', frame(tcp({ from: C, to: '192.0.2.10:80' }).subarray(0, 22)), 'other'],
  [
    'an IPv4 header that is none',
    frame(Uint8Array.from([0x43, ...tcp({ from: C, to: '192.0.2.10:80' }).subarray(1)])),
    'other',
  ],
];

describe('the XDP program', () => {
  for (const [name, packet, as] of TABLE)
    it(`${name}: ${as}`, () => {
      const got = judge(packet);
      assert.equal(got.as, as);
      assert.equal(got.verdict, as === 'other' || as === 'other-host' ? PASS : DROP);
    });

  it('drops what is a service’s when the worker’s word is older than a second, and passes all else', () => {
    const [s, ns] = process.hrtime();
    steer.alive[0] = beat(s * 1e9 + ns - 1.2e9);
    assert.deepEqual(run(frame(tcp({ from: C, to: '192.0.2.10:80' }))), { as: 'no-worker', verdict: DROP });
    assert.deepEqual(run(frame(tcp({ from: C, to: '192.0.2.10:22' }))), { as: 'other', verdict: PASS });
    steer.alive[0] = beat(s * 1e9 + ns - 0.5e9);
    assert.equal(run(frame(tcp({ from: C, to: '192.0.2.10:80' }))).as, 'service');
  });

  it('passes everything when the time after a clean stop is over, until a worker lives again', () => {
    const web = frame(tcp({ from: C, to: '192.0.2.10:80' }));
    const own = openSteer(libc);
    try {
      own.set(planOf(SERVICES, HOST));
      own.watch(0, 1, 1, HERE);
      const verdict = () => own.bpf.test(own.program, web).verdict;
      const [s, ns] = process.hrtime();
      const now = s * 1e9 + ns;
      own.retire(now + 60e9);
      assert.equal(verdict(), DROP);
      own.retire(now - 0.1e9);
      assert.equal(verdict(), PASS);
      own.alive[0] = beat(now);
      assert.equal(verdict(), DROP);
    } finally {
      own.close();
    }
  });

  it('follows the services: what is new is taken, what went is the host’s again', () => {
    const web = frame(tcp({ from: C, to: '192.0.2.10:80' }));
    const ssh = frame(tcp({ from: C, to: '192.0.2.10:22' }));
    const later = frame(cut4(u4(C, '192.0.2.10:53'), 64, false));
    steer.set(planOf([spec('tcp 192.0.2.10:22', 'dr', ['10.0.0.1:22'])], HOST));
    assert.deepEqual(
      [web, ssh, later].map(p => judge(p).as),
      ['other', 'service', 'other'],
    );
    steer.set(planOf(SERVICES, HOST));
    assert.deepEqual(
      [web, ssh, later].map(p => judge(p).as),
      ['service', 'other', 'fragment'],
    );
  });

  it('is what its source says: built anew, the object has the same sections', () => {
    const folder = mkdtempSync(join(tmpdir(), 'xdp-'));
    try {
      const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
        scripts: Record<string, string>;
      };
      const built = join(folder, 'steer.o');
      const [program, ...args] = (scripts['build:xdp'] as string).split(' ');
      execFileSync(program, [...args.slice(0, -1), built]);
      const [is, was] = [built, OBJECT].map(file => readObject(readFileSync(file), 'xdp').sections);
      for (const name of ['xdp', '.relxdp', 'maps', 'license'])
        assert.deepEqual(is.get(name), was.get(name), `${name}: run npm run build:xdp and commit the object`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
