// The whole evaluation: order and words for the state table, the time to the next change, when to be called again, and
// the load correction in its loop.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Capacity, Seen } from '../../src/health/capacity.ts';
import { type Evaluation, evaluate, type Inputs } from '../../src/health/evaluate.ts';
import { directorsOf } from '../../src/health/vip.ts';
import type { NodeReport, Override, PeerView } from '../../src/model/records.ts';
import { type Config, schema } from '../../src/model/schema.ts';
import { NO_CHANGE_KNOWN } from '../../src/model/state.ts';

/** Two sites with a director each, VIPs `one` in fra and `two` in nyc. */
function cluster(more: { vip?: object; pools?: object; check?: object | null } = {}): Config {
  const check =
    more.check === null ? {} : { check: more.check ?? { tcp: {}, interval: '2s', rise: 2, fall: 3 } };
  const services = [
    { protocol: 'tcp', port: 80, ...check, real_servers: [{ address: '192.0.2.9', port: 80 }] },
  ];
  return schema.parse({
    cluster: 'test',
    sites: { fra: {}, nyc: {} },
    nodes: {
      'fra-1': { site: 'fra', director: {} },
      'fra-2': { site: 'fra' },
      'nyc-1': { site: 'nyc', director: {} },
    },
    vips: {
      one: { site: 'fra', addresses: ['192.0.2.1'], services, ...more.vip },
      two: { site: 'nyc', addresses: ['192.0.2.2'], services, ...more.vip },
    },
    pools: more.pools ?? {
      p: {
        policy: 'weighted',
        members: [
          { vip: 'one', weight: 60 },
          { vip: 'two', weight: 40 },
        ],
      },
    },
    zones: {},
  });
}

const WHOLE: Capacity = { capacity: 1, known: true, healthy: 1, total: 1, seconds: 6 };
const UP: Seen = { sight: 'up', seconds: 6 };

function peer(node: string, report: Partial<NodeReport> & { site: string }, fresh = true): PeerView {
  return { node, report: { director: {}, sights: {}, ...report }, epoch: 1, sequence: 1, age: 0, fresh };
}

function nyc(capacity = 1, rate = 0, fresh = true): PeerView {
  return peer('nyc-1', { site: 'nyc', director: { two: { capacity, connections: 0, rate } } }, fresh);
}

/** fra-1, which forwards `one` at 100 % and sees `two` up. */
function inputs(more: Partial<Inputs> = {}): Inputs {
  return {
    node: 'fra-1',
    now: 0,
    wall: 1_000_000,
    alone: false,
    capacities: new Map([['one', WHOLE]]),
    sights: new Map([['two', UP]]),
    peers: [nyc()],
    overrides: [],
    active: new Set<string>(),
    ...more,
  };
}

function vip(e: Evaluation, name: string) {
  const v = e.vips.get(name);
  assert.ok(v !== undefined);
  return v;
}

function drain(more: Partial<Override> = {}): Override {
  return {
    target: 'vip/one',
    state: 'drain',
    reason: 'test',
    who: 'anna',
    since: 0,
    clock: { ms: 0, count: 0 },
    node: 'fra-1',
    ...more,
  };
}

test('members come in the order of the state table, over all pools', () => {
  const members = [{ vip: 'two' }, { vip: 'one' }];
  const config = cluster({
    pools: { b: { policy: 'weighted', members }, a: { policy: 'failover', members } },
  });
  const e = evaluate(config, inputs());
  assert.deepEqual(
    e.members.map(m => `${m.pool}/${m.vip}`),
    ['b/two', 'b/one', 'a/two', 'a/one'],
  );
});

test('the same inputs give the same result, and inputs are not changed', () => {
  const config = cluster();
  const given = inputs({ overrides: [drain({ until: 2_000_000 })] });
  const first = evaluate(config, given);
  const copy = structuredClone({ ...given, memory: undefined });
  assert.deepEqual(evaluate(config, given), first);
  assert.deepEqual({ ...given, memory: undefined }, copy);
  assert.deepEqual(evaluate(config, { ...given, memory: first.memory }).members, first.members);
});

test('seconds: a director knows its servers; from afar the pace of the check and what is seen bound it', () => {
  const config = cluster();
  assert.equal(
    vip(evaluate(config, inputs({ capacities: new Map([['one', { ...WHOLE, seconds: 2 }]]) })), 'one')
      .seconds,
    2,
  );
  assert.equal(vip(evaluate(config, inputs()), 'two').seconds, 6);
  assert.equal(
    vip(evaluate(config, inputs({ sights: new Map([['two', { sight: 'up', seconds: 3 }]]) })), 'two').seconds,
    3,
  );
  assert.equal(vip(evaluate(config, inputs({ peers: [nyc(0)] })), 'two').seconds, 4, 'down: rise × interval');
});

test('seconds: 0 while unknown; no telling without a check, or in a forced state without an end', () => {
  const unknown = inputs({ capacities: new Map([['one', { ...WHOLE, known: false }]]) });
  assert.equal(vip(evaluate(cluster(), unknown), 'one').seconds, 0);
  assert.equal(
    vip(evaluate(cluster({ check: null }), inputs({ sights: new Map() })), 'two').seconds,
    NO_CHANGE_KNOWN,
  );
  assert.equal(vip(evaluate(cluster(), inputs({ overrides: [drain()] })), 'one').seconds, NO_CHANGE_KNOWN);
  assert.equal(
    vip(evaluate(cluster(), inputs({ overrides: [drain({ until: 1_007_500 })] })), 'one').seconds,
    7,
  );
});

test('again: nothing to wait for in the steady state', () => {
  assert.equal(evaluate(cluster(), inputs()).again, undefined);
});

test('again: the end of an override, a slow start on its way, a count for the load correction', () => {
  assert.equal(evaluate(cluster(), inputs({ overrides: [drain({ until: 1_004_000 })] })).again, 4000);
  const slow = cluster({ vip: { slow_start: '1500ms' } });
  const down = evaluate(slow, inputs({ capacities: new Map([['one', { ...WHOLE, capacity: 0 }]]) }));
  const up = evaluate(slow, inputs({ now: 1000, memory: down.memory }));
  assert.equal(up.again, 1000);
  const later = evaluate(slow, inputs({ now: 2000, memory: up.memory }));
  assert.equal(later.again, 500);
  assert.equal(evaluate(slow, inputs({ now: 2500, memory: later.memory })).again, undefined);
});

test('directors: those named, else every node of the site that has a director', () => {
  const config = cluster();
  assert.deepEqual(directorsOf(config, config.vips.one), ['fra-1']);
  assert.deepEqual(directorsOf(config, { site: 'fra', directors: ['nyc-1', 'fra-1'] }), ['nyc-1', 'fra-1']);
});

test('a record of a node that is no director of the VIP counts for nothing', () => {
  const liar = peer('fra-2', { site: 'fra', director: { two: { capacity: 0, connections: 0, rate: 0 } } });
  assert.equal(vip(evaluate(cluster(), inputs({ peers: [nyc(), liar] })), 'two').state, 'up');
});

test('a VIP without a director goes by what is seen of it, and nothing is stale', () => {
  const config = cluster();
  delete config.nodes['nyc-1'].director;
  const two = vip(evaluate(config, inputs({ peers: [] })), 'two');
  assert.deepEqual(
    [two.state, two.factor, two.stale, two.why],
    ['up', 1, false, 'seen up by 1 of 1 sites (fra)'],
  );
});

test('a capacity beyond its bounds is brought back into them', () => {
  assert.equal(vip(evaluate(cluster(), inputs({ peers: [nyc(7)] })), 'two').capacity, 1);
});

test('VIPs that are named like parts of an object are VIPs', () => {
  const config = cluster();
  config.vips = { constructor: config.vips.two };
  config.pools = {};
  const e = evaluate(config, inputs({ capacities: new Map(), sights: new Map([['constructor', UP]]) }));
  assert.equal(vip(e, 'constructor').stale, true, 'no record, and none made up');
});

test('what left the cluster file is forgotten', () => {
  const e = evaluate(cluster(), inputs());
  const config = cluster();
  delete config.vips.one;
  config.pools = {};
  const after = evaluate(config, inputs({ memory: e.memory }));
  assert.deepEqual([...after.memory.vips.keys()], ['two']);
  assert.equal(after.memory.pools.size, 0);
});

/** Twenty minutes in which `one` gets `skew` times the connections that its answers ask for. */
function balance(config: Config, skew: number, nycFresh = true): Evaluation {
  let e: Evaluation | undefined;
  for (let now = 0; now <= 20 * 60_000; now += 1000) {
    const weight = (name: string, base: number) => base * (e?.members.find(m => m.vip === name)?.factor ?? 1);
    const one = weight('one', 60) * skew;
    const share = one / (one + weight('two', 40));
    const rates = new Map([['one', 200 * share]]);
    e = evaluate(
      config,
      inputs({ now, rates, peers: [nyc(1, 200 * (1 - share), nycFresh)], memory: e?.memory }),
    );
  }
  assert.ok(e !== undefined);
  return e;
}

const members = [
  { vip: 'one', weight: 60 },
  { vip: 'two', weight: 40 },
];

test('load correction: with resolvers that send twice as many to one member, the shares come back to the weights', () => {
  const e = balance(cluster({ pools: { p: { policy: 'weighted', load_correction: true, members } } }), 2);
  const [one, two] = e.members.map(m => m.factor);
  const share = (60 * one * 2) / (60 * one * 2 + 40 * two);
  assert.ok(Math.abs(share - 0.6) < 0.03, `${share}`);
  assert.match(e.members[0].why, /load correction \d/);
  assert.equal(e.again, 1000);
});

test('load correction: none unless it is asked for, none for failover, none while a director is silent', () => {
  const factors = (e: Evaluation) => e.members.map(m => m.factor);
  assert.deepEqual(factors(balance(cluster({ pools: { p: { policy: 'weighted', members } } }), 2)), [1, 1]);
  const failover = cluster({ pools: { p: { policy: 'failover', load_correction: true, members } } });
  assert.deepEqual(factors(balance(failover, 2)), [1, 1]);
  const weighted = cluster({ pools: { p: { policy: 'weighted', load_correction: true, members } } });
  assert.deepEqual(factors(balance(weighted, 2, false)), [1, 1]);
});

test('a VIP that its watermarks withdrew is down, and its director says until when', () => {
  const config = cluster({ vip: { floor: '10%' } });
  config.vips.one.services[0].watermarks = { low: 0.3, high: 0.5 };
  const own: Capacity = { ...WHOLE, capacity: 0, healthy: 4, total: 10, withdrawn: ['tcp port 80'] };
  const { state, why } = vip(evaluate(config, inputs({ capacities: new Map([['one', own]]) })), 'one');
  assert.equal(state, 'down');
  assert.equal(
    why,
    'capacity 0% by fra-1, below the floor of 10% (4 of 10 real servers); tcp port 80 fell below its low watermark of 30%: out until 50% is healthy',
  );
});
