// A node's account of itself: everything that status, the page and the metrics show, read from its parts.
import { openZones, zoneSummary } from '../dns/zone/zones.ts';
import { formatDuration } from '../kit/duration.ts';
import { formatEndpoint } from '../kit/ip.ts';
import { SECTION, section } from '../model/snapshot.ts';
import type { NodeStatus, PoolStatus, VipStatus } from '../model/status.ts';
import { allDownNow, shares } from '../steer/explain.ts';
import { memberIndex } from '../steer/table.ts';
import type { Node } from './node.ts';
import { forwards } from './targets.ts';
import { trafficOf } from './traffic.ts';
import { VERSION } from './version.ts';

/** The status of now. */
export function statusOf(node: Node): NodeStatus {
  const { clock, coordinator, name } = node.o;
  const pools = poolsOf(node);
  const vips = vipsOf(node);
  const peers = coordinator
    .peers()
    .map(p => ({ node: p.node, site: p.report.site, fresh: p.fresh, age: p.age }));
  const cluster = coordinator.status();
  const services = trafficOf(node);
  const status: NodeStatus = {
    apiVersion: 'v1',
    kind: 'NodeStatus',
    cluster: node.config.cluster,
    node: name,
    site: node.self.site,
    version: VERSION,
    uptime: clock.mono() - node.started,
    ready: node.ready,
    generation: node.generation,
    config: {
      file: node.loaded.file,
      loadedAt: new Date(node.loadedAt).toISOString(),
      ...(node.fault !== undefined && { error: node.fault }),
    },
    dns: {
      listen: (node.self.dns?.listen ?? []).map(e => formatEndpoint(e.address, e.port)),
      queries: queriesOf(node),
      workers: node.answers?.udp().workers ?? 0,
    },
    zones: zonesOf(node),
    probes: probesOf(node),
    coordinator: cluster,
    peers,
    pools,
    vips,
    services,
    overrides: [...coordinator.overrides()],
    schedules: node.calendar.list(),
    alarms: [],
  };
  status.alarms = [...alarmsOf(status), ...tableAlarm(node.plane?.figures?.() ?? {})];
  return status;
}

function zonesOf(node: Node): NodeStatus['zones'] {
  const { buffer, zones } = node.snapshot;
  const open = openZones(section(buffer, SECTION.zones), zones.arena);
  return node.loaded.zones.map(({ name, file }, i) => {
    const { serial, records } = zoneSummary(open.block(i));
    return { name, file, serial, records };
  });
}

function probesOf({ probing }: Node): NodeStatus['probes'] {
  const { targets, pace, fault } = probing;
  const { probes, failed, late, last } = pace;
  const ok = probes - failed;
  return { targets, ok, failed, late, p99: last.p99, ...(fault !== undefined && { fault }) };
}

function poolsOf(node: Node): PoolStatus[] {
  const { config, state, evaluation } = node;
  return Object.entries(config.pools).map(([name, pool]) => {
    const first = memberIndex(config, name, 0);
    const parts = shares(config, name, state);
    const rule = allDownNow(config, name, state);
    return {
      name,
      policy: pool.policy,
      answers: pool.answers,
      ttl: Math.ceil(pool.ttl / 1000),
      ...(rule !== undefined && { allDown: rule }),
      members: pool.members.map((m, i) => {
        const e = evaluation.members[first + i];
        const { site, addresses } = config.vips[m.vip];
        return {
          vip: m.vip,
          site,
          addresses,
          state: e.state,
          real: e.real,
          forced: e.forced,
          stale: e.stale,
          weight: m.weight,
          effective: e.state === 'up' ? Math.round(m.weight * e.factor * 100) / 100 : 0,
          share: parts[i],
          why: e.why,
        };
      }),
    };
  });
}

function vipsOf(node: Node): VipStatus[] {
  return Object.entries(node.config.vips).map(([name, vip]) => {
    const here = forwards(node.config, node.o.name, name);
    const e = node.evaluation.vips.get(name);
    return {
      name,
      site: vip.site,
      addresses: vip.addresses,
      state: e?.state ?? 'unknown',
      forwardedHere: here,
      capacity: e?.capacity ?? 0,
      sight: e?.sight ?? 'unknown',
      votes: e?.votes ?? {},
      realServers: here ? node.observer.realServers(name) : [],
    };
  });
}

/** DNS queries answered since the start. */
function queriesOf(node: Node): number {
  const counters: Record<string, number> = node.answers?.counters() ?? {};
  return Object.entries(counters).reduce((sum, [key, n]) => (/^(udp|tcp)_/.test(key) ? sum + n : sum), 0);
}

// What an operator should know before anything else. Each line names the thing, and what follows from it.
function alarmsOf(s: NodeStatus): string[] {
  const alarms: string[] = [];
  if (!s.ready) alarms.push('not ready: the first round of probes is under way, DNS does not answer yet');
  if (s.config.error !== undefined) {
    alarms.push(`the last reload was refused, generation ${s.generation} goes on: ${s.config.error}`);
  }
  if (s.probes.fault !== undefined) alarms.push(`probes: ${s.probes.fault}`);
  if (s.coordinator.mode === 'cut-off') {
    alarms.push(
      'coordinator cut-off: no Redis is reachable; this node goes on from what it knows and sees itself',
    );
  }
  if (s.coordinator.mode === 'degraded') {
    const down = s.coordinator.backends.filter(b => b.state === 'down').map(b => b.url);
    alarms.push(`coordinator degraded: ${down.join(', ')} not reachable; the others carry on`);
  }
  for (const p of s.peers.filter(p => !p.fresh)) {
    alarms.push(`node ${p.node} is silent for ${formatDuration(p.age)}: its last word counts as stale`);
  }
  for (const p of s.pools.filter(p => p.allDown !== undefined)) {
    alarms.push(`pool ${p.name}: no member is up; all_down: ${p.allDown} answers`);
  }
  for (const v of s.vips.filter(v => v.state === 'down')) alarms.push(`vip ${v.name} is down`);
  for (const svc of s.services.filter(v => v.fault !== undefined))
    alarms.push(`service ${svc.key}: ${svc.fault}`);
  return alarms;
}

/** Above this part of it the table of connections counts as full: each worker has its own, and they do not fill up at one time. */
const FULL = 0.95;

function tableAlarm(figures: Readonly<Record<string, number>>): string[] {
  const { 'table used': used = 0, 'table capacity': capacity = 0 } = figures;
  if (capacity === 0 || used < FULL * capacity) return [];
  const gone = `${figures['table evicted-half-open'] ?? 0} half-open and ${figures['table evicted-closing'] ?? 0} closing connections gave way`;
  return [
    `connection table: ${used} of ${capacity} in use; so far ${gone} to new ones, and ${figures['director full'] ?? 0} new ones found no room: a flood, or director.connections is too low`,
  ];
}
