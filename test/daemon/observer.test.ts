// What is probed, and one verdict on a real server from all the ways in which it is asked.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Observer } from '../../src/daemon/observer.ts';
import { targetsOf } from '../../src/daemon/targets.ts';
import { loadConfig } from '../../src/model/load.ts';
import type { Config } from '../../src/model/schema.ts';

function cluster(forward: string, more: { plane?: string; protocol?: string; check?: string } = {}): Config {
  const { plane = 'xdp', protocol = 'tcp', check = '{ tcp: {}, rise: 1, fall: 2 }' } = more;
  const { config, diagnostics } = loadConfig(
    `cluster: c
sites: { fra: {} }
nodes: { a: { site: fra, admin: { listen: 127.0.0.1:8053 }, director: { plane: ${plane} } } }
zones: {}
vips:
  web:
    site: fra
    addresses: [192.0.2.10, "2001:db8::10"]
    services:
      - { protocol: ${protocol}, port: 80, forward: ${forward}, check: ${check}, real_servers: [{ address: 192.0.2.11, port: 80 }, { address: "2001:db8::11", port: 80 }] }
`,
    'gtm.yaml',
    {},
    () => undefined,
  );
  assert.ok(config, JSON.stringify(diagnostics));
  return config;
}
const vias = (config: Config) =>
  targetsOf(config, 'a').flatMap(t => (t.via === undefined ? [] : [`${t.address} on ${t.via.server}`]));

test('servers of DR and TUN are asked for the VIPs too: of their family, or through the tunnel of each', () => {
  const four = '192.0.2.10 on 192.0.2.11';
  const six = '2001:db8::10 on 2001:db8::11';
  assert.deepEqual(vias(cluster('dr')), [four, six]);
  assert.deepEqual(vias(cluster('dr', { plane: 'ipvs' })), [four, six]);
  assert.deepEqual(vias(cluster('tun')), [
    four,
    '2001:db8::10 on 192.0.2.11',
    '192.0.2.10 on 2001:db8::11',
    six,
  ]);
  assert.deepEqual(vias(cluster('nat')), []);
  assert.deepEqual(vias(cluster('dr', { plane: 'proxy' })), []);
  assert.deepEqual(vias(cluster('dr', { check: '{ tcp: {}, forwarded: false }' })), []);
  const udp = (check: string) => vias(cluster('dr', { protocol: 'udp', check }));
  assert.deepEqual(udp('{ udp: { send: x } }'), [four, six]);
  assert.deepEqual(udp('{ icmp: {} }'), []);
  const [own, via] = targetsOf(cluster('tun', { check: '{ http: { port: 81 }, fall: 2 }' }), 'a');
  assert.deepEqual([own.port, own.check.fall], [81, 2]);
  // Who is gone is to be told by the check at its own address.
  assert.deepEqual([via.port, via.check.fall, via.of], [80, 3, own.id]);
  assert.deepEqual(via.via, {
    protocol: 'tcp',
    server: '192.0.2.11',
    tunnel: { type: 'ipip', port: 6080, checksum: false },
  });
});

test('a server is down when it does not answer for a VIP, and says what it lacks', () => {
  let now = 0;
  const observer = new Observer(cluster('dr'), 'a', { mono: () => now, wall: () => now }, new Map());
  const id = 'rs web tcp/80 192.0.2.11:80';
  const via = `${id} via 192.0.2.10`;
  const say = (of: string, ok: boolean, text: string) => {
    now += 1000;
    const changed = observer.result(of, ok, text);
    return changed && `${changed.was} → ${changed.verdict.state}: ${changed.result}`;
  };
  const shown = () => observer.realServers('web')[0];
  const capacity = () => observer.capacities().get('web');
  assert.equal(observer.settled, false);
  assert.equal(say(id, true, 'tcp connected'), 'unknown → up: tcp connected');
  assert.equal(say(via, true, 'answers'), undefined);
  for (const of of ['rs web tcp/80 [2001:db8::11]:80', 'rs web tcp/80 [2001:db8::11]:80 via 2001:db8::10'])
    say(of, true, 'fine');
  assert.equal(observer.settled, true);
  assert.equal(capacity()?.capacity, 1);
  assert.equal(say(via, false, 'no answer in 300ms'), undefined);
  assert.equal(say(via, false, 'no answer in 300ms'), undefined);
  const lacks =
    'answers at its own address, but not for VIP 192.0.2.10 (no answer in 300ms): has it the VIP on lo?';
  assert.equal(say(via, false, 'no answer in 300ms'), `up → down: ${lacks}`);
  assert.equal(observer.isDown('web', 0, '192.0.2.11:80'), true);
  assert.equal(observer.isDown('web', 0, '[2001:db8::11]:80'), false);
  assert.equal(capacity()?.capacity, 0);
  assert.deepEqual([shown().state, shown().for, shown().result], ['down', 0, lacks]);
  assert.deepEqual(shown().vias, [{ vip: '192.0.2.10', state: 'down', result: 'no answer in 300ms' }]);
  // It dies altogether: no news, but another reason.
  assert.equal(say(id, false, 'connect ECONNREFUSED'), undefined);
  assert.match(
    shown().result,
    /^does not answer for VIP 192\.0\.2\.10 \(no answer in 300ms\): has it the VIP/,
  );
  assert.equal(say(id, false, 'connect ECONNREFUSED'), undefined);
  assert.equal(shown().result, 'connect ECONNREFUSED');
  // It comes back with the VIP and without the service on it, then with both.
  assert.equal(say(via, false, 'refused'), undefined);
  assert.equal(say(id, true, 'tcp connected'), undefined);
  assert.equal(
    shown().result,
    'answers at its own address, but refuses connections for VIP 192.0.2.10: does its service listen on that?',
  );
  assert.equal(say(via, true, 'answers for VIP 192.0.2.10 in 1 ms'), 'down → up: tcp connected');
  assert.deepEqual([shown().state, shown().for, capacity()?.capacity], ['up', 0, 1]);
  assert.equal(say(via, true, 'not asked as clients are: no raw packets here in 1 ms'), undefined);
  assert.equal(shown().result, 'tcp connected; not asked as clients are: no raw packets here');
});

test('what a server lacks is told by the kind of its way', () => {
  const clock = { mono: () => 0, wall: () => 0 };
  const said = (config: Config) => {
    const observer = new Observer(config, 'a', clock, new Map());
    for (const { id, via } of observer.targets()) observer.result(id, via === undefined, 'silence');
    return observer.realServers('web')[0].result.replace(/^.*192\.0\.2\.10 /, '');
  };
  assert.equal(
    said(cluster('tun', { check: '{ tcp: {} }' })),
    '(silence): has it the VIP, and does it take ipip out?',
  );
  assert.equal(
    said(cluster('dr', { protocol: 'udp', check: '{ udp: { send: x } }' })),
    '(silence): has it the VIP on lo? Does its service listen on that?',
  );
});

test('verdicts of both ways are kept over a restart, and a way that is new says nothing at first', () => {
  const clock = { mono: () => 5000, wall: () => 5000 };
  const first = new Observer(
    cluster('dr', { check: '{ tcp: {}, forwarded: false }' }),
    'a',
    clock,
    new Map(),
  );
  for (const { id } of first.targets()) first.result(id, true, 'fine');
  assert.equal(first.capacities().get('web')?.capacity, 1);
  first.set(cluster('dr'));
  assert.equal(first.capacities().get('web')?.capacity, 1);
  first.result('rs web tcp/80 192.0.2.11:80 via 192.0.2.10', false, 'no answer in 1s');
  const second = new Observer(cluster('dr'), 'a', clock, new Map(Object.entries(first.save())));
  assert.equal(second.isDown('web', 0, '192.0.2.11:80'), true);
  assert.equal(second.isDown('web', 0, '[2001:db8::11]:80'), false);
});
