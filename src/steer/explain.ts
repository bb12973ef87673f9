// Steering in words and shares, for status and `gtm dig --explain`: off the hot path, by the same code as the pick.
import { POLICIES } from '../model/policy.ts';
import { FACTOR_ONE, factorOf, MEMBER_WORDS, STALE, stateOf } from '../model/state.ts';
import { applyAllDown } from './alldown.ts';
import { Draft } from './draft.ts';
import { POLICY } from './policies.ts';
import { ALL_DOWN, memberIndex, type PoolSource, PoolTable, packPools } from './table.ts';

interface Opened {
  draft: Draft;
  /** The `all_down` rule in effect. */
  rule: keyof typeof ALL_DOWN | undefined;
  shares: number[];
}

/**
 * For each member of a pool the part of the answers in which it comes first, 0 to 1; all 0 under static and servfail. Of
 * one family (4 or 6) those without an address of it have no part.
 */
export function shares(config: PoolSource, pool: string, state: Uint32Array, family = 0): number[] {
  return open(config, pool, state, family)?.shares ?? [];
}

/** The `all_down` rule that answers for a pool now; undefined while a member is up. */
export function allDownNow(config: PoolSource, pool: string, state: Uint32Array): string | undefined {
  return open(config, pool, state, 0)?.rule;
}

/** How a pool answers a family (4 or 6) now: one step a line. */
export function explainPick(
  config: PoolSource,
  pool: string,
  state: Uint32Array,
  family: number,
): { topic: string; text: string }[] {
  const opened = open(config, pool, state, family);
  if (opened === undefined) return [{ topic: 'pool', text: `there is no pool ${pool}` }];
  const { draft, rule } = opened;
  const conf = config.pools[pool];
  const steps = [
    { topic: `pool ${pool}`, text: conf.members.map((m, i) => memberText(draft, i, m)).join(', ') },
  ];
  if (rule !== undefined) steps.push({ topic: 'all down', text: ruleText(conf.all_down, rule) });
  const lines = conf.members
    .map((m, i) => ({ vip: m.vip, share: opened.shares[i] }))
    .filter(s => s.share > 0)
    .map(s => `${s.vip} ${(s.share * 100).toFixed(1)}%`);
  if (rule !== 'static' && rule !== 'servfail') {
    const nobody = `nobody has an IPv${family} address and a weight`;
    const first = lines.length === 0 ? nobody : `first in the answer: ${lines.join(', ')}`;
    steps.push({ topic: 'pick', text: `${conf.policy}, up to ${conf.answers} of IPv${family}; ${first}` });
  }
  return steps;
}

// A table of this one pool, over its own part of the state.
function open(config: PoolSource, pool: string, state: Uint32Array, family: number): Opened | undefined {
  const first = memberIndex(config, pool, 0);
  if (first < 0) return undefined;
  const section = packPools({ vips: config.vips, pools: { [pool]: config.pools[pool] } });
  const draft = new Draft(new PoolTable(section), state.subarray(first * MEMBER_WORDS), () => 0);
  const number = draft.load(0, family) ? undefined : applyAllDown(draft);
  const rule = (Object.keys(ALL_DOWN) as (keyof typeof ALL_DOWN)[]).find(r => ALL_DOWN[r] === number);
  const policy = POLICY[POLICIES.indexOf(config.pools[pool].policy)];
  const none = rule === 'static' || rule === 'servfail';
  return { draft, rule, shares: none ? new Array(draft.count).fill(0) : policy.shares(draft) };
}

function memberText(draft: Draft, i: number, member: { vip: string; weight: number }): string {
  const word = Atomics.load(draft.state, i * MEMBER_WORDS);
  const state = stateOf(word);
  const weight = state === 'up' ? (member.weight * factorOf(word)) / FACTOR_ONE : 0;
  const stale = (word & STALE) !== 0 ? ' stale' : '';
  return `${member.vip} ${state}${stale} w${Number(weight.toFixed(2))} of ${member.weight}`;
}

function ruleText(configured: string | { static: string[] }, rule: string): string {
  if (typeof configured === 'object') return `no member is up: static ${configured.static.join(', ')}`;
  const instead = configured === rule ? '' : `, since none was up before (${configured})`;
  return `no member is up: ${rule}${instead}`;
}
