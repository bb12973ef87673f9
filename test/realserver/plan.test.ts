// The rules for a real server behind a tunnel, which need devices that not every kernel has: over facts made up.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { plan } from '../../src/realserver/plan.ts';
import { actionText, type Facts, type Link, type Wish } from '../../src/realserver/wish.ts';

const ETH: Link = { name: 'eth0', mtu: 1500, up: true, broadcast: true };
const LO: Link = { name: 'lo', mtu: 65_536, up: true, broadcast: false };
const TUNNEL: Link = { name: 'gtm-ipip', mtu: 1480, up: true, broadcast: false, kind: 'ipip' };
const QUIET = { 'net.ipv4.conf.all.arp_ignore': '1', 'net.ipv4.conf.all.arp_announce': '2' };

function facts(over: Partial<Omit<Facts, 'sysctl'>> = {}, sysctl: Record<string, string> = {}): Facts {
  const words = ['default', 'via', '203.0.113.1', 'dev', 'eth0'];
  const values: Record<string, string> = { ...QUIET, ...sysctl };
  return {
    links: [LO, ETH],
    addresses: [{ device: 'eth0', address: '203.0.113.11', prefix: 24 }],
    routes: [
      {
        family: 4,
        to: 'default',
        via: '203.0.113.1',
        device: 'eth0',
        advmss: 1440,
        words: [...words, 'advmss', '1440'],
      },
    ],
    fou: [],
    wayTo: new Map(),
    sysctl: key => values[key],
    ...over,
  };
}

function found(over: Partial<Wish>, on: Facts): string[] {
  const wish: Wish = {
    mode: 'tun',
    vips: ['192.0.2.10'],
    directors: [],
    interface: 'eth0',
    tunnel: 'ipip',
    port: 6080,
    ...over,
  };
  return plan(wish, on).map(f => [f.name, ...f.steps.map(s => actionText(s.do))].join(' | '));
}

const onTunnel = { device: 'gtm-ipip', address: '192.0.2.10', prefix: 32 };
const onLo = { device: 'lo', address: '192.0.2.10', prefix: 32 };
const outer = { device: 'eth0', address: '203.0.113.11', prefix: 24 };
const ADD = 'ip link add name';
const ENDS = 'local 203.0.113.11 remote any';
const VIP_ADDED = 'vip-missing | ip address add 192.0.2.10/32 dev gtm-ipip';

describe('a real server behind a tunnel', () => {
  it('gets a device for each way to wrap, and GUE its port', () => {
    const device = (name: string, type: string) =>
      `tunnel-device | ${ADD} ${name} type ${type} ${ENDS} | ip link set ${name} up`;
    assert.deepEqual(found({}, facts()), [device('gtm-ipip', 'ipip'), VIP_ADDED]);
    assert.deepEqual(found({ vips: ['192.0.2.10', '2001:db8::10'] }, facts()).slice(0, 4), [
      device('gtm-ipip', 'ipip'),
      device('gtm-sit', 'sit'),
      VIP_ADDED,
      'vip-missing | ip address add 2001:db8::10/128 dev lo',
    ]);
    assert.equal(found({ tunnel: 'gre' }, facts())[0], device('gtm-gre', 'gre'));
    assert.equal(found({ tunnel: 'gue', port: 7000 }, facts())[0], 'gue-port | ip fou add port 7000 gue');
    assert.match(
      found({ tunnel: 'gue' }, facts({ fou: undefined }))[0],
      /^gue-port \| modprobe fou \| ip fou add/,
    );
    assert.equal(
      found({ tunnel: 'gue' }, facts({ fou: [{ port: 6080, six: false }] }))[0],
      device('gtm-ipip', 'ipip'),
    );
    const six = facts({ addresses: [{ device: 'eth0', address: '2001:db8:1::11', prefix: 64 }] });
    assert.match(found({}, six)[0], /gtm-ip6 type ip6tnl mode any local 2001:db8:1::11 remote any/);
    const received = { ...six, fou: [{ port: 6080, six: false }] };
    assert.match(found({ tunnel: 'gue' }, received)[0], /ip fou add port 6080 gue -6/);
    assert.match(found({}, facts({ addresses: [] }))[0], /^no-address/);
  });

  it('a device that is up is taken, whatever its name', () => {
    const links = [LO, ETH, { ...TUNNEL, name: 'tunl0' }];
    assert.deepEqual(found({}, facts({ links })), ['vip-missing | ip address add 192.0.2.10/32 dev tunl0']);
    assert.deepEqual(
      found({}, facts({ links: [LO, ETH, { ...TUNNEL, up: false }], addresses: [outer, onTunnel] })),
      ['tunnel-device | ip link set gtm-ipip up'],
    );
  });

  it('a tunnel to somebody else takes nothing of a director', () => {
    const device = (over: Partial<Link>) => facts({ links: [LO, ETH, { ...TUNNEL, ...over }] });
    const lacks = (on: Facts, wish: Partial<Wish> = {}) => found(wish, on)[0].startsWith('tunnel-device');
    assert.equal(lacks(device({ name: 'office', remote: '198.51.100.9', local: 'any' })), true);
    assert.equal(lacks(device({ name: 'office', remote: 'any', local: '203.0.113.99' })), true);
    assert.equal(lacks(device({ name: 'tunl0', remote: 'any', local: 'any' })), false);
    assert.equal(lacks(device({ remote: 'any', local: '203.0.113.11' })), false);
    // Our own device, made for another address: nothing that could be done by itself.
    assert.deepEqual(found({}, device({ remote: 'any', local: '203.0.113.99' }))[0], 'tunnel-device');
  });

  it('the outer header is of the family of the address that the director sends to', () => {
    const both = facts({
      addresses: [outer, { device: 'eth0', address: '2001:db8:1::11', prefix: 64 }],
      links: [LO, ETH, { ...TUNNEL, name: 'six', kind: 'ip6tnl', carries: 'ip6ip6' }],
    });
    assert.match(found({}, both)[0], /type ipip local 203\.0\.113\.11/);
    // The device that is there carries IPv6 alone.
    const six = { address: '2001:db8:1::11' };
    assert.match(found(six, both)[0], /gtm-ip6 type ip6tnl mode any local 2001:db8:1::11/);
    assert.doesNotMatch(found({ ...six, vips: ['2001:db8::10'] }, both)[0], /tunnel-device/);
    assert.match(found({ ...six, tunnel: 'gre' }, both)[0], /gtm-gre6 type ip6gre local 2001:db8:1::11/);
    assert.match(found({ address: '203.0.113.12' }, both)[0], /^no-address/);
  });

  it('the filter: strict drops; loose drops where the device has no address; on lo the VIP will do without a filter alone', () => {
    const links = [LO, ETH, TUNNEL];
    const all = (value: string) => ({ 'net.ipv4.conf.all.rp_filter': value });
    const loose = { ...all('1'), 'net.ipv4.conf.gtm-ipip.rp_filter': '2' };
    assert.deepEqual(found({}, facts({ links, addresses: [outer, onTunnel] }, all('1'))), [
      'rp-filter | sysctl -w net.ipv4.conf.gtm-ipip.rp_filter=2',
    ]);
    assert.deepEqual(found({}, facts({ links, addresses: [outer, onTunnel] }, loose)), []);
    assert.deepEqual(found({}, facts({ links, addresses: [outer, onLo] }, loose)), [VIP_ADDED]);
    assert.deepEqual(found({}, facts({ links, addresses: [outer, onLo] }, all('0'))), []);
    assert.deepEqual(found({}, facts({}, all('1'))).slice(1), [
      'rp-filter | sysctl -w net.ipv4.conf.gtm-ipip.rp_filter=2',
      VIP_ADDED,
    ]);
  });

  it('segments leave the outer header its room, unless the links have it', () => {
    const words = ['default', 'via', '203.0.113.1', 'dev', 'eth0', 'proto', 'dhcp', 'metric', '100'];
    const routes = [
      { family: 4 as const, to: 'default', via: '203.0.113.1', device: 'eth0', metric: 100, words },
    ];
    const ready = { links: [LO, ETH, TUNNEL], addresses: [outer, onTunnel] };
    const step = (most: number) => [`mtu | ip route replace ${words.join(' ')} advmss ${most}`];
    assert.deepEqual(found({}, facts({ ...ready, routes })), step(1440));
    const gue = { ...ready, fou: [{ port: 6080, six: false }], routes };
    assert.deepEqual(found({ tunnel: 'gue' }, facts(gue)), step(1428));
    const jumbo = { ...ready, links: [LO, { ...ETH, mtu: 9000 }, TUNNEL] };
    const most = [{ ...routes[0], advmss: 1460 }];
    assert.deepEqual(found({}, facts({ ...jumbo, routes: most })), []);
  });
});
