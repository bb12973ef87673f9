// The files that `gtm init` writes: a cluster of two sites with one service, for one forwarding method, to be edited. Addresses are
// those of documents (RFC 5737, RFC 3849), so that nothing of it reaches anybody as it is.

export const MODES = ['nat', 'dr', 'tun', 'fullnat'] as const;
export type Mode = (typeof MODES)[number];

export const CONFIG_FILE = 'gtm.yaml';
export const ZONE_FILE = 'example.com.zone';

interface Site {
  name: string;
  region: string;
  /** The director's network; .1 is the node, .10 the VIP. */
  net: string;
  net6: string;
  /** Where servers are that need not be on its link. */
  far: string;
  far6: string;
  weight: number;
}

const SITES: readonly Site[] = [
  {
    name: 'fra',
    region: 'eu',
    net: '192.0.2',
    net6: '2001:db8:1',
    far: '203.0.113.1',
    far6: '2001:db8:11',
    weight: 60,
  },
  {
    name: 'nyc',
    region: 'us',
    net: '198.51.100',
    net6: '2001:db8:2',
    far: '203.0.113.2',
    far6: '2001:db8:22',
    weight: 40,
  },
];

/** What holds of a mode, in the words that stand over its service. */
const WORDS: Record<Mode, readonly string[]> = {
  nat: [
    'nat: the director changes the destination to the server, and the source of its answers back to the VIP.',
    'Answers must come through the director: it is the default gateway of the servers (gtm realserver setup --mode nat).',
    'Server ports are free to differ from the VIP’s.',
  ],
  dr: [
    'dr: the director changes the MAC addresses alone; servers answer to clients themselves.',
    'Servers are on the director’s link, listen on the VIP’s own port, and have the VIP on lo, without answering ARP',
    'for it (gtm realserver setup --mode dr).',
  ],
  tun: [
    'tun: the director puts each packet into another one to the server, which may be anywhere; servers answer to clients',
    'themselves. They take the packet out of the tunnel, listen on the VIP’s own port, and have the VIP on its device',
    '(gtm realserver setup --mode tun). The way to them should take packets of 1500 bytes and the outer header.',
  ],
  fullnat: [
    'fullnat: for the servers the director is the client, under a local address: they need no route, no VIP and no set-up,',
    'and may be anywhere that routes those addresses back. The client’s address comes in a TCP option (TOA).',
  ],
};

/** The cluster file for a mode. */
export function starterConfig(mode: Mode): string {
  return `# yaml-language-server: $schema=gtm.schema.json
# A cluster of two sites, with forward: ${mode}. All addresses here are those of documents: put in yours.
# gtm check says what is wrong with this file; gtm lvs simulate draws the way of a packet by it.
cluster: example

# What outlasts a restart: verdicts, operators' words, the connection table.
state_dir: .gtm

# Nodes tell each other what they see through Redis: one URL for each independent server, best one in each site. Without
# any, each node goes by what it sees itself.
coordinator: { redis: [] }
#   redis: ["rediss://redis.fra.example.net:6380", "rediss://redis.nyc.example.net:6380"]
#   secret: "\${env:GTM_SECRET}"

sites:
${SITES.map(s => `  ${s.name}: { region: ${s.region} }`).join('\n')}

# One process for each: gtm serve --node fra-1. A node answers DNS, forwards, or both.
# plane: xdp forwards packets on AF_XDP (Linux, root); ipvs drives the kernel's IPVS${mode === 'fullnat' ? ' (which has no fullnat)' : ''};
# proxy forwards by sockets, anywhere and without privilege, whatever the method.
nodes:
${SITES.map(node(mode)).join('\n')}

vips:
${SITES.map(vip(mode)).join('\n')}

# A name that answers from a pool is one line in a zone: www IN POOL web.
pools:
  web:
    policy: weighted
    answers: 2
    ttl: 10s
    # While no VIP is up: answer as if all were.
    all_down: all
    members: [${SITES.map(s => `{ vip: web-${s.name}, weight: ${s.weight} }`).join(', ')}]

# Master files (RFC 1035) in this folder.
zones:
  example.com: ${ZONE_FILE}
`;
}

function node(mode: Mode): (site: Site) => string {
  return ({ name, net, net6 }) => {
    const links = mode === 'dr' ? `, links: [${net}.0/24, "${net6}::/64"]` : '';
    return `  ${name}-1:
    site: ${name}
    dns: { listen: [${net}.1:53, "[${net6}::1]:53"] }
    admin: { listen: 127.0.0.1:8053 }
    director: { plane: xdp${links} }`;
  };
}

function vip(mode: Mode): (site: Site, index: number) => string {
  return (site, index) => {
    const { name, net, net6 } = site;
    const words = index > 0 ? [] : WORDS[mode].map(line => `      # ${line}\n`);
    return `  web-${name}:
    site: ${name}
    addresses: [${net}.10, "${net6}::10"]
    # New clients come slowly at first when it is back.
    slow_start: 30s
    services:
${words.join('')}      - protocol: tcp
        port: 80
        scheduler: wlc
        forward: ${mode}
${more(mode, site).join('')}        check: { http: { path: /healthz }, interval: 2s, timeout: 500ms, rise: 2, fall: 3 }
        real_servers:
${servers(mode, site).join('\n')}`;
  };
}

function more(mode: Mode, { net, net6 }: Site): string[] {
  if (mode === 'tun')
    return [
      '        # Or gue, which spreads over the receiver’s queues, or gre.\n',
      '        tunnel: { type: ipip }\n',
    ];
  if (mode === 'fullnat')
    return [
      '        # Addresses of the director that stand for the clients: 60536 connections to each server and port for each.\n',
      `        local_addresses: [${net}.100, "${net6}::100"]\n`,
    ];
  return [];
}

// Behind NAT and direct routing servers stand on the director's networks; nothing but those two changes ports.
function servers(mode: Mode, { name, net, net6, far, far6 }: Site): string[] {
  const near = mode === 'nat' || mode === 'dr';
  const port = mode === 'nat' || mode === 'fullnat' ? 8080 : 80;
  return [1, 2].flatMap(n => {
    const addresses = [near ? `${net}.1${n}` : `${far}${n}`, `"${near ? net6 : far6}::1${n}"`];
    return addresses.map(
      a => `          - { name: web-${name}-${n}, address: ${a}, port: ${port}, weight: 100 }`,
    );
  });
}

/** The zone that the cluster file names. */
export function starterZone(): string {
  const [a, b] = SITES;
  return `; example.com, as any name server would have it, but for the POOL line.
$ORIGIN example.com.
$TTL 1h
@       IN SOA  ns1 hostmaster ( 1       ; serial
                                 1h 15m 30d ; refresh, retry, expire
                                 60 )    ; negative answers live for a minute
        IN NS   ns1
        IN NS   ns2

ns1     IN A    ${a.net}.1
        IN AAAA ${a.net6}::1
ns2     IN A    ${b.net}.1
        IN AAAA ${b.net6}::1

; steered by health and weight
www  10 IN POOL web
`;
}
