// Rules about VIPs: who forwards them, who uses them, and whose address it is.
import { formatEndpoint } from '../../kit/ip.ts';
import { type Finding, type Rule, unknownName, type View } from '../finding.ts';
import { canonical, faultOfAddress } from './address.ts';

export const VIP_RULES: readonly Rule[] = [directors, noDirector, unused, addresses, sameSocket];

function* directors({ config, names, whole }: View): Generator<Finding> {
  for (const [name, vip] of Object.entries(config.vips))
    for (const [i, director] of (vip.directors ?? []).entries()) {
      const path = ['vips', name, 'directors', i];
      const node = config.nodes[director];
      if (!names.nodes.includes(director))
        yield unknownName('GTM-C011', path, `vips.${name}: there is no node`, director, names.nodes);
      else if (vip.directors?.indexOf(director) !== i)
        yield { code: 'GTM-C011', path, message: `vips.${name}: director ${director} stands twice` };
      else if (node !== undefined && node.director === undefined && whole('nodes'))
        yield {
          code: 'GTM-C012',
          path,
          message: `vips.${name}: node ${director} is no director`,
          help: `give nodes.${director} a director: { plane: proxy }`,
        };
      else if (node !== undefined && node.site !== vip.site && names.sites.includes(vip.site))
        yield {
          code: 'GTM-C014',
          path,
          message: `vips.${name} is in site ${vip.site}, its director ${director} in ${node.site}`,
        };
    }
}

function* noDirector({ config, names, whole }: View): Generator<Finding> {
  // A node or a VIP whose site does not exist belongs to some other one.
  const known = (site: string) => names.sites.includes(site);
  if (!whole('nodes') || !Object.values(config.nodes).every(n => known(n.site))) return;
  const sites = new Set(Object.values(config.nodes).flatMap(n => (n.director ? [n.site] : [])));
  for (const [name, { site, directors }] of Object.entries(config.vips))
    if (directors === undefined && known(site) && !sites.has(site))
      yield {
        code: 'GTM-C013',
        path: ['vips', name, 'site'],
        message: `vips.${name}: no node of site ${site} has a director: nobody forwards this VIP`,
      };
}

function* unused({ config, names, whole }: View): Generator<Finding> {
  if (!whole('pools')) return;
  const used = new Set(Object.values(config.pools).flatMap(p => p.members.map(m => m.vip)));
  for (const vip of names.vips)
    if (!used.has(vip))
      yield { code: 'GTM-C016', path: ['vips', vip], at: 'key', message: `no pool uses VIP ${vip}` };
}

function* addresses({ config }: View): Generator<Finding> {
  for (const [name, vip] of Object.entries(config.vips))
    for (const [i, address] of vip.addresses.entries()) {
      const fault = faultOfAddress(address);
      const path = ['vips', name, 'addresses', i];
      if (fault !== undefined) yield { code: 'GTM-C031', path, message: `vips.${name}: ${fault}` };
      else if (vip.addresses.findIndex(a => canonical(a) === canonical(address)) < i)
        yield { code: 'GTM-C030', path, message: `vips.${name}: address ${canonical(address)} stands twice` };
    }
}

function* sameSocket({ config }: View): Generator<Finding> {
  const seen = new Map<string, string>();
  for (const [name, vip] of Object.entries(config.vips))
    for (const [s, service] of vip.services.entries())
      for (const address of new Set(vip.addresses.map(canonical))) {
        const socket = `${service.protocol} ${formatEndpoint(address, service.port)}`;
        const first = seen.get(socket);
        if (first === undefined) {
          seen.set(socket, name);
          continue;
        }
        const message =
          first === name
            ? `vips.${name}: two services on ${socket}`
            : `vips.${name}: ${socket} is already a service of VIP ${first}`;
        yield { code: 'GTM-C030', path: ['vips', name, 'services', s, 'port'], message };
        break;
      }
}
