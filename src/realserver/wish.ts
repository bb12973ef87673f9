// What a real server is prepared for, what was found on it, and what is wrong: the words of this room.
//   facts (what `ip` and /proc/sys say) ─┐
//   wish (mode, VIPs, director) ─────────┴→ plan: findings, each with its steps, in the order of doing → act (does, undoes)
// Invariant: a host that setup has prepared has no finding left; what a step did is known by how it is undone.

export type Mode = 'dr' | 'nat' | 'tun' | 'fullnat';
export const MODES: readonly Mode[] = ['dr', 'nat', 'tun', 'fullnat'];
export type Tunnel = 'ipip' | 'gre' | 'gue';
export const TUNNELS: readonly Tunnel[] = ['ipip', 'gre', 'gue'];

/** The device of `gtm realserver decap`, which takes every wrapping out. */
export const DECAP = 'gtm-decap';

export interface Wish {
  mode: Mode;
  vips: readonly string[];
  /** NAT: the director's addresses on this link, one of a family. FullNAT: its local addresses. */
  directors: readonly string[];
  /** The link that packets come in by; the one of the way to the director, or of the default route, where it is not said. */
  interface?: string;
  /** TUN: this host's own address that the director sends to, whose family is the outer header's; the first of the link, where it is not said. */
  address?: string;
  tunnel: Tunnel;
  /** Where GUE comes in. */
  port: number;
}

export interface Link {
  name: string;
  mtu: number;
  up: boolean;
  /** ARP is spoken there: Ethernet and the like. */
  broadcast: boolean;
  /** `ipip`, `sit`, `gre` …; undefined for hardware. */
  kind?: string;
  /** Of a tunnel: its ends (`any`, or an address), and what it carries over IPv6 (`any`, `ipip6`, `ip6ip6`). */
  local?: string;
  remote?: string;
  carries?: string;
}

export interface Address {
  device: string;
  address: string;
  prefix: number;
}

export interface Route {
  family: 4 | 6;
  /** `default`, or a prefix. */
  to: string;
  via?: string;
  device: string;
  metric?: number;
  advmss?: number;
  /** The route in the words of `ip route`, for putting it back. */
  words: readonly string[];
}

export interface Facts {
  links: readonly Link[];
  addresses: readonly Address[];
  /** Of the main table. */
  routes: readonly Route[];
  /** UDP ports on which GUE or FOU is received, over IPv4 or IPv6; undefined where the kernel does not know of it (yet). */
  fou: readonly { port: number; six: boolean }[] | undefined;
  /** The link and the next hop on the way to an address; none when there is no way. */
  wayTo: ReadonlyMap<string, { device: string; via?: string }>;
  /** `net.ipv4.conf.all.rp_filter` and so on; undefined where there is none. */
  sysctl: (key: string) => string | undefined;
}

/** One thing to do: a program `ip` with its words, a value under /proc/sys, or a module to load. */
export type Action = { ip: readonly string[] } | { sysctl: string; value: string } | { modprobe: string };

export interface Step {
  do: Action;
  /** In their order; what is gone already is no fault. */
  undo: readonly Action[];
}

export interface Finding {
  /** Stable: `vip-answers-arp`, `rp-filter` … */
  name: string;
  level: 'error' | 'warning';
  what: string;
  /** What clients see of it. */
  why: string;
  /** What setup does about it; nothing where that is for a person to decide. */
  steps: readonly Step[];
  /** What to do, where there are no steps. */
  remedy?: string;
}

/** An action as a line for a shell. */
export function actionText(action: Action): string {
  if ('modprobe' in action) return `modprobe ${action.modprobe}`;
  return 'ip' in action ? `ip ${action.ip.join(' ')}` : `sysctl -w ${action.sysctl}=${action.value}`;
}
