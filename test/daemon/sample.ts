// A small cluster for tests of what reads files: all of its gtm.yaml but the zones, and the head of a zone.

export const CLUSTER = `cluster: c
sites: { fra: {} }
nodes: { fra-1: { site: fra, dns: { listen: [127.0.0.1:5399] }, director: {} } }
vips:
  web:
    site: fra
    addresses: [127.0.0.9]
    services:
      - { protocol: tcp, port: 80, check: { tcp: {} }, real_servers: [{ address: 127.0.0.8, port: 80 }] }
pools: { web: { policy: weighted, members: [{ vip: web }] } }
`;

/** The four first lines and records of a zone without a fault. */
export const ZONE = `$TTL 60
@ SOA ns h 1 1h 1h 1d 60
@ NS ns
ns A 192.0.2.1
`;
