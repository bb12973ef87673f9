// Rules about nodes and sites: where nodes stand, and what they listen on.
import { formatEndpoint } from '../../kit/ip.ts';
import type { Path } from '../finding.ts';
import { type Finding, type Rule, unknownName, type View } from '../finding.ts';
import { canonical, faultOfAddress, isLoopback, isWildcard, overlap } from './address.ts';

/** A socket that a node binds, and where the file says so. */
interface Socket {
  node: string;
  transport: 'tcp' | 'udp';
  address: string;
  port: number;
  path: Path;
}

export const NODE_RULES: readonly Rule[] = [
  emptySections,
  unknownSites,
  sitesWithoutNode,
  listenAddresses,
  socketsOfOneNode,
  socketsOfTwoNodes,
  cookieSecrets,
  nobodyAnswers,
  adminBeyondLoopback,
];

function* emptySections({ names, whole }: View): Generator<Finding> {
  for (const section of ['sites', 'nodes'] as const)
    if (names[section].length === 0 && whole(section))
      yield {
        code: 'GTM-C005',
        path: [section],
        at: 'key',
        message: `${section}: a cluster needs at least one`,
      };
}

function* unknownSites({ config, names }: View): Generator<Finding> {
  if (names.sites.length === 0) return;
  for (const kind of ['nodes', 'vips'] as const)
    for (const [name, { site }] of Object.entries(config[kind]))
      if (!names.sites.includes(site))
        yield unknownName(
          'GTM-C010',
          [kind, name, 'site'],
          `${kind}.${name}: there is no site`,
          site,
          names.sites,
        );
}

// A node whose site does not exist belongs to some other one: nothing can be said of who has none.
function strays(used: ReadonlySet<string>, sites: readonly string[]): boolean {
  return [...used].some(site => !sites.includes(site));
}

function* sitesWithoutNode({ config, names, whole }: View): Generator<Finding> {
  const used = new Set(Object.values(config.nodes).map(n => n.site));
  if (!whole('sites', 'nodes') || strays(used, names.sites)) return;
  for (const site of Object.keys(config.sites))
    if (!used.has(site))
      yield { code: 'GTM-C017', path: ['sites', site], at: 'key', message: `site ${site} has no node` };
}

function* listenAddresses({ config }: View): Generator<Finding> {
  for (const [name, node] of Object.entries(config.nodes))
    for (const { address, path } of ownSockets(name, node)) {
      const fault = isWildcard(address) ? undefined : faultOfAddress(address);
      if (fault !== undefined) yield { code: 'GTM-C031', path, message: `nodes.${name}: ${fault}` };
    }
}

// The sockets of DNS and admin; DNS binds both transports, told once by its TCP one.
function ownSockets(node: string, config: View['config']['nodes'][string]): Socket[] {
  const sockets: Socket[] = [];
  config.dns?.listen.forEach((endpoint, i) => {
    sockets.push({ node, transport: 'tcp', ...endpoint, path: ['nodes', node, 'dns', 'listen', i] });
  });
  if (config.admin)
    sockets.push({
      node,
      transport: 'tcp',
      ...config.admin.listen,
      path: ['nodes', node, 'admin', 'listen'],
    });
  return sockets;
}

function* socketsOfOneNode({ config }: View): Generator<Finding> {
  for (const [name, node] of Object.entries(config.nodes)) {
    const own = ownSockets(name, node);
    for (const [i, socket] of own.entries()) {
      const other = own.slice(0, i).find(o => overlap(o, socket));
      if (other === undefined) continue;
      const [a, b] = [socket, other].map(s => formatEndpoint(s.address, s.port));
      const both = a === b ? `${a} twice` : `${a} and ${b}, which covers it or is covered by it`;
      yield { code: 'GTM-C040', path: socket.path, message: `node ${name} would listen on ${both}` };
    }
    // DNS is on both transports, admin on TCP: a service of a VIP that this node forwards may meet either.
    for (const [vip, { site, directors, addresses, services }] of Object.entries(config.vips)) {
      if (!node.director || !(directors?.includes(name) ?? site === node.site)) continue;
      for (const [s, { protocol, port }] of services.entries())
        for (const address of addresses) {
          const met = own.find(
            o => overlap(o, { address, port }) && (protocol === 'tcp' || o.path[2] === 'dns'),
          );
          if (met === undefined) continue;
          const message = `vips.${vip}: ${protocol} ${formatEndpoint(address, port)} is also where node ${name} listens for ${met.path[2]}`;
          yield { code: 'GTM-C040', path: ['vips', vip, 'services', s, 'port'], message };
        }
    }
  }
}

// Loopback and wildcard addresses are each host's own, so only DNS on loopback (a trial on one host) and real addresses tell.
function* socketsOfTwoNodes({ config }: View): Generator<Finding> {
  const seen = new Map<string, string>();
  for (const [name, node] of Object.entries(config.nodes))
    for (const { address, port, path } of ownSockets(name, node)) {
      if (isWildcard(address) || (isLoopback(address) && path[2] === 'admin')) continue;
      const key = formatEndpoint(canonical(address), port);
      const other = seen.get(key);
      if (other !== undefined && other !== name) {
        const message = `nodes ${other} and ${name} both listen on ${key}: they can not run on one host`;
        yield { code: 'GTM-C041', path, message };
      } else seen.set(key, name);
    }
}

function* cookieSecrets({ config }: View): Generator<Finding> {
  for (const [name, { dns }] of Object.entries(config.nodes))
    for (const [i, secret] of (dns?.cookies.secrets ?? []).entries()) {
      // Empty: a variable that is not set, which is told already.
      if (secret === '' || /^[0-9a-f]{32}$/i.test(secret)) continue;
      yield {
        code: 'GTM-C04B',
        path: ['nodes', name, 'dns', 'cookies', 'secrets', i],
        message: `nodes.${name}: a cookie secret has 32 hexadecimal digits`,
        help: 'openssl rand -hex 16 makes one',
      };
    }
}

function* nobodyAnswers({ config, whole }: View): Generator<Finding> {
  if (!whole('nodes') || Object.values(config.nodes).some(n => n.dns !== undefined)) return;
  yield { code: 'GTM-C042', path: ['nodes'], at: 'key', message: 'no node has dns: nobody answers queries' };
}

function* adminBeyondLoopback({ config }: View): Generator<Finding> {
  for (const [name, { admin }] of Object.entries(config.nodes)) {
    if (admin === undefined || isLoopback(admin.listen.address)) continue;
    const on = formatEndpoint(admin.listen.address, admin.listen.port);
    yield {
      code: 'GTM-C043',
      path: ['nodes', name, 'admin', 'listen'],
      message: `node ${name}: whoever reaches ${on} can steer the cluster: the admin API asks for no password`,
    };
  }
}
