// What of this host stands in the way of forwarding, said at start in plain words, with what to change: pure.
//   checks-host.ts gathers Facts → check → one Finding for each thing that is not as it should be
import { formatIp, parseIp } from '../../kit/ip.ts';
import type { ServiceSpec } from '../../model/service.ts';
import { IFF, type Link } from '../../nic/rtnetlink-read.ts';

export interface Finding {
  /** error: it does not forward; warning: it forwards some, or not as it could; note: to be known. */
  level: 'error' | 'warning' | 'note';
  what: string;
  why: string;
  remedy: string;
}

/** The way to a real server, as the kernel has it. */
export interface WayFact {
  address: string;
  /** Name of the link; undefined: there is no way. */
  link: string | undefined;
  gateway: string | undefined;
  mtu: number;
  local: boolean;
}

export interface Facts {
  /** Major and minor number of the kernel. */
  kernel: readonly [number, number];
  /** Names of the capabilities that we have. */
  capabilities: ReadonlySet<string>;
  /** Octets that may be locked; Infinity without a limit. */
  memlock: number;
  jit: boolean;
  /** Of all, and by link: 0 off, 1 strict, 2 loose. */
  rpFilter: ReadonlyMap<string, number>;
  /** Rules of policy routing beside the kernel's own three. */
  rules: number;
  /** The director's links. */
  links: readonly Link[];
  /** What is on, by the name of the link; absent where it cannot be told. */
  offloads: ReadonlyMap<string, ReadonlySet<string>>;
  ways: readonly WayFact[];
  nftables: boolean;
}

/** Findings that are told at a time: thousands of real servers may have the same fault. */
const MOST = 32;
/** The oldest kernel that has all we need: XDP links (5.9) and the rest. And the one that keeps neighbours found. */
const OLDEST = [5, 10] as const;
const MANAGED = [5, 16] as const;
const NEEDED: Readonly<Record<string, string>> = {
  CAP_NET_ADMIN: 'to attach the XDP program, set neighbours and VIPs',
  CAP_NET_RAW: 'to open AF_XDP sockets and announce VIPs',
  CAP_BPF: 'to load the XDP program',
};
/** What a worker's UMEM and rings lock, roughly. */
const LOCKED = 64 << 20;
/** The largest MTU whose frames fit in a slot of the UMEM with room in front (wires.ts). */
const LARGEST_MTU = 3816;
/** What tunnels put around a packet, at most, for an outer packet of IPv4 and of IPv6. */
const TUNNEL: Readonly<Record<string, number>> = { ipip: 0, gre: 8, gue: 12 };
const VETH_OFFLOADS = [
  'tx-checksum-ip-generic',
  'tx-scatter-gather',
  'tx-tcp-segmentation',
  'tx-generic-segmentation',
];

/** What is to be changed on this host, worst first. */
export function check(facts: Facts, services: readonly ServiceSpec[]): Finding[] {
  const all = [
    ...kernelFindings(facts),
    ...facts.links.flatMap(link => linkFindings(link, facts)),
    ...routeFindings(facts, services),
  ];
  const order = ['error', 'warning', 'note'];
  all.sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
  const more = all.length - MOST;
  if (more <= 0) return all;
  const rest = {
    what: `${more} findings more`,
    why: 'they are like those before',
    remedy: 'mend these first',
  };
  return [...all.slice(0, MOST), { level: 'note', ...rest }];
}

function kernelFindings(facts: Facts): Finding[] {
  const { kernel, capabilities, memlock, jit, rules, nftables } = facts;
  const found: Finding[] = [];
  const add = (level: Finding['level'], what: string, why: string, remedy: string) =>
    found.push({ level, what, why, remedy });
  const older = ([major, minor]: readonly [number, number]) =>
    kernel[0] < major || (kernel[0] === major && kernel[1] < minor);
  if (older(OLDEST))
    add(
      'error',
      `Linux ${kernel.join('.')}`,
      'it lacks links of XDP programs',
      `take Linux ${OLDEST.join('.')} or later, or plane: proxy`,
    );
  else if (older(MANAGED))
    add(
      'note',
      `Linux ${kernel.join('.')}`,
      'it does not keep neighbours found by itself; the first packet after a pause may wait',
      `take Linux ${MANAGED.join('.')} or later`,
    );
  const has = (name: string) =>
    capabilities.has(name) || (name === 'CAP_BPF' && capabilities.has('CAP_SYS_ADMIN'));
  for (const [name, why] of Object.entries(NEEDED))
    if (!has(name))
      add(
        'error',
        `${name} is missing`,
        `it is needed ${why}`,
        `run as root, or give it: AmbientCapabilities=${name} in the systemd unit`,
      );
  if (!capabilities.has('CAP_IPC_LOCK') && memlock < LOCKED)
    add(
      'error',
      `at most ${memlock >> 10} KiB of memory may be locked`,
      'the memory of AF_XDP sockets is locked',
      'LimitMEMLOCK=infinity in the systemd unit, or ulimit -l unlimited',
    );
  if (!jit)
    add(
      'warning',
      'the BPF compiler is off',
      'the XDP program is interpreted, at several times the cost',
      'sysctl net.core.bpf_jit_enable=1',
    );
  if (rules > 0)
    add(
      'warning',
      `${rules} rules of policy routing`,
      'next hops are taken from the tables local, main and default alone',
      'put the routes towards clients and real servers into table main',
    );
  if (!nftables)
    add(
      'warning',
      'no nf_tables',
      'without the XDP program the kernel would answer clients with resets',
      'modprobe nf_tables, or see that the XDP program stays on the interfaces',
    );
  return found;
}

function linkFindings(link: Link, facts: Facts): Finding[] {
  const { name } = link;
  const found: Finding[] = [];
  const add = (level: Finding['level'], what: string, why: string, remedy: string) =>
    found.push({ level, what: `${name}: ${what}`, why, remedy });
  const on = facts.offloads.get(name) ?? new Set<string>();
  if ((link.flags & IFF.UP) === 0)
    add('error', 'it is down', 'nothing comes in or goes out', `ip link set ${name} up`);
  else if ((link.flags & IFF.LOWER_UP) === 0)
    add(
      'warning',
      'it has no carrier',
      'nothing comes in or goes out',
      'look after the cable, or the other end',
    );
  if (link.master !== 0)
    add(
      'warning',
      'it belongs to a bridge or a bond',
      'routes lead to that, not to this link',
      'name links that have addresses of their own',
    );
  const off = VETH_OFFLOADS.filter(f => on.has(f));
  if (link.kind === 'veth' && off.length > 0)
    add(
      'warning',
      `${off.join(', ')} on`,
      'frames from the other end may come without checksums and beyond the MTU; AF_XDP takes them as they are',
      `ethtool -K ${name} tx off sg off tso off gso off gro off, and the same at the other end`,
    );
  if (on.has('rx-lro'))
    add(
      'warning',
      'rx-lro on',
      'drivers refuse a native XDP program, and merged packets cannot be sent on',
      `ethtool -K ${name} lro off`,
    );
  if (link.mtu > LARGEST_MTU)
    add(
      'error',
      `MTU ${link.mtu}`,
      `frames of more than ${LARGEST_MTU} octets do not fit into a slot of AF_XDP`,
      `ip link set ${name} mtu ${LARGEST_MTU}, or less`,
    );
  const filter = Math.max(facts.rpFilter.get('all') ?? 0, facts.rpFilter.get(name) ?? 0);
  if (filter === 1)
    add(
      'note',
      'rp_filter is strict',
      'what the director gives back to the host is dropped when its answer would leave by another link',
      `sysctl net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.${name}.rp_filter=2`,
    );
  return found;
}

function routeFindings(facts: Facts, services: readonly ServiceSpec[]): Finding[] {
  const found: Finding[] = [];
  const add = (level: Finding['level'], what: string, why: string, remedy: string) => {
    if (said.has(what)) return;
    said.add(what);
    found.push({ level, what, why, remedy });
  };
  const said = new Set<string>();
  const ways = new Map(facts.ways.map(w => [w.address, w]));
  const names = facts.links.map(l => l.name);
  for (const s of services)
    for (const { address } of s.realServers) {
      const way = ways.get(address);
      if (way === undefined) continue;
      const server = `real server ${address}`;
      if (way.link === undefined) {
        add('error', `${server}: no route`, 'its packets have no way out', 'add a route to it');
        continue;
      }
      if (way.local) continue;
      if (!names.includes(way.link))
        add(
          'error',
          `${server} is behind ${way.link}`,
          `that link is not among the director's: ${names.join(', ')}`,
          `add ${way.link} to director.interfaces`,
        );
      if (s.forward === 'dr' && way.gateway !== undefined)
        add(
          'error',
          `${server} is behind the gateway ${way.gateway}`,
          'direct routing changes the link layer alone: the gateway would send the packet back to the VIP',
          'put it on a link of the director, or take forward: tun or fullnat',
        );
      if (s.forward === 'tun') tunnelFindings(s, address, way, add);
    }
  return found;
}

function tunnelFindings(
  s: ServiceSpec,
  address: string,
  way: WayFact,
  add: (level: Finding['level'], what: string, why: string, remedy: string) => void,
): void {
  const outer = parseIp(address)?.length === 16 ? 40 : 20;
  const overhead = outer + (TUNNEL[s.tunnel.type] ?? 0);
  const inner = way.mtu - overhead;
  const six = s.address.includes(':');
  if (six && inner < 1280)
    add(
      'error',
      `real server ${address}: ${inner} octets are left inside of the tunnel`,
      'IPv6 needs 1280',
      `raise the MTU on the way to ${1280 + overhead} or more`,
    );
  else if (inner < 1500)
    add(
      'note',
      `real server ${address}: packets of at most ${inner} octets fit into the tunnel`,
      `clients are told by ${six ? 'ICMPv6 «packet too big»' : 'ICMP «fragmentation needed»'}, and some networks drop that`,
      `raise the MTU on the way to ${1500 + overhead}, or clamp the MSS on the real servers (gtm realserver setup)`,
    );
}

/** A finding on one line. */
export function formatFinding({ what, why, remedy }: Finding): string {
  return `${what}: ${why}; ${remedy}`;
}

/** The text of an address that the kernel gave. */
export function textOf(address: Uint8Array): string {
  return formatIp(address, 0, address.length);
}
