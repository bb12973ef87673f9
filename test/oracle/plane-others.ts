// Stories of the ipvs plane about what is not its own: services of others, threads that synchronise, what the kernel cannot do.
import assert from 'node:assert/strict';
import { openLibc } from '../../src/nic/libc.ts';
import { openDriver } from '../../src/plane/ipvs/driver.ts';
import { plainServer as server } from '../specs.ts';
import { ipvsadm, openPlane, scratch, service } from './plane-kit.ts';

export const OTHERS: Record<string, () => Promise<unknown>> = {
  'services that are not ours stay, unless all are ours': async () => {
    ipvsadm('-A', '-t', '192.0.2.200:80', '-s', 'rr');
    ipvsadm('-a', '-t', '192.0.2.200:80', '-r', '172.16.0.99:80', '-g');
    ipvsadm('-A', '-f', '7', '-s', 'mh');
    ipvsadm('--set', '100', '20', '30');
    const ours = [service({ address: '192.0.2.1', port: 80, realServers: [server('172.16.0.11', 80)] })];
    const stateDir = scratch();
    const plane = await openPlane({ stateDir });
    await plane.apply(ours);
    await plane.apply([]);
    await new Promise(resolve => setTimeout(resolve, 2500));
    assert.match(ipvsadm(), /192\.0\.2\.200:80 rr/);
    assert.match(ipvsadm(), /FWM {2}7 mh/);
    assert.doesNotMatch(ipvsadm(), /192\.0\.2\.1:80/);
    assert.match(ipvsadm('-L', '--timeout'), /100 20 30/);
    await plane.close();
    const all = await openPlane({ stateDir, ownAll: true, drain: 0 });
    await all.apply(ours);
    assert.doesNotMatch(ipvsadm(), /192\.0\.2\.200|FWM/);
    assert.match(ipvsadm('-L', '--timeout'), /900 120 300/);
    await all.close();
  },

  'threads that synchronise connections are seen, and stay; beside them no family is carried in the other':
    async () => {
      const ours = service({ address: '192.0.2.1', port: 80, realServers: [server('172.16.0.11', 80)] });
      const mixed = service({
        address: '192.0.2.2',
        port: 80,
        forward: 'tun',
        realServers: [server('fd00:5::20', 80)],
      });
      ipvsadm('--start-daemon', 'master', '--mcast-interface', 'd0', '--syncid', '7');
      const driver = await openDriver(await openLibc());
      assert.deepEqual(driver.daemons(), [{ role: 'master', interface: 'd0', syncId: 7 }]);
      driver.close();
      const plane = await openPlane();
      try {
        const faults = await plane.apply([ours, mixed]);
        assert.deepEqual(
          faults.map(f => f.key),
          [mixed.key],
        );
        assert.match(faults[0].fault, /only while no thread synchronises connections/);
        assert.match(ipvsadm('-L', '--daemon'), /^master sync daemon \(mcast=d0, syncid=7/);
        ipvsadm('--stop-daemon', 'master');
        assert.deepEqual(await plane.apply([ours, mixed]), []);
        assert.match(ipvsadm(), /\[fd00:5::20\]:80 +Tunnel +1 /);
      } finally {
        await plane.close();
      }
    },

  'what the kernel cannot do is named, and the others forward': async () => {
    const good = service({ address: '192.0.2.1', port: 80, realServers: [server('172.16.0.11', 80)] });
    const bad = [
      service({
        address: '192.0.2.2',
        port: 80,
        scheduler: 'twos',
        realServers: [server('172.16.0.11', 80)],
      }),
      service({
        address: '192.0.2.3',
        port: 80,
        forward: 'fullnat',
        realServers: [server('172.16.0.11', 80)],
      }),
      service({ address: '192.0.2.4', port: 80, realServers: [server('224.0.0.5', 80)] }),
      service({
        address: '192.0.2.5',
        port: 80,
        proxyProtocol: 'v2',
        realServers: [server('172.16.0.11', 80)],
      }),
      service({ address: '192.0.2.6', port: 80, forward: 'dr', realServers: [server('172.16.0.11', 8080)] }),
    ];
    const plane = await openPlane();
    const faults = await plane.apply([...bad, good]);
    const said = new Map(faults.map(f => [f.key, f.fault]));
    const wants = [
      /no scheduler «twos».*ip_vs_twos/,
      /no FullNAT/,
      /ip route get 224\.0\.0\.5/,
      /plane: proxy/,
      /leaves the port/,
    ];
    for (const [i, want] of wants.entries()) assert.match(said.get(bad[i].key) ?? '', want);
    assert.equal(said.has(good.key), false);
    assert.match(ipvsadm(), /172\.16\.0\.11:80/);
    await plane.close();
  },
};
