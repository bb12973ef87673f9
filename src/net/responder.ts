// What the DNS sockets ask of the answer path, and what they count about themselves.
//   udp.ts, tcp.ts ─query bytes→ Respond ─reply bytes→ udp.ts, tcp.ts
import type { Client } from '../model/steering.ts';

/**
 * Answers one query: `query[0..length)` in, the reply into `out`; returns its length in bytes, 0 = say nothing.
 * `client` and both buffers are the caller's and valid until it returns. `now` is monotonic milliseconds.
 */
export type Respond = (
  query: Uint8Array,
  length: number,
  out: Uint8Array,
  client: Client,
  now: number,
) => number;

const ROWS = [
  ['udp_port_zero', 'datagrams dropped because their source port is 0, to which no reply can go'],
  ['udp_overload', 'datagrams dropped because every reply buffer was still waiting to be sent'],
  ['udp_send_errors', 'UDP replies that the kernel refused to send'],
  ['tcp_accepted', 'TCP connections accepted'],
  ['tcp_evicted', 'TCP connections closed to make room for new ones'],
  ['tcp_timeouts', 'TCP connections closed because nothing whole came, or nothing was read, for tcp_idle'],
  ['tcp_bad_length', 'TCP connections closed because a message was shorter than a DNS header'],
] as const;

export type NetCounter = (typeof ROWS)[number][0];

/** Name and meaning of each counter; the position is its index in the array that the sockets bump. */
export const NET_COUNTERS: readonly { name: NetCounter; help: string }[] = ROWS.map(([name, help]) => ({
  name,
  help,
}));

/** Counter name to index. */
export const NET = Object.fromEntries(ROWS.map(([name], i) => [name, i])) as Record<NetCounter, number>;

/** Fresh counters, all 0. */
export function newNetCounters(): Float64Array {
  return new Float64Array(ROWS.length);
}
