// Rules about forwarding methods, and about what a plane does not have: what cannot be forwarded as it is written.
//   dr, tun: no other port · nat, dr, fullnat: one family · fullnat: local addresses · tun: room in the MTU · dr: one link
// Plane proxy forwards by sockets, whatever the method: for it nothing of this holds.
import { formatEndpoint, parseIp } from '../../kit/ip.ts';
import { Prefixes, parsePrefix } from '../../kit/prefix.ts';
import type { Finding, Rule, View } from '../finding.ts';
import type { DirectorConfig } from '../schema.ts';
import { canonical, familyOf, faultOfAddress } from './address.ts';
import { each, type Seat } from './seat.ts';

export const FORWARDING_RULES: readonly Rule[] = [
  each(sockets),
  each(ports),
  each(families),
  each(links),
  each(localAddresses),
  each(tunnels),
  each(unused),
  each(planes),
  directorKeys,
];

/** A node that forwards a VIP, and with what. */
interface Forwarder {
  node: string;
  director: DirectorConfig;
}

function forwardersOf({ vip }: Seat, { config }: View): Forwarder[] {
  return Object.entries(config.nodes).flatMap(([node, { site, director }]) =>
    director !== undefined && (vip.directors?.includes(node) ?? site === vip.site)
      ? [{ node, director }]
      : [],
  );
}

/** The first of them that forwards packets, not bytes. */
function packetPlane(seat: Seat, view: View): Forwarder | undefined {
  return forwardersOf(seat, view).find(f => f.director.plane !== 'proxy');
}

function* sockets(seat: Seat, view: View): Generator<Finding> {
  const { name, service, path, title } = seat;
  if (service.forward === 'nat') return;
  const proxy = forwardersOf(seat, view).find(f => f.director.plane === 'proxy');
  if (proxy === undefined) return;
  yield {
    code: 'GTM-C03A',
    path: [...path, 'forward'],
    message: `${title}: forward: ${service.forward} means nothing to plane proxy of ${proxy.node}, which forwards ${name} by sockets`,
  };
}

function* ports(seat: Seat, view: View): Generator<Finding> {
  const { service, path, title } = seat;
  if (service.forward !== 'dr' && service.forward !== 'tun') return;
  if (packetPlane(seat, view) === undefined) return;
  for (const [i, { address, port }] of service.real_servers.entries())
    if (port !== service.port)
      yield {
        code: 'GTM-C050',
        path: [...path, 'real_servers', i, 'port'],
        needs: [
          [...path, 'forward'],
          [...path, 'port'],
        ],
        message: `${title}: forward: ${service.forward} leaves the port as it is: ${formatEndpoint(address, port)} would get packets to port ${service.port}`,
        help: `let it listen on port ${service.port}, or take forward: nat or fullnat`,
      };
}

function* families(seat: Seat, view: View): Generator<Finding> {
  const { vip, service, path, title, name } = seat;
  if (service.forward === 'tun' || packetPlane(seat, view) === undefined) return;
  const servers = new Set(service.real_servers.map(rs => familyOf(rs.address)));
  const own = new Set(vip.addresses.map(familyOf));
  for (const [i, address] of vip.addresses.entries())
    if (!servers.has(familyOf(address)))
      yield {
        code: 'GTM-C051',
        path: ['vips', name, 'addresses', i],
        needs: [
          [...path, 'real_servers'],
          [...path, 'forward'],
        ],
        message: `${title}: ${address} has no IPv${familyOf(address)} real server, and forward: ${service.forward} does not change the family`,
        help: 'forward: tun carries one family in the other',
      };
  for (const [i, { address }] of service.real_servers.entries())
    if (!own.has(familyOf(address)))
      yield {
        code: 'GTM-C051',
        severity: 'warning',
        path: [...path, 'real_servers', i, 'address'],
        needs: [
          ['vips', name, 'addresses'],
          [...path, 'forward'],
        ],
        message: `${title}: real server ${address} gets nothing: the VIP has no IPv${familyOf(address)} address`,
      };
}

function* links(seat: Seat, view: View): Generator<Finding> {
  const { service, path, title } = seat;
  if (service.forward !== 'dr') return;
  for (const { node, director } of forwardersOf(seat, view)) {
    if (director.plane === 'proxy' || director.links.length === 0) continue;
    const on = new Prefixes(director.links.flatMap(text => parsePrefix(text) ?? []));
    for (const [i, { address }] of service.real_servers.entries())
      if (!on.has(familyOf(address), parseIp(address) as Uint8Array))
        yield {
          code: 'GTM-C052',
          path: [...path, 'real_servers', i, 'address'],
          needs: [
            [...path, 'forward'],
            ['nodes', node, 'director', 'links'],
          ],
          message: `${title}: real server ${address} is on no link of ${node} (${director.links.join(', ')}), and forward: dr reaches no further`,
          help: 'forward: tun reaches servers behind routers',
        };
  }
}

function* localAddresses(seat: Seat, view: View): Generator<Finding> {
  const { vip, service, path, title } = seat;
  const here = [...path, 'local_addresses'];
  if (service.forward !== 'fullnat') {
    if (service.local_addresses.length > 0)
      yield {
        code: 'GTM-C03A',
        path: here,
        needs: [[...path, 'forward']],
        message: `${title}: local_addresses are for forward: fullnat, not ${service.forward}`,
      };
    return;
  }
  const taken = new Map<string, string>();
  for (const a of vip.addresses) taken.set(canonical(a), 'an address of the VIP');
  for (const rs of service.real_servers) taken.set(canonical(rs.address), 'a real server');
  for (const [i, address] of service.local_addresses.entries()) {
    const fault = faultOfAddress(address);
    const other = taken.get(canonical(address));
    if (fault !== undefined) yield { code: 'GTM-C031', path: [...here, i], message: `${title}: ${fault}` };
    else if (other !== undefined)
      yield {
        code: 'GTM-C053',
        path: [...here, i],
        message: `${title}: local address ${address} is ${other}`,
      };
    taken.set(canonical(address), 'there already');
  }
  if (packetPlane(seat, view) === undefined) return;
  const held = new Set(service.local_addresses.map(familyOf));
  const missing = [...new Set(vip.addresses.map(familyOf))].filter(f => !held.has(f));
  if (missing.length > 0) {
    const which = held.size === 0 ? '' : ` ${missing.map(f => `IPv${f}`).join(' and ')}`;
    yield {
      code: 'GTM-C053',
      path: held.size === 0 ? [...path, 'forward'] : here,
      needs: [here, [...path, 'forward'], ['vips', seat.name, 'addresses']],
      message: `${title}: forward: fullnat has no${which} local address that could stand for the clients`,
      help: 'local_addresses: addresses of the director to which the real servers answer',
    };
  }
  const several = forwardersOf(seat, view).map(f => f.node);
  if (several.length > 1 && service.local_addresses.length > 0)
    yield {
      code: 'GTM-C053',
      severity: 'warning',
      path: here,
      message: `${title}: ${several.join(' and ')} would all speak as ${service.local_addresses[0]}: answers come to one of them alone`,
      help: 'one director for such a VIP, or a VIP for each',
    };
}

/** Bytes that go in front, inside the outer IP header's own. */
const EXTRA = { ipip: 0, gue: 12, gre: 4 } as const;
const ETHERNET = 1500;

function* tunnels(seat: Seat, view: View): Generator<Finding> {
  const { service, path, title } = seat;
  const { tunnel } = service;
  if (service.forward !== 'tun' || packetPlane(seat, view) === undefined) return;
  const outer = service.real_servers.some(rs => familyOf(rs.address) === 6) ? 40 : 20;
  const room = outer + EXTRA[tunnel.type] + (tunnel.type === 'gre' && tunnel.checksum ? 4 : 0);
  yield {
    code: 'GTM-C054',
    path: [...path, 'forward'],
    message: `${title}: tunnel ${tunnel.type} puts ${room} bytes in front of each packet`,
    help: `an MTU of ${ETHERNET + room} on the way to the real servers, or an MSS of ${ETHERNET - room - 40} or less at them, saves clients the ICMP messages`,
  };
  if (tunnel.source_prefix === undefined || tunnel.type !== 'ipip') return;
  const family = familyOf(tunnel.source_prefix);
  const other = service.real_servers.find(rs => familyOf(rs.address) !== family);
  if (other !== undefined)
    yield {
      code: 'GTM-C051',
      path: [...path, 'tunnel', 'source_prefix'],
      needs: [[...path, 'real_servers']],
      message: `${title}: source_prefix ${tunnel.source_prefix} cannot be the source of packets to ${other.address}`,
    };
}

// What stands there and is not the default is written; nothing will come of it.
function* unused({ service, path, title }: Seat): Generator<Finding> {
  const { forward, tunnel, toa } = service;
  const note = (key: string, why: string): Finding => ({
    code: 'GTM-C03A',
    path: [...path, ...key.split('.')],
    needs: [
      [...path, 'forward'],
      [...path, 'tunnel'],
    ],
    message: `${title}: ${key} ${why}`,
  });
  if (forward !== 'fullnat' && toa !== 254) yield note('toa', `is for forward: fullnat, not ${forward}`);
  if (forward === 'fullnat' && service.protocol === 'udp' && toa !== 254)
    yield note('toa', 'is an option of TCP: a datagram has no room for it');
  if (forward !== 'tun') {
    const written = tunnel.type !== 'ipip' || tunnel.checksum || tunnel.port !== 6080;
    if (written || tunnel.source_prefix !== undefined)
      yield note('tunnel', `is for forward: tun, not ${forward}`);
    return;
  }
  if (tunnel.type !== 'gue' && tunnel.port !== 6080)
    yield note('tunnel.port', `is where GUE is received; ${tunnel.type} has no port`);
  if (tunnel.type === 'ipip' && tunnel.checksum) yield note('tunnel.checksum', 'is none of ipip’s');
  if (tunnel.type !== 'ipip' && tunnel.source_prefix !== undefined)
    yield note('tunnel.source_prefix', `is for ipip: ${tunnel.type} is not spread by it`);
}

function* planes(seat: Seat, view: View): Generator<Finding> {
  const { service, path, title } = seat;
  const found = packetPlane(seat, view);
  if (found === undefined) return;
  const of = `plane ${found.director.plane} of ${found.node}`;
  for (const key of ['proxy_protocol', 'accept_proxy_protocol'] as const)
    if (service[key] !== undefined)
      yield {
        code: 'GTM-C055',
        path: [...path, key],
        at: 'key',
        message: `${title}: ${of} forwards packets: it ${key === 'proxy_protocol' ? 'puts no PROXY header into them' : 'does not read a PROXY header out of them'}`,
        help:
          key === 'proxy_protocol'
            ? 'plane: proxy writes one; with forward: nat, dr or tun real servers see the client’s address anyway, with fullnat they read it from TOA'
            : 'plane: proxy reads it; here it comes to the real servers as it is, which may read it themselves',
      };
  const note = (key: string, why: string): Finding => ({
    code: 'GTM-C03A',
    path: [...path, ...key.split('.')],
    message: `${title}: ${key} means nothing to ${of}${why}`,
  });
  if (service.timeouts.connect !== 2000)
    yield note('timeouts.connect', ': the client’s own SYN goes to the server');
  if (service.max_connections !== 100_000) yield note('max_connections', '');
  const kernel = forwardersOf(seat, view).find(f => f.director.plane === 'ipvs');
  if (kernel === undefined) return;
  if (service.forward === 'fullnat')
    yield {
      code: 'GTM-C055',
      path: [...path, 'forward'],
      message: `${title}: the kernel's IPVS, plane of ${kernel.node}, has no fullnat`,
      help: 'plane: xdp has it',
    };
  if (service.forward === 'tun' && service.tunnel.source_prefix !== undefined)
    yield {
      code: 'GTM-C055',
      path: [...path, 'tunnel', 'source_prefix'],
      message: `${title}: the kernel's IPVS, plane of ${kernel.node}, has no source_prefix`,
    };
}

function* directorKeys({ config }: View): Generator<Finding> {
  for (const [node, { director }] of Object.entries(config.nodes)) {
    if (director === undefined) continue;
    const { plane, interfaces, connections, attach, moderation, own_all, drain, links: on } = director;
    const note = (key: string, whose: string): Finding => ({
      code: 'GTM-C03A',
      path: ['nodes', node, 'director', key],
      needs: [['nodes', node, 'director', 'plane']],
      message: `nodes.${node}: ${key} is for plane ${whose}, not ${plane}`,
    });
    if (plane !== 'xdp') {
      if (interfaces.length > 0) yield note('interfaces', 'xdp');
      if (connections !== 1_048_576) yield note('connections', 'xdp');
      if (attach !== 'auto') yield note('attach', 'xdp');
      if (moderation !== 'adaptive') yield note('moderation', 'xdp');
    }
    if (plane !== 'ipvs') {
      if (own_all) yield note('own_all', 'ipvs');
      if (drain !== 300_000) yield note('drain', 'ipvs');
    }
    if (plane === 'proxy' && on.length > 0) yield note('links', 'xdp or ipvs');
  }
}
