// Rows about forwarding methods and planes: what cannot be forwarded as it is written. As in rows.ts.
import type { Patch } from './base.ts';
import type { Row } from './rows.ts';

const SERVICE = 'port: 80\n        scheduler: wrr';
const A = '{ name: fra-a, address: 10.0.0.11, port: 8080, weight: 100 }';
const B = '{ name: fra-b, address: 10.0.0.12, port: 8080, weight: 50 }';
const PORT_80: readonly Patch[] = [
  [A, A.replace('8080', '80')],
  [B, B.replace('8080', '80')],
];
const ADDRESS = 'addresses: [192.0.2.10]';

/** fra-1 with another plane, and more of a director. */
function plane(text: string): Patch {
  return ['director: { plane: proxy }\n  nyc-1', `director: { ${text} }\n  nyc-1`];
}

/** More lines in web-fra's service. */
function service(...lines: string[]): Patch {
  return [SERVICE, [SERVICE, ...lines].join('\n        ')];
}

function row(code: Row['code'], patches: readonly Patch[], says: string, help?: string): Row {
  return { code, patches, says, ...(help !== undefined && { help }) };
}

const XDP = plane('plane: xdp');
const IPVS = plane('plane: ipvs');
const LOCALS = 'local_addresses: [192.0.2.100]';

export const FORWARDING: readonly Row[] = [
  row(
    'GTM-C050',
    [XDP, service('forward: dr'), [A, A.replace('8080', '‹8080')], [B, B.replace('8080', '80')]],
    'forward: dr leaves the port as it is: 10.0.0.11:8080 would get packets to port 80',
    'let it listen on port 80',
  ),
  row(
    'GTM-C051',
    [XDP, [ADDRESS, 'addresses: [192.0.2.10, ‹"2001:db8::10"]']],
    '2001:db8::10 has no IPv6 real server, and forward: nat does not change the family',
    'forward: tun',
  ),
  row(
    'GTM-C051',
    [IPVS, [B, B.replace('10.0.0.12', '‹"2001:db8::12"')]],
    'real server 2001:db8::12 gets nothing: the VIP has no IPv6 address',
  ),
  row(
    'GTM-C052',
    [
      plane('plane: xdp, links: [10.0.0.8/29, 2001:db8::/64]'),
      service('forward: dr'),
      PORT_80[0],
      [B, B.replace('8080', '80').replace('10.0.0.12', '‹10.0.0.16')],
    ],
    'real server 10.0.0.16 is on no link of fra-1 (10.0.0.8/29, 2001:db8::/64)',
    'forward: tun reaches servers behind routers',
  ),
  row(
    'GTM-C053',
    [XDP, service('forward: ‹fullnat')],
    'forward: fullnat has no local address that could stand for the clients',
    'local_addresses: addresses of the director',
  ),
  row(
    'GTM-C053',
    [XDP, service('forward: fullnat', 'local_addresses: ‹["2001:db8::100"]')],
    'forward: fullnat has no IPv4 local address',
  ),
  row(
    'GTM-C053',
    [XDP, service('forward: fullnat', 'local_addresses: [192.0.2.100, ‹192.0.2.10]')],
    'local address 192.0.2.10 is an address of the VIP',
  ),
  row(
    'GTM-C053',
    [XDP, service('forward: fullnat', 'local_addresses: [192.0.2.100, ‹10.0.0.12]')],
    'local address 10.0.0.12 is a real server',
  ),
  row(
    'GTM-C053',
    [XDP, service('forward: fullnat', 'local_addresses: [192.0.2.100, ‹192.0.2.100]')],
    'local address 192.0.2.100 is there already',
  ),
  row(
    'GTM-C031',
    [XDP, service('forward: fullnat', 'local_addresses: [192.0.2.100, ‹0.0.0.0]')],
    '0.0.0.0 stands for every address of a host',
  ),
  row(
    'GTM-C053',
    [
      plane('plane: xdp }\n  fra-2: { site: fra, director: { plane: xdp }'),
      service('forward: fullnat', 'local_addresses: ‹[192.0.2.100]'),
    ],
    'fra-1 and fra-2 would all speak as 192.0.2.100: answers come to one of them alone',
  ),
  row(
    'GTM-C054',
    [XDP, service('forward: ‹tun'), ...PORT_80],
    'tunnel ipip puts 20 bytes in front of each packet',
    'an MTU of 1520 on the way to the real servers',
  ),
  row(
    'GTM-C054',
    [XDP, service('forward: ‹tun', 'tunnel: { type: gre, checksum: true }'), ...PORT_80],
    'tunnel gre puts 28 bytes in front of each packet',
  ),
  row(
    'GTM-C055',
    [XDP, service('‹proxy_protocol: v1'), ['{ http: { path: /healthz }', '{ tcp: {}']],
    'plane xdp of fra-1 forwards packets: it puts no PROXY header into them',
    'TOA',
  ),
  row(
    'GTM-C055',
    [IPVS, service('‹accept_proxy_protocol: { from: [10.0.0.0/8] }')],
    'plane ipvs of fra-1 forwards packets: it does not read a PROXY header out of them',
    'plane: proxy reads it',
  ),
  row(
    'GTM-C055',
    [IPVS, service('‹proxy_protocol: v2'), ['{ http: { path: /healthz }', '{ tcp: {}']],
    'plane ipvs of fra-1 forwards packets: it puts no PROXY header into them',
    'plane: proxy writes one',
  ),
  row(
    'GTM-C055',
    [XDP, service('‹accept_proxy_protocol: { from: [10.0.0.0/8] }')],
    'plane xdp of fra-1 forwards packets: it does not read a PROXY header out of them',
  ),
  row(
    'GTM-C055',
    [IPVS, service('forward: ‹fullnat', LOCALS)],
    'plane of fra-1, has no fullnat',
    'plane: xdp',
  ),
  row('GTM-C03A', [service(LOCALS.replace(' ', ' ‹'))], 'local_addresses are for forward: fullnat, not nat'),
  row('GTM-C03A', [service('toa: ‹0')], 'toa is for forward: fullnat, not nat'),
  row('GTM-C03A', [service('tunnel: ‹{ type: gue }')], 'tunnel is for forward: tun, not nat'),
  row(
    'GTM-C03A',
    [XDP, service('timeouts: { connect: ‹1s }')],
    'timeouts.connect means nothing to plane xdp of fra-1',
  ),
  row('GTM-C03A', [IPVS, service('max_connections: ‹5000')], 'max_connections means nothing to plane ipvs'),
  row('GTM-C03A', [plane('plane: ipvs, interfaces: ‹[eth0]')], 'interfaces is for plane xdp, not ipvs'),
  row('GTM-C03A', [plane('plane: proxy, connections: ‹4096')], 'connections is for plane xdp, not proxy'),
  row('GTM-C03A', [plane('plane: proxy, attach: ‹native')], 'attach is for plane xdp, not proxy'),
  row('GTM-C03A', [plane('plane: ipvs, moderation: ‹off')], 'moderation is for plane xdp, not ipvs'),
  row('GTM-C03A', [plane('plane: xdp, own_all: ‹true')], 'own_all is for plane ipvs, not xdp'),
  row('GTM-C03A', [plane('plane: xdp, drain: ‹1m')], 'drain is for plane ipvs, not xdp'),
  row('GTM-C03A', [plane('plane: proxy, links: ‹[10.0.0.0/8]')], 'links is for plane xdp or ipvs, not proxy'),
];

/** Faults beside the note that every tunnel has. */
export const TUNNELS: readonly { patches: readonly Patch[]; code: Row['code']; says: string }[] = [
  {
    patches: [XDP, service('forward: tun'), [A, A.replace('8080', '80')]],
    code: 'GTM-C050',
    says: 'forward: tun leaves the port as it is: 10.0.0.12:8080',
  },
  {
    patches: [XDP, service('forward: tun', 'tunnel: { port: 6081 }'), ...PORT_80],
    code: 'GTM-C03A',
    says: 'tunnel.port is where GUE is received; ipip has no port',
  },
  {
    patches: [XDP, service('forward: tun', 'tunnel: { checksum: true }'), ...PORT_80],
    code: 'GTM-C03A',
    says: 'tunnel.checksum is none of ipip’s',
  },
  {
    patches: [XDP, service('forward: tun', 'tunnel: { type: gue, source_prefix: 10.9.0.0/16 }'), ...PORT_80],
    code: 'GTM-C03A',
    says: 'tunnel.source_prefix is for ipip: gue is not spread by it',
  },
  {
    patches: [XDP, service('forward: tun', 'tunnel: { source_prefix: "2001:db8:9::/64" }'), ...PORT_80],
    code: 'GTM-C051',
    says: 'source_prefix 2001:db8:9::/64 cannot be the source of packets to 10.0.0.11',
  },
  {
    patches: [IPVS, service('forward: tun', 'tunnel: { source_prefix: 10.9.0.0/16 }'), ...PORT_80],
    code: 'GTM-C055',
    says: 'plane of fra-1, has no source_prefix',
  },
];

/** Cluster files of which nothing is said. */
export const SOUND: readonly (readonly [string, readonly Patch[]])[] = [
  ['nat to another port, plane xdp', [XDP]],
  ['dr on the link', [plane('plane: xdp, links: [10.0.0.0/24]'), service('forward: dr'), ...PORT_80]],
  ['fullnat with a local address', [XDP, service('forward: fullnat', LOCALS, 'toa: 28')]],
  [
    'both families, each with its servers',
    [
      XDP,
      [ADDRESS, 'addresses: [192.0.2.10, "2001:db8::10"]'],
      [B, B.replace('10.0.0.12', '"2001:db8::12"')],
    ],
  ],
  [
    'one name for an address of each family',
    [
      XDP,
      [ADDRESS, 'addresses: [192.0.2.10, "2001:db8::10"]'],
      [B, B.replace('10.0.0.12', '"2001:db8::12"').replace('fra-b', 'fra-a')],
    ],
  ],
  ['other ports and families behind sockets', [[B, B.replace('10.0.0.12', '"2001:db8::12"')]]],
  ['watermarks', [service('watermarks: { low: 30%, high: 50% }')]],
];
