// The network of a set-up: a director with a client side (c0) and a server side (s0), both of them taps whose other end
// is the player. Every neighbour is known by a fixed MAC, so that the next hop of a frame can be read from it.
//   clients … 10.0.0.254 ─ c0 [director, VIPs on lo] s0 ─ servers 172.16.0.N, and through 172.16.0.254: 172.20.0.N
import type { Side } from './story.ts';

export const DEVICE: Readonly<Record<Side, string>> = { client: 'c0', server: 's0' };
export const MAC: Readonly<Record<Side, string>> = {
  client: '02:00:00:00:00:0c',
  server: '02:00:00:00:00:05',
};
export const OWN: Readonly<Record<Side, readonly [string, string]>> = {
  client: ['10.0.0.1', 'fd00:c::1'],
  server: ['172.16.0.1', 'fd00:5::1'],
};
/** Way to all that is on neither link; on the server side, to the servers that are a router away. */
export const GATEWAY: Readonly<Record<Side, readonly [string, string]>> = {
  client: ['10.0.0.254', 'fd00:c::fe'],
  server: ['172.16.0.254', 'fd00:5::fe'],
};

const COUNT = 8;
const numbers = Array.from({ length: COUNT }, (_, i) => i + 1);

export const VIPS: Readonly<Record<4 | 6, readonly string[]>> = {
  4: numbers.map(n => `192.0.2.${n}`),
  6: numbers.map(n => `2001:db8::${n}`),
};
/** Servers on the link, then servers behind its router. */
export const NEAR: Readonly<Record<4 | 6, readonly string[]>> = {
  4: numbers.map(n => `172.16.0.1${n}`),
  6: numbers.map(n => `fd00:5::1${n}`),
};
export const FAR: Readonly<Record<4 | 6, readonly string[]>> = {
  4: numbers.map(n => `172.20.0.1${n}`),
  6: numbers.map(n => `fd00:20::1${n}`),
};

/** Local addresses of FullNAT, on the loopback of every set-up. */
export const LOCALS: Readonly<Record<4 | 6, readonly string[]>> = {
  4: ['172.16.0.251', '172.16.0.252'],
  6: ['fd00:5::fb', 'fd00:5::fc'],
};
/** Every address of the director itself. */
export const SELF: readonly string[] = [
  ...VIPS[4],
  ...VIPS[6],
  ...OWN.client,
  ...OWN.server,
  ...LOCALS[4],
  ...LOCALS[6],
];

/** Neighbours of both sides with their MACs. */
export const NEIGHBOURS: readonly { side: Side; address: string; mac: string }[] = [
  ...(['client', 'server'] as const).flatMap(side =>
    GATEWAY[side].map((address, i) => ({
      side,
      address,
      mac: `02:00:${side === 'client' ? '0c' : '05'}:0${i}:00:fe`,
    })),
  ),
  ...NEAR[4].map((address, i) => ({ side: 'server' as const, address, mac: `02:00:05:00:01:0${i}` })),
  ...NEAR[6].map((address, i) => ({ side: 'server' as const, address, mac: `02:00:05:01:01:0${i}` })),
];

/** Which way an address is, and over whom (undefined: it is local). */
export function wayTo(address: string): { side: Side; hop: string } | undefined {
  const family = address.includes(':') ? 1 : 0;
  if (SELF.includes(address) || address === '127.0.0.1' || address === '::1') return undefined;
  if (/^172\.16\.0\./.test(address) || /^fd00:5::/.test(address)) return { side: 'server', hop: address };
  if (/^172\.20\./.test(address) || /^fd00:20:/.test(address))
    return { side: 'server', hop: GATEWAY.server[family] };
  return { side: 'client', hop: GATEWAY.client[family] };
}

/** Commands for `ip -batch` that make the network, in a namespace where both taps are. */
export function batch(): string {
  const lines = ['link set lo up'];
  for (const side of ['client', 'server'] as const) {
    const dev = DEVICE[side];
    lines.push(`link set ${dev} address ${MAC[side]} mtu 1500 up`);
    lines.push(`addr add ${OWN[side][0]}/24 dev ${dev}`, `addr add ${OWN[side][1]}/64 dev ${dev} nodad`);
  }
  for (const a of [...VIPS[4], ...LOCALS[4]]) lines.push(`addr add ${a}/32 dev lo`);
  for (const a of [...VIPS[6], ...LOCALS[6]]) lines.push(`addr add ${a}/128 dev lo nodad`);
  for (const { side, address, mac } of NEIGHBOURS)
    lines.push(`neigh add ${address} lladdr ${mac} nud permanent dev ${DEVICE[side]}`);
  lines.push(
    `route add default via ${GATEWAY.client[0]}`,
    `route add 172.20.0.0/16 via ${GATEWAY.server[0]}`,
  );
  lines.push(`route add ::/0 via ${GATEWAY.client[1]}`, `route add fd00:20::/32 via ${GATEWAY.server[1]}`);
  return `${lines.join('\n')}\n`;
}

/** Switches of the host's own stack, by their path below /proc/sys/net. */
export const SWITCHES: Readonly<Record<string, string>> = {
  'ipv4/ip_forward': '1',
  'ipv4/conf/all/rp_filter': '0',
  'ipv4/conf/default/rp_filter': '0',
  'ipv4/conf/all/send_redirects': '0',
  'ipv4/conf/default/send_redirects': '0',
  'ipv4/conf/all/accept_redirects': '0',
  'ipv4/icmp_ratelimit': '0',
  'ipv4/icmp_msgs_per_sec': '1000000',
  'ipv4/icmp_msgs_burst': '1000000',
  'ipv6/conf/all/forwarding': '1',
  'ipv6/conf/default/accept_dad': '0',
  'ipv6/conf/default/dad_transmits': '0',
  'ipv6/conf/default/router_solicitations': '0',
  'ipv6/icmp/ratelimit': '0',
  'ipv6/auto_flowlabels': '0',
};

/** Connection tracking as bookkeeping for NAT alone: it judges nothing, and forgets nothing before IPVS does. */
export const TRACKING: Readonly<Record<string, string>> = {
  'ipv4/vs/conntrack': '1',
  'netfilter/nf_conntrack_checksum': '0',
  'netfilter/nf_conntrack_tcp_be_liberal': '1',
  'netfilter/nf_conntrack_tcp_ignore_invalid_rst': '1',
  ...Object.fromEntries(
    [
      ...[
        'syn_sent',
        'syn_recv',
        'established',
        'fin_wait',
        'close_wait',
        'last_ack',
        'time_wait',
        'close',
      ].map(state => `tcp_timeout_${state}`),
      ...['tcp_timeout_max_retrans', 'tcp_timeout_unacknowledged', 'udp_timeout', 'udp_timeout_stream'],
    ].map(name => [`netfilter/nf_conntrack_${name}`, '100000']),
  ),
};
