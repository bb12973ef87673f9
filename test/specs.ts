// Services as a plane gets them, for tests: what every builder of them begins with.
import { formatEndpoint } from '../src/kit/ip.ts';
import type { RealServerSpec, ServiceSpec } from '../src/model/service.ts';

/** A service of VIP `web` with the settings of a cluster file that says nothing of them, and no real server yet. */
export function plainService(
  address: string,
  port: number,
  protocol: ServiceSpec['protocol'] = 'tcp',
): ServiceSpec {
  return {
    key: `${protocol} ${formatEndpoint(address, port)}`,
    vip: 'web',
    protocol,
    address,
    port,
    scheduler: 'wlc',
    flags: [],
    forward: 'nat',
    tunnel: { type: 'ipip', port: 6080, checksum: false },
    localAddresses: [],
    toa: 254,
    persistence: 0,
    thresholds: { upper: 0, lower: 0 },
    timeouts: { connect: 2000, tcp: 900_000, tcp_fin: 120_000, udp: 300_000 },
    maxConnections: 100_000,
    realServers: [],
  };
}

/** A real server that is called by its address and port. */
export function plainServer(address: string, port: number, weight = 1): RealServerSpec {
  const key = formatEndpoint(address, port);
  return { key, name: key, address, port, weight };
}
