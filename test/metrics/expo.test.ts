// The exposition: a golden text, the format's rules on every line, and a lint of the names.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COUNTERS } from '../../src/dns/counters.ts';
import { collect } from '../../src/metrics/collect.ts';
import { expose, familyOf } from '../../src/metrics/expo.ts';
import { METRICS, type MetricName, type MetricRow } from '../../src/metrics/names.ts';
import { NET_COUNTERS } from '../../src/net/responder.ts';
import { FakeNode, hostileStatus, statusFixture } from '../admin/fixture.ts';

const rows = Object.entries(METRICS) as [MetricName, MetricRow][];

test('a few samples, to the letter', () => {
  const text = expose([
    { name: 'gtm_ready', labels: {}, value: 1 },
    { name: 'gtm_dns_queries_total', labels: { rcode: 'NOERROR', proto: 'udp' }, value: 3 },
    { name: 'gtm_uptime_seconds', labels: {}, value: 1.5 },
    { name: 'gtm_dns_queries_total', labels: { proto: 'tcp', rcode: 'REFUSED' }, value: 4 },
    { name: 'gtm_zone_serial', labels: { zone: 'a\\b"c\nd' }, value: 1 },
  ]);
  assert.equal(
    text,
    `# TYPE gtm_ready gauge
# HELP gtm_ready 1 when zones are loaded, sockets bound and the first round of probes is through.
gtm_ready 1
# TYPE gtm_uptime_seconds gauge
# UNIT gtm_uptime_seconds seconds
# HELP gtm_uptime_seconds Time since the node started.
gtm_uptime_seconds 1.5
# TYPE gtm_dns_queries counter
# HELP gtm_dns_queries DNS queries answered.
gtm_dns_queries_total{rcode="NOERROR",proto="udp"} 3
gtm_dns_queries_total{rcode="REFUSED",proto="tcp"} 4
# TYPE gtm_zone_serial gauge
# HELP gtm_zone_serial SOA serial of the zone served.
gtm_zone_serial{zone="a\\\\b\\"c\\nd"} 1
# EOF
`,
  );
});

test('of a status: the values that operators draw', () => {
  const node = new FakeNode();
  const text = expose([...collect(statusFixture()), ...node.counters()]);
  for (const line of [
    'gtm_build_info{version="0.1.0",node="fra-1",site="fra",cluster="example"} 1',
    'gtm_member_state{pool="api",member="web-nyc",site="nyc",state="drain"} 1',
    'gtm_member_state{pool="api",member="web-nyc",site="nyc",state="up"} 0',
    'gtm_member_effective_weight{pool="api",member="web-fra",site="fra"} 30',
    'gtm_vip_capacity_ratio{vip="web-fra",site="fra"} 0.5',
    'gtm_real_server_up{vip="web-fra",real_server="127.1.1.2:9001",name="web-fra-2"} 0',
    'gtm_lvs_connections_total{service="tcp 127.1.0.10:8080",vip="web-fra"} 1200',
    'gtm_coordinator_up{backend="redis://127.0.0.2:6379"} 0',
    'gtm_coordinator_drops_total{cause="forged"} 1',
    'gtm_peer_age_seconds{node="nyc-1",site="nyc"} 0.42',
    'gtm_event_loop_lag_seconds{thread="main"} 0.002',
  ])
    assert.ok(text.includes(`${line}\n`), line);
});

test('every line keeps the grammar, families are whole, no series stands twice', () => {
  for (const status of [statusFixture(), hostileStatus()]) {
    const text = expose([...collect(status), ...new FakeNode().counters()]);
    assert.ok(text.endsWith('\n# EOF\n'));
    const lines = text.split('\n').slice(0, -2);
    const label = String.raw`[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"`;
    const sample = new RegExp(
      String.raw`^(gtm_[a-z_]+)(\{${label}(?:,${label})*\})? (-?\d+(?:\.\d+)?(?:e[+-]\d+)?)$`,
    );
    const seen = new Set<string>();
    const series = new Set<string>();
    let family = '';
    for (const line of lines) {
      const head = /^# TYPE (\S+) (counter|gauge|info)$/.exec(line);
      if (head !== null) {
        family = head[1];
        assert.ok(!seen.has(family), `${family} comes twice`);
        seen.add(family);
        continue;
      }
      if (/^# (HELP|UNIT) /.test(line)) {
        assert.equal(line.split(' ')[2], family);
        continue;
      }
      const m = sample.exec(line);
      assert.ok(m, line);
      assert.ok([family, `${family}_total`, `${family}_info`].includes(m[1]), line);
      if (status.node === 'fra-1') assert.ok(!series.has(m[1] + m[2]), `${line}: twice`);
      series.add(m[1] + m[2]);
    }
  }
});

test('lint: names, suffixes, units, labels and help', () => {
  for (const [name, row] of rows) {
    assert.match(name, /^gtm_[a-z]+(_[a-z]+)*$/, name);
    assert.equal(name.endsWith('_total'), row.type === 'counter', name);
    assert.equal(name.endsWith('_info'), row.type === 'info', name);
    const family = familyOf(name, row);
    assert.doesNotMatch(family, /_(total|count|sum|bucket|created|info|gauge|counter)$/, name);
    // Base units only, and at the end.
    assert.doesNotMatch(
      family,
      /_(ms|milliseconds|minutes|hours|kib|kilobytes|mb|percent|percentage)(_|$)/,
      name,
    );
    assert.doesNotMatch(family, /_(seconds|bytes|ratio)_/, name);
    assert.match(row.help, /^[A-Z1].*\.$/, name);
    assert.equal(new Set(row.labels).size, row.labels.length, name);
    for (const label of row.labels) {
      assert.match(label, /^[a-z]+(_[a-z]+)*$/, name);
      assert.doesNotMatch(
        label,
        /^(qname|query|client|name_server|le|quantile|job|instance)$/,
        `${name}: ${label}`,
      );
    }
  }
  const families = rows.map(([n, r]) => familyOf(n, r));
  assert.equal(new Set(families).size, families.length);
});

test('numbers as the format wants them', () => {
  const of = (value: number) => expose([{ name: 'gtm_ready', labels: {}, value }]).split('\n')[2];
  assert.equal(of(Number.NaN), 'gtm_ready NaN');
  assert.equal(of(Number.POSITIVE_INFINITY), 'gtm_ready +Inf');
  assert.equal(of(Number.NEGATIVE_INFINITY), 'gtm_ready -Inf');
  assert.equal(of(1e21), 'gtm_ready 1e+21');
});

test('what the answer path counts has its row here, with the same labels', () => {
  for (const { key, metric, labels } of [...COUNTERS, ...NET_COUNTERS]) {
    const row: MetricRow | undefined = METRICS[metric as MetricName];
    assert.ok(row !== undefined, `${key}: ${metric} has no row`);
    assert.deepEqual(Object.keys(labels).sort(), [...row.labels].sort(), key);
  }
});
