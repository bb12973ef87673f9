// The node as the admin API sees it: daemon/ hands one in, tests hand in a made-up one.
import type { Diagnostic } from '../kit/diag.ts';
import type { Metric } from '../metrics/names.ts';
import type { AdminState, Override } from '../model/records.ts';
import type { ConnectionRow } from '../model/service.ts';
import type { Event, Explanation, NodeStatus } from '../model/status.ts';

export interface Question {
  name: string;
  /** Mnemonic of an RR type. */
  type: string;
  /** Address of the client that the answer would be for; default: one on loopback. */
  from?: string;
}

/** An operator's word before the node has dated and ordered it. */
export interface OverrideRequest {
  /** `vip/web-fra` or `site/fra`. */
  target: string;
  state: AdminState;
  /** Multiplies the weight; absent = 1. `ready` with none takes back what was said before. */
  weight?: number;
  reason: string;
  who: string;
  /** Milliseconds until it ends by itself. */
  for?: number;
}

export interface ReloadResult {
  /** Number of the snapshot that every worker serves now: the old one where there were errors. */
  generation: number;
  diagnostics: Diagnostic[];
  /** In words, one line each; empty when nothing changed or nothing was applied. */
  changes: string[];
}

/** A zone as plain RFC 1035 text: each POOL stands as the addresses that it answers with now. */
export interface StaticZone {
  apiVersion: 'v1';
  kind: 'StaticZone';
  /** Absolute. */
  zone: string;
  serial: number;
  /** By name: the addresses, and the `all_down` rule if no member is up. */
  pools: Record<string, { addresses: string[]; allDown?: string }>;
  text: string;
}

export interface DemoServer {
  name: string;
  site: string;
  address: string;
  port: number;
  running: boolean;
}

/** The demo's own real servers, which may be stopped and started to see what happens. Unknown names: GtmError GTM_NOT_FOUND. */
export interface DemoServers {
  list(): DemoServer[];
  stop(name: string): Promise<void>;
  start(name: string): Promise<void>;
}

export interface AdminNode {
  status(): NodeStatus;
  /** What this node would answer now, and why. */
  explain(question: Question): Explanation;
  /** A zone for name servers that know no pools. GtmError GTM_NOT_FOUND; GTM_ZONE_LARGE above 100,000 records. */
  staticZone(name: string): StaticZone;
  /** Says it to the whole cluster. GtmError GTM_NOT_FOUND for a target that is not in the configuration. */
  override(request: OverrideRequest): Override;
  /** Reads the configuration afresh and applies all of it or nothing; resolves when every worker serves it. */
  reload(): Promise<ReloadResult>;
  /** Connections that are forwarded here now, at most `limit`. */
  connections(limit: number): Promise<readonly ConnectionRow[]>;
  /** The events kept whose id is above `after`, oldest first. */
  events(after: number): Event[];
  /** Calls `listener` for each event to come; returns what ends that. */
  onEvent(listener: (event: Event) => void): () => void;
  /** Metrics that the status does not hold. */
  counters(): Iterable<Metric>;
  /** Only in the demo. */
  demo?: DemoServers;
}
