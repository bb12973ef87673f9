// The packet core: bytes in, verdict and rewritten bytes out (net/netfilter/ipvs). No I/O, no clock, no dice of its own.
//   frame → parse → fragments → hooks PREROUTING → LOCAL_IN (out 98 · in 99) | FORWARD (icmp 99 · out 100) → …
//   in: connection → reuse → server there? → schedule → state → forward/{nat,dr,tun,fullnat} → LOCAL_OUT → POSTROUTING
// Invariant: handle() allocates nothing, throws nothing, writes nothing outside headroom + packet, and gives a reason.
import type { Rng } from '../kit/rng.ts';
import type { DestKey, DestOptions, Routes, ServiceKey, ServiceOptions, Sysctl } from './config.ts';
import { HOST, Out, type Verdict } from './verdict.ts';

/** Bytes that must be writable in front of `offset` for tunnels (IPv6 40 + UDP 8 + GUE 4, rounded up). */
export const HEADROOM = 64;

export interface DirectorOptions {
  /** Connections (templates included) that the table holds. */
  capacity: number;
  routes: Routes;
  /** Addresses of this host besides the services' and the FullNAT local addresses, which are local by themselves. */
  localAddresses?: readonly string[];
  sysctl?: Partial<Sysctl>;
  /** Seeds the table's hash, picks of `twos`, sequence numbers. */
  rng: Rng;
}

/** Counters as LVS keeps them; bytes are IP lengths. */
export interface Counters {
  conns: number;
  inpkts: number;
  outpkts: number;
  inbytes: number;
  outbytes: number;
}

export interface DestInfo extends DestKey, DestOptions {
  active: number;
  inactive: number;
  persistent: number;
  counters: Counters;
}

export interface ServiceInfo extends ServiceKey {
  options: ServiceOptions;
  counters: Counters;
  /** Newest first, as the kernel's list. */
  dests: DestInfo[];
}

/** A connection, as /proc/net/ip_vs_conn shows it. */
export interface ConnectionInfo {
  protocol: 'tcp' | 'udp';
  client: { address: string; port: number };
  virtual: { address: string; port: number };
  dest: { address: string; port: number };
  /** FullNAT's local address and port. */
  local?: { address: string; port: number };
  /** LVS's name: ESTABLISHED, SYN_RECV …, UDP; of a template NONE or ASSURED. */
  state: string;
  /** Milliseconds to go. */
  expires: number;
  template: boolean;
  /** No packet of the server was seen (NOOUTPUT). */
  noOutput: boolean;
  /** Counted as inactive (INACTIVE). */
  inactive: boolean;
}

export class Director {
  /** What the last handle() left to go out. */
  readonly out: Out = new Out();

  constructor(_options: DirectorOptions) {}

  /** Adds a virtual service. GTM_LVS_EXISTS. */
  addService(_key: ServiceKey, _options: ServiceOptions): void {}
  /** Changes one; connections stay. GTM_LVS_NO_SERVICE. */
  updateService(_key: ServiceKey, _options: ServiceOptions): void {}
  /** Removes one; its servers go to the trash, and its connections with them. GTM_LVS_NO_SERVICE. */
  removeService(_key: ServiceKey): void {}
  /** Adds a server at the head of the list; one that is in the trash comes back with its connections. GTM_LVS_EXISTS. */
  addDest(_service: ServiceKey, _dest: DestKey, _options: DestOptions): void {}
  /** Changes weight, method, thresholds. GTM_LVS_NO_DEST. */
  updateDest(_service: ServiceKey, _dest: DestKey, _options: DestOptions): void {}
  /** Removes a server; its connections stay until they expire (expire_nodest_conn). GTM_LVS_NO_DEST. */
  removeDest(_service: ServiceKey, _dest: DestKey): void {}
  /** Sets sysctls while running. */
  setSysctl(_values: Partial<Sysctl>): void {}
  /** The routes changed: servers' routes are asked for again. */
  routesChanged(): void {}

  /**
   * One IP packet that came in (PREROUTING). `frame[offset]` is the first byte of its IP header, `length` its bytes;
   * HEADROOM bytes before `offset` may be written. `now`: monotonic milliseconds. `out` says what goes out.
   */
  handle(_frame: Uint8Array, _offset: number, _length: number, _now: number): Verdict {
    return HOST;
  }

  /** Lets time pass: expires connections, fragments and removed servers. Call it at least once a second. */
  tick(_now: number): void {}

  services(): ServiceInfo[] {
    return [];
  }
  *connections(): Generator<ConnectionInfo> {}
  /** Verdicts by reason since the start. */
  reasons(): Record<string, number> {
    return {};
  }
}
