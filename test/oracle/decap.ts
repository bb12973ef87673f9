// The frames of the tunnel modes, taken out of their tunnels by the kernel's own devices: does the datagram inside reach a
// socket? The core makes the frames on the host's side; inside the kernel a real server has tunl0, ip6tnl0, sit0, gre0,
// ip6gre0 and GUE ports, and the VIPs on its loopback, as every LVS tutorial sets it up.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { seeded } from '../../src/kit/rng.ts';
import type { TunnelOptions } from '../../src/lvs/config.ts';
import { Director, HEADROOM } from '../../src/lvs/director.ts';
import { TRANSMIT } from '../../src/lvs/verdict.ts';
import type { Libc } from './libc.ts';
import { udp } from './packet.ts';
import { toBytes, toText } from './story.ts';
import { routes } from './subject.ts';
import { DEVICE, MAC, NEAR, OWN, SELF, SWITCHES, VIPS } from './topology.ts';

/** A frame for a server, and what a socket on the VIP should get of it. */
export interface Parcel {
  name: string;
  packet: string;
  vip: string;
  payload: string;
}

const PORT = 5353;
const TUNNELS: readonly TunnelOptions[] = [
  { type: 'ipip' },
  { type: 'gue', port: 6080 },
  { type: 'gue', port: 6080, csum: true },
  { type: 'gre' },
  { type: 'gre', csum: true },
];

/** Frames of every tunnel, with either family inside and outside. */
export function parcels(): Parcel[] {
  const out: Parcel[] = [];
  const frame = new Uint8Array(HEADROOM + 2000);
  for (const inner of [4, 6] as const) {
    for (const outer of [4, 6] as const) {
      for (const tunnel of TUNNELS) {
        const director = new Director({
          capacity: 16,
          routes: routes(1500),
          localAddresses: SELF,
          rng: seeded(3),
        });
        const key = { protocol: 'udp', address: VIPS[inner][0], port: PORT } as const;
        director.addService(key, { scheduler: 'rr' });
        director.addDest(
          key,
          { address: serverOf(outer, tunnel), port: PORT },
          { weight: 1, forward: 'tun', tunnel },
        );
        const name = `${inner} in ${outer} by ${tunnel.type}${tunnel.csum === true ? ' with checksum' : ''}`;
        const source = inner === 4 ? '198.51.100.7' : '2001:db8:100::7';
        const payload = Buffer.from(name);
        const packet = udp(
          { source, destination: key.address, df: true, id: 7 },
          { sport: 4000, dport: PORT, payload },
        );
        frame.set(packet, HEADROOM);
        const verdict = director.handle(frame, HEADROOM, packet.length, 1000);
        if (verdict !== TRANSMIT) throw new Error(`${name}: not forwarded`);
        const { offset, length } = director.out;
        out.push({
          name,
          packet: toText(director.out.frame.subarray(offset, offset + length)),
          vip: key.address,
          payload: name,
        });
      }
    }
  }
  return out;
}

// GRE with checksums is another server's: a kernel device takes either all frames with one, or all without.
function serverOf(family: 4 | 6, tunnel: TunnelOptions): string {
  return NEAR[family][tunnel.type === 'gre' && tunnel.csum === true ? 1 : 0];
}

/** Inside the kernel: the names of the parcels whose payload did not reach the socket. */
export function receive(libc: Libc, all: readonly Parcel[]): string[] {
  // Not before: these devices take part in what becomes of errors about the director's own tunnels.
  for (const m of ['ipip', 'sit', 'ip6_tunnel', 'ip_gre', 'ip6_gre', 'fou', 'fou6'])
    execFileSync('modprobe', ['-d', '/run/md', m]);
  libc.unshare();
  const tap = libc.tap(DEVICE.server);
  for (const [path, value] of Object.entries(SWITCHES)) writeFileSync(`/proc/sys/net/${path}`, value);
  const lines = ['link set lo up', `link set ${DEVICE.server} address ${MAC.server} up`];
  lines.push(
    `addr add ${NEAR[4][0]}/24 dev ${DEVICE.server}`,
    `addr add ${NEAR[6][0]}/64 dev ${DEVICE.server} nodad`,
  );
  lines.push(`addr add ${VIPS[4][0]}/32 dev lo`, `addr add ${VIPS[6][0]}/128 dev lo nodad`);
  lines.push(
    `addr add ${NEAR[4][1]}/24 dev ${DEVICE.server}`,
    `addr add ${NEAR[6][1]}/64 dev ${DEVICE.server} nodad`,
  );
  const ends = (family: 4 | 6, i: number) =>
    `local ${NEAR[family][i]} remote ${OWN.server[family === 4 ? 0 : 1]}`;
  lines.push(
    `link add any6 type ip6tnl mode any ${ends(6, 0)}`,
    `link add csum4 type gre ${ends(4, 1)} csum`,
  );
  lines.push(
    `link add csum6 type ip6gre ${ends(6, 1)} csum`,
    'link set any6 up',
    'link set csum4 up',
    'link set csum6 up',
  );
  for (const device of ['tunl0', 'ip6tnl0', 'sit0', 'gre0', 'ip6gre0']) lines.push(`link set ${device} up`);
  lines.push(
    'route add default dev s0',
    'route add ::/0 dev s0',
    'fou add port 6080 gue',
    'fou add port 6080 gue -6',
  );
  execFileSync('ip', ['-force', '-batch', '-'], { input: `${lines.join('\n')}\n` });
  for (const device of ['all', 'tunl0', 'sit0', 'gre0', 's0', 'any6', 'csum4', 'csum6'])
    writeFileSync(`/proc/sys/net/ipv4/conf/${device}/rp_filter`, '0');
  const sockets = new Map([VIPS[4][0], VIPS[6][0]].map(vip => [vip, libc.bound(vip, PORT)]));
  const into = Buffer.alloc(2000);
  const lost: string[] = [];
  for (const parcel of all) {
    const packet = toBytes(parcel.packet);
    const type = packet[0] >> 4 === 6 ? '86dd' : '0800';
    const head = Buffer.from(`${MAC.server}:02:00:00:00:00:aa`.replaceAll(':', '') + type, 'hex');
    libc.write(tap, Buffer.concat([head, packet]));
    const length = libc.read(sockets.get(parcel.vip) as number, into);
    if (length < 0 || into.toString('latin1', 0, length) !== parcel.payload) lost.push(parcel.name);
  }
  for (const fd of [tap, ...sockets.values()]) libc.close(fd);
  return lost;
}
