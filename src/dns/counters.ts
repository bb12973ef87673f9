// What a responder counts: one table of rows, each a cell of a Float64Array that the I/O side hands in (on shared memory,
// so that the main thread reads while the worker writes). Every query is either in one cell of `gtm_dns_queries_total`
// or in one of `gtm_dns_dropped_total`.
import { RCODE } from './message.ts';

export interface CounterRow {
  /** Unique. */
  key: string;
  /** The metric it is part of, and its labels there. */
  metric: string;
  labels: Readonly<Record<string, string>>;
  help: string;
}

const PROTOCOLS = ['udp', 'tcp'] as const;
const RCODES = Object.keys(RCODE) as (keyof typeof RCODE)[];

const EVENTS = [
  {
    key: 'dropped_short',
    metric: 'gtm_dns_dropped_total',
    labels: { cause: 'short' },
    help: 'No whole header.',
  },
  {
    key: 'dropped_response',
    metric: 'gtm_dns_dropped_total',
    labels: { cause: 'response' },
    help: 'QR set: an answer to it would start a loop.',
  },
  {
    key: 'dropped_port',
    metric: 'gtm_dns_dropped_total',
    labels: { cause: 'port' },
    help: 'From port 0, where nobody listens.',
  },
  {
    key: 'dropped_rate',
    metric: 'gtm_dns_dropped_total',
    labels: { cause: 'rate' },
    help: 'Beyond the limit of dns.rrl.',
  },
  { key: 'truncated', metric: 'gtm_dns_truncated_total', labels: {}, help: 'Answers cut short with TC set.' },
  {
    key: 'pool_answers',
    metric: 'gtm_dns_pool_answers_total',
    labels: {},
    help: 'Answers that a pool was picked for.',
  },
  { key: 'edns', metric: 'gtm_dns_edns_total', labels: {}, help: 'Queries with EDNS.' },
  {
    key: 'slipped',
    metric: 'gtm_dns_slipped_total',
    labels: {},
    help: 'Replies beyond the limit of dns.rrl that were sent empty, with TC set.',
  },
  {
    key: 'cookie_client',
    metric: 'gtm_dns_cookies_total',
    labels: { kind: 'client' },
    help: 'Queries with a client cookie alone.',
  },
  {
    key: 'cookie_bad',
    metric: 'gtm_dns_cookies_total',
    labels: { kind: 'bad' },
    help: 'Queries with a server cookie that is not ours, or too old.',
  },
  {
    key: 'cookie_valid',
    metric: 'gtm_dns_cookies_total',
    labels: { kind: 'valid' },
    help: 'Queries with a valid server cookie.',
  },
  {
    key: 'internal_errors',
    metric: 'gtm_dns_internal_errors_total',
    labels: {},
    help: 'Queries answered SERVFAIL for a fault of the program itself.',
  },
] as const satisfies readonly CounterRow[];

export type CounterEvent = (typeof EVENTS)[number]['key'];

/** All rows; the position is the cell. First queries by protocol and rcode, then events. */
export const COUNTERS: readonly CounterRow[] = [
  ...PROTOCOLS.flatMap(proto =>
    RCODES.map(name => ({
      key: `${proto}_${name.toLowerCase()}`,
      metric: 'gtm_dns_queries_total',
      labels: { rcode: name.toLowerCase(), proto },
      help: 'DNS queries answered.',
    })),
  ),
  ...EVENTS,
];

/** Cells of the events. */
export const COUNTER = Object.fromEntries(
  EVENTS.map((row, i) => [row.key, PROTOCOLS.length * RCODES.length + i]),
) as Record<CounterEvent, number>;

const COLUMN = new Uint8Array(Math.max(...Object.values(RCODE)) + 1);
RCODES.forEach((name, i) => {
  COLUMN[RCODE[name]] = i;
});

/** The cell of queries answered with this rcode. */
export function queryCell(rcode: number, tcp: boolean): number {
  return (tcp ? RCODES.length : 0) + COLUMN[rcode];
}

/** Fresh counters on shared memory. */
export function newCounters(): Float64Array {
  return new Float64Array(new SharedArrayBuffer(COUNTERS.length * 8));
}
