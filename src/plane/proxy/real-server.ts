// A real server of one service, as its connections hold on to it: they may outlive its place in the table.
import type { RealServerSpec } from '../../model/service.ts';
import { SERVER } from './counters.ts';

/** What a connection counts as: being opened to the server, established, or else (half-closed; a UDP flow). */
export type Standing = 'connecting' | 'active' | 'inactive';

export class RealServer {
  readonly key: string;
  readonly address: string;
  readonly port: number;
  /** Position in the service's table; -1 once it was removed. */
  at = -1;
  connecting = 0;
  active = 0;
  inactive = 0;
  /** Slots: SERVER in counters.ts. */
  counters: Float64Array;

  constructor(spec: RealServerSpec, counters: Float64Array) {
    this.key = spec.key;
    this.address = spec.address;
    this.port = spec.port;
    this.counters = counters;
  }

  get open(): number {
    return this.connecting + this.active + this.inactive;
  }

  /** Writes the levels to the counters, where what is being opened is inactive. */
  report(): void {
    this.counters[SERVER.active] = this.active;
    this.counters[SERVER.inactive] = this.connecting + this.inactive;
  }
}
