// Services as the xdp plane gets them, from one line: `tcp 192.0.2.10:80`, a mode, real servers.
import { parseEndpoint } from '../../src/kit/ip.ts';
import type { ServiceSpec } from '../../src/model/service.ts';

/** A service with `servers` of weight 1; `options` replace what is usual. */
export function spec(
  key: string,
  forward: ServiceSpec['forward'],
  servers: readonly string[],
  options: Partial<ServiceSpec> = {},
): ServiceSpec {
  const [protocol, at] = key.split(' ') as ['tcp' | 'udp', string];
  const { address, port } = endpoint(at);
  return {
    key,
    vip: `vip ${address}`,
    protocol,
    address,
    port,
    scheduler: 'rr',
    flags: [],
    forward,
    tunnel: { type: 'ipip', port: 6080, checksum: false },
    localAddresses: [],
    toa: 254,
    persistence: 0,
    thresholds: { upper: 0, lower: 0 },
    timeouts: { connect: 1000, tcp: 900_000, tcp_fin: 120_000, udp: 300_000 },
    maxConnections: 100_000,
    realServers: servers.map(s => ({ key: s, name: s, ...endpoint(s), weight: 1 })),
    ...options,
  };
}

function endpoint(text: string): { address: string; port: number } {
  const at = text.lastIndexOf(':');
  const address = text.slice(0, at).replace(/[[\]]/g, '');
  return parseEndpoint(text) ?? { address, port: Number(text.slice(at + 1)) };
}
