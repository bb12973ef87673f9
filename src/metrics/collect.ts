// What a node's status says, as metrics.   NodeStatus → Metric*  (expo.ts makes the text)
// Counters that the status does not hold (queries by rcode, event-loop lag) come from the node beside it.
import type { ServiceCounters } from '../model/service.ts';
import { STATE_NAMES } from '../model/state.ts';
import type { NodeStatus, PoolStatus, VipStatus } from '../model/status.ts';
import type { Metric } from './names.ts';

/** The metrics of a status, of one name one after the other or not: expo.ts sorts them. */
export function* collect(s: NodeStatus): Generator<Metric> {
  const { version, node, site, cluster } = s;
  yield { name: 'gtm_build_info', labels: { version, node, site, cluster }, value: 1 };
  yield { name: 'gtm_ready', labels: {}, value: Number(s.ready) };
  yield { name: 'gtm_uptime_seconds', labels: {}, value: s.uptime / 1000 };
  yield { name: 'gtm_snapshot_generation', labels: {}, value: s.generation };
  yield { name: 'gtm_config_stale', labels: {}, value: Number(s.config.error !== undefined) };
  yield { name: 'gtm_alarms', labels: {}, value: s.alarms.length };
  yield { name: 'gtm_dns_workers', labels: {}, value: s.dns.workers };
  yield { name: 'gtm_overrides', labels: {}, value: s.overrides.length };
  yield { name: 'gtm_probe_targets', labels: {}, value: s.probes.targets };
  yield { name: 'gtm_probes_total', labels: { result: 'ok' }, value: s.probes.ok };
  yield { name: 'gtm_probes_total', labels: { result: 'failed' }, value: s.probes.failed };
  yield { name: 'gtm_probes_late_total', labels: {}, value: s.probes.late };
  yield { name: 'gtm_probe_lateness_seconds', labels: {}, value: s.probes.p99 / 1000 };
  for (const z of s.zones) {
    yield { name: 'gtm_zone_serial', labels: { zone: z.name }, value: z.serial };
    yield { name: 'gtm_zone_records', labels: { zone: z.name }, value: z.records };
  }
  for (const pool of s.pools) yield* ofPool(pool);
  for (const vip of s.vips) yield* ofVip(vip);
  for (const service of s.services) yield* ofService(service);
  for (const b of s.coordinator.backends)
    yield { name: 'gtm_coordinator_up', labels: { backend: b.url }, value: Number(b.state === 'up') };
  yield { name: 'gtm_coordinator_epoch', labels: {}, value: s.coordinator.epoch };
  for (const [cause, value] of Object.entries(s.coordinator.drops))
    yield { name: 'gtm_coordinator_drops_total', labels: { cause }, value };
  for (const p of s.peers) {
    const labels = { node: p.node, site: p.site };
    yield { name: 'gtm_peer_fresh', labels, value: Number(p.fresh) };
    yield { name: 'gtm_peer_age_seconds', labels, value: p.age / 1000 };
  }
}

function* ofPool(pool: PoolStatus): Generator<Metric> {
  const allDown = Number(pool.allDown !== undefined);
  yield { name: 'gtm_pool_all_down', labels: { pool: pool.name }, value: allDown };
  for (const m of pool.members) {
    const labels = { pool: pool.name, member: m.vip, site: m.site };
    for (const state of STATE_NAMES)
      yield { name: 'gtm_member_state', labels: { ...labels, state }, value: Number(m.state === state) };
    yield { name: 'gtm_member_forced', labels, value: Number(m.forced) };
    yield { name: 'gtm_member_weight', labels, value: m.weight };
    yield { name: 'gtm_member_effective_weight', labels, value: m.effective };
    yield { name: 'gtm_member_share_ratio', labels, value: m.share };
  }
}

function* ofVip(vip: VipStatus): Generator<Metric> {
  const labels = { vip: vip.name, site: vip.site };
  for (const state of STATE_NAMES)
    yield { name: 'gtm_vip_state', labels: { ...labels, state }, value: Number(vip.state === state) };
  yield { name: 'gtm_vip_capacity_ratio', labels, value: vip.capacity };
  // A VIP lists a real server once for each service that has it: it is up when all of them say so.
  const servers = new Map<string, { name: string; up: boolean }>();
  for (const r of vip.realServers) {
    if (r.state === 'unchecked') continue;
    servers.set(r.key, { name: r.name, up: r.state === 'up' && servers.get(r.key)?.up !== false });
  }
  for (const [key, { name, up }] of servers)
    yield {
      name: 'gtm_real_server_up',
      labels: { vip: vip.name, real_server: key, name },
      value: Number(up),
    };
}

function* ofService(service: ServiceCounters): Generator<Metric> {
  const labels = { service: service.key, vip: service.vip };
  yield { name: 'gtm_lvs_connections_total', labels, value: service.connections };
  yield { name: 'gtm_lvs_refused_total', labels, value: service.refused };
  yield { name: 'gtm_lvs_in_bytes_total', labels, value: service.inBytes };
  yield { name: 'gtm_lvs_out_bytes_total', labels, value: service.outBytes };
  if (service.inPackets !== undefined)
    yield { name: 'gtm_lvs_in_packets_total', labels, value: service.inPackets };
  if (service.outPackets !== undefined)
    yield { name: 'gtm_lvs_out_packets_total', labels, value: service.outPackets };
  yield { name: 'gtm_lvs_service_up', labels, value: Number(service.fault === undefined) };
  for (const r of service.realServers) {
    const one = { ...labels, real_server: r.key, name: r.name };
    yield { name: 'gtm_lvs_real_server_weight', labels: one, value: r.weight };
    yield { name: 'gtm_lvs_real_server_connections_total', labels: one, value: r.connections };
    yield { name: 'gtm_lvs_real_server_failed_total', labels: one, value: r.failed };
    yield { name: 'gtm_lvs_real_server_open', labels: { ...one, state: 'active' }, value: r.active };
    yield { name: 'gtm_lvs_real_server_open', labels: { ...one, state: 'inactive' }, value: r.inactive };
  }
}
