// The node as the admin API sees it (admin/node.ts): status, explanations, an operator's word.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { AdminNode, OverrideRequest, Question } from '../admin/node.ts';
import { COUNTERS } from '../dns/counters.ts';
import { explainAnswer } from '../dns/explain.ts';
import { parseName } from '../dns/name.ts';
import { typeCode } from '../dns/rr.ts';
import { openZones } from '../dns/zone/zones.ts';
import { GtmError } from '../kit/errors.ts';
import { parseIp } from '../kit/ip.ts';
import { nearest } from '../kit/suggest.ts';
import type { Metric, MetricName } from '../metrics/names.ts';
import type { Override } from '../model/records.ts';
import { SECTION, section } from '../model/snapshot.ts';
import type { Explanation } from '../model/status.ts';
import { newClient } from '../model/steering.ts';
import { NET_COUNTERS } from '../net/responder.ts';
import { explainPick } from '../steer/explain.ts';
import { openPools } from '../steer/pick.ts';
import type { Node } from './node.ts';
import { type Served, staticZone } from './static-zone.ts';
import { statusOf } from './status.ts';

/** The face that `node` shows to its admin API. */
export function adminNode(node: Node): AdminNode {
  const lag = monitorEventLoopDelay({ resolution: 10 });
  lag.enable();
  return {
    status: () => statusOf(node),
    explain: question => explain(node, question),
    staticZone: name => staticZone(servedBy(node), name),
    override: request => override(node, request),
    reload: () => node.reload(),
    connections: async limit => (await node.plane?.connections(limit)) ?? [],
    events: after => node.events.after(after),
    onEvent: listener => node.events.listen(listener),
    *counters() {
      const values: Record<string, number> = node.answers?.counters() ?? {};
      for (const { key, metric, labels } of [...COUNTERS, ...NET_COUNTERS]) {
        yield { name: metric as MetricName, labels, value: values[key] ?? 0 } as Metric;
      }
      yield { name: 'gtm_event_loop_lag_seconds', labels: { thread: 'main' }, value: lag.max / 1e9 };
      lag.reset();
      yield* figuresOf(node);
    },
    ...(node.o.demo && { demo: node.o.demo }),
  };
}

// What a plane counts of packets, stage by stage.
function* figuresOf(node: Node): Generator<Metric> {
  for (const [name, value] of Object.entries(node.plane?.figures?.() ?? {})) {
    const [stage, outcome, at = ''] = name.split(' ');
    if (stage === 'table' && outcome.startsWith('evicted-')) {
      const state = outcome.slice('evicted-'.length);
      yield { name: 'gtm_lvs_table_evicted_total', labels: { state }, value };
    } else if (stage === 'table')
      yield { name: 'gtm_lvs_table_connections', labels: { kind: outcome }, value };
    else if (stage === 'standing')
      yield { name: 'gtm_lvs_standing_frames', labels: { place: outcome, interface: at }, value };
    else if (stage === 'moderation') yield { name: 'gtm_lvs_pauses_total', labels: {}, value };
    else yield { name: 'gtm_lvs_frames_total', labels: { stage, outcome }, value };
  }
}

function servedBy(node: Node): Served {
  const { state, config } = node;
  const { buffer, zones } = node.snapshot;
  const { clock, name } = node.o;
  return {
    zones: openZones(section(buffer, SECTION.zones), zones.arena),
    config,
    state,
    name,
    now: clock.wall(),
  };
}

/** Says it to the whole cluster. Throws GTM_NOT_FOUND for a VIP or site that is not in the cluster file. */
function override(node: Node, request: OverrideRequest): Override {
  const [kind, name] = request.target.split('/', 2);
  const known = Object.keys(kind === 'site' ? node.config.sites : node.config.vips);
  if (!known.includes(name)) {
    const guess = nearest(name, known);
    throw new GtmError(
      'GTM_NOT_FOUND',
      `no ${kind} «${name}»; ${guess ? `did you mean ${guess}?` : `there are ${known.join(', ')}`}`,
    );
  }
  const { clock, coordinator } = node.o;
  const since = clock.wall();
  const { target, state, reason, who, weight } = request;
  const said: Override = {
    target,
    state,
    reason,
    who,
    since,
    ...(weight !== undefined && { weight }),
    ...(request.for !== undefined && { until: since + request.for }),
    // The coordinator dates and orders it.
    clock: { ms: since, count: 0 },
    node: node.o.name,
  };
  coordinator.override(said);
  const much = weight === undefined ? '' : ` weight ${Math.round(weight * 100)}%`;
  node.events.add('info', 'override', `${kind} ${name}`, `${state}${much} by ${who}: ${reason}`);
  // Before this returns: who asks next sees it in the answers.
  node.settle();
  return coordinator.overrides().find(o => o.target === target) ?? said;
}

/** What this node would answer, and why. Throws GTM_REQUEST for a name or type that cannot be. */
function explain(node: Node, question: Question): Explanation {
  const type = typeCode(question.type);
  if (type === undefined) throw new GtmError('GTM_REQUEST', `«${question.type}» is not an RR type`);
  const qname = parseName(question.name.endsWith('.') ? question.name : `${question.name}.`);
  if (typeof qname === 'string')
    throw new GtmError('GTM_REQUEST', `«${question.name}» is not a name: ${qname}`);
  const from = question.from ?? '127.0.0.1';
  const address = parseIp(from);
  if (address === undefined) throw new GtmError('GTM_REQUEST', `«${from}» is not an address`);
  const client = { ...newClient(false), family: address.length === 4 ? 4 : 6, address, port: 53535 };
  const { state, config } = node;
  const { buffer, zones: compiled } = node.snapshot;
  const zones = openZones(section(buffer, SECTION.zones), compiled.arena);
  const steering = openPools(section(buffer, SECTION.pools), state, node.o.rng);
  const pools = Object.keys(config.pools);
  const { steps, pool, rcode } = explainAnswer(zones, steering, qname, type, client, n => pools[n]);
  const all = [...steps];
  if (pool !== undefined) {
    const family = question.type.toUpperCase() === 'AAAA' ? 6 : 4;
    // The pool's steps belong before the answer, which is the last one.
    all.splice(-1, 0, ...explainPick(config, pools[pool], state, family), ...whys(node, pools[pool]));
  }
  all.push({ topic: 'rcode', text: rcode });
  return {
    apiVersion: 'v1',
    kind: 'Explanation',
    question: `${question.name} ${question.type} from ${from}`,
    steps: all,
  };
}

function whys(node: Node, pool: string): { topic: string; text: string }[] {
  return node.evaluation.members.filter(m => m.pool === pool).map(m => ({ topic: m.vip, text: m.why }));
}
