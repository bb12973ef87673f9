// What the DNS sockets ask of the answer path, and what they count about themselves.
//   udp.ts, tcp.ts ─query bytes→ Respond ─reply bytes→ udp.ts, tcp.ts
import type { CounterRow } from '../dns/counters.ts';

export type { Respond } from '../dns/chain.ts';

const ROWS = [
  {
    key: 'net_udp_busy',
    metric: 'gtm_dns_dropped_total',
    labels: { cause: 'busy' },
    help: 'Every reply buffer was still waiting to be sent.',
  },
  {
    key: 'net_udp_send',
    metric: 'gtm_dns_dropped_total',
    labels: { cause: 'send' },
    help: 'The kernel refused to send the reply.',
  },
  {
    key: 'net_tcp_accepted',
    metric: 'gtm_dns_tcp_connections_total',
    labels: {},
    help: 'DNS connections over TCP accepted.',
  },
  {
    key: 'net_tcp_evicted',
    metric: 'gtm_dns_tcp_closed_total',
    labels: { cause: 'evicted' },
    help: 'Closed to make room for a new one.',
  },
  {
    key: 'net_tcp_source',
    metric: 'gtm_dns_tcp_closed_total',
    labels: { cause: 'source' },
    help: 'More from one source than tcp_per_source.',
  },
  {
    key: 'net_tcp_late',
    metric: 'gtm_dns_tcp_closed_total',
    labels: { cause: 'late' },
    help: 'Nothing whole came, or nothing was read, for tcp_idle.',
  },
  {
    key: 'net_tcp_length',
    metric: 'gtm_dns_tcp_closed_total',
    labels: { cause: 'length' },
    help: 'A message was shorter than a DNS header.',
  },
] as const satisfies readonly CounterRow[];

export type NetCounter = (typeof ROWS)[number]['key'];

/** What the sockets count; the position is the cell of the array that they bump. */
export const NET_COUNTERS: readonly CounterRow[] = ROWS;

/** Cells by key. */
export const NET = Object.fromEntries(ROWS.map((row, i) => [row.key, i])) as Record<NetCounter, number>;

/** Fresh counters, all 0. */
export function newNetCounters(): Float64Array {
  return new Float64Array(ROWS.length);
}
