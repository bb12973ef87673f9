// Rules about pools: members, weights, answers, and the TTL against the time to detect a failure.
import { formatDuration } from '../../kit/duration.ts';
import { type Finding, type Rule, unknownName, type View } from '../finding.ts';
import type { CheckConfig } from '../probe.ts';
import type { PoolConfig } from '../schema.ts';
import { familyOf, faultOfAddress } from './address.ts';

/** A TTL up to this is never warned of: resolvers ask again as often as an authoritative server may hope for. */
const SHORT_TTL = 30_000;

export const POOL_RULES: readonly Rule[] = [
  each(members),
  each(weights),
  each(ttl),
  each(answers),
  each(staticAddresses),
  each(unusedSettings),
];

/** Milliseconds from a fault to its verdict, at most: fall × (interval + jitter) + time-out. */
export function detectionTime(check: CheckConfig): number {
  return check.fall * check.interval * (1 + check.jitter) + check.timeout;
}

function each(rule: (name: string, pool: PoolConfig, view: View) => Iterable<Finding>): Rule {
  return function* (view) {
    for (const [name, pool] of Object.entries(view.config.pools)) yield* rule(name, pool, view);
  };
}

function* members(name: string, pool: PoolConfig, { names }: View): Generator<Finding> {
  const seen = new Set<string>();
  for (const [i, { vip }] of pool.members.entries()) {
    const path = ['pools', name, 'members', i, 'vip'];
    if (!names.vips.includes(vip))
      yield unknownName('GTM-C015', path, `pools.${name}: there is no VIP`, vip, names.vips);
    else if (seen.has(vip))
      yield { code: 'GTM-C023', path, message: `pools.${name}: VIP ${vip} stands twice; give it one weight` };
    seen.add(vip);
  }
  if (pool.members.length === 1)
    yield {
      code: 'GTM-C024',
      path: ['pools', name, 'members'],
      at: 'key',
      message: `pools.${name} has one member: when it is down there is nothing to move to`,
    };
}

function* weights(name: string, pool: PoolConfig): Generator<Finding> {
  if (pool.members.every(m => m.weight === 0))
    yield {
      code: 'GTM-C020',
      path: ['pools', name, 'members'],
      at: 'key',
      message: `pools.${name}: every weight is 0: no member could ever be answered`,
    };
}

function* ttl(name: string, pool: PoolConfig, { config }: View): Generator<Finding> {
  const needs = ['ttl', 'min_ttl'].map(key => ['pools', name, key]);
  if (pool.min_ttl !== undefined && pool.min_ttl > pool.ttl) {
    const message = `pools.${name}: min_ttl ${formatDuration(pool.min_ttl)} is over ttl ${formatDuration(pool.ttl)}`;
    yield { code: 'GTM-C022', path: ['pools', name, 'min_ttl'], needs, message };
  }
  // With min_ttl the TTL shrinks with the time to the next possible change: then only that floor can be too long.
  const lasts = Math.min(pool.min_ttl ?? pool.ttl, pool.ttl);
  const checks = pool.members.flatMap(m => config.vips[m.vip]?.services ?? []).flatMap(s => s.check ?? []);
  if (checks.length === 0) return;
  const slowest = checks.reduce((a, b) => (detectionTime(a) >= detectionTime(b) ? a : b));
  const detection = detectionTime(slowest);
  if (lasts <= Math.max(detection, SHORT_TTL)) return;
  const key = pool.min_ttl !== undefined && pool.min_ttl <= pool.ttl ? 'min_ttl' : 'ttl';
  const { fall, interval, jitter, timeout } = slowest;
  const sum = `${fall} × (${formatDuration(interval)} + ${formatDuration(interval * jitter)}) + ${formatDuration(timeout)}`;
  yield {
    code: 'GTM-C021',
    path: ['pools', name, key],
    needs,
    message: `pools.${name}: ${key} ${formatDuration(lasts)} is longer than the time to detect a failure, ${formatDuration(detection)} = ${sum}`,
    help: `resolvers go on with a dead address for as long; up to ${formatDuration(Math.max(detection, SHORT_TTL))} nothing is said`,
  };
}

function* answers(name: string, pool: PoolConfig, { config, whole }: View): Generator<Finding> {
  if (!whole('vips')) return;
  const counts = ([4, 6] as const).map(family => {
    const each = pool.members.map(
      m => (config.vips[m.vip]?.addresses ?? []).filter(a => familyOf(a) === family).length,
    );
    return pool.policy === 'failover' ? Math.max(...each) : each.reduce((a, b) => a + b, 0);
  });
  const most = Math.max(...counts);
  if (most === 0 || pool.answers <= most) return;
  const holder = pool.policy === 'failover' ? 'no member has' : 'the members have not';
  yield {
    code: 'GTM-C025',
    path: ['pools', name, 'answers'],
    message: `pools.${name}: ${pool.answers} answers, but ${holder} more than ${most} of a family`,
  };
}

function* staticAddresses(name: string, pool: PoolConfig, { config, whole }: View): Generator<Finding> {
  if (typeof pool.all_down === 'string') return;
  const path = ['pools', name, 'all_down', 'static'];
  for (const [i, address] of pool.all_down.static.entries()) {
    const fault = faultOfAddress(address);
    if (fault !== undefined)
      yield { code: 'GTM-C031', path: [...path, i], message: `pools.${name}: ${fault}` };
  }
  if (!whole('vips')) return;
  const held = new Set(pool.all_down.static.map(familyOf));
  const wanted = new Set(pool.members.flatMap(m => config.vips[m.vip]?.addresses ?? []).map(familyOf));
  for (const family of wanted)
    if (!held.has(family))
      yield {
        code: 'GTM-C026',
        path,
        message: `pools.${name}: all_down.static has no IPv${family} address, the members have`,
      };
}

function* unusedSettings(name: string, pool: PoolConfig): Generator<Finding> {
  if (pool.policy === 'failover' && pool.load_correction) {
    const message = `pools.${name}: load_correction means nothing to policy failover`;
    yield { code: 'GTM-C027', path: ['pools', name, 'load_correction'], message };
  }
}
