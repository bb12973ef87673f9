// What a restart forwards by before its first probe: the verdicts and operators' words of the run before.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Observer } from '../../src/daemon/observer.ts';
import { loadVerdicts, type SavedVerdict, saveVerdicts } from '../../src/daemon/statefile.ts';
import { Weights } from '../../src/daemon/weights.ts';
import { evaluate } from '../../src/health/evaluate.ts';
import { loadConfig } from '../../src/model/load.ts';
import type { Override } from '../../src/model/records.ts';
import type { Config } from '../../src/model/schema.ts';

const WALL = 1_800_000_000_000;
const CLOCK = { mono: () => 5000, wall: () => WALL };

function cluster(): Config {
  const { config, diagnostics } = loadConfig(
    `cluster: c
sites: { fra: {} }
nodes: { a: { site: fra, admin: { listen: 127.0.0.1:8053 }, director: { plane: xdp } } }
zones: {}
vips:
  web:
    site: fra
    addresses: [192.0.2.10]
    services:
      - { protocol: tcp, port: 80, forward: nat, check: { tcp: {} }, real_servers: [{ address: 10.0.0.1, port: 80, weight: 3 }, { address: 10.0.0.2, port: 80, weight: 3 }] }
`,
    'gtm.yaml',
    {},
    () => undefined,
  );
  assert.ok(config, JSON.stringify(diagnostics));
  return config;
}

/** The weights of the first services that a plane is given. */
function first(saved: ReadonlyMap<string, SavedVerdict>, overrides: Override[] = []): number[] {
  const config = cluster();
  const observer = new Observer(config, 'a', CLOCK, saved);
  const evaluation = evaluate(config, {
    node: 'a',
    now: CLOCK.mono(),
    wall: WALL,
    alone: true,
    capacities: observer.capacities(),
    sights: observer.sights(),
    rates: new Map(),
    peers: [],
    overrides,
    active: new Set(),
    memory: undefined,
  });
  const [service] = new Weights('a').services(config, observer, evaluation, CLOCK.mono());
  return service.realServers.map(r => r.weight);
}

/** The verdicts as they come back from the disk after `age` milliseconds. */
function kept(age: number): Map<string, SavedVerdict> {
  const dir = mkdtempSync(join(tmpdir(), 'gtm-warm-'));
  try {
    const [one, two] = new Observer(cluster(), 'a', CLOCK, new Map()).targets();
    const since = WALL - 60_000;
    saveVerdicts(
      dir,
      'a',
      { [one.id]: { state: 'down', since }, [two.id]: { state: 'up', since } },
      WALL - age,
    );
    return loadVerdicts(dir, 'a', WALL);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test('a server that was down gets nothing before it was probed', () => {
  assert.deepEqual(first(kept(900)), [0, 3]);
});

test('without a run before, or one long ago, weights are as configured', () => {
  assert.deepEqual(first(new Map()), [3, 3]);
  assert.deepEqual(first(kept(3_600_000)), [3, 3]);
});

test('a VIP in maintenance takes nothing', () => {
  const maint: Override = {
    target: 'vip/web',
    state: 'maint',
    reason: 'r',
    who: 'w',
    since: WALL - 1000,
    clock: { ms: WALL - 1000, count: 0 },
    node: 'a',
  };
  assert.deepEqual(first(kept(900), [maint]), [0, 0]);
});
