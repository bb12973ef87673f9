// One VIP as one node sees it: vote, forced state, factor, time to the next change, and why, in words.
import type { Override } from '../model/records.ts';
import type { Config, VipConfig } from '../model/schema.ts';
import { NO_CHANGE_KNOWN } from '../model/state.ts';
import { type Capacity, withdrawnText } from './capacity.ts';
import type { Inputs, VipEvaluation } from './evaluate.ts';
import { NOTHING_KNOWN, type VipMemory } from './memory.ts';
import { overrideText, percentText } from './text.ts';
import { changeFrom } from './verdict.ts';
import { type VipVerdict, vipVerdict } from './vote.ts';
import { adminOf, scheduled, slowStart, stateUnder } from './weight.ts';

/** The nodes that forward a VIP: those named, else every director of its site. */
export function directorsOf(
  config: Pick<Config, 'nodes'>,
  vip: Pick<VipConfig, 'directors' | 'site'>,
): string[] {
  const { nodes } = config;
  return (
    vip.directors ??
    Object.keys(nodes).filter(n => nodes[n].site === vip.site && nodes[n].director !== undefined)
  );
}

/** The evaluation of VIP `name`, and what to remember of it. */
export function evaluateVip(config: Config, name: string, inputs: Inputs): [VipEvaluation, VipMemory] {
  const vip = config.vips[name];
  const before = inputs.memory?.vips.get(name) ?? NOTHING_KNOWN;
  const own = inputs.capacities.get(name);
  const sight = own === undefined ? (inputs.sights.get(name)?.sight ?? 'unknown') : 'unknown';
  const verdict = vipVerdict({
    vip: name,
    floor: vip.floor,
    directors: directorsOf(config, vip),
    me: {
      node: inputs.node,
      site: config.nodes[inputs.node].site,
      capacity: own?.known ? own.capacity : undefined,
      sight,
    },
    peers: inputs.peers,
    alone: inputs.alone,
    last: before.capacity,
  });
  const admin = adminOf(inputs.overrides, name, vip.site, inputs.wall);
  const state = stateUnder(admin, verdict.state);
  const schedule = scheduled(config.schedules, inputs.active, name, vip.site);
  const memory = remember(before, state, verdict, inputs.now);
  const start = slowStart(memory.upSince, inputs.now, vip.slow_start);
  const forced = admin.state !== 'ready';
  const withdrawn = own?.known ? withdrawnText(vip, own) : undefined;
  const why = [
    ...admin.said.map(o => overrideText(o, inputs.wall)),
    verdict.why + (own?.known ? ` (${own.healthy} of ${own.total} real servers)` : ''),
    ...(withdrawn === undefined ? [] : [withdrawn]),
    ...schedule.names.map(n => `schedule ${n}: weight ${percentText(config.schedules[n].weight)}`),
    ...(state === 'up' && start < 1 ? [`slow start at ${percentText(start)}`] : []),
  ].join('; ');
  const { stale, capacity, votes } = verdict;
  const factor = capacity * admin.weight * schedule.weight * start;
  const seconds = forced
    ? secondsLeft(admin.said, inputs.wall)
    : soonest(vip, verdict, own, inputs.sights.get(name)?.seconds);
  return [
    { state, real: verdict.state, forced, stale, capacity, sight, votes, factor, seconds, why },
    memory,
  ];
}

function remember(
  before: VipMemory,
  state: VipEvaluation['state'],
  verdict: VipVerdict,
  now: number,
): VipMemory {
  const capacity = verdict.stale || verdict.state === 'unknown' ? before.capacity : verdict.capacity;
  // A drained VIP keeps its connections and stays warm; so does one of which nothing is known for a while.
  if (state === 'drain' || state === 'unknown') return { ...before, capacity };
  if (state !== 'up') return { stood: 'out', upSince: undefined, capacity };
  const back = before.stood === 'out';
  return { stood: 'up', upSince: back ? now : before.upSince, capacity };
}

// A director knows its counters. From afar the real servers' are not known, so their pace alone is the bound.
function soonest(
  vip: VipConfig,
  verdict: VipVerdict,
  own: Capacity | undefined,
  seen: number | undefined,
): number {
  if (own !== undefined) return own.known ? own.seconds : 0;
  const paces = vip.services.flatMap(s =>
    s.check === undefined ? [] : [changeFrom(verdict.state, s.check)],
  );
  return Math.min(NO_CHANGE_KNOWN, seen ?? NO_CHANGE_KNOWN, ...paces);
}

// A forced state lasts until somebody says otherwise, or until its time is over.
function secondsLeft(said: readonly Override[], wall: number): number {
  const left = said.map(o => (o.until === undefined ? NO_CHANGE_KNOWN : Math.floor((o.until - wall) / 1000)));
  return Math.min(NO_CHANGE_KNOWN, ...left);
}
