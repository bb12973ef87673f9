// The child of alloc-packets.test.ts: heap growth over a million packets (hits, new connections, answers, ICMP errors) of each mode,
// as JSON. Nothing is collected in between: the heap would show every object that a packet leaves behind.
import { seeded } from '../../src/kit/rng.ts';
import type { DestOptions, Route, Routes } from '../../src/lvs/config.ts';
import { Director, HEADROOM } from '../../src/lvs/director.ts';
import { bytes, icmp, put16, tcp } from './build.ts';
import { CLIENT, endpoint, SERVERS, VIP } from './rig.ts';

const PACKETS = 250_000;
const routes: Routes = {
  find(family: number, address: Int32Array, route: Route): boolean {
    for (let i = 0; i < 4; i++) route.hop[i] = address[i];
    route.hopFamily = family;
    route.source[0] = 0x0a0000fe;
    return true;
  },
};
const collect = globalThis.gc as () => void;
const grown: Record<string, number> = {};

for (const forward of ['nat', 'dr', 'tun', 'fullnat'] as DestOptions['forward'][]) {
  const director = new Director({ capacity: 20_000, routes, rng: seeded(1), many: 0 });
  const key = { protocol: 'tcp', ...endpoint(VIP) } as const;
  const localAddresses = ['10.0.0.250'];
  director.addService(key, { scheduler: 'wlc', localAddresses, persistence: forward === 'dr' ? 300 : 0 });
  for (const s of SERVERS) director.addDest(key, endpoint(s), { weight: 1, forward });
  const back = forward === 'fullnat' ? '10.0.0.250:5000' : CLIENT;
  const kinds = [
    tcp({ from: CLIENT, to: VIP }),
    tcp({ from: CLIENT, to: VIP, flags: 'A', payload: bytes(100) }),
    ...SERVERS.map(s => tcp({ from: s, to: back, flags: 'A', payload: bytes(100) })),
    icmp('203.0.113.1', '192.0.2.10', 3, 1, 0, tcp({ from: VIP, to: CLIENT, flags: 'A' })),
    tcp({ from: CLIENT, to: VIP, flags: 'A', payload: bytes(1460) }),
  ];
  const frame = new Uint8Array(HEADROOM + 2048);
  const offsets = Int32Array.of(HEADROOM);
  let now = 1e12;
  const round = (packets: number) => {
    for (let i = 0; i < packets; i++) {
      const packet = kinds[i % kinds.length];
      frame.set(packet, HEADROOM);
      // Every eighth is a new connection, whose checksum nobody looks at.
      if (i % 8 === 0) put16(frame, HEADROOM + 20, i);
      director.lookAhead(frame, offsets, 1);
      director.handle(frame, HEADROOM, packet.length, now);
      if (i % 64 === 0) director.tick(++now);
    }
  };
  round(PACKETS);
  // The least of three: the compiler leaves something of its own on the heap when it comes by.
  grown[forward] = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3; i++) {
    collect();
    const before = process.memoryUsage().heapUsed;
    round(1_000_000);
    grown[forward] = Math.min(grown[forward], process.memoryUsage().heapUsed - before);
  }
}
process.stdout.write(JSON.stringify(grown));
