// The table of metrics: each has its row here, and what is exposed, typed and linted comes from it. Names follow
// OpenMetrics 1.0: `gtm_`, snake case, the unit last, `_total` for counters, `_info` for infos.
// No label ever holds a query name or a client: their number has no bound.

export type MetricType = 'counter' | 'gauge' | 'info';

export interface MetricRow {
  type: MetricType;
  help: string;
  labels: readonly string[];
}

const POOL = ['pool', 'member', 'site'] as const;
const SERVICE = ['service', 'vip'] as const;
// `real_server` is address:port, which is unique in a service; `name` is for people.
const SERVER = ['service', 'vip', 'real_server', 'name'] as const;

export const METRICS = {
  gtm_build_info: {
    type: 'info',
    help: 'Version of the node, and which it is.',
    labels: ['version', 'node', 'site', 'cluster'],
  },
  gtm_ready: {
    type: 'gauge',
    help: '1 when zones are loaded, sockets bound and the first round of probes is through.',
    labels: [],
  },
  gtm_uptime_seconds: { type: 'gauge', help: 'Time since the node started.', labels: [] },
  gtm_snapshot_generation: {
    type: 'gauge',
    help: 'Number of the snapshot that every answer worker serves.',
    labels: [],
  },
  gtm_config_stale: {
    type: 'gauge',
    help: '1 while the last reload failed and the state before it serves.',
    labels: [],
  },
  gtm_alarms: { type: 'gauge', help: 'Alarms that stand now, as in gtm status.', labels: [] },
  gtm_event_loop_lag_seconds: {
    type: 'gauge',
    help: 'Longest delay of the event loop since the last reading.',
    labels: ['thread'],
  },
  gtm_dns_queries_total: { type: 'counter', help: 'DNS queries answered.', labels: ['rcode', 'proto'] },
  gtm_dns_dropped_total: {
    type: 'counter',
    help: 'DNS datagrams and messages that were not answered.',
    labels: ['cause'],
  },
  gtm_dns_truncated_total: { type: 'counter', help: 'Answers cut short with TC set.', labels: [] },
  gtm_dns_pool_answers_total: { type: 'counter', help: 'Answers that a pool was picked for.', labels: [] },
  gtm_dns_edns_total: { type: 'counter', help: 'Queries with EDNS.', labels: [] },
  gtm_dns_slipped_total: {
    type: 'counter',
    help: 'Replies beyond the limit of dns.rrl that were sent empty, with TC set.',
    labels: [],
  },
  gtm_dns_cookies_total: {
    type: 'counter',
    help: 'Queries with a DNS cookie, by what it is worth.',
    labels: ['kind'],
  },
  gtm_dns_internal_errors_total: {
    type: 'counter',
    help: 'Queries answered SERVFAIL for a fault of the program itself.',
    labels: [],
  },
  gtm_dns_tcp_connections_total: { type: 'counter', help: 'DNS connections over TCP accepted.', labels: [] },
  gtm_dns_tcp_closed_total: {
    type: 'counter',
    help: 'DNS connections over TCP that the node closed.',
    labels: ['cause'],
  },
  gtm_dns_workers: { type: 'gauge', help: 'Answer workers that run.', labels: [] },
  gtm_zone_serial: { type: 'gauge', help: 'SOA serial of the zone served.', labels: ['zone'] },
  gtm_zone_records: { type: 'gauge', help: 'Records in the zone served.', labels: ['zone'] },
  gtm_pool_all_down: {
    type: 'gauge',
    help: '1 while no member of the pool is up and its all_down rule answers.',
    labels: ['pool'],
  },
  gtm_member_state: {
    type: 'gauge',
    help: '1 for the state that the member is in, 0 for the others.',
    labels: [...POOL, 'state'],
  },
  gtm_member_forced: {
    type: 'gauge',
    help: '1 while an operator holds the member in its state.',
    labels: POOL,
  },
  gtm_member_weight: { type: 'gauge', help: 'Weight as configured.', labels: POOL },
  gtm_member_effective_weight: {
    type: 'gauge',
    help: 'Weight that answers go by: configured weight, capacity, admin factor, slow start and load correction.',
    labels: POOL,
  },
  gtm_member_share_ratio: {
    type: 'gauge',
    help: 'Part of the answers of the pool that the member gets, 0 to 1.',
    labels: POOL,
  },
  gtm_vip_state: {
    type: 'gauge',
    help: '1 for the state that the VIP is in, 0 for the others.',
    labels: ['vip', 'site', 'state'],
  },
  gtm_vip_capacity_ratio: {
    type: 'gauge',
    help: 'Weight of the healthy real servers over the configured weight, 0 to 1.',
    labels: ['vip', 'site'],
  },
  gtm_real_server_up: {
    type: 'gauge',
    help: '1 when the last verdict of the probe is up; real servers without a check are not listed.',
    labels: ['vip', 'real_server', 'name'],
  },
  gtm_probe_targets: { type: 'gauge', help: 'Addresses and ports that this node probes.', labels: [] },
  gtm_probes_total: { type: 'counter', help: 'Probes that ended.', labels: ['result'] },
  gtm_probes_late_total: {
    type: 'counter',
    help: 'Probes that began later than their time by a tenth of their interval and 50 ms.',
    labels: [],
  },
  gtm_probe_lateness_seconds: {
    type: 'gauge',
    help: 'How late after their time probes began: what one in a hundred exceeded in the last five seconds.',
    labels: [],
  },
  gtm_lvs_connections_total: {
    type: 'counter',
    help: 'Connections that the director forwarded.',
    labels: SERVICE,
  },
  gtm_lvs_refused_total: {
    type: 'counter',
    help: 'Connections turned away: no real server, or over the limit.',
    labels: SERVICE,
  },
  gtm_lvs_in_bytes_total: { type: 'counter', help: 'Bytes from clients.', labels: SERVICE },
  gtm_lvs_out_bytes_total: { type: 'counter', help: 'Bytes to clients.', labels: SERVICE },
  gtm_lvs_in_packets_total: {
    type: 'counter',
    help: 'Packets from clients, where the plane sees packets.',
    labels: SERVICE,
  },
  gtm_lvs_out_packets_total: {
    type: 'counter',
    help: 'Packets to clients, where they pass the director and the plane sees packets.',
    labels: SERVICE,
  },
  gtm_lvs_service_up: {
    type: 'gauge',
    help: '1 when the service forwards, 0 when its socket could not be opened.',
    labels: SERVICE,
  },
  gtm_lvs_real_server_weight: { type: 'gauge', help: 'Weight that the scheduler goes by.', labels: SERVER },
  gtm_lvs_real_server_connections_total: {
    type: 'counter',
    help: 'Connections that the real server got.',
    labels: SERVER,
  },
  gtm_lvs_real_server_failed_total: {
    type: 'counter',
    help: 'Connections that could not be opened to the real server.',
    labels: SERVER,
  },
  gtm_lvs_real_server_open: {
    type: 'gauge',
    help: 'Connections open now; active are the established ones, as LVS counts.',
    labels: [...SERVER, 'state'],
  },
  gtm_lvs_frames_total: {
    type: 'counter',
    help: 'Frames by what became of them, at each stage: the XDP program, the sockets, the workers, the packet core.',
    labels: ['stage', 'outcome'],
  },
  gtm_lvs_standing_frames: {
    type: 'gauge',
    help: "Frames by where they stand now: free, or in the rings of an interface's sockets (fill, received, unsent, sent); a driver without copies has the rest.",
    labels: ['place', 'interface'],
  },
  gtm_lvs_pauses_total: {
    type: 'counter',
    help: 'Pauses in which workers let frames gather, because very many came.',
    labels: [],
  },
  gtm_lvs_table_connections: {
    type: 'gauge',
    help: 'Connections in the tables of the packet core, and how many they hold.',
    labels: ['kind'],
  },
  gtm_lvs_table_evicted_total: {
    type: 'counter',
    help: 'Connections that gave way to new ones because the table of the packet core was full: half-open, or closing.',
    labels: ['state'],
  },
  gtm_coordinator_up: {
    type: 'gauge',
    help: '1 when the backend of the coordinator is reachable.',
    labels: ['backend'],
  },
  gtm_coordinator_epoch: { type: 'gauge', help: 'Epoch of the records of this node.', labels: [] },
  gtm_coordinator_drops_total: {
    type: 'counter',
    help: 'Records that were not believed.',
    labels: ['cause'],
  },
  gtm_peer_fresh: {
    type: 'gauge',
    help: '1 while the reports of the other node come in.',
    labels: ['node', 'site'],
  },
  gtm_peer_age_seconds: {
    type: 'gauge',
    help: 'Time since the last report of the other node.',
    labels: ['node', 'site'],
  },
  gtm_overrides: { type: 'gauge', help: 'Overrides of operators in force.', labels: [] },
} as const satisfies Record<string, MetricRow>;

export type MetricName = keyof typeof METRICS;

/** One sample: its name is a row of the table, and its labels are exactly those of the row. */
export type Metric = {
  [N in MetricName]: {
    name: N;
    labels: Record<(typeof METRICS)[N]['labels'][number], string>;
    value: number;
  };
}[MetricName];
