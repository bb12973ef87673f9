// From the cluster file and the verdicts of now to the services that a plane is given.
import { formatEndpoint } from '../kit/ip.ts';
import type { Config, DirectorConfig } from '../model/schema.ts';
import type { ServiceSpec } from '../model/service.ts';
import { forwards, serverKey } from './targets.ts';

/** The weight that a real server has now: 0 while it is down or its VIP takes nothing new. */
export type WeightOf = (vip: string, service: number, key: string, configured: number) => number;

/**
 * The services of every VIP that `node` forwards, one for each address, with the weights that `weightOf` gives. Sockets and tunnels
 * lead from one family to the other; else an address has the real servers of its own family alone.
 */
export function servicesOf(
  config: Config,
  node: string,
  weightOf: WeightOf,
  plane: DirectorConfig['plane'] | undefined = config.nodes[node]?.director?.plane,
): ServiceSpec[] {
  return Object.entries(config.vips).flatMap(([vip, v]) => {
    if (!forwards(config, node, vip)) return [];
    return v.services.flatMap((s, index) =>
      v.addresses.map(address => ({
        key: `${s.protocol} ${formatEndpoint(address, s.port)}`,
        vip,
        protocol: s.protocol,
        address,
        port: s.port,
        scheduler: s.scheduler,
        flags: s.flags,
        forward: s.forward,
        tunnel: {
          type: s.tunnel.type,
          port: s.tunnel.port,
          checksum: s.tunnel.checksum,
          ...(s.tunnel.source_prefix !== undefined && { sourcePrefix: s.tunnel.source_prefix }),
        },
        localAddresses: s.local_addresses,
        toa: s.toa,
        persistence: s.persistence,
        thresholds: s.thresholds,
        timeouts: s.timeouts,
        maxConnections: s.max_connections,
        ...(s.proxy_protocol !== undefined && { proxyProtocol: s.proxy_protocol }),
        ...(s.accept_proxy_protocol !== undefined && { acceptProxyProtocol: s.accept_proxy_protocol.from }),
        realServers: s.real_servers
          .filter(rs => plane === 'proxy' || s.forward === 'tun' || sameFamily(rs.address, address))
          .map(rs => {
            const key = serverKey(rs);
            const weight = weightOf(vip, index, key, rs.weight);
            return { key, name: rs.name ?? key, address: rs.address, port: rs.port, weight };
          }),
      })),
    );
  });
}

function sameFamily(a: string, b: string): boolean {
  return a.includes(':') === b.includes(':');
}
