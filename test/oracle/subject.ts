// The packet core in the place of the kernel: the same steps, and what it would send.

import { formatIp, parseIp } from '../../src/kit/ip.ts';
import { seeded } from '../../src/kit/rng.ts';
import type {
  DestKey,
  DestOptions,
  Routes,
  ServiceKey,
  ServiceOptions,
  Sysctl,
} from '../../src/lvs/config.ts';
import { type ConnectionInfo, Director, HEADROOM, type ServiceInfo } from '../../src/lvs/director.ts';
import { DROP, HOST, REASON } from '../../src/lvs/verdict.ts';
import { fragments } from './packet.ts';
import { type Sent, type Side, toText } from './story.ts';
import { NEIGHBOURS, OWN, SELF, wayTo } from './topology.ts';

const SIDES: readonly Side[] = ['client', 'server'];

/** What the core made of a frame. `host`: it is the host's, as `packet` shows it. */
export interface Heard {
  reason: string;
  sent: Sent[];
  host?: Uint8Array;
  /** The packets of `sent` are messages of the director itself. */
  own: boolean;
}

/** What is played against: a Director, or one that was broken on purpose. */
export interface Subject {
  service(verb: 'add' | 'set' | 'remove', key: ServiceKey, options?: ServiceOptions): void;
  dest(verb: 'add' | 'set' | 'remove', key: ServiceKey, dest: DestKey, options?: DestOptions): void;
  sysctl(values: Partial<Sysctl>): void;
  frame(packet: Uint8Array, now: number): Heard;
  tick(now: number): void;
  connections(): Iterable<ConnectionInfo>;
  services(): ServiceInfo[];
}

export type MakeSubject = (mtu: number) => Subject;

function text(words: Int32Array, family: number): string {
  const bytes = new Uint8Array(family === 4 ? 4 : 16);
  for (let i = 0; i < bytes.length; i++) bytes[i] = words[i >> 2] >>> (24 - 8 * (i & 3));
  return formatIp(bytes);
}

function fill(words: Int32Array, address: string): void {
  const bytes = parseIp(address) as Uint8Array;
  words.fill(0);
  for (let i = 0; i < bytes.length; i++) words[i >> 2] |= bytes[i] << (24 - 8 * (i & 3));
}

/** The routes of the topology. */
export function routes(mtu: number): Routes {
  return {
    find: (family, address, route) => {
      const way = wayTo(text(address, family));
      route.local = way === undefined;
      route.mtu = way?.side === 'server' ? mtu : 1500;
      route.hopFamily = family;
      route.iface = way === undefined ? 0 : SIDES.indexOf(way.side);
      fill(route.hop, way?.hop ?? text(address, family));
      fill(route.source, way === undefined ? text(address, family) : OWN[way.side][family === 4 ? 0 : 1]);
      return true;
    },
  };
}

/** The core itself. */
export const makeSubject: MakeSubject = mtu =>
  wrap(new Director({ capacity: 4096, routes: routes(mtu), localAddresses: SELF, rng: seeded(1) }));

/** A director as a subject. */
export function wrap(director: Director): Subject {
  const frame = new Uint8Array(HEADROOM + 70_000);
  const services = { add: 'addService', set: 'updateService' } as const;
  const dests = { add: 'addDest', set: 'updateDest' } as const;
  return {
    service: (verb, key, options) =>
      verb === 'remove'
        ? director.removeService(key)
        : director[services[verb]](key, options as ServiceOptions),
    dest: (verb, key, dest, options) =>
      verb === 'remove'
        ? director.removeDest(key, dest)
        : director[dests[verb]](key, dest, options as DestOptions),
    sysctl: values => director.setSysctl(values),
    tick: now => director.tick(now),
    connections: () => director.connections(),
    services: () => director.services(),
    frame: (packet, now) => {
      frame.set(packet, HEADROOM);
      const verdict = director.handle(frame, HEADROOM, packet.length, now);
      const { out } = director;
      const reason = REASON[out.reason];
      if (verdict === DROP) return { reason, sent: [], own: false };
      const bytes = Buffer.from(out.frame.subarray(out.offset, out.offset + out.length));
      if (verdict === HOST) return { reason, sent: [], own: false, host: bytes };
      const address = text(out.route.hop, out.route.hopFamily);
      const side = SIDES[out.route.iface];
      const hop = NEIGHBOURS.find(n => n.side === side && n.address === address)?.mac ?? address;
      const packets = out.fragment > 0 ? cut(bytes, out.fragment) : [bytes];
      const sent = packets.map(p => ({ side, hop, packet: toText(p) }));
      return {
        reason,
        sent,
        own: ['port-unreachable', 'frag-needed', 'time-exceeded', 'stray', 'mtu-relayed'].includes(reason),
      };
    },
  };
}

/** A packet in fragments of at most `most` bytes. */
function cut(packet: Buffer, most: number): Uint8Array[] {
  if (packet.length <= most) return [packet];
  const six = packet[0] >> 4 === 6;
  const head = six ? 48 : (packet[0] & 15) * 4;
  return fragments(packet, (most - head) & ~7, six ? 0 : packet.readUInt16BE(4));
}
