// A real server of one service, as its connections hold on to it: they may outlive its place in the table.
import type { RealServerSpec } from '../../model/service.ts';

export class RealServer {
  readonly key: string;
  readonly address: string;
  readonly port: number;
  /** Position in the service's table; -1 once it was removed. */
  at = -1;
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
}
