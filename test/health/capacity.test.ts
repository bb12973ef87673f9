// Capacity from the verdicts on real servers, and the sight of a VIP from afar.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Capacity,
  type SeenProbe,
  vipCapacity,
  vipSight,
  withdrawnText,
} from '../../src/health/capacity.ts';
import { makeReport } from '../../src/health/report.ts';
import { newVerdict, type RiseFall } from '../../src/health/verdict.ts';
import type { Sight } from '../../src/model/records.ts';
import { schema, type VipConfig } from '../../src/model/schema.ts';
import { NO_CHANGE_KNOWN } from '../../src/model/state.ts';

const PACE = { interval: 1000, rise: 2, fall: 3 };

/** A VIP with services as lists of weights; `checked` says whether they have a check. */
function vip(services: number[][], checked = true): VipConfig {
  const config = schema.parse({
    cluster: 'test',
    sites: { fra: {} },
    nodes: {},
    vips: {
      v: {
        site: 'fra',
        addresses: ['192.0.2.1'],
        services: services.map((weights, i) => ({
          protocol: 'tcp',
          port: 80 + i,
          ...(checked ? { check: { tcp: {}, interval: '1s', rise: 2, fall: 3 } } : {}),
          real_servers: weights.map((weight, r) => ({ address: `192.0.2.${r + 1}`, port: 80, weight })),
        })),
      },
    },
    zones: {},
  });
  return config.vips.v;
}

/** Verdicts as text, a service a word: u(p), d(own), ?(unknown), -(never probed). */
function verdicts(text: string): (s: number, r: number) => RiseFall | undefined {
  const states: Record<string, Sight> = { u: 'up', d: 'down', '?': 'unknown' };
  return (s, r) => {
    const letter = text.split(' ')[s][r];
    return letter === '-' ? undefined : newVerdict(0, states[letter]);
  };
}

const ROWS: [string, number[][], string, Partial<Capacity>][] = [
  ['all healthy', [[100, 100]], 'uu', { capacity: 1, known: true, healthy: 2, total: 2 }],
  ['one of two', [[100, 100]], 'ud', { capacity: 0.5, known: true, healthy: 1, total: 2 }],
  ['none', [[100, 100]], 'dd', { capacity: 0, known: true, healthy: 0, total: 2 }],
  ['by weight, not by number', [[300, 100]], 'du', { capacity: 0.25, healthy: 1, total: 2 }],
  ['a server of weight 0 carries nothing', [[100, 0]], 'du', { capacity: 0, known: true }],
  ['all weights 0: nothing would be forwarded', [[0, 0]], 'uu', { capacity: 0, known: true }],
  [
    'the least of two services',
    [
      [1, 1],
      [1, 1, 1, 1],
    ],
    'uu uddd',
    { capacity: 0.25, healthy: 1, total: 4 },
  ],
  ['not known before every server had its first result', [[1, 1]], 'u?', { capacity: 0.5, known: false }],
  ['nor while one was never probed', [[1, 1]], 'u-', { known: false }],
];
for (const [title, services, text, expected] of ROWS)
  test(`capacity: ${title}`, () => {
    const capacity = vipCapacity(vip(services), verdicts(text));
    for (const [key, value] of Object.entries(expected))
      assert.equal(capacity[key as keyof Capacity], value, key);
  });

test('capacity: once known it stays so; a server that a reload adds carries nothing before its first result', () => {
  const { known, capacity } = vipCapacity(vip([[1, 1]]), verdicts('u-'), { known: true });
  assert.deepEqual({ known, capacity }, { known: true, capacity: 0.5 });
});

test('capacity: servers without a check count as healthy, and never change', () => {
  const capacity = vipCapacity(vip([[1, 2]], false), verdicts('dd'));
  assert.deepEqual(capacity, { capacity: 1, known: true, healthy: 2, total: 2, seconds: NO_CHANGE_KNOWN });
});

test('capacity: the soonest change of any of the servers', () => {
  assert.equal(vipCapacity(vip([[1, 1]]), verdicts('uu')).seconds, 3);
  assert.equal(vipCapacity(vip([[1, 1]]), verdicts('ud')).seconds, 2);
  assert.equal(vipCapacity(vip([[1, 1]]), verdicts('u-')).seconds, 0);
});

/** Probes as `address:state` words. */
function probes(text: string): SeenProbe[] {
  return text.split(' ').map(word => {
    const [address, state] = word.split(':');
    return { address, pace: PACE, verdict: state === '-' ? undefined : newVerdict(0, state as Sight) };
  });
}

const SIGHTS: [string, string, Sight][] = [
  ['one address that answers', 'a:up', 'up'],
  ['one that does not', 'a:down', 'down'],
  ['not probed yet', 'a:-', 'unknown'],
  ['no result yet', 'a:unknown', 'unknown'],
  ['two services, one down', 'a:up a:down', 'down'],
  ['two services, one not known', 'a:up a:-', 'unknown'],
  ['down settles it, even before the other service is known', 'a:down a:-', 'down'],
  ['two addresses, one up: a node without IPv6 is no witness', 'a:up b:down', 'up'],
  ['one address down, the other not known', 'a:down b:-', 'unknown'],
  ['each address lacks a service', 'a:up a:down b:down b:up', 'down'],
];
for (const [title, text, sight] of SIGHTS)
  test(`sight: ${title}`, () => assert.equal(vipSight(probes(text)).sight, sight));

test('sight: unknown for ever when nothing is probed; seconds of the soonest probe', () => {
  assert.deepEqual(vipSight([]), { sight: 'unknown', seconds: NO_CHANGE_KNOWN });
  assert.equal(vipSight(probes('a:up b:down')).seconds, 2);
});

test('the report holds only what is known', () => {
  const known = vipCapacity(vip([[1, 1]]), verdicts('ud'));
  const report = makeReport(
    'fra',
    new Map([
      ['a', known],
      ['b', { ...known, known: false }],
    ]),
    new Map([
      ['c', vipSight(probes('a:up'))],
      ['d', vipSight([])],
    ]),
    () => ({ connections: 7, rate: 1.5 }),
  );
  assert.deepEqual(report, {
    site: 'fra',
    director: { a: { capacity: 0.5, connections: 7, rate: 1.5 } },
    sights: { c: 'up' },
  });
});

// Verdicts on ten servers, step by step, and the capacity that is said.
const MARKS: [string, [string, number][]][] = [
  [
    'out below low, back at high and not before',
    [
      ['uuuuuuuuuu', 1],
      ['uuuuuddddd', 0.5],
      ['uuuddddddd', 0.3],
      ['uudddddddd', 0],
      ['uuuddddddd', 0],
      ['uuuudddddd', 0],
      ['uuuuuddddd', 0.5],
      ['uuuudddddd', 0.4],
      ['uddddddddd', 0],
    ],
  ],
  [
    'a node that starts between them is in service',
    [
      ['uuuudddddd', 0.4],
      ['uudddddddd', 0],
    ],
  ],
  [
    'before the first round is through nothing is withdrawn',
    [
      ['uu????????', 0.2],
      ['uuuudddddd', 0.4],
    ],
  ],
  [
    'a server that a reload adds counts as not healthy, and withdraws as one that failed',
    [
      ['uuuddddddd', 0.3],
      ['uu-ddddddd', 0],
    ],
  ],
];
for (const [title, steps] of MARKS)
  test(`watermarks 30% and 50%: ${title}`, () => {
    const v = vip([Array.from({ length: 10 }, () => 10)]);
    v.services[0].watermarks = { low: 0.3, high: 0.5 };
    let last: Capacity | undefined;
    for (const [text, capacity] of steps) {
      last = vipCapacity(v, verdicts(text), last);
      assert.equal(last.capacity, capacity, text);
    }
  });

test('watermarks: one service withdraws its VIP, and says why; the others go by their own', () => {
  const v = vip([
    [1, 1],
    [1, 1],
  ]);
  v.services[1].watermarks = { low: 0.6, high: 0.8 };
  const before = vipCapacity(v, verdicts('ud uu'));
  assert.deepEqual(
    [before.capacity, before.withdrawn, withdrawnText(v, before)],
    [0.5, undefined, undefined],
  );
  const after = vipCapacity(v, verdicts('ud ud'), before);
  assert.deepEqual([after.capacity, after.withdrawn], [0, ['tcp port 81']]);
  assert.equal(
    withdrawnText(v, after),
    'tcp port 81 fell below its low watermark of 60%: out until 80% is healthy',
  );
  // After a reload without them nothing is withdrawn.
  assert.equal(vipCapacity(vip([[1, 1]]), verdicts('ud'), after).capacity, 0.5);
});

test('families that are forwarded apart: the lesser of them counts, but through tunnels all servers are one', () => {
  const v = vip([[1, 1, 1, 3]]);
  v.addresses = ['192.0.2.1', '2001:db8::1'];
  const [{ real_servers }] = v.services;
  for (const r of [2, 3]) real_servers[r].address = `2001:db8::1${r}`;
  const of = (text: string, apart: (4 | 6)[]) => {
    const { capacity, healthy, total } = vipCapacity(v, verdicts(text), undefined, apart);
    return [capacity, healthy, total];
  };
  assert.deepEqual(of('uudd', []), [2 / 6, 2, 4]);
  assert.deepEqual(of('uudd', [4, 6]), [0, 0, 2]);
  assert.deepEqual(of('uuud', [4, 6]), [0.25, 1, 2]);
  assert.deepEqual(of('uduu', [4, 6]), [0.5, 1, 2]);
  assert.deepEqual(of('uu??', [4]), [1, 2, 2]);
  assert.equal(
    vipCapacity(v, verdicts('uu??'), undefined, [4]).known,
    true,
    'servers that get nothing are not waited for',
  );
  v.services[0].forward = 'tun';
  assert.deepEqual(of('uudd', [4, 6]), [2 / 6, 2, 4]);
});
