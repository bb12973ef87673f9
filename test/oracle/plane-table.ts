// Stories of the ipvs plane about the kernel's table: what stands there after an apply, a crash, a removal.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { silent } from '../../src/kit/log.ts';
import { SCHEDULERS as ALL, type SchedulerName } from '../../src/model/schema.ts';
import type { ServiceSpec } from '../../src/model/service.ts';
import { openLibc } from '../../src/nic/libc.ts';
import { openDriver } from '../../src/plane/ipvs/driver.ts';
import { ipvsDiff } from '../../src/plane/ipvs.ts';
import { plainServer as server } from '../specs.ts';
import { countingLibc, difference, ipvsadm, listed, openPlane, scratch, service } from './plane-kit.ts';

// The kernel under test has no twos.
const SCHEDULERS = ALL.filter(name => name !== 'twos');
const FLAGS: Partial<Record<SchedulerName, string[][]>> = {
  sh: [['sh-fallback'], ['sh-port'], ['sh-fallback', 'sh-port']],
  mh: [['mh-fallback'], ['mh-port'], ['mh-fallback', 'mh-port']],
};
const MODES = [
  { forward: 'nat' },
  { forward: 'dr' },
  { forward: 'tun', tunnel: { type: 'ipip', port: 6080, checksum: false } },
  { forward: 'tun', tunnel: { type: 'gue', port: 6080, checksum: true } },
  { forward: 'tun', tunnel: { type: 'gre', port: 6080, checksum: true } },
] as const;

/** Every scheduler, mode, flag, family and protocol. */
export function everything(): ServiceSpec[] {
  const specs: ServiceSpec[] = [];
  for (const six of [false, true])
    for (const protocol of ['tcp', 'udp'] as const)
      for (const [m, mode] of MODES.entries())
        for (const [s, scheduler] of SCHEDULERS.entries()) {
          const sets = [[], ...(FLAGS[scheduler] ?? []), ...(protocol === 'udp' && s === 0 ? [['ops']] : [])];
          for (const [f, flags] of sets.entries()) {
            const port = 1000 + m * 1000 + s * 20 + f;
            const address = six ? `2001:db8::${m + 1}` : `192.0.2.${m + 1}`;
            const real = (n: number) =>
              server(
                six ? `fd00:5::1${n}` : `172.16.0.1${n}`,
                mode.forward === 'nat' ? port + n : port,
                n * 7,
              );
            specs.push(
              service({
                protocol,
                address,
                port,
                scheduler,
                flags,
                ...mode,
                persistence: (s + f) % 3 === 1 && !flags.includes('ops') ? 360_000 : 0,
                thresholds: s % 4 === 2 ? { upper: 100, lower: 50 } : { upper: 0, lower: 0 },
                realServers: [real(1), real(2), real(3)],
              }),
            );
          }
        }
  // Only a tunnel may lead into the other family.
  specs.push(
    service({
      address: '192.0.2.99',
      port: 80,
      forward: 'tun',
      realServers: [server('fd00:5::20', 80), server('172.16.0.20', 80)],
    }),
  );
  return specs;
}

function many(services: number, servers: number): ServiceSpec[] {
  return Array.from({ length: services }, (_, i) =>
    service({
      address: `192.0.${2 + (i >> 8)}.${i & 255}`,
      port: 80,
      realServers: Array.from({ length: servers }, (_, n) =>
        server(`172.16.${i >> 4}.${10 + n}`, 8080, n + 1),
      ),
    }),
  );
}

export const TABLE: Record<string, () => Promise<unknown>> = {
  'the module is loaded by the plane, or how is said': async () => {
    const failing = openDriver(await openLibc(), () => Promise.reject(new Error('FATAL: no such module')));
    // The kernel asks for it itself where its own loader finds it.
    const outcome = await failing.then(
      d => {
        d.close();
        return 'loaded by the kernel';
      },
      e => (e as Error).message,
    );
    if (outcome !== 'loaded by the kernel') assert.match(outcome, /install the module ip_vs/);
    (await openDriver(await openLibc())).close();
    assert.match(readFileSync('/proc/net/ip_vs', 'utf8'), /^IP Virtual Server/);
    return outcome;
  },

  'every scheduler, mode, flag and family stands as gtm lvs ls -n shows it': async () => {
    const specs = everything();
    const counting = await countingLibc();
    const plane = await openPlane({ libc: counting.libc });
    try {
      assert.deepEqual(await plane.apply(specs), []);
      assert.equal(difference(listed(plane, specs), ipvsadm()), undefined);
      const thresholds = ipvsadm('-Ln', '--thresholds');
      assert.match(thresholds, /172\.16\.0\.11:\d+\s+100\s+50/);
      const saved = ipvsadm('-S', '-n');
      assert.match(saved, /-i -w 7 --tun-type gue --tun-port 6080 --tun-csum/);
      assert.match(saved, /-i -w 7 --tun-type gre --tun-csum/);
      const sent = counting.changes();
      assert.deepEqual(await plane.apply(specs), []);
      assert.equal(counting.changes(), sent, 'an apply without change sends nothing');
      const other = specs.map((s, i) => (i === 3 ? { ...s, scheduler: 'rr' as const } : s));
      await plane.apply(other);
      assert.equal(counting.changes(), sent + 1, 'one change is one command');
      assert.equal(difference(listed(plane, other), ipvsadm()), undefined);
      return `${specs.length} services, ${sent} commands`;
    } finally {
      await plane.close();
    }
  },

  'a thousand services of ten servers in one pass': async () => {
    const specs = many(1000, 10);
    const counting = await countingLibc();
    const plane = await openPlane({ libc: counting.libc });
    const times: number[] = [];
    try {
      for (const apply of [specs, specs]) {
        const begun = performance.now();
        assert.deepEqual(await plane.apply(apply), []);
        times.push(Math.round(performance.now() - begun));
        assert.equal(counting.changes(), 11_000);
      }
      assert.equal(difference(listed(plane, specs), ipvsadm()), undefined);
      return `first ${times[0]} ms, again ${times[1]} ms (11,000 commands, then none)`;
    } finally {
      await plane.close();
    }
  },

  'a crash half-way heals at the next apply': async () => {
    const stateDir = scratch();
    // Dies in the middle of making them; then in the middle of taking them away.
    for (const [die, specs, kept] of [
      [40, many(20, 3), 20],
      [8, many(6, 3), 6],
    ] as const) {
      const child = spawnSync(
        process.execPath,
        [join(import.meta.dirname, 'plane-crash.js'), stateDir, String(die)],
        {
          input: JSON.stringify(specs),
          encoding: 'utf8',
        },
      );
      assert.equal(child.signal, 'SIGKILL', child.stderr);
      const halfway = ipvsadm()
        .split('\n')
        .filter(l => /^(TCP|UDP)/.test(l)).length;
      const plane = await openPlane({ stateDir, drain: 0 });
      assert.deepEqual(await plane.apply(specs), []);
      assert.equal(difference(listed(plane, specs), ipvsadm()), undefined);
      assert.notEqual(halfway, kept, 'the crash came half-way');
      await plane.close();
    }
    // A service that was made before the crash and is not in the file any more is known as ours.
    const plane = await openPlane({ stateDir, drain: 0 });
    await plane.apply([]);
    assert.equal(ipvsadm().split('\n').length, 3);
    await plane.close();
  },

  'weights change, what goes is drained, what somebody took away comes back': async () => {
    const specs = [
      service({
        address: '192.0.2.1',
        port: 80,
        realServers: [server('172.16.0.11', 80, 5), server('172.16.0.12', 80, 5)],
      }),
    ];
    const plane = await openPlane();
    await plane.apply(specs);
    plane.weigh('web', '172.16.0.12:80', 0);
    await settle();
    assert.match(ipvsadm(), /172\.16\.0\.12:80\s+Masq\s+0 /);
    plane.weigh('web', '172.16.0.12:80', 9);
    await settle();
    assert.match(ipvsadm(), /172\.16\.0\.12:80\s+Masq\s+9 /);
    await plane.apply([{ ...specs[0], realServers: specs[0].realServers.slice(0, 1) }]);
    assert.match(ipvsadm(), /172\.16\.0\.12:80\s+Masq\s+0 /, 'first it takes nothing new');
    await settle(2500);
    assert.doesNotMatch(ipvsadm(), /172\.16\.0\.12/, 'without connections it goes');
    ipvsadm('-C');
    await settle(1100);
    plane.counters();
    await settle(500);
    assert.match(ipvsadm(), /192\.0\.2\.1:80/);
    await plane.close();
    assert.match(ipvsadm(), /192\.0\.2\.1:80/, 'the kernel goes on forwarding');
  },

  'a server that goes keeps its connections until they end, or until its time is over, over a restart too':
    async () => {
      execFileSync('ip', ['address', 'add', '192.0.2.1/32', 'dev', 'lo']);
      const clients: Socket[] = [];
      const echo = createServer(socket => {
        clients.push(socket);
        socket.on('error', () => {}).pipe(socket);
      });
      await new Promise<void>(resolve => echo.listen(9000, '172.16.0.1', resolve));
      const stateDir = scratch();
      let plane = await openPlane({ stateDir, drain: 6000 });
      const client = async () => {
        const socket = connect(80, '192.0.2.1').on('error', () => {});
        clients.push(socket);
        await once(socket, 'connect');
        return socket;
      };
      const said = async (socket: Socket, text: string) => {
        socket.write(text);
        return String((await once(socket, 'data'))[0]);
      };
      const here = service({ address: '192.0.2.1', port: 80, realServers: [server('172.16.0.1', 9000)] });
      const gone = { ...here, realServers: [] };
      try {
        await plane.apply([here]);
        const first = await client();
        assert.equal(await said(first, 'one'), 'one');
        const [row] = await plane.connections(10);
        assert.deepEqual(
          [row.state, row.virtual, row.server],
          ['ESTABLISHED', '192.0.2.1:80', '172.16.0.1:9000'],
        );
        await plane.apply([gone]);
        assert.match(ipvsadm(), /172\.16\.0\.1:9000\s+Masq\s+0 +1 /);
        assert.equal(await said(first, 'two'), 'two', 'an open connection goes on');
        await settle(2500);
        assert.match(ipvsadm(), /172\.16\.0\.1:9000/, 'it stays while it has one');
        await plane.apply([here]);
        assert.match(ipvsadm(), /172\.16\.0\.1:9000\s+Masq\s+1 /, 'it may come back');
        assert.equal(await said(await client(), 'three'), 'three');
        await plane.apply([gone]);
        // The next one knows what time is left, whatever it gives itself.
        await plane.close();
        plane = await openPlane({ stateDir, drain: 60_000 });
        await plane.apply([gone]);
        assert.match(ipvsadm(), /172\.16\.0\.1:9000\s+Masq\s+0 /);
        await settle(9000);
        assert.doesNotMatch(ipvsadm(), /172\.16\.0\.1:9000/, 'its time is over');
      } finally {
        for (const socket of clients) socket.destroy();
        echo.close();
        await plane.close();
      }
    },

  'gtm lvs diff tells what apply would do, and does nothing': async () => {
    const specs = [service({ address: '192.0.2.1', port: 80, realServers: [server('172.16.0.11', 80, 5)] })];
    const options = { node: 'n', stateDir: scratch(), ownAll: false, drain: 60_000, log: silent };
    const before = await ipvsDiff(specs, options);
    assert.deepEqual(
      before.commands.map(c => `${c.verb} ${c.dest?.key ?? c.service.key}`),
      ['add tcp 192.0.2.1:80', 'add 172.16.0.11:80'],
    );
    assert.equal(ipvsadm().split('\n').length, 3);
    const plane = await openPlane(options);
    await plane.apply(specs);
    await plane.close();
    assert.deepEqual((await ipvsDiff(specs, options)).commands, []);
  },
};

function settle(ms = 200): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
