// What a node probes: the real servers behind the VIPs that it forwards, those of `forward: dr` and `tun` also by the way that
// clients' packets take, and every other VIP from where it stands.
import { directorsOf } from '../health/vip.ts';
import { formatEndpoint } from '../kit/ip.ts';
import type { CheckConfig } from '../model/probe.ts';
import { portOf } from '../model/probe-kind.ts';
import type { Config, ServiceConfig } from '../model/schema.ts';
import { payloadOf } from '../probe/path.ts';
import type { Via } from '../probe/probe.ts';

/**
 * One thing to probe. Real server: `service` and `server` say which; observed VIP: `address` is one of the VIP's. With `via` it is a
 * VIP's address on a real server, and `of` the id of the same server at its own address.
 */
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
  via?: Via;
  of?: string;
}

const CONNECT: CheckConfig = {
  tcp: {},
  interval: 5000,
  timeout: 1000,
  rise: 2,
  fall: 3,
  forgive: 1,
  jitter: 0.1,
  forwarded: false,
};

/** Whether `node` forwards the VIP: named among its directors, or, with none named, a director of its site. */
export function forwards(config: Config, node: string, vip: string): boolean {
  return directorsOf(config, config.vips[vip]).includes(node);
}

/** Every probe that `node` is to run. Ids are stable over a reload as long as the thing probed stays. */
export function targetsOf(config: Config, node: string): Target[] {
  return Object.keys(config.vips).flatMap(vip =>
    forwards(config, node, vip) ? realServerTargets(config, node, vip) : vipTargets(config, vip),
  );
}

function realServerTargets(config: Config, node: string, vip: string): Target[] {
  // Only these forward as the file says; sockets reach every real server at its own address.
  const packets = (config.nodes[node]?.director?.plane ?? 'proxy') !== 'proxy';
  return config.vips[vip].services.flatMap((s, service) => {
    const check = s.check;
    if (check === undefined) return [];
    return s.real_servers.flatMap(rs => {
      const id = realServerId(vip, s, rs);
      const port = portOf(check) ?? rs.port;
      const same = { vip, kind: 'real-server' as const, service, server: serverKey(rs) };
      const own: Target = { ...same, id, address: rs.address, port, check };
      if (!packets) return [own];
      return [own, ...viaTargets(config.vips[vip].addresses, s, rs.address, own)];
    });
  });
}

// A server that is gone is told by the check at its own address: this one gives it time to speak first.
function viaTargets(
  addresses: readonly string[],
  s: ServiceConfig,
  server: string,
  { check, ...own }: Target,
): Target[] {
  const { protocol, forward, port } = s;
  if ((forward !== 'dr' && forward !== 'tun') || !check.forwarded) return [];
  // Nothing is known that a UDP service would answer to.
  if (protocol === 'udp' && payloadOf(check) === undefined) return [];
  const { type, checksum, port: tunnelPort } = s.tunnel;
  const via: Via = {
    protocol,
    server,
    ...(forward === 'tun' && { tunnel: { type, checksum, port: tunnelPort } }),
  };
  return addresses
    .filter(a => forward === 'tun' || a.includes(':') === server.includes(':'))
    .map(address => {
      const id = `${own.id} via ${address}`;
      return { ...own, id, of: own.id, address, port, check: { ...check, fall: check.fall + 1 }, via };
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
  if (s.protocol !== 'tcp') return undefined;
  return { tcp: {}, interval, timeout, rise, fall, forgive, jitter, forwarded: false };
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
