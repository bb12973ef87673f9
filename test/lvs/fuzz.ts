// Random and mutated frames through a director that has services of every kind: no exception, nothing written outside of headroom
// and packet, no verdict without a reason, a bounded table.
//   node dist/test/lvs/fuzz.js [FRAMES] [SEED]
import assert from 'node:assert/strict';
import { seeded } from '../../src/kit/rng.ts';
import { Director, HEADROOM } from '../../src/lvs/director.ts';
import { REASON, VERDICT } from '../../src/lvs/verdict.ts';
import { bytes, cut, icmp, tcp, udp } from './build.ts';
import { endpoint, OneLink } from './rig.ts';

const VIPS = ['192.0.2.10:80', '[2001:db8:2::10]:80'];
const SERVERS = ['10.0.0.1:80', '[2001:db8:3::1]:80'];

function seeds(): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (const six of [0, 1]) {
    const client = ['198.51.100.7', '2001:db8:1::7'][six];
    const local = ['10.0.0.250', '[2001:db8:3::250]'][six];
    for (let k = 0; k < 5; k++) {
      const vip = VIPS[six].replace('10:', `1${k}:`).replace('10]', `1${k}]`);
      const from = six ? `[${client}]:4000` : `${client}:4000`;
      const options = [
        2, 4, 5, 0xb4, 1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1, 5, 10, 0, 0, 1, 0, 0, 0, 2, 0,
      ];
      for (const flags of ['S', 'A', 'FA', 'R', 'SA'])
        out.push(tcp({ from, to: vip, flags, options, payload: bytes(40) }));
      out.push(tcp({ from, to: vip, flags: 'A', payload: bytes(1380) }));
      out.push(tcp({ from: SERVERS[six], to: from, flags: 'SA', options }));
      out.push(tcp({ from: SERVERS[six], to: `${local}:5000`, flags: 'SA', options }));
      out.push(udp({ from, to: vip }), udp({ from: SERVERS[six], to: from }));
      out.push(...cut(udp({ from, to: vip, payload: bytes(600), df: false }), 300));
      const bare = endpoint(vip).address;
      const down = tcp({ from: vip, to: from, flags: 'A' });
      const up = tcp({ from, to: SERVERS[six], flags: 'A' });
      const peer = endpoint(SERVERS[six]).address;
      out.push(
        icmp(
          '203.0.113.1'.slice(0, six ? 0 : 11) || '2001:db8:9::1',
          bare,
          six ? 2 : 3,
          six ? 0 : 4,
          1300,
          down,
        ),
      );
      out.push(icmp(peer, client, six ? 1 : 3, 1, 0, up));
    }
  }
  return out;
}

/** Counts of verdicts. Throws at the first fault, with the seed and the number of the frame. */
export function fuzz(frames: number, seed: number): Record<string, number> {
  const rng = seeded(seed);
  const routes = new OneLink();
  routes.mtu = 1400;
  const director = new Director({
    capacity: 2000,
    routes,
    rng,
    sysctl: { nat_icmp_send: 1, schedule_icmp: 1, expire_nodest_conn: 1, sloppy_tcp: 1 },
  });
  const forwards = ['nat', 'dr', 'tun', 'fullnat', 'nat'] as const;
  const tunnels = [{ type: 'ipip' }, { type: 'gue', port: 6080, csum: true }] as const;
  for (const protocol of ['tcp', 'udp'] as const)
    for (const six of [0, 1])
      for (const [k, forward] of forwards.entries()) {
        const { address, port } = endpoint(VIPS[six].replace('10:', `1${k}:`).replace('10]', `1${k}]`));
        const key = { protocol, address, port };
        director.addService(key, {
          scheduler: 'wlc',
          persistence: k === 4 ? 60 : 0,
          flags: k === 0 && protocol === 'udp' ? ['ops'] : [],
          localAddresses: forward === 'fullnat' ? [six ? '2001:db8:3::250' : '10.0.0.250'] : [],
        });
        director.addDest(key, endpoint(SERVERS[six]), { weight: 1, forward, tunnel: tunnels[six] });
      }
  const corpus = seeds();
  const size = HEADROOM + 2048 + 64;
  const frame = new Uint8Array(size);
  const count: Record<string, number> = {};
  let now = 1000;
  for (let n = 0; n < frames; n++) {
    frame.fill(0xee);
    let length: number;
    if (rng() % 16 === 0) {
      length = rng() % 200;
      for (let i = 0; i < length; i++) frame[HEADROOM + i] = rng();
      if (length > 0) frame[HEADROOM] = rng() % 2 ? 0x45 : 0x60;
    } else {
      const from = corpus[rng() % corpus.length];
      frame.set(from, HEADROOM);
      length = from.length;
      for (let k = rng() % 4; k > 0; k--) frame[HEADROOM + (rng() % length)] = rng();
      if (rng() % 8 === 0) length = rng() % (length + 1);
      // Most mutations must not die of a wrong header checksum.
      if (rng() % 8 !== 0) seal(frame, length);
    }
    const behind = HEADROOM + length;
    frame.fill(0xee, behind);
    now += rng() % 50;
    let verdict: number;
    try {
      verdict = director.handle(frame, HEADROOM, length, now);
    } catch (cause) {
      throw new Error(`frame ${n} of seed ${seed}`, { cause });
    }
    const { out } = director;
    for (let i = behind; i < behind + 64; i++)
      assert.equal(frame[i], 0xee, `frame ${n} of seed ${seed}: written behind`);
    assert.ok(
      VERDICT[verdict] !== undefined && out.reason > 0 && REASON[out.reason] !== undefined,
      `frame ${n}: no reason`,
    );
    if (verdict !== 0) {
      assert.ok(
        out.offset >= 0 && out.offset + out.length <= out.frame.length,
        `frame ${n}: out of its buffer`,
      );
      assert.ok(verdict === 1 || out.length >= 20, `frame ${n}: nothing to send`);
    }
    count[REASON[out.reason]] = (count[REASON[out.reason]] ?? 0) + 1;
    if (rng() % 64 === 0) director.tick(now);
    if (rng() % 20_000 === 0) now += 1_000_000;
    if (rng() % 5000 === 0)
      director.setSysctl({ secure_tcp: rng() % 4, drop_packet: rng() % 8 === 0 ? rng() % 4 : 0 });
    const { used, capacity } = director.table();
    assert.ok(used <= capacity, `frame ${n}: ${used} connections`);
  }
  for (let i = 0; i < 40; i++) {
    now += 100_000;
    director.tick(now);
  }
  assert.equal(director.table().used, 0, 'everything ends');
  for (const s of director.services())
    for (const d of s.dests) assert.deepEqual([d.active, d.inactive, d.persistent], [0, 0, 0]);
  return count;
}

function seal(frame: Uint8Array, length: number): void {
  if (length < 20 || frame[HEADROOM] >> 4 !== 4) return;
  const header = Math.min((frame[HEADROOM] & 15) * 4, length) & ~1;
  frame.fill(0, HEADROOM + 10, HEADROOM + 12);
  let s = 0;
  for (let i = 0; i < header; i += 2) s += (frame[HEADROOM + i] << 8) | frame[HEADROOM + i + 1];
  while (s > 0xffff) s = (s & 0xffff) + (s >>> 16);
  frame[HEADROOM + 10] = (~s >> 8) & 255;
  frame[HEADROOM + 11] = ~s & 255;
}

if (import.meta.filename === process.argv[1]) {
  const frames = Number(process.argv[2] ?? 10_000_000);
  const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
  console.log(`fuzz: ${frames} frames, seed ${seed}`);
  console.log(fuzz(frames, seed));
}
