// What `gtm realserver setup` did to a host in the kernel under test, `undo` takes back to the letter.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { scratch } from './plane-kit.ts';
import { faults, gtm, RS, setup, stage, VIP, VIP6 } from './plane-stage.ts';

export const UNDO: Record<string, () => Promise<undefined>> = {
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
