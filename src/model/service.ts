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
  /** Milliseconds; 0 = none. */
  persistence: number;
  thresholds: { upper: number; lower: number };
  /** Milliseconds each. */
  timeouts: { connect: number; tcp: number; tcp_fin: number; udp: number };
  maxConnections: number;
  realServers: readonly RealServerSpec[];
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
  /** Turned away: no server, or over the limit. */
  refused: number;
  realServers: RealServerCounters[];
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
  close(): Promise<void>;
}
