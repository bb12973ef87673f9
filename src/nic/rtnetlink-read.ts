// Links, addresses, routes and neighbours out of rtnetlink messages (include/uapi/linux/{if_link,if_addr,rtnetlink,neighbour}.h).
// What lacks what every such message has is no entry: undefined.
import { formatIp } from '../kit/ip.ts';
import { AF } from './layout.ts';
import { Attributes, type Message, viewOf } from './netlink-message.ts';

export const RTM = {
  link: { new: 16, del: 17, get: 18 },
  address: { new: 20, del: 21, get: 22 },
  route: { new: 24, del: 25, get: 26 },
  neighbour: { new: 28, del: 29, get: 30 },
  rule: { new: 32, del: 33, get: 34 },
} as const;

/** Sizes of the headers in front of the attributes. */
export const BODY = { link: 16, address: 8, route: 12, neighbour: 12, rule: 12 } as const;

export const RULE = { FWMARK: 10, TABLE: 15, L3MDEV: 19 } as const;

export const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  MASTER: 10,
  LINKINFO: 18,
  XDP: 43,
  KIND: 1,
  DATA: 2,
} as const;
const IFLA_VLAN_ID = 1;
/** How an XDP program is attached to a link (IFLA_XDP_ATTACHED), as far as we do that. */
const IFLA_XDP_ATTACHED = 2;
const XDP_ATTACHED: readonly Link['xdp'][] = [undefined, 'native', 'generic'];
export const IFA = { ADDRESS: 1, LOCAL: 2, CACHEINFO: 6, FLAGS: 8, PROTO: 11 } as const;
export const RTA = {
  DST: 1,
  OIF: 4,
  GATEWAY: 5,
  PRIORITY: 6,
  PREFSRC: 7,
  METRICS: 8,
  MULTIPATH: 9,
  TABLE: 15,
  VIA: 18,
} as const;
const RTAX_MTU = 2;
const NEXTHOP = { size: 8, flags: 2, iface: 4 } as const;
const RTNH_F = { DEAD: 1, LINKDOWN: 16 } as const;
export const NDA = { DST: 1, LLADDR: 2, FLAGS_EXT: 15 } as const;

export const IFF = { UP: 1, LOOPBACK: 8, POINTOPOINT: 0x10, NOARP: 0x80, LOWER_UP: 0x10000 } as const;
export const RTN = { UNICAST: 1, LOCAL: 2, BROADCAST: 3, ANYCAST: 4, MULTICAST: 5, THROW: 9 } as const;
export const TABLE = { DEFAULT: 253, MAIN: 254, LOCAL: 255 } as const;
export const NUD = {
  NONE: 0,
  INCOMPLETE: 1,
  REACHABLE: 2,
  STALE: 4,
  DELAY: 8,
  PROBE: 0x10,
  FAILED: 0x20,
  NOARP: 0x40,
  PERMANENT: 0x80,
} as const;
/** States in which the address of the link layer may be used. */
export const NUD_VALID = NUD.REACHABLE | NUD.STALE | NUD.DELAY | NUD.PROBE | NUD.NOARP | NUD.PERMANENT;
export const NTF_EXT_MANAGED = 1;

export interface Link {
  index: number;
  name: string;
  /** Of IFF. */
  flags: number;
  mtu: number;
  /** Six octets; undefined where the link has none. */
  mac: Uint8Array | undefined;
  /** veth, vlan, bridge …; empty for hardware. */
  kind: string;
  /** A VLAN: the link that its frames leave by, and its number. */
  vlan: { link: number; id: number } | undefined;
  /** The bridge or bond that it belongs to; 0 = none. */
  master: number;
  /** The way in which an XDP program is attached to it; undefined = there is none, or several are. */
  xdp: 'native' | 'generic' | undefined;
}

export interface Address {
  iface: number;
  family: number;
  address: Uint8Array;
  bits: number;
  scope: number;
  /** IFA_F_…: 0x20 deprecated, 0x40 tentative. */
  flags: number;
  /** Who put it there: 0 unless said (Linux 5.18). */
  origin: number;
}

/** A way that a route names. */
export interface Way {
  iface: number;
  /** 4 or 16 octets: the gateway; undefined = the destination stands on the link itself. */
  gateway: Uint8Array | undefined;
}

export interface RouteEntry {
  /** 4 or 6. */
  family: number;
  table: number;
  /** Of RTN. */
  type: number;
  /** 4 or 16 octets. */
  prefix: Uint8Array;
  bits: number;
  priority: number;
  /** The first that is up, of several; undefined for routes that lead nowhere. */
  way: Way | undefined;
  source: Uint8Array | undefined;
  /** 0 = the link's. */
  mtu: number;
}

export interface Neighbour {
  iface: number;
  family: number;
  address: Uint8Array;
  mac: Uint8Array | undefined;
  /** Of NUD. */
  state: number;
  managed: boolean;
}

/** What changed. `gone`: it is no more. */
export type Change =
  | { kind: 'link'; gone: boolean; link: Link }
  | { kind: 'address'; gone: boolean; address: Address }
  | { kind: 'route'; gone: boolean; route: RouteEntry }
  | { kind: 'neighbour'; gone: boolean; neighbour: Neighbour };

export function readLink({ body }: Message): Link | undefined {
  if (body.length < BODY.link) return undefined;
  const view = viewOf(body);
  const a = new Attributes(body, BODY.link);
  const info = a.nested(IFLA.LINKINFO);
  const kind = info?.text(IFLA.KIND) ?? '';
  const id = kind === 'vlan' ? info?.nested(IFLA.DATA)?.u16(IFLA_VLAN_ID) : undefined;
  const mac = a.bytes(IFLA.ADDRESS);
  return {
    index: view.getInt32(4, true),
    flags: view.getUint32(8, true),
    name: a.text(IFLA.IFNAME) ?? '',
    mtu: a.u32(IFLA.MTU) ?? 0,
    mac: mac?.length === 6 ? mac : undefined,
    kind,
    vlan: id === undefined ? undefined : { link: a.u32(IFLA.LINK) ?? 0, id },
    master: a.u32(IFLA.MASTER) ?? 0,
    xdp: XDP_ATTACHED[a.nested(IFLA.XDP)?.u8(IFLA_XDP_ATTACHED) ?? 0],
  };
}

export function readAddress({ body }: Message): Address | undefined {
  if (body.length < BODY.address) return undefined;
  const a = new Attributes(body, BODY.address);
  const family = familyOf(body[0]);
  // LOCAL is the own end where ADDRESS is a peer's.
  const address = sized(a.bytes(IFA.LOCAL) ?? a.bytes(IFA.ADDRESS), family);
  if (address === undefined) return undefined;
  return {
    iface: viewOf(body).getUint32(4, true),
    family,
    address,
    bits: body[1],
    scope: body[3],
    flags: a.u32(IFA.FLAGS) ?? body[2],
    origin: a.u8(IFA.PROTO) ?? 0,
  };
}

export function readRoute({ body }: Message): RouteEntry | undefined {
  if (body.length < BODY.route) return undefined;
  const family = familyOf(body[0]);
  if (family === 0) return undefined;
  const a = new Attributes(body, BODY.route);
  return {
    family,
    table: a.u32(RTA.TABLE) ?? body[4],
    type: body[7],
    prefix: sized(a.bytes(RTA.DST), family) ?? new Uint8Array(family === 4 ? 4 : 16),
    bits: body[1],
    priority: a.u32(RTA.PRIORITY) ?? 0,
    way: readWay(a) ?? readMultipath(a.bytes(RTA.MULTIPATH)),
    source: sized(a.bytes(RTA.PREFSRC), family),
    mtu: a.nested(RTA.METRICS)?.u32(RTAX_MTU) ?? 0,
  };
}

export function readNeighbour({ body }: Message): Neighbour | undefined {
  if (body.length < BODY.neighbour) return undefined;
  const family = familyOf(body[0]);
  const a = new Attributes(body, BODY.neighbour);
  const address = sized(a.bytes(NDA.DST), family);
  if (address === undefined) return undefined;
  const view = viewOf(body);
  const mac = a.bytes(NDA.LLADDR);
  return {
    iface: view.getInt32(4, true),
    family,
    address,
    mac: mac?.length === 6 ? mac : undefined,
    state: view.getUint16(8, true),
    managed: ((a.u32(NDA.FLAGS_EXT) ?? 0) & NTF_EXT_MANAGED) !== 0,
  };
}

/** What a notification says; undefined for what is of no interest here (bridges' tables, other families). */
export function readChange(message: Message): Change | undefined {
  const { type, body } = message;
  if (type === RTM.link.new || type === RTM.link.del) {
    // Of a bridge's port, told by the bridge: not the link itself.
    const link = body[0] === 0 ? readLink(message) : undefined;
    return link && { kind: 'link', gone: type === RTM.link.del, link };
  }
  if (type === RTM.address.new || type === RTM.address.del) {
    const address = readAddress(message);
    return address && { kind: 'address', gone: type === RTM.address.del, address };
  }
  if (type === RTM.route.new || type === RTM.route.del) {
    const route = readRoute(message);
    return route && { kind: 'route', gone: type === RTM.route.del, route };
  }
  if (type !== RTM.neighbour.new && type !== RTM.neighbour.del) return undefined;
  const neighbour = readNeighbour(message);
  return neighbour && { kind: 'neighbour', gone: type === RTM.neighbour.del, neighbour };
}

/** `02:00:00:00:00:01`. */
export function formatMac(mac: Uint8Array): string {
  return [...mac].map(b => b.toString(16).padStart(2, '0')).join(':');
}

/** The text of an address and its length, such as 192.0.2.0/24. */
export function formatPrefix(address: Uint8Array, bits: number): string {
  return `${formatIp(address, 0, address.length)}/${bits}`;
}

function familyOf(af: number): number {
  return af === AF.INET ? 4 : af === AF.INET6 ? 6 : 0;
}

function sized(bytes: Uint8Array | undefined, family: number): Uint8Array | undefined {
  return bytes !== undefined && family !== 0 && bytes.length === (family === 4 ? 4 : 16) ? bytes : undefined;
}

function readWay(a: Attributes): Way | undefined {
  const iface = a.u32(RTA.OIF);
  if (iface === undefined) return undefined;
  // VIA: a gateway of the other family, behind two octets that say which.
  const gateway = a.bytes(RTA.GATEWAY) ?? a.bytes(RTA.VIA)?.subarray(2);
  return { iface, gateway: gateway?.length === 4 || gateway?.length === 16 ? gateway : undefined };
}

function readMultipath(bytes: Uint8Array | undefined): Way | undefined {
  let found: Way | undefined;
  for (let at = 0; bytes !== undefined && at + NEXTHOP.size <= bytes.length; ) {
    const view = viewOf(bytes);
    const length = view.getUint16(at, true);
    if (length < NEXTHOP.size || at + length > bytes.length) break;
    const a = new Attributes(bytes.subarray(at, at + length), NEXTHOP.size);
    const gateway = a.bytes(RTA.GATEWAY) ?? a.bytes(RTA.VIA)?.subarray(2);
    const way = { iface: view.getInt32(at + NEXTHOP.iface, true), gateway };
    if ((bytes[at + NEXTHOP.flags] & (RTNH_F.DEAD | RTNH_F.LINKDOWN)) === 0) return way;
    found ??= way;
    at += (length + 3) & ~3;
  }
  return found;
}
