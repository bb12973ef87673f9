// The nouns of the director's control side, with LVS's names: service, dest, sysctl options, and the route seam.
// Text and objects live here only; the packet path reads what service.ts compiled from them.
import type { SchedulerName } from '../model/schema.ts';

/** The methods of ipvsadm -m, -g, -i, and FullNAT. */
export type Forward = 'nat' | 'dr' | 'tun' | 'fullnat';

/** A service's identity. The family is the address's. Port 0 takes every port, and needs persistence. */
export interface ServiceKey {
  protocol: 'tcp' | 'udp';
  address: string;
  port: number;
}

/** Time-outs of a service in milliseconds; what is not given is LVS's default (TCP_TIMEOUTS in tcpstate.ts, UDP 300 s). */
export interface Timeouts {
  /** ESTABLISHED, FIN_WAIT (ipvsadm --set tcp tcpfin udp), UDP. */
  tcp?: number;
  tcpFin?: number;
  udp?: number;
  /** Any other TCP state by its name, such as SYN_RECV. */
  states?: Readonly<Record<string, number>>;
}

export interface ServiceOptions {
  scheduler: SchedulerName;
  /** sh-fallback, sh-port, mh-fallback, mh-port, ops. */
  flags?: readonly string[];
  /** Seconds; 0 or absent = none. */
  persistence?: number;
  /** Persistence granularity: a prefix length (32 and 128 by default). */
  netmask?: number;
  timeouts?: Timeouts;
  /** For this service alone instead of the director's: sloppy_tcp, expire_nodest_conn. */
  sloppyTcp?: boolean;
  expireNodestConn?: boolean;
  /** FullNAT: addresses of the director that stand for the clients, of the servers' family. */
  localAddresses?: readonly string[];
  fullnat?: FullnatOptions;
}

export interface FullnatOptions {
  /** TCP option kind that carries the client's address (TOA); 0 = none. Default 254. */
  toaKind?: number;
  /** Blank TCP timestamps of SYNs. Default true. */
  timestampRemove?: boolean;
  /** Lower the MSS of SYN-ACKs by the room that TOA takes. Default true. */
  mssAdjust?: boolean;
  /** Give each connection to a server its own sequence numbers. Default true. */
  sequence?: boolean;
}

export interface TunnelOptions {
  type: 'ipip' | 'gue' | 'gre';
  /** GUE's destination port. */
  port?: number;
  /** UDP or GRE checksum. */
  csum?: boolean;
  /** ipip: outer source addresses from this prefix, by flow, so that the receiver's queues share the load. */
  sourcePrefix?: string;
}

export interface DestKey {
  address: string;
  /** 0 = the port that the client asked for. */
  port: number;
}

export interface DestOptions {
  weight: number;
  forward: Forward;
  tunnel?: TunnelOptions;
  /** Connections at which it takes no more (0 = no limit), and below which it takes them again (0 = ¾ of upper). */
  upper?: number;
  lower?: number;
}

/** LVS's sysctls, by their names and with their defaults (facts of ipvs-sysctl). */
export interface Sysctl {
  sloppy_tcp: number;
  expire_nodest_conn: number;
  expire_quiescent_template: number;
  conn_reuse_mode: number;
  pmtu_disc: number;
  nat_icmp_send: number;
  schedule_icmp: number;
  /** Defence: 0 never, 1 and 2 while the table is nearly full (and then it says 2), 3 always. Another table of TCP states. */
  secure_tcp: number;
  /** The same: one in so many new connections is dropped, as the table fills up, or one in am_droprate (3). */
  drop_packet: number;
  am_droprate: number;
}

export const SYSCTL: Readonly<Sysctl> = {
  sloppy_tcp: 0,
  expire_nodest_conn: 0,
  expire_quiescent_template: 0,
  conn_reuse_mode: 1,
  pmtu_disc: 1,
  nat_icmp_send: 0,
  schedule_icmp: 0,
  secure_tcp: 0,
  drop_packet: 0,
  am_droprate: 10,
};

/** A way to an address, filled in by the seam. Words as in Out. */
export class Route {
  /** Bytes that the link takes, IP header included. */
  mtu = 1500;
  /** The address is this host's own. */
  local = false;
  readonly hop: Int32Array = new Int32Array(4);
  hopFamily = 4;
  /** What whoever sends the packets noted of this hop; -1: nothing since the way was asked for. */
  noted = -1;
  /** The address that the host would speak from: outer source of tunnels, source of messages to servers. */
  readonly source: Int32Array = new Int32Array(4);
  iface = 0;
}

/** The host's routes. find() is called at each answer, and once for each server until routesChanged(). Must not allocate. */
export interface Routes {
  /** Fills `route` for `address` (four words) of `family`; false = there is no way. */
  find(family: number, address: Int32Array, route: Route): boolean;
}
