// The cluster file, `zones/gtm.yaml`, as one zod schema. Strict: an unknown key is a fault. Every default stands here.
// Faults of meaning across the parts (an unknown VIP in a pool …) are in check.ts.
import { z } from 'zod';
import { answering, prefix } from './answering.ts';
import { address, domain, duration, endpoint, isObject, name, percent, port, weight } from './fields.ts';
import { POLICIES } from './policy.ts';
import { check } from './probe.ts';

const realServer = z.strictObject({
  name: name.optional(),
  address,
  port,
  weight: weight.default(1),
});

export const FORWARD = ['nat', 'dr', 'tun', 'fullnat'] as const;
export const TUNNELS = ['ipip', 'gue', 'gre'] as const;
export const PLANES = ['proxy', 'xdp', 'ipvs'] as const;
export const SCHEDULERS = [
  'rr',
  'wrr',
  'lc',
  'wlc',
  'lblc',
  'lblcr',
  'dh',
  'sh',
  'mh',
  'sed',
  'nq',
  'fo',
  'ovf',
  'twos',
] as const;

const service = z.strictObject({
  protocol: z.enum(['tcp', 'udp']),
  port,
  scheduler: z.enum(SCHEDULERS).default('wlc'),
  /** LVS's names: sh-fallback, sh-port, mh-fallback, mh-port, ops. */
  flags: z.array(z.enum(['sh-fallback', 'sh-port', 'mh-fallback', 'mh-port', 'ops'])).default([]),
  forward: z.enum(FORWARD).default('nat'),
  /** For `forward: tun`: how the outer packet is made. */
  tunnel: z
    .strictObject({
      type: z.enum(TUNNELS).default('ipip'),
      /** Where GUE is received (UDP). */
      port: port.default(6080),
      /** The outer checksum of GUE (UDP) and GRE. */
      checksum: z.boolean().default(false),
      /** ipip: outer sources out of this prefix, by flow, so that the receiver's queues share the load. */
      source_prefix: prefix.optional(),
    })
    .prefault({}),
  /** For `forward: fullnat`: addresses of the director that stand for the clients; of the real servers' family. */
  local_addresses: z.array(address).max(256).default([]),
  /** For `forward: fullnat`: the TCP option that carries the client's address to the real server (TOA); 0 = none. */
  toa: z.int().min(0).max(255).default(254),
  /** 0s: none. Else the same client goes to the same server for as long. */
  persistence: duration('0s', '30d').default(0),
  /** Connections of one real server at which it takes no more, and at which it takes them again (0: three quarters of upper). */
  thresholds: z
    .strictObject({ upper: z.int().min(0).default(0), lower: z.int().min(0).default(0) })
    .prefault({}),
  /** Below `low` of its configured weight the service takes its VIP out, until it has `high` of it again. */
  watermarks: z.strictObject({ low: percent(100), high: percent(100) }).optional(),
  timeouts: z
    .strictObject({
      connect: duration('10ms', '1m').default(2000),
      tcp: duration('1s', '7d').default(900_000),
      tcp_fin: duration('1s', '1h').default(120_000),
      udp: duration('100ms', '1h').default(300_000),
    })
    .prefault({}),
  /** At most as many open connections (tcp) or flows (udp) in this service, for one director. */
  max_connections: z.int().min(1).max(10_000_000).default(100_000),
  /** Tells real servers who the client is (PROXY protocol): before each connection, or in front of each datagram (v2). */
  proxy_protocol: z.enum(['v1', 'v2']).optional(),
  /** Takes that from these front ends, and connections from nobody else. */
  accept_proxy_protocol: z.strictObject({ from: z.array(prefix).min(1).max(256) }).optional(),
  check: check.optional(),
  real_servers: z.array(realServer).min(1, 'a service needs a real server'),
});

const vip = z.strictObject({
  site: name,
  addresses: z.array(address).min(1, 'a VIP needs an address'),
  /** Nodes that forward this VIP; default: every node of the site that has a director. */
  directors: z.array(name).min(1).optional(),
  /** Below this part of its configured weight the VIP counts as down. Above 0: so capacity 0 is always down. */
  floor: percent(100)
    .refine(f => f > 0, 'the floor is above 0%')
    .default(0.01),
  /** After it came up its weight grows from a tenth to the whole over this time. */
  slow_start: duration('0s', '1h').default(0),
  services: z.array(service).min(1, 'a VIP needs a service'),
});

const pool = z.strictObject({
  policy: z.enum(POLICIES),
  /** Addresses in one answer, of each family. */
  answers: z.int().min(1).max(16).default(1),
  ttl: duration('0s', '1d').default(10_000),
  /** The TTL is cut down to the earliest moment at which a member could change, but never under this; default: ttl, so no cutting. */
  min_ttl: duration('0s', '1d').optional(),
  /** For `failover`: the part of its capacity that a member must have to be chosen. */
  min_capacity: percent(100).default(0.01),
  /** What is answered when no member is up. */
  all_down: z
    .union(
      [z.enum(['all', 'last-known', 'servfail']), z.strictObject({ static: z.array(address).min(1) })],
      'expected all, last-known, servfail or { static: [addresses] }',
    )
    .default('all'),
  /** Correct the weights by the connections that the directors really see (slow and bounded). */
  load_correction: z.boolean().default(false),
  members: z.array(z.strictObject({ vip: name, weight: weight.default(1) })).min(1, 'a pool needs a member'),
});

const node = z.strictObject({
  site: name,
  dns: z
    .strictObject({
      listen: z.array(endpoint).min(1),
      /** How UDP is done: in batches (Linux), by node:dgram (anywhere), or the first of them that the system has. */
      io: z.enum(['auto', 'batch', 'dgram']).default('auto'),
      /** Threads that answer over UDP, sharing each address. */
      workers: z.int().min(1).max(64).default(1),
      tcp_connections: z.int().min(1).max(65_535).default(1000),
      /** Connections at once from one source: an IPv4 address, or an IPv6 /64. */
      tcp_per_source: z.int().min(1).max(65_535).default(100),
      tcp_idle: duration('100ms', '10m').default(10_000),
      /** The largest UDP reply, whatever the client offers (RFC 9715 and DNS flag day 2020: 1232). */
      udp_size: z.int().min(512).max(4096).default(1232),
      ...answering,
    })
    .refine(d => d.io !== 'dgram' || d.workers === 1, {
      path: ['workers'],
      error: 'io: dgram takes one worker; several need io: batch',
      when: isObject,
    })
    .optional(),
  admin: z.strictObject({ listen: endpoint }).optional(),
  director: z
    .strictObject({
      plane: z.enum(PLANES).default('proxy'),
      /** xdp: the links that packets come and go by; none named: those that lead to the VIPs' and real servers' addresses. */
      interfaces: z.array(z.string().regex(/^[^\s/]{1,15}$/, 'the name of a network interface')).default([]),
      /** xdp: connections that the table of one worker holds. */
      connections: z.int().min(1024).max(16_777_216).default(1_048_576),
      /** xdp: how the driver hands frames over; auto takes the best that it can. */
      attach: z.enum(['auto', 'native', 'generic']).default('auto'),
      /** xdp: whether frames may gather for a moment where there are very many; off: each is looked at as soon as it can be. */
      moderation: z.enum(['adaptive', 'off']).default('adaptive'),
      /** xdp, ipvs: the networks on its links, for `gtm check`: where real servers behind `forward: dr` are looked for. */
      links: z.array(prefix).max(64).default([]),
      /** ipvs: take every service in the kernel as ours, and remove those that the file does not have. */
      own_all: z.boolean().default(false),
      /** ipvs: what open connections get when their real server or service leaves the file. */
      drain: duration('0s', '1d').default(300_000),
    })
    .optional(),
});

const schedule = z
  .strictObject({
    cron: z.string().min(1),
    timezone: z.string().default('UTC'),
    for: duration('1m', '31d'),
    site: name.optional(),
    vip: name.optional(),
    /** Multiplies the weight while active. */
    weight: percent(1000),
  })
  .refine(s => (s.site === undefined) !== (s.vip === undefined), {
    error: 'a schedule has exactly one of site, vip',
    when: isObject,
  });

export const schema = z.strictObject({
  cluster: name,
  state_dir: z.string().min(1).default('.gtm'),
  coordinator: z
    .strictObject({
      redis: z.array(z.string()).default([]),
      secret: z.string().optional(),
      /** A record that was not renewed for as long is expired. */
      lifetime: duration('1s', '10m').default(5000),
    })
    .prefault({}),
  sites: z.record(name, z.strictObject({ region: z.string().optional() })),
  nodes: z.record(name, node),
  vips: z.record(name, vip),
  pools: z.record(name, pool).default({}),
  /** Zone name to master file, relative to the folder of this file and kept inside it. */
  zones: z.record(domain, z.string().min(1)),
  /** Folders of zone files: each NAME.zone in them is the zone NAME. */
  zone_folders: z.array(z.string().min(1)).default([]),
  schedules: z.record(name, schedule).default({}),
});

/** The cluster file after parsing: durations in ms, percentages as fractions, endpoints split, defaults filled in. */
export type Config = z.output<typeof schema>;
export type NodeConfig = Config['nodes'][string];
export type VipConfig = Config['vips'][string];
export type ServiceConfig = VipConfig['services'][number];
export type PoolConfig = Config['pools'][string];
export type ScheduleConfig = Config['schedules'][string];
export type DirectorConfig = NonNullable<NodeConfig['director']>;
export type SchedulerName = (typeof SCHEDULERS)[number];
