// TUN: the device that takes the outer header off, the port of GUE, the filter that must let clients' addresses out of the
// tunnel, and segments that leave it room.
import { effective, isSix, reversePath, setting } from './rules.ts';
import {
  type Address,
  DECAP,
  type Facts,
  type Finding,
  type Link,
  type Route,
  type Tunnel,
  type Wish,
} from './wish.ts';

/** Octets that the outer headers take, over IPv4 and over IPv6; a key or checksum of GRE included. */
const OVERHEAD: Readonly<Record<Tunnel, readonly [number, number]>> = {
  ipip: [20, 40],
  gre: [28, 48],
  gue: [32, 52],
};

/** `device`: the link that tunnelled packets come in by. */
export function tunnel(wish: Wish, facts: Facts, device: string): Finding[] {
  const found: Finding[] = [];
  const outer = outerOf(wish, facts, device);
  const six = outer !== undefined && isSix(outer.address);
  if (outer === undefined)
    found.push({
      name: 'no-address',
      level: 'error',
      what:
        wish.address === undefined
          ? `${device} has no address that a director could send tunnelled packets to`
          : `${wish.address} is no address of ${device}, so a director that sends tunnelled packets there does not reach it`,
      why: 'nothing reaches this host',
      steps: [],
      remedy: `ip address add ${wish.address ?? 'ADDRESS'}/PREFIX dev ${device}`,
    });
  else {
    if (wish.tunnel === 'gue' && !decapUp(facts)) found.push(...gue(wish.port, facts, six));
    for (const made of devicesFor(wish, six)) {
      found.push(...deviceUp(wish, facts, made, outer.address));
      found.push(...filter(wish, facts, made, outer.address));
    }
  }
  found.push(...segments(wish, facts, device, OVERHEAD[wish.tunnel][six ? 1 : 0]));
  return found;
}

/** The device on which a VIP is put: the one that its packets come out of; IPv6 has no such filter, and lo will do. */
export function homeOf(wish: Wish, facts: Facts, device: string, vip: string): string {
  if (isSix(vip)) return 'lo';
  if (decapUp(facts)) return DECAP;
  const outer = outerOf(wish, facts, device);
  const [made] = devicesFor(wish, outer !== undefined && isSix(outer.address));
  return taking(wish, facts, made, outer?.address)?.name ?? made.name;
}

/** This host's own address on the link: where the director sends to. */
function outerOf(wish: Wish, facts: Facts, device: string): Address | undefined {
  return facts.addresses.find(
    a =>
      a.device === device &&
      (wish.address === undefined
        ? !wish.vips.includes(a.address) && !a.address.startsWith('fe80:')
        : a.address === wish.address),
  );
}

/** User space does it. */
function decapUp(facts: Facts): boolean {
  return facts.links.some(l => l.name === DECAP && l.up);
}

interface Device {
  name: string;
  kind: string;
  words: readonly string[];
}

// Over IPv4 each inner family has a device of its own; GRE, and tunnels over IPv6, carry both.
function devicesFor(wish: Wish, outerSix: boolean): Device[] {
  if (wish.tunnel === 'gre')
    return [
      outerSix
        ? { name: 'gtm-gre6', kind: 'ip6gre', words: [] }
        : { name: 'gtm-gre', kind: 'gre', words: [] },
    ];
  if (outerSix) return [{ name: 'gtm-ip6', kind: 'ip6tnl', words: ['mode', 'any'] }];
  const devices: Device[] = [];
  if (wish.vips.some(v => !isSix(v))) devices.push({ name: 'gtm-ipip', kind: 'ipip', words: [] });
  if (wish.vips.some(isSix)) devices.push({ name: 'gtm-sit', kind: 'sit', words: [] });
  return devices;
}

/** A device of that kind that is up and takes what comes from anybody: ours, or one that was there (`tunl0`), not a tunnel to somebody else. */
function taking(wish: Wish, facts: Facts, { kind }: Device, outer: string | undefined): Link | undefined {
  const inside = wish.vips.every(isSix) ? 'ip6ip6' : wish.vips.some(isSix) ? 'any' : 'ipip6';
  return facts.links.find(
    l =>
      l.kind === kind &&
      l.up &&
      (l.remote ?? 'any') === 'any' &&
      ['any', outer].includes(l.local ?? 'any') &&
      (kind !== 'ip6tnl' || ['any', inside].includes(l.carries ?? 'any')),
  );
}

function deviceUp(wish: Wish, facts: Facts, made: Device, outer: string): Finding[] {
  if (decapUp(facts) || taking(wish, facts, made, outer) !== undefined) return [];
  const { name, kind } = made;
  const words = [...made.words, 'local', outer, 'remote', 'any'];
  const ours = facts.links.find(l => l.name === name);
  const elsewhere = ours?.local !== undefined && ours.local !== outer ? ours.local : undefined;
  const up = {
    do: { ip: ['link', 'set', name, 'up'] },
    undo: ours === undefined ? [] : [{ ip: ['link', 'set', name, 'down'] }],
  };
  const add = {
    do: { ip: ['link', 'add', 'name', name, 'type', kind, ...words] },
    undo: [{ ip: ['link', 'del', name] }],
  };
  return [
    {
      name: 'tunnel-device',
      level: 'error',
      what:
        elsewhere === undefined
          ? `no ${kind} device is up that takes packets from anybody`
          : `${name} takes what is sent to ${elsewhere}, not to ${outer}`,
      why: 'nobody here takes the outer header off: the kernel answers «protocol unreachable» and the packet is lost',
      steps: elsewhere !== undefined ? [] : ours === undefined ? [add, up] : [up],
      ...(elsewhere !== undefined && {
        remedy: 'gtm realserver undo --yes, and setup with the other --address',
      }),
    },
  ];
}

function gue(port: number, facts: Facts, six: boolean): Finding[] {
  if (facts.fou?.some(f => f.port === port && f.six === six)) return [];
  const words = ['port', String(port), 'gue', ...(six ? ['-6'] : [])];
  return [
    {
      name: 'gue-port',
      level: 'error',
      what: `GUE is not received on UDP port ${port}${six ? ' over IPv6' : ''}`,
      why: 'tunnelled packets are answered with «port unreachable» and lost',
      steps: [
        ...(facts.fou === undefined ? [{ do: { modprobe: 'fou' }, undo: [] }] : []),
        { do: { ip: ['fou', 'add', ...words] }, undo: [{ ip: ['fou', 'del', ...words] }] },
      ],
    },
  ];
}

// Out of the tunnel come clients' addresses, whose way back is another link.
function filter(wish: Wish, facts: Facts, made: Device, outer: string): Finding[] {
  const { name } = made;
  if (!wish.vips.some(v => !isSix(v)) || name === 'gtm-sit') return [];
  const why =
    'packets out of the tunnel have clients’ addresses, and the way back to those is another link: the kernel drops them as forged';
  const ready = decapUp(facts) ? DECAP : taking(wish, facts, made, outer)?.name;
  if (ready !== undefined) return reversePath(facts, ready, why);
  if (effective(facts, 'default', 'rp_filter') !== 1) return [];
  const key = `net.ipv4.conf.${name}.rp_filter`;
  // The device is not there yet; with it goes its setting.
  return [
    {
      name: 'rp-filter',
      level: 'error',
      what: `rp_filter will be 1 (strict) on ${name}`,
      why,
      steps: [{ ...setting(facts, key, '2'), undo: [] }],
    },
  ];
}

// The answers say how large the client's segments may be: what the way into the tunnel can carry.
function segments(wish: Wish, facts: Facts, device: string, overhead: number): Finding[] {
  const mtu = facts.links.find(l => l.name === device)?.mtu ?? 1500;
  const found: Finding[] = [];
  for (const family of new Set(wish.vips.map(v => (isSix(v) ? (6 as const) : (4 as const))))) {
    const route = facts.routes.find(r => r.family === family && r.to === 'default');
    const most = Math.min(mtu, 1500) - (mtu >= 1500 + overhead ? 0 : overhead) - (family === 6 ? 60 : 40);
    const said =
      route?.advmss ??
      (facts.links.find(l => l.name === route?.device)?.mtu ?? 1500) - (family === 6 ? 60 : 40);
    if (route === undefined || said <= most) continue;
    found.push({
      name: 'mtu',
      level: 'error',
      what: `answers offer segments of ${said} octets, and the tunnel's ${overhead} leave room for ${most} on ${device} (MTU ${mtu})`,
      why: 'what clients send at full size does not fit: it is cut into fragments, or lost where ICMP is filtered: small requests work, uploads hang',
      steps: [advertise(route, most)],
    });
  }
  return found;
}

function advertise(route: Route, most: number) {
  const ip = route.family === 6 ? ['-6', 'route', 'replace'] : ['route', 'replace'];
  const at = route.words.indexOf('advmss');
  const rest = at < 0 ? route.words : route.words.toSpliced(at, 2);
  return {
    do: { ip: [...ip, ...rest, 'advmss', String(most)] },
    undo: [{ ip: [...ip, ...route.words] }],
  };
}
