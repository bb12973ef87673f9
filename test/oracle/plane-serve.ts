// Whole stories in the kernel under test: `gtm serve` with plane: ipvs between hosts. Every known mistake is made on a real
// server, seen in what the client gets, and named.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Running, until } from '../lab/hosts.ts';
import { difference, scratch } from './plane-kit.ts';
import { ask, faults, GTM, gtm, known, type RS, type Stage, setup, stage, VIP, VIP6 } from './plane-stage.ts';

interface Served extends Stage {
  node: Running;
  /** What real servers run, by their names. */
  servers: Record<keyof typeof RS, Running>;
  /** Where `gtm realserver` keeps what it changed. */
  state: string;
}
type Name = keyof typeof RS;

const DR = ['--mode', 'dr', '--vip', `${VIP.dr},${VIP6}`];
const NAT = ['--mode', 'nat', '--vip', VIP.nat, '--director', '10.2.0.1'];

/** What each tunnel lacks on a server that has those before it. GUE's header is the largest: what was set for it has room for GRE's. */
const COATS = [
  ['ipip', ['vip-answers-arp', 'vip-in-arp-requests', 'tunnel-device', 'rp-filter', 'mtu', 'vip-missing']],
  ['gue', ['gue-port', 'mtu', 'vip-missing']],
  ['gre', ['tunnel-device', 'rp-filter', 'vip-missing']],
] as const;

/** Tells a story between hosts on which the node and the real servers run: all are found well, at their own addresses; none is prepared. */
function served(tell: (s: Served) => Promise<string | undefined>): () => Promise<string | undefined> {
  return async () => {
    const all = stage();
    try {
      const node = all.director.start(process.execPath, [GTM, 'serve', '--node', 'd1', '-c', all.config]);
      const servers = { rs1: run(all, 'rs1'), rs2: run(all, 'rs2'), rs3: run(all, 'rs3') };
      const up = async () => (await ipvsadm(all)).match(/(Route|Tunnel|Masq) +1 /g)?.length === 7;
      await until('all are up', up, 30_000).catch(async e => {
        throw new Error(`${e}\n${await ipvsadm(all)}\n${node.output()}`);
      });
      return await tell({ ...all, node, servers, state: scratch() });
    } catch (e) {
      throw new Error(`${e instanceof Error ? e.stack : e}\n${await known(all)}`);
    } finally {
      await all.lab.close();
    }
  };
}

function run({ rs }: Stage, name: Name): Running {
  return rs[name].start(process.execPath, [GTM, 'real-server', '--name', name, '--listen', '[::]:80']);
}

/** `ipvsadm -Ln` without its first line, which tells the kernel's version. */
async function ipvsadm({ director }: Stage): Promise<string> {
  const { out } = await director.run('ipvsadm', ['-Ln']);
  return out.slice(out.indexOf('\n') + 1);
}

/** The names of the two servers that answer, in turn. */
async function askTwice(client: Stage['client'], vip: string): Promise<string[]> {
  return (await Promise.all([ask(client, vip), ask(client, vip)])).sort();
}

export const SERVE: Record<string, () => Promise<string | undefined>> = {
  'gtm serve, DR: clients are served, and each mistake of a real server is seen and named': served(
    async ({ client, router, director, rs, state }) => {
      assert.equal(await ask(client, VIP.dr, 1000), '-', 'nothing is prepared yet');
      assert.deepEqual(await faults(rs.rs1, ...DR), [
        'vip-answers-arp',
        'vip-in-arp-requests',
        'vip-missing',
        'vip-missing',
      ]);
      await Promise.all([setup(rs.rs1, join(state, '1'), ...DR), setup(rs.rs2, join(state, '2'), ...DR)]);
      assert.deepEqual(await faults(rs.rs1, ...DR), []);
      assert.deepEqual(await askTwice(client, VIP.dr), ['rs1', 'rs2'], 'round robin');
      assert.equal(await ask(client, VIP6), 'rs1');
      // Each mistake by itself: what clients get of two that answer in turn, and how it is called.
      const mistake = async (make: () => void, mend: () => void, name: string) => {
        make();
        assert.deepEqual(await faults(rs.rs1, ...DR), [name]);
        assert.deepEqual(await askTwice(client, VIP.dr), ['-', 'rs2'], name);
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
      assert.deepEqual(await faults(rs.rs1, ...DR), ['vip-answers-arp']);
      forget();
      assert.equal(await ask(client, VIP.dr), 'rs1', 'past the director');
      return undefined;
    },
  ),

  'gtm serve, NAT: without the director as its gateway, or with redirects, the answer goes past it': served(
    async ({ client, director, rs, state }) => {
      assert.equal(await ask(client, VIP.nat, 1000), '-');
      assert.deepEqual(await faults(rs.rs3, ...NAT), ['redirects', 'default-route']);
      await setup(rs.rs3, join(state, '3'), ...NAT);
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
      assert.deepEqual(await faults(rs.rs3, ...NAT), ['redirects']);
      await setup(rs.rs3, join(state, '3'), ...NAT);
      assert.equal(await ask(client, VIP.nat), 'rs3', 'what it was taught is forgotten');
      return undefined;
    },
  ),

  'gtm serve, TUN: in every coat, and a strict filter of the reverse path is named': served(
    async ({ client, rs, state }) => {
      for (const d of ['all', 'default']) rs.rs1.sysctl(`net.ipv4.conf.${d}.rp_filter`, 1);
      const wish = (type: (typeof COATS)[number][0]) => [
        ...['--mode', 'tun', '--tunnel', type],
        ...['--vip', VIP[type], '--interface', 'eth0'],
      ];
      for (const [type, missing] of COATS) {
        const tun = wish(type);
        assert.equal(await ask(client, VIP[type], 1000), '-');
        assert.deepEqual(await faults(rs.rs1, ...tun), missing, type);
        await setup(rs.rs1, join(state, '1'), ...tun);
        assert.equal(await ask(client, VIP[type]), 'rs1', type);
      }
      rs.rs1.sysctl('net.ipv4.conf.gtm-ipip.rp_filter', 1);
      assert.deepEqual(await faults(rs.rs1, ...wish('ipip')), ['rp-filter']);
      assert.equal(await ask(client, VIP.ipip, 1000), '-', 'it drops what comes out of the tunnel');
      return 'ipip, gue, gre';
    },
  ),

  'gtm serve: what is listed, counted and open is what ipvsadm says; it ends, and clients do not notice':
    served(async s => {
      const { client, director, rs, state, node, servers, config } = s;
      await Promise.all([
        setup(rs.rs1, join(state, '1'), ...DR),
        setup(rs.rs2, join(state, '2'), ...DR),
        setup(rs.rs3, join(state, '3'), ...NAT),
      ]);
      const { out: ours } = await gtm(director, 'lvs', 'ls', '-n');
      const bare = (text: string) => text.replaceAll(/ +\d+ +\d+ *$/gm, '');
      assert.equal(difference(bare(ours), bare(await ipvsadm(s))), undefined);
      assert.equal(await ask(client, VIP.nat), 'rs3');
      const { out: conns } = await gtm(director, 'lvs', 'ls', '--conns');
      assert.match(conns, /TCP +\d\d:\d\d +\w+ +10\.1\.0\.2:\d+ +10\.2\.0\.104:80 +10\.2\.0\.13:80/);
      const { out: stats } = await gtm(director, 'lvs', 'ls', '-n', '--stats', '--exact');
      const counted =
        /TCP {2}10\.2\.0\.104:80 +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)/.exec(stats)?.slice(1).map(Number) ?? [];
      assert.ok(counted.length === 5 && counted.every(n => n > 0), stats);

      // A real server dies: its weight is 0 in the kernel; it comes back.
      const weight = (n: number) => async () =>
        new RegExp(`10\\.2\\.0\\.12:80 +Route +${n} `).test(await ipvsadm(s));
      await servers.rs2.stop();
      await until('rs2 has weight 0', weight(0), 20_000);
      assert.equal(await ask(client, VIP.dr), 'rs1');
      await run(s, 'rs2').says(/listens/, 30_000);
      await until('rs2 has weight 1', weight(1), 20_000);

      assert.equal(await node.stop(), 0);
      assert.equal(await ask(client, VIP.nat), 'rs3');
      const differ = () => gtm(director, 'lvs', 'diff', '--node', 'd1', '-c', config, '--exit-code');
      const same = await differ();
      assert.deepEqual([same.code, same.out], [0, ''], same.err);
      writeFileSync(config, readFileSync(config, 'utf8').replace('scheduler: rr', 'scheduler: wlc'));
      const other = await differ();
      const told = Buffer.from(other.out, 'latin1').toString();
      assert.deepEqual([other.code, told], [5, `~ tcp ${VIP.dr}:80 rr → wlc\n`], other.err);
      assert.match(await ipvsadm(s), /10\.2\.0\.100:80 rr/, 'nothing was changed');
      return `${counted[0]} connections counted`;
    }),
};
