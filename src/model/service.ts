// Services as a plane gets them: what the cluster file says of the VIPs that this node forwards, with the weights of now.
import type { SchedulerName } from './schema.ts';

/** A real server behind a service. `key` is `address:port`, unique in its service. */
export interface RealServerSpec {
  key: string;
  name: string;
  address: string;
  port: number;
  /** The weight of now: 0 = quiesced (open connections go on, no new ones), whatever the configured one is. */
  weight: number;
}

/** How the outer packet of `forward: tun` is made. */
export interface TunnelSpec {
  type: 'ipip' | 'gue' | 'gre';
  /** Where GUE is received. */
  port: number;
  checksum: boolean;
  /** ipip: outer sources out of this prefix, by flow. */
  sourcePrefix?: string;
}

/** A virtual service. `key` is `tcp 192.0.2.10:80`: protocol, VIP address, port; one spec for each address of a VIP. */
export interface ServiceSpec {
  key: string;
  vip: string;
  protocol: 'tcp' | 'udp';
  address: string;
  port: number;
  scheduler: SchedulerName;
  flags: readonly string[];
  forward: 'nat' | 'dr' | 'tun' | 'fullnat';
  tunnel: TunnelSpec;
  /** FullNAT: addresses that stand for the clients. */
  localAddresses: readonly string[];
  /** FullNAT: the TCP option kind that carries the client's address; 0 = none. */
  toa: number;
  /** Milliseconds; 0 = none. */
  persistence: number;
  thresholds: { upper: number; lower: number };
  /** Milliseconds each. */
  timeouts: { connect: number; tcp: number; tcp_fin: number; udp: number };
  maxConnections: number;
  realServers: readonly RealServerSpec[];
  /** The PROXY header that real servers get: before the first byte of a connection, in front of each datagram (v2). */
  proxyProtocol?: 'v1' | 'v2';
  /** Prefixes of the front ends whose connections begin with a PROXY header; all other peers are refused. TCP only. */
  acceptProxyProtocol?: readonly string[];
}

/** Counters of one real server in one service, with LVS's meanings. `active` counts established, `inactive` all other connections. */
export interface RealServerCounters {
  key: string;
  name: string;
  weight: number;
  active: number;
  inactive: number;
  connections: number;
  inBytes: number;
  outBytes: number;
  /** Absent where the plane sees none: sockets tell bytes of TCP, and packets of UDP alone. */
  inPackets?: number;
  outPackets?: number;
  /** Connections that could not be opened to it. */
  failed: number;
}

export interface ServiceCounters {
  key: string;
  vip: string;
  /** Why the service does not forward (its socket could not be opened …); undefined when it does. */
  fault?: string;
  connections: number;
  inBytes: number;
  outBytes: number;
  /** As in RealServerCounters. */
  inPackets?: number;
  outPackets?: number;
  /** Turned away: no server, over the limit, or no front end that was named. */
  refused: number;
  realServers: RealServerCounters[];
}

/** One connection (tcp) or flow (udp), as `ipvsadm -Lnc` shows it. */
export interface ConnectionRow {
  protocol: 'tcp' | 'udp';
  /** LVS's name: ESTABLISHED, FIN_WAIT, UDP … */
  state: string;
  /** Milliseconds until it ends, if nothing more comes. */
  expires: number;
  /** `address:port` each. */
  client: string;
  virtual: string;
  server: string;
}

/** What a director can forward with. One file each in plane/. */
export interface Plane {
  readonly name: string;
  /**
   * Reconciles to exactly these services; idempotent, and nothing is cut that stays. Resolves when it is done;
   * a service that could not be opened is named in the result (and in counters), the others forward.
   */
  apply(services: readonly ServiceSpec[]): Promise<readonly { key: string; fault: string }[]>;
  /** A new weight for a real server in every service of a VIP that has it: the quick path of a probe verdict. */
  weigh(vip: string, realServer: string, weight: number): void;
  /** The counters as the plane last reported them (at most a second old). */
  counters(): readonly ServiceCounters[];
  /**
   * What else a plane that sees packets counts since its start: «stage outcome» (`program no-worker`, `director no-server`), and
   * `table used`, `table capacity`: connections now; `table evicted-half-open`, `table evicted-closing`: those that gave way so far.
   */
  figures?(): Readonly<Record<string, number>>;
  /** What is open now, at most `limit` rows. */
  connections(limit: number): Promise<readonly ConnectionRow[]>;
  close(): Promise<void>;
}
