// A made-up node for the tests of the admin API, the page, the metrics and the CLI: one site hurt, one whole.
import type { AdminNode, OverrideRequest } from '../../src/admin/node.ts';
import { GtmError } from '../../src/kit/errors.ts';
import type { Metric } from '../../src/metrics/names.ts';
import type { Override } from '../../src/model/records.ts';
import type { ConnectionRow } from '../../src/model/service.ts';
import type { Event, NodeStatus } from '../../src/model/status.ts';

const START = Date.UTC(2026, 10, 22, 12, 0, 0);

/** A status with one of everything: half a site, a drain, an alarm, a Redis that is down. */
export function statusFixture(): NodeStatus {
  const fra = { vip: 'web-fra', site: 'fra', addresses: ['127.1.0.10'], weight: 60 };
  const nyc = { vip: 'web-nyc', site: 'nyc', addresses: ['127.2.0.10', '2001:db8::10'], weight: 40 };
  return {
    apiVersion: 'v1',
    kind: 'NodeStatus',
    cluster: 'example',
    node: 'fra-1',
    site: 'fra',
    version: '0.1.0',
    uptime: 11_520_432,
    ready: true,
    generation: 4,
    config: { file: 'zones/gtm.yaml', loadedAt: '2026-11-22T08:48:00.000Z' },
    dns: { listen: ['127.0.0.1:5300'], queries: 12_345, workers: 1 },
    zones: [{ name: 'example.com', file: 'zones/example.com.zone', serial: 2026112201, records: 13 }],
    probes: { targets: 4, ok: 120, failed: 3, late: 0, p99: 2.5 },
    coordinator: {
      kind: 'redis',
      mode: 'degraded',
      backends: [
        { url: 'redis://127.0.0.1:6379', state: 'up', since: START },
        {
          url: 'redis://127.0.0.2:6379',
          state: 'down',
          since: START + 60_000,
          error: 'connect ECONNREFUSED',
        },
      ],
      drops: { forged: 1, replayed: 0, oversized: 0, malformed: 0 },
      lastDrop: 'record of nyc-1 from redis://127.0.0.2:6379: signature does not verify',
      epoch: 7,
    },
    peers: [{ node: 'nyc-1', site: 'nyc', fresh: true, age: 420 }],
    pools: [
      {
        name: 'api',
        policy: 'weighted',
        answers: 1,
        ttl: 10,
        members: [
          {
            ...fra,
            state: 'up',
            real: 'up',
            forced: false,
            stale: false,
            effective: 30,
            share: 0.4286,
            why: 'capacity 50% (1 of 2 real servers)',
          },
          {
            ...nyc,
            state: 'drain',
            real: 'up',
            forced: true,
            stale: false,
            effective: 0,
            share: 0,
            why: 'drain by anna: kernel upgrade',
          },
        ],
      },
    ],
    vips: [
      {
        name: 'web-fra',
        site: 'fra',
        addresses: fra.addresses,
        state: 'up',
        forwardedHere: true,
        capacity: 0.5,
        sight: 'unknown',
        votes: { fra: 'up', nyc: 'up' },
        realServers: [
          {
            name: 'web-fra-1',
            key: '127.1.1.1:9001',
            state: 'up',
            for: 11_500_000,
            result: 'http 200 in 3 ms',
            weight: 100,
          },
          {
            name: 'web-fra-2',
            key: '127.1.1.2:9001',
            state: 'down',
            for: 42_300,
            result: 'connect ECONNREFUSED',
            weight: 0,
          },
        ],
      },
      {
        name: 'web-nyc',
        site: 'nyc',
        addresses: nyc.addresses,
        state: 'drain',
        forwardedHere: false,
        capacity: 1,
        sight: 'up',
        votes: { nyc: 'up' },
        realServers: [],
      },
    ],
    services: [
      {
        key: 'tcp 127.1.0.10:8080',
        vip: 'web-fra',
        plane: 'proxy',
        scheduler: 'wrr',
        flags: [],
        forward: 'nat',
        persistence: 0,
        rates: { connections: 4.25, inBytes: 20_000, outBytes: 350_000 },
        connections: 1200,
        inBytes: 5_000_000,
        outBytes: 90_000_000,
        refused: 2,
        realServers: [
          {
            key: '127.1.1.1:9001',
            name: 'web-fra-1',
            weight: 100,
            active: 3,
            inactive: 1,
            connections: 900,
            inBytes: 4_000_000,
            outBytes: 60_000_000,
            failed: 0,
            rates: { connections: 3, inBytes: 15_000, outBytes: 250_000 },
          },
          {
            key: '127.1.1.2:9001',
            name: 'web-fra-2',
            weight: 0,
            active: 0,
            inactive: 0,
            connections: 300,
            inBytes: 1_000_000,
            outBytes: 30_000_000,
            failed: 5,
            rates: { connections: 1.25, inBytes: 5000, outBytes: 100_000 },
          },
        ],
      },
    ],
    overrides: [
      {
        target: 'vip/web-nyc',
        state: 'drain',
        reason: 'kernel upgrade',
        who: 'anna',
        since: START,
        until: START + 9_000_000,
        clock: { ms: START, count: 0 },
        node: 'nyc-1',
      },
    ],
    schedules: [{ name: 'new-year', active: false, next: '2027-01-01T02:00:00.000Z' }],
    alarms: ['real server web-fra-2 of web-fra is down: connect ECONNREFUSED'],
  };
}

export function connectionsFixture(): ConnectionRow[] {
  const virtual = '127.1.0.10:8080';
  return [
    {
      protocol: 'tcp',
      state: 'ESTABLISHED',
      expires: 899_400,
      client: '192.0.2.7:33018',
      virtual,
      server: '127.1.1.1:9001',
    },
    {
      protocol: 'tcp',
      state: 'FIN_WAIT',
      expires: 61_000,
      client: '[2001:db8::7]:40000',
      virtual,
      server: '127.1.1.2:9001',
    },
    {
      protocol: 'udp',
      state: 'UDP',
      expires: 0,
      client: '192.0.2.8:53',
      virtual: '127.1.0.10:53',
      server: '127.1.1.1:53',
    },
  ];
}

/** A status in which every text from elsewhere tries to be markup. */
export function hostileStatus(): NodeStatus {
  const bad = `<script>alert("x")</script>'&\u001b[2J`;
  const s = statusFixture();
  return {
    ...s,
    node: bad,
    site: bad,
    cluster: bad,
    alarms: [bad],
    config: { file: bad, loadedAt: bad, error: bad },
    zones: [{ name: bad, file: bad, serial: 1, records: 1 }],
    peers: [{ node: bad, site: bad, fresh: false, age: 1 }],
    schedules: [{ name: bad, active: true, until: bad }],
    coordinator: {
      ...s.coordinator,
      backends: [{ url: bad, state: 'down', since: 0, error: bad }],
      lastDrop: bad,
    },
    pools: s.pools.map(p => ({
      ...p,
      name: bad,
      policy: bad,
      allDown: bad,
      members: p.members.map(m => ({ ...m, vip: bad, site: bad, addresses: [bad], why: bad })),
    })),
    vips: s.vips.map(v => ({
      ...v,
      name: bad,
      site: bad,
      addresses: [bad],
      votes: { [bad]: 'up' as const },
      realServers: v.realServers.map(r => ({ ...r, name: bad, key: bad, result: bad })),
    })),
    services: s.services.map(x => ({ ...x, key: bad, vip: bad, fault: bad })),
    overrides: s.overrides.map(o => ({ ...o, target: bad, who: bad, reason: bad })),
  };
}

/** A node that keeps what it is told. `emit` makes an event. */
export class FakeNode implements AdminNode {
  current = statusFixture();
  readonly said: OverrideRequest[] = [];
  readonly log: Event[] = [];
  readonly listeners = new Set<(e: Event) => void>();
  running = true;
  faulty = false;
  demo: AdminNode['demo'] & object = {
    list: () => [{ name: 'web-fra-1', site: 'fra', address: '127.1.1.1', port: 9001, running: this.running }],
    stop: async name => this.#turn(name, false),
    start: async name => this.#turn(name, true),
  };

  #turn(name: string, on: boolean): void {
    if (name !== 'web-fra-1') throw new GtmError('GTM_NOT_FOUND', `no demo server is named «${name}»`);
    this.running = on;
  }

  status() {
    return this.current;
  }

  explain(q: { name: string; type: string; from?: string }) {
    const question = `${q.name} ${q.type} from ${q.from ?? '127.0.0.1'}`;
    const steps = [
      { topic: 'zone', text: 'example.com, serial 2026112201' },
      { topic: 'pool api', text: 'weighted, 1 answer' },
      { topic: 'answer', text: '127.1.0.10 ttl 10' },
    ];
    return { apiVersion: 'v1' as const, kind: 'Explanation' as const, question, steps };
  }

  staticZone(name: string) {
    if (name !== 'example.com') throw new GtmError('GTM_NOT_FOUND', `no zone is named «${name}»`);
    const pools = { web: { addresses: ['127.1.0.10', '127.2.0.10'] } };
    const text = '$ORIGIN example.com.\nwww 10 IN A 127.1.0.10\nwww 10 IN A 127.2.0.10\n';
    return {
      apiVersion: 'v1' as const,
      kind: 'StaticZone' as const,
      zone: 'example.com.',
      serial: 7,
      pools,
      text,
    };
  }

  override(o: OverrideRequest): Override {
    const names = ['vip/web-fra', 'vip/web-nyc', 'site/fra', 'site/nyc'];
    if (!names.includes(o.target)) throw new GtmError('GTM_NOT_FOUND', `no such target: ${o.target}`);
    this.said.push(o);
    const { target, state, weight, reason, who } = o;
    const until = o.for === undefined ? {} : { until: START + o.for };
    const plus = weight === undefined ? {} : { weight };
    return {
      target,
      state,
      ...plus,
      reason,
      who,
      since: START,
      ...until,
      clock: { ms: START, count: 0 },
      node: 'fra-1',
    };
  }

  async reload() {
    const diagnostics = this.faulty
      ? [
          {
            file: 'zones/gtm.yaml',
            line: 3,
            col: 1,
            severity: 'error' as const,
            code: 'GTM-C003',
            message: 'unknown key «x»',
          },
        ]
      : [];
    return {
      generation: this.faulty ? 4 : 5,
      diagnostics,
      changes: this.faulty ? [] : ['pool api: ttl 10s → 20s'],
    };
  }

  async connections(limit: number) {
    return connectionsFixture().slice(0, limit);
  }

  events(after: number) {
    return this.log.filter(e => e.id > after);
  }

  onEvent(listener: (e: Event) => void) {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  emit(message: string): void {
    const id = this.log.length + 1;
    const event = {
      id,
      at: new Date(START + id).toISOString(),
      kind: 'verdict',
      subject: 'web-fra',
      message,
    };
    this.log.push(event);
    for (const l of this.listeners) l(event);
  }

  *counters(): Generator<Metric> {
    yield { name: 'gtm_dns_queries_total', labels: { rcode: 'NOERROR', proto: 'udp' }, value: 12_300 };
    yield { name: 'gtm_event_loop_lag_seconds', labels: { thread: 'main' }, value: 0.002 };
    yield { name: 'gtm_dns_queries_total', labels: { rcode: 'NXDOMAIN', proto: 'tcp' }, value: 45 };
  }
}
