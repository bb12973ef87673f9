// Whole stories in the kernel under test: `gtm serve` with plane: ipvs between hosts. Every known mistake is made on a real
// server, seen in what the client gets, and named.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../lab/hosts.ts';
import { difference, scratch } from './plane-kit.ts';
import { ask, faults, GTM, gtm, known, RS, setup, stage, VIP, VIP6 } from './plane-stage.ts';

export const STORIES: Record<string, () => Promise<string | undefined>> = {
  'gtm serve drives IPVS, clients are served in DR, NAT and TUN, and mistakes are named': async () => {
    const all = stage();
    const { lab, client, router, director, rs, config } = all;
    const state = scratch();
    try {
      const servers = Object.entries(rs).map(([name, host]) =>
        host.start(process.execPath, [GTM, 'real-server', '--name', name, '--listen', '[::]:80']),
      );
      const node = director.start(process.execPath, [GTM, 'serve', '--node', 'd1', '-c', config]);
      await Promise.all(servers.map(s => s.says(/listens/, 30_000)));
      const ipvsadm = async () => {
        const { out } = await director.run('ipvsadm', ['-Ln']);
        return out.slice(out.indexOf('\n') + 1);
      };
      const up = async () => (await ipvsadm()).match(/(Route|Tunnel|Masq) +1 /g)?.length === 7;
      await until('all are up', up, 30_000).catch(async e => {
        throw new Error(`${e}\n${await ipvsadm()}\n${node.output()}`);
      });
      const seen: string[] = [];

      // DR: nothing is prepared yet.
      const dr = ['--mode', 'dr', '--vip', `${VIP.dr},${VIP6}`];
      assert.equal(await ask(client, VIP.dr), '-');
      assert.deepEqual(await faults(rs.rs1, ...dr), [
        'vip-answers-arp',
        'vip-in-arp-requests',
        'vip-missing',
        'vip-missing',
      ]);
      await Promise.all([setup(rs.rs1, join(state, '1'), ...dr), setup(rs.rs2, join(state, '2'), ...dr)]);
      assert.deepEqual(await faults(rs.rs1, ...dr), []);
      const names = [await ask(client, VIP.dr), await ask(client, VIP.dr)].sort();
      assert.deepEqual(names, ['rs1', 'rs2'], 'round robin');
      assert.equal(await ask(client, VIP6), 'rs1');
      // Each mistake by itself: what clients get of two that answer in turn, and how it is called.
      const mistake = async (make: () => void, mend: () => void, name: string) => {
        make();
        assert.deepEqual(await faults(rs.rs1, ...dr), [name]);
        assert.deepEqual([await ask(client, VIP.dr), await ask(client, VIP.dr)].sort(), ['-', 'rs2'], name);
        mend();
      };
      const onLo = (verb: 'add' | 'del') => () => void rs.rs1.ip('addr', verb, `${VIP.dr}/32`, 'dev', 'lo');
      await mistake(onLo('del'), onLo('add'), 'vip-missing');
      const route = (verb: 'add' | 'del') => () =>
        void rs.rs1.ip('route', verb, 'default', 'via', '10.2.0.254');
      await mistake(route('del'), route('add'), 'default-route');
      // Who else answers for the VIP is seen while the director does not.
      director.ip('addr', 'del', `${VIP.dr}/32`, 'dev', 'eth0');
      const forget = () => void router.ip('neigh', 'flush', 'to', VIP.dr);
      forget();
      assert.equal(await ask(client, VIP.dr, 1000), '-', 'prepared servers are silent');
      rs.rs1.sysctl('net.ipv4.conf.all.arp_ignore', 0);
      assert.deepEqual(await faults(rs.rs1, ...dr), ['vip-answers-arp']);
      forget();
      assert.equal(await ask(client, VIP.dr), 'rs1', 'past the director');
      rs.rs1.sysctl('net.ipv4.conf.all.arp_ignore', 1);
      director.ip('addr', 'add', `${VIP.dr}/32`, 'dev', 'eth0');
      forget();
      seen.push('dr');

      // NAT: without the director as its gateway the answer goes past it.
      const nat = ['--mode', 'nat', '--vip', VIP.nat, '--director', '10.2.0.1'];
      assert.equal(await ask(client, VIP.nat), '-');
      assert.deepEqual(await faults(rs.rs3, ...nat), ['redirects', 'default-route']);
      await setup(rs.rs3, join(state, '3'), ...nat);
      assert.equal(await ask(client, VIP.nat), 'rs3');
      // The director tells of a shorter way, and the server believes it.
      for (const d of ['all', 'eth0']) {
        director.sysctl(`net.ipv4.conf.${d}.send_redirects`, 1);
        rs.rs3.sysctl(`net.ipv4.conf.${d}.accept_redirects`, 1);
      }
      // TCP does not listen to that while it connects; what else goes there does.
      const past = async () => {
        await rs.rs3.run('ping', ['-c', '4', '-i', '0.3', '-W', '1', '10.1.0.2']);
        return (await ask(client, VIP.nat, 1000)) === '-';
      };
      await until('answers go past the director', past, 30_000);
      assert.match(rs.rs3.ip('route', 'get', '10.1.0.2'), / via 10\.2\.0\.254 /);
      assert.deepEqual(await faults(rs.rs3, ...nat), ['redirects']);
      await setup(rs.rs3, join(state, '3'), ...nat);
      assert.equal(await ask(client, VIP.nat), 'rs3', 'what it was taught is forgotten');
      for (const d of ['all', 'eth0']) director.sysctl(`net.ipv4.conf.${d}.send_redirects`, 0);
      seen.push('nat');

      // TUN, in every coat; the filter of the reverse path is strict.
      for (const d of ['all', 'default']) rs.rs1.sysctl(`net.ipv4.conf.${d}.rp_filter`, 1);
      for (const type of ['ipip', 'gue', 'gre'] as const) {
        const tun = ['--mode', 'tun', '--tunnel', type, '--vip', VIP[type], '--interface', 'eth0'];
        assert.equal(await ask(client, VIP[type], 1000), '-');
        const found = await faults(rs.rs1, ...tun);
        if (type !== 'gue') assert.deepEqual(found.slice(0, 2), ['tunnel-device', 'rp-filter']);
        else assert.equal(found[0], 'gue-port');
        // GUE's header is the largest: what was set for it has room for GRE's.
        assert.ok(found.includes('mtu') === (type !== 'gre') && found.includes('vip-missing'), `${found}`);
        await setup(rs.rs1, join(state, '1'), ...tun);
        assert.equal(await ask(client, VIP[type]), 'rs1', type);
        seen.push(type);
      }
      const tun = ['--mode', 'tun', '--vip', VIP.ipip, '--interface', 'eth0'];
      rs.rs1.sysctl('net.ipv4.conf.gtm-ipip.rp_filter', 1);
      assert.deepEqual(await faults(rs.rs1, ...tun), ['rp-filter']);
      assert.equal(
        await ask(client, VIP.ipip, 1000),
        '-',
        'a strict filter drops what comes out of the tunnel',
      );
      rs.rs1.sysctl('net.ipv4.conf.gtm-ipip.rp_filter', 2);

      // What is listed, counted and open is what ipvsadm says.
      const { out: ours } = await gtm(director, 'lvs', 'ls', '-n');
      assert.equal(
        difference(
          ours.replaceAll(/ +\d+ +\d+ *$/gm, ''),
          (await ipvsadm()).replaceAll(/ +\d+ +\d+ *$/gm, ''),
        ),
        undefined,
      );
      const { out: stats } = await gtm(director, 'lvs', 'ls', '-n', '--stats', '--exact');
      const counted =
        /TCP {2}10\.2\.0\.104:80 +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)/.exec(stats)?.slice(1).map(Number) ?? [];
      assert.ok(counted.length === 5 && counted.every(n => n > 0), stats);
      const { out: conns } = await gtm(director, 'lvs', 'ls', '--conns');
      assert.match(conns, /TCP +\d\d:\d\d +\w+ +10\.1\.0\.2:\d+ +10\.2\.0\.104:80 +10\.2\.0\.13:80/);

      // A real server dies: its weight is 0 in the kernel; it comes back.
      await servers[1].stop();
      await until('rs2 has weight 0', async () => /10\.2\.0\.12:80 +Route +0 /.test(await ipvsadm()), 20_000);
      assert.equal(await ask(client, VIP.dr), 'rs1');
      const back = rs.rs2.start(process.execPath, [
        GTM,
        'real-server',
        '--name',
        'rs2',
        '--listen',
        '[::]:80',
      ]);
      await back.says(/listens/, 30_000);
      await until('rs2 has weight 1', async () => /10\.2\.0\.12:80 +Route +1 /.test(await ipvsadm()), 20_000);

      // It ends, and clients do not notice.
      assert.equal(await node.stop(), 0);
      assert.equal(await ask(client, VIP.nat), 'rs3');
      const differ = () => gtm(director, 'lvs', 'diff', '--node', 'd1', '-c', config, '--exit-code');
      const same = await differ();
      assert.deepEqual([same.code, same.out], [0, ''], same.err);
      writeFileSync(config, readFileSync(config, 'utf8').replace('scheduler: rr', 'scheduler: wlc'));
      const other = await differ();
      const told = Buffer.from(other.out, 'latin1').toString();
      assert.deepEqual([other.code, told], [5, `~ tcp ${VIP.dr}:80 rr → wlc\n`], other.err);
      assert.match(await ipvsadm(), /10\.2\.0\.100:80 rr/, 'nothing was changed');
      return `served: ${seen.join(', ')}; ${counted[0]} connections counted`;
    } catch (e) {
      throw new Error(`${e instanceof Error ? e.stack : e}\n${await known(all)}`);
    } finally {
      await lab.close();
    }
  },

  'a real server is as it was after undo': async () => {
    const { lab, rs } = stage();
    const state = join(scratch(), 'state');
    const look = async () => {
      const what =
        'ip -o addr; ip route; ip -6 route; ip -o link | sed "s/ qdisc.*//"; ip fou show; ip rule; grep -rs . /proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf | sort';
      return (await rs.rs1.run('sh', ['-c', what])).out;
    };
    const undo = async () => {
      const { code, err } = await gtm(rs.rs1, 'realserver', 'undo', '--yes', '--state', state);
      assert.equal(code, 0, err);
    };
    try {
      // What the kernel makes by itself with the first tunnel stays with it.
      for (const kind of ['ipip', 'sit', 'gre', 'ip6gre']) {
        const local = kind === 'ip6gre' ? '2001:db8:2::11' : RS.rs1;
        rs.rs1.ip('link', 'add', 'x0', 'type', kind, 'local', local, 'remote', 'any');
        rs.rs1.ip('link', 'del', 'x0');
      }
      await rs.rs1.run('ip', ['fou', 'show']);
      rs.rs1.ip('route', 'replace', 'default', 'via', '10.2.0.254', 'proto', 'static', 'metric', '50');
      rs.rs1.ip('route', 'del', 'default', 'via', '10.2.0.254', 'metric', '0');
      const before = await look();
      const vips = ['--vip', `${VIP.gue},${VIP6}`, '--interface', 'eth0'];
      for (const wish of [
        ['--mode', 'dr', ...vips],
        ['--mode', 'nat', '--vip', VIP.nat, '--director', '10.2.0.1'],
        ['--mode', 'tun', '--tunnel', 'ipip', ...vips],
        ['--mode', 'tun', '--tunnel', 'gre', '--address', '2001:db8:2::11', ...vips],
      ]) {
        await setup(rs.rs1, state, ...wish);
        assert.deepEqual(await faults(rs.rs1, ...wish), [], wish.join(' '));
        assert.notEqual(await look(), before);
        await undo();
        assert.equal(await look(), before, wish.join(' '));
      }
      // One on top of the other.
      await setup(rs.rs1, state, '--mode', 'tun', '--tunnel', 'gue', ...vips);
      await setup(rs.rs1, state, '--mode', 'dr', '--vip', '10.2.0.77');
      await setup(rs.rs1, state, '--mode', 'nat', '--vip', VIP.nat, '--director', '10.2.0.1');
      assert.notEqual(await look(), before);
      await undo();
      assert.equal(await look(), before);
      return undefined;
    } finally {
      await lab.close();
    }
  },
};
