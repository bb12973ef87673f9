// What a node probes: the real servers behind the VIPs that it forwards, and every other VIP from where it stands.
import { directorsOf } from '../health/vip.ts';
import { formatEndpoint } from '../kit/ip.ts';
import { type CheckConfig, portOf } from '../model/probe.ts';
import type { Config, ServiceConfig } from '../model/schema.ts';

/** One thing to probe. Real server: `service` and `server` say which; observed VIP: `address` is one of the VIP's. */
export interface Target {
  id: string;
  vip: string;
  kind: 'real-server' | 'vip';
  /** Position of the service in the VIP's list. */
  service: number;
  /** `address:port` of the real server, for kind real-server. */
  server?: string;
  address: string;
  port: number;
  check: CheckConfig;
}

const CONNECT: CheckConfig = {
  tcp: {},
  interval: 5000,
  timeout: 1000,
  rise: 2,
  fall: 3,
  forgive: 1,
  jitter: 0.1,
};

/** Whether `node` forwards the VIP: named among its directors, or, with none named, a director of its site. */
export function forwards(config: Config, node: string, vip: string): boolean {
  return directorsOf(config, config.vips[vip]).includes(node);
}

/** Every probe that `node` is to run. Ids are stable over a reload as long as the thing probed stays. */
export function targetsOf(config: Config, node: string): Target[] {
  return Object.keys(config.vips).flatMap(vip =>
    forwards(config, node, vip) ? realServerTargets(config, vip) : vipTargets(config, vip),
  );
}

function realServerTargets(config: Config, vip: string): Target[] {
  return config.vips[vip].services.flatMap((s, service) => {
    const check = s.check;
    if (check === undefined) return [];
    return s.real_servers.map(rs => {
      const server = serverKey(rs);
      const id = realServerId(vip, s, rs);
      return {
        id,
        vip,
        kind: 'real-server' as const,
        service,
        server,
        address: rs.address,
        port: portOf(check) ?? rs.port,
        check,
      };
    });
  });
}

function vipTargets(config: Config, vip: string): Target[] {
  const { addresses, services } = config.vips[vip];
  return services.flatMap((s, service) => {
    const check = seenFromAfar(s);
    if (check === undefined) return [];
    return addresses.map(address => {
      const id = `vip ${vip} ${s.protocol}/${s.port} ${address}`;
      return { id, vip, kind: 'vip' as const, service, address, port: s.port, check };
    });
  });
}

// Through the VIP the service is asked as its real servers are. But a check on a port of its own does not pass through
// the VIP, and an echo comes from the director itself: a connect must do. A UDP service cannot be told from here then.
function seenFromAfar(s: ServiceConfig): CheckConfig | undefined {
  // Whoever is no front end is refused: that tells nothing.
  if (s.accept_proxy_protocol !== undefined) return undefined;
  if (s.check === undefined) return s.protocol === 'tcp' ? CONNECT : undefined;
  if (portOf(s.check) === undefined && s.check.icmp === undefined) return s.check;
  const { interval, timeout, rise, fall, forgive, jitter } = s.check;
  return s.protocol === 'tcp' ? { tcp: {}, interval, timeout, rise, fall, forgive, jitter } : undefined;
}

/** `address:port`, brackets around IPv6: the key of a real server in its service. */
export function serverKey(rs: { address: string; port: number }): string {
  return formatEndpoint(rs.address, rs.port);
}

/** The id under which a real server of a service is probed. */
export function realServerId(
  vip: string,
  s: Pick<ServiceConfig, 'protocol' | 'port'>,
  rs: { address: string; port: number },
): string {
  return `rs ${vip} ${s.protocol}/${s.port} ${serverKey(rs)}`;
}
