// A real server in a network namespace: each known mistake is made on purpose, seen by a client, and found by its name; what
// setup did is gone after undo. Tunnel devices and IPVS itself are played in a real kernel elsewhere (npm run oracle:plane).
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Host, Lab, until } from '../lab/hosts.ts';

const GTM = join(import.meta.dirname, '..', '..', 'src', 'main.js');
const VIP = '10.2.0.100';
const VIP6 = '2001:db8:2::100';

describe('gtm realserver on a host of its own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'realserver-'));
  const state = join(folder, 'state.json');
  let lab: Lab;
  let rs: Host;
  let neighbour: Host;

  before(() => {
    lab = new Lab();
    [rs, neighbour] = ['rs', 'neighbour'].map(n => lab.host(n));
    lab.link(
      { host: rs, name: 'eth0', addresses: ['10.2.0.11/24', '2001:db8:2::11/64'] },
      { host: neighbour, name: 'eth0', addresses: ['10.2.0.254/24', '2001:db8:2::254/64'] },
    );
    rs.ip('route', 'add', 'default', 'via', '10.2.0.254');
    rs.ip('-6', 'route', 'add', 'default', 'via', '2001:db8:2::254');
  });
  after(async () => {
    await lab.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const gtm = (...args: string[]) => rs.run(process.execPath, [GTM, 'realserver', ...args]);
  const faults = async (...wish: string[]) => {
    const { code, out, err } = await gtm('check', '--json', ...wish);
    const { findings } = JSON.parse(out || `{"findings":[{"name":${JSON.stringify(err)}}]}`) as {
      findings: { name: string; level: string }[];
    };
    assert.equal(code, findings.some(f => f.level === 'error') ? 1 : 0);
    return findings.map(f => f.name);
  };
  const look = async () => {
    const what =
      'ip -o addr; ip route; ip -6 route; ip -o link; ip rule; grep -rs . /proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf | sort';
    return (await rs.run('sh', ['-c', what])).out.replaceAll(/ tentative| expires \d+sec| valid_lft.*/g, '');
  };
  /** Whether somebody on the link answers for the VIP. */
  const answersArp = async () => {
    neighbour.ip('neigh', 'flush', 'all');
    await neighbour.run('ping', ['-c1', '-W1', VIP]);
    return /lladdr/.test(neighbour.ip('neigh', 'show', VIP));
  };

  it('dr: a bare host lacks everything; setup tells first, then does, then has nothing to do; undo leaves nothing', async () => {
    const wish = ['--mode', 'dr', '--vip', `${VIP},${VIP6}`, '--interface', 'eth0'];
    const bare = await look();
    assert.deepEqual(await faults(...wish), [
      'vip-answers-arp',
      'vip-in-arp-requests',
      'vip-missing',
      'vip-missing',
    ]);
    const told = await gtm('setup', '--state', state, ...wish);
    assert.match(told.out, /^# arp_ignore is 0 .*\nsysctl -w net\.ipv4\.conf\.all\.arp_ignore=1\n/);
    assert.match(told.err, /4 steps; nothing was done/);
    assert.equal(await look(), bare);
    assert.equal((await gtm('setup', '--yes', '--state', state, ...wish)).code, 0);
    assert.deepEqual(await faults(...wish), []);
    assert.equal(await answersArp(), false);
    assert.match((await gtm('setup', '--yes', '--state', state, ...wish)).err, /nothing to do/);

    // Mistakes, one after the other.
    rs.sysctl('net.ipv4.conf.all.arp_ignore', 0);
    assert.deepEqual(await faults(...wish), ['vip-answers-arp']);
    assert.equal(await answersArp(), true);
    rs.sysctl('net.ipv4.conf.all.arp_ignore', 1);
    rs.ip('addr', 'add', `${VIP}/24`, 'dev', 'eth0');
    assert.deepEqual(await faults(...wish), ['vip-answers-arp']);
    assert.equal(await answersArp(), true);
    rs.ip('addr', 'del', `${VIP}/24`, 'dev', 'eth0');
    rs.sysctl('net.ipv4.conf.all.arp_announce', 0);
    assert.deepEqual(await faults(...wish), ['vip-in-arp-requests']);
    rs.sysctl('net.ipv4.conf.all.arp_announce', 2);
    rs.ip('addr', 'del', `${VIP}/32`, 'dev', 'lo');
    rs.ip('addr', 'add', `${VIP}/24`, 'dev', 'lo');
    assert.deepEqual(await faults(...wish), ['vip-prefix', 'vip-missing']);
    assert.equal((await gtm('setup', '--yes', '--state', state, ...wish)).code, 0);
    assert.deepEqual(await faults(...wish), []);
    rs.ip('addr', 'del', `${VIP6}/128`, 'dev', 'lo');
    assert.deepEqual(await faults(...wish), ['vip-missing']);
    rs.ip('route', 'del', 'default');
    assert.deepEqual(await faults(...wish), ['vip-missing', 'default-route']);
    rs.ip('route', 'add', 'default', 'via', '10.2.0.254');

    // What a person took away meanwhile is no fault of undo; what it put back is taken away by that person.
    const undone = await gtm('undo', '--yes', '--state', state);
    assert.equal(undone.code, 0, undone.err);
    rs.ip('addr', 'del', `${VIP}/24`, 'dev', 'lo');
    assert.equal(await look(), bare);
    assert.match((await gtm('undo', '--yes', '--state', state)).err, /nothing to undo/);
  });

  it('dr: a strict filter on the way in, where the way back is another link', async () => {
    const wish = ['--mode', 'dr', '--vip', VIP, '--interface', 'eth0'];
    assert.equal((await gtm('setup', '--yes', '--state', state, ...wish)).code, 0);
    rs.ip('link', 'add', 'out0', 'type', 'veth', 'peer', 'name', 'out1');
    for (const d of ['out0', 'out1']) rs.ip('link', 'set', d, 'up');
    rs.ip('addr', 'add', '10.3.0.1/24', 'dev', 'out0');
    rs.ip('route', 'replace', 'default', 'via', '10.3.0.2');
    assert.deepEqual(await faults(...wish), []);
    rs.sysctl('net.ipv4.conf.eth0.rp_filter', 1);
    assert.deepEqual(await faults(...wish), ['rp-filter']);
    rs.sysctl('net.ipv4.conf.eth0.rp_filter', 2);
    assert.deepEqual(await faults(...wish), []);
    rs.sysctl('net.ipv4.conf.eth0.rp_filter', 0);
    rs.ip('link', 'del', 'out0');
    rs.ip('route', 'add', 'default', 'via', '10.2.0.254');
    assert.equal((await gtm('undo', '--yes', '--state', state)).code, 0);
  });

  it('nat: the director becomes the gateway, and nothing teaches a way past it', async () => {
    const wish = ['--mode', 'nat', '--vip', `${VIP},${VIP6}`, '--director', '10.2.0.1,2001:db8:2::1'];
    rs.ip('route', 'replace', 'default', 'via', '10.2.0.254', 'proto', 'static', 'mtu', '1400');
    const bare = await look();
    assert.deepEqual(await faults(...wish), ['redirects', 'default-route', 'default-route']);
    assert.equal((await gtm('setup', '--yes', '--state', state, ...wish)).code, 0);
    assert.deepEqual(await faults(...wish), []);
    assert.match(rs.ip('route'), /default via 10\.2\.0\.1 dev eth0/);
    rs.sysctl('net.ipv4.conf.eth0.accept_redirects', 1);
    assert.deepEqual(await faults(...wish), ['redirects']);
    rs.sysctl('net.ipv4.conf.eth0.accept_redirects', 0);
    rs.ip('route', 'del', 'default');
    assert.deepEqual(await faults(...wish), ['default-route']);
    rs.ip('addr', 'add', `${VIP}/32`, 'dev', 'lo');
    assert.deepEqual(await faults(...wish), ['default-route', 'vip-not-wanted']);
    rs.ip('addr', 'del', `${VIP}/32`, 'dev', 'lo');
    const undone = await gtm('undo', '--yes', '--state', state);
    assert.equal(undone.code, 0, undone.err);
    assert.equal(await look(), bare);
    const { code, err } = await gtm('check', '--mode', 'nat', '--vip', VIP);
    assert.equal(code, 1);
    assert.match(err, /say --director/);
  });

  it('nat: a redirect is believed by a bare host, forgotten by setup, and not heard any more', async () => {
    const wish = ['--mode', 'nat', '--vip', VIP, '--director', '10.2.0.254'];
    const way = () => rs.ip('route', 'get', '198.51.100.7').replaceAll(/\s+/g, ' ');
    const router = lab.host('router');
    lab.bridge(neighbour, 'br0');
    lab.link(
      { host: router, name: 'eth0', addresses: ['10.2.0.253/24'] },
      { host: neighbour, name: 'p1', bridge: 'br0' },
    );
    // The link of the tests becomes a port of a switch, so that there may be a third host on it.
    neighbour.ip('addr', 'flush', 'dev', 'eth0');
    neighbour.ip('link', 'set', 'eth0', 'master', 'br0');
    neighbour.ip('addr', 'add', '10.2.0.254/24', 'dev', 'br0');
    neighbour.ip('addr', 'add', '2001:db8:2::254/64', 'dev', 'br0');
    neighbour.ip('route', 'add', '198.51.100.0/24', 'via', '10.2.0.253');
    neighbour.sysctl('net.ipv4.ip_forward', 1);
    for (const d of ['all', 'br0']) neighbour.sysctl(`net.ipv4.conf.${d}.send_redirects`, 1);
    rs.ip('route', 'replace', 'default', 'via', '10.2.0.254');
    const taught = async (count: number) => {
      await rs.run('ping', ['-c', String(count), '-i', '0.2', '-W', '1', '198.51.100.7']);
      return / via 10\.2\.0\.253 /.test(way());
    };
    await until('the server takes the shorter way', () => taught(2), 20_000);
    assert.deepEqual(await faults(...wish), ['redirects']);
    assert.equal((await gtm('setup', '--yes', '--state', state, ...wish)).code, 0);
    assert.deepEqual(await faults(...wish), []);
    assert.match(way(), / via 10\.2\.0\.254 /);
    assert.equal(await taught(4), false);
    assert.equal((await gtm('undo', '--yes', '--state', state)).code, 0);
    for (const d of ['all', 'br0']) neighbour.sysctl(`net.ipv4.conf.${d}.send_redirects`, 0);
    rs.ip('route', 'flush', 'cache');
  });

  it('fullnat: a way to the local addresses is all it takes', async () => {
    const wish = ['--mode', 'fullnat', '--vip', VIP, '--director', '10.9.0.1', '--interface', 'eth0'];
    assert.deepEqual(await faults(...wish), []);
    rs.ip('route', 'del', 'default');
    assert.deepEqual(await faults(...wish), ['no-way-to-director']);
    rs.ip('route', 'add', 'default', 'via', '10.2.0.254');
    // The way back is another link than packets come in by, and that is strict.
    rs.ip('link', 'add', 'out0', 'type', 'veth', 'peer', 'name', 'out1');
    for (const d of ['out0', 'out1']) rs.ip('link', 'set', d, 'up');
    rs.ip('addr', 'add', '10.3.0.1/24', 'dev', 'out0');
    rs.ip('route', 'add', '10.9.0.1', 'via', '10.3.0.2');
    assert.deepEqual(await faults(...wish), []);
    rs.sysctl('net.ipv4.conf.eth0.rp_filter', 1);
    assert.deepEqual(await faults(...wish), ['rp-filter']);
    assert.equal((await gtm('setup', '--yes', '--state', state, ...wish)).code, 0);
    assert.deepEqual(await faults(...wish), []);
    assert.equal((await gtm('undo', '--yes', '--state', state)).code, 0);
    assert.deepEqual(await faults(...wish), ['rp-filter']);
    rs.sysctl('net.ipv4.conf.eth0.rp_filter', 0);
    rs.ip('link', 'del', 'out0');
  });

  it('tun: what is missing, in the order of doing; a kernel without the device says which module', async () => {
    const wish = ['--mode', 'tun', '--vip', `${VIP},${VIP6}`, '--interface', 'eth0'];
    const found = await faults(...wish);
    assert.deepEqual(found.slice(0, 4), [
      'vip-answers-arp',
      'vip-in-arp-requests',
      'tunnel-device',
      'tunnel-device',
    ]);
    assert.deepEqual(found.slice(-4), ['mtu', 'mtu', 'vip-missing', 'vip-missing']);
    const { code, err } = await gtm('setup', '--yes', '--state', state, ...wish);
    if (code !== 0) assert.match(err, /this kernel has no ipip devices: modprobe ipip/);
    const undone = await gtm('undo', '--yes', '--state', state);
    assert.equal(undone.code, 0, undone.err);
    assert.deepEqual(await faults(...wish), found);
  });

  it('decap: every wrapping is taken out for the VIPs, and nothing else; the device goes with it', async () => {
    rs.sysctl('net.ipv4.conf.all.rp_filter', 1);
    const decap = rs.start(process.execPath, [GTM, 'realserver', 'decap', '--vip', `${VIP},${VIP6}`]);
    await decap.says(/takes IPIP, GRE/, 20_000);
    const script =
      "for (const [f, a] of [['udp4','0.0.0.0'],['udp6','::']]) require('dgram').createSocket({type:f,ipv6Only:f==='udp6'}).on('message', m => process.stdout.write(m)).bind(9999, a, () => process.stdout.write('bound '))";
    const server = rs.start(process.execPath, ['-e', script]);
    await server.says(/bound bound/);
    const ends = ['10.2.0.11', '2001:db8:2::11', VIP, VIP6, '10.2.0.254', '2001:db8:2::254'];
    const sent = await neighbour.run(process.execPath, [
      join(import.meta.dirname, 'decap-child.js'),
      ...ends,
    ]);
    assert.equal(sent.code, 0, sent.err);
    await server.says(/last/);
    const came = server
      .output()
      .split(' ')
      .filter(w => w !== '' && w !== 'bound');
    const wanted = ['ipip', '6in4', '4in6', '6in6', 'gre', 'gre-key', 'gue', 'gue-fields', 'last'];
    assert.deepEqual(came.sort(), wanted.sort());
    // With that device up a tunnel needs no other.
    const found = await faults(
      '--mode',
      'tun',
      '--tunnel',
      'gue',
      '--vip',
      `${VIP},${VIP6}`,
      '--interface',
      'eth0',
    );
    assert.ok(!found.some(f => /tunnel-device|gue-port|rp-filter/.test(f)), `${found}`);
    assert.equal(await decap.stop(), 0);
    assert.doesNotMatch(rs.ip('link'), /gtm-decap/);
    rs.sysctl('net.ipv4.conf.all.rp_filter', 0);
  });
});
