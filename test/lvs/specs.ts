// Services as a plane gets them, for tests: one at a time, said by what differs from the plain one.
import { formatEndpoint, parseEndpoint } from '../../src/kit/ip.ts';
import type { ServiceSpec } from '../../src/model/service.ts';

/** A service at `vip` whose servers are `ADDRESS:PORT` or `ADDRESS:PORT weight`. */
export function spec(
  vip: string,
  servers: readonly string[],
  other: Partial<Omit<ServiceSpec, 'realServers'>> = {},
): ServiceSpec {
  const { address, port } = parseEndpoint(vip) ?? { address: vip, port: 0 };
  const protocol = other.protocol ?? 'tcp';
  return {
    key: `${protocol} ${formatEndpoint(address, port)}`,
    vip: 'web',
    protocol,
    address,
    port,
    scheduler: 'rr',
    flags: [],
    forward: 'nat',
    tunnel: { type: 'ipip', port: 6080, checksum: false },
    localAddresses: [],
    toa: 254,
    persistence: 0,
    thresholds: { upper: 0, lower: 0 },
    timeouts: { connect: 2000, tcp: 900_000, tcp_fin: 120_000, udp: 300_000 },
    maxConnections: 100_000,
    ...other,
    realServers: servers.map(text => {
      const [key, weight = '1'] = text.split(' ');
      const at = parseEndpoint(key) ?? { address: key, port: 0 };
      return { key, name: key, ...at, weight: Number(weight) };
    }),
  };
}
