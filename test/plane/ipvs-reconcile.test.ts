// The ipvs plane's reckoning: what a service of the cluster file is in the kernel's terms, and what has to be said to get there.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { silent } from '../../src/kit/log.ts';
import type { ServiceSpec } from '../../src/model/service.ts';
import { genlRequest } from '../../src/nic/genl.ts';
import { openLibc } from '../../src/nic/libc.ts';
import type { Request } from '../../src/nic/netlink-message.ts';
import { commandRequest, readDest, readService } from '../../src/plane/ipvs/codec.ts';
import { parseConnection } from '../../src/plane/ipvs/connections.ts';
import { openDriver } from '../../src/plane/ipvs/driver.ts';
import { Ledger } from '../../src/plane/ipvs/ledger.ts';
import { reconcile, type Terms } from '../../src/plane/ipvs/reconcile.ts';
import { type Entry, FLAG, type Found, METHOD, wantedOf } from '../../src/plane/ipvs/table.ts';
import { commandText } from '../../src/plane/ipvs/text.ts';
import { timeoutsOf } from '../../src/plane/ipvs/timeouts.ts';
import { plainServer, plainService } from '../specs.ts';

const NONE = { connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 };
const NOW = 1_000_000;

function spec(over: Partial<ServiceSpec> = {}): ServiceSpec {
  return {
    ...plainService(over.address ?? '192.0.2.10', 80),
    realServers: [rs('10.0.0.1'), rs('10.0.0.2')],
    ...over,
  };
}

const rs = (address: string, weight = 1, port = 80) => plainServer(address, port, weight);

function entry(over: Partial<ServiceSpec> = {}): Entry {
  const made = wantedOf(spec(over));
  assert.ok('service' in made);
  return made;
}

/** The same as it stands in the kernel, with so many connections at each server. */
function stands(e: Entry, active = 0): Found {
  const dests = e.dests.map(d => ({ ...d, active, inactive: 0, totals: NONE }));
  return { service: { ...e.service, flags: e.service.flags | FLAG.hashed }, totals: NONE, dests };
}

function said(wanted: Entry[], found: Found[], terms: Partial<Terms> = {}) {
  const plan = reconcile(
    new Map(wanted.map(e => [e.service.key, e])),
    new Map(found.map(f => [f.service.key, f])),
    { ours: () => true, draining: new Map(), now: NOW, drain: 5000, ...terms },
  );
  return { lines: plan.commands.map(commandText), draining: [...plan.draining] };
}

describe('reconcile', () => {
  const web = entry();
  it('what is the same is not touched', () => assert.deepEqual(said([web], [stands(web, 7)]).lines, []));

  it('what is missing is made, the service first', () =>
    assert.deepEqual(said([web], []).lines, [
      '+ tcp 192.0.2.10:80 wlc',
      '+ tcp 192.0.2.10:80 -> 10.0.0.1:80 nat weight 1',
      '+ tcp 192.0.2.10:80 -> 10.0.0.2:80 nat weight 1',
    ]));

  it('a change is one command for what changed', () => {
    const changed = entry({
      scheduler: 'sh',
      flags: ['sh-port'],
      persistence: 60_000,
      realServers: [rs('10.0.0.1', 5), rs('10.0.0.2')],
    });
    assert.deepEqual(said([changed], [stands(web)]).lines, [
      '~ tcp 192.0.2.10:80 wlc → sh, no flags → flag-2, no persistence → persistent 1m',
      '~ tcp 192.0.2.10:80 -> 10.0.0.1:80 weight 1 → weight 5',
    ]);
    const tunnelled = entry({ forward: 'tun', tunnel: { type: 'gue', port: 6080, checksum: true } });
    assert.equal(
      said([tunnelled], [stands(web)]).lines[0],
      '~ tcp 192.0.2.10:80 -> 10.0.0.1:80 nat → tun, no tunnel → gue 6080, weight 1 → weight 1'.replace(
        ', weight 1 → weight 1',
        '',
      ),
    );
  });

  it('a server that goes takes nothing new, and goes when it is idle or its time is over', () => {
    const less = entry({ realServers: [rs('10.0.0.1')] });
    const key = 'tcp 192.0.2.10:80 10.0.0.2:80';
    const first = said([less], [stands(web, 3)]);
    assert.deepEqual(first.lines, ['~ tcp 192.0.2.10:80 -> 10.0.0.2:80 weight 1 → weight 0']);
    assert.deepEqual(first.draining, [[key, NOW + 5000]]);
    const quiet = stands(entry({ realServers: [rs('10.0.0.1'), rs('10.0.0.2', 0)] }), 3);
    const draining = new Map([[key, NOW + 100]]);
    assert.deepEqual(said([less], [quiet], { draining }), { lines: [], draining: [[key, NOW + 100]] });
    const idle = stands(entry({ realServers: [rs('10.0.0.1'), rs('10.0.0.2', 0)] }));
    for (const [found, now] of [
      [quiet, NOW + 100],
      [idle, NOW],
    ] as const)
      assert.deepEqual(said([less], [found], { draining, now }), {
        lines: ['- tcp 192.0.2.10:80 -> 10.0.0.2:80'],
        draining: [],
      });
    assert.deepEqual(said([web], [quiet], { draining }).lines, [
      '~ tcp 192.0.2.10:80 -> 10.0.0.2:80 weight 0 → weight 1',
    ]);
  });

  it('a service goes with its last server, and only if it is ours', () => {
    assert.deepEqual(said([], [stands(web, 1)]).lines, [
      '~ tcp 192.0.2.10:80 -> 10.0.0.1:80 weight 1 → weight 0',
      '~ tcp 192.0.2.10:80 -> 10.0.0.2:80 weight 1 → weight 0',
    ]);
    assert.deepEqual(said([], [stands(web, 1)], { drain: 0 }).lines, ['- tcp 192.0.2.10:80']);
    assert.deepEqual(said([], [stands(web)], { ours: () => false }), { lines: [], draining: [] });
  });

  it('what the kernel adds by itself is no difference', () => {
    const found = stands(web);
    const local = { ...found, dests: found.dests.map(d => ({ ...d, method: METHOD.local })) };
    assert.deepEqual(said([web], [local]).lines, []);
  });
});

describe('a service in the kernel’s terms', () => {
  for (const [name, over, why] of [
    ['FullNAT', { forward: 'fullnat' }, /no FullNAT/],
    ['a PROXY header', { proxyProtocol: 'v1' }, /no PROXY header/],
    ['other ports in DR', { forward: 'dr', realServers: [rs('10.0.0.1', 1, 8080)] }, /leaves the port/],
    ['mixed families in NAT', { realServers: [rs('2001:db8::1')] }, /only forward: tun/],
    ['ops over TCP', { flags: ['ops'] }, /UDP alone/],
  ] as const)
    it(`${name}: is refused`, () => {
      const made = wantedOf(spec(over as Partial<ServiceSpec>));
      assert.ok('fault' in made);
      assert.match(made.fault, why);
    });

  it('what is written is what is read', () => {
    const family = { name: 'IPVS', id: 32, version: 1, groups: new Map() };
    for (const over of [
      { scheduler: 'mh', flags: ['mh-fallback', 'mh-port'], persistence: 300_000 },
      { address: '2001:db8::10', forward: 'tun', tunnel: { type: 'gre', port: 0, checksum: true } },
      {
        forward: 'tun',
        tunnel: { type: 'gue', port: 7000, checksum: true },
        thresholds: { upper: 9, lower: 3 },
        realServers: [rs('2001:db8::1', 77)],
      },
    ] as Partial<ServiceSpec>[]) {
      const { service, dests } = entry({ realServers: [rs('10.0.0.1', 65_535)], ...over });
      const body = (c: Parameters<typeof commandRequest>[1]) => {
        const bytes = commandRequest(family, c).finish(1);
        return { type: 32, flags: 0, sequence: 1, body: bytes.slice(16) };
      };
      assert.deepEqual(readService(body({ verb: 'add', service }))?.service, service);
      const { active, inactive, totals, ...dest } =
        readDest(body({ verb: 'add', service, dest: dests[0] }), 4) ?? assert.fail();
      assert.deepEqual(dest, dests[0]);
    }
  });
});

it('counters are read in 64 bits where the kernel has them, else in 32', () => {
  const family = { name: 'IPVS', id: 32, version: 1, groups: new Map() };
  const [SERVICE, STATS, STATS64] = [1, 10, 12];
  const NUMBERS = [1, 2, 3, 4, 5];
  const read = (wide: boolean) => {
    const old = (r: Request) => {
      for (const n of NUMBERS) n > 3 ? r.u64(n, BigInt(n)) : r.u32(n, n);
    };
    const now = (r: Request) => {
      for (const n of NUMBERS) r.u64(n, BigInt(n) << 32n);
    };
    const fill = (r: Request) => {
      r.u16(1, 2).u16(2, 6).bytes(3, new Uint8Array(16)).be16(4, 80).nest(STATS, old, false);
      if (wide) r.nest(STATS64, now, false);
    };
    const body = genlRequest(family, 1).nest(SERVICE, fill, false).finish(1).slice(16);
    return readService({ type: 32, flags: 0, sequence: 1, body })?.totals;
  };
  const of = (by: number) => ({
    ...{ connections: by, inPackets: 2 * by, outPackets: 3 * by },
    ...{ inBytes: 4 * by, outBytes: 5 * by },
  });
  assert.deepEqual(read(true), of(2 ** 32));
  assert.deepEqual(read(false), of(1));
});

describe('beside the table', () => {
  it('one set of time-outs: the greatest; not touched where others live', () => {
    const now = { tcp: 900, tcpFin: 120, udp: 300 };
    const long = spec({ timeouts: { connect: 1, tcp: 1_800_500, tcp_fin: 10_000, udp: 1000 } });
    assert.deepEqual(timeoutsOf([spec()], now, false), {});
    const both = timeoutsOf([spec(), long], now, false);
    assert.deepEqual(both.set, { tcp: 1801, tcpFin: 120, udp: 300 });
    assert.match(both.note ?? '', /all services get tcp 1801s/);
    assert.deepEqual(Object.keys(timeoutsOf([long], now, true)), ['note']);
    assert.deepEqual(timeoutsOf([], now, false), {});
  });

  it('lines of /proc/net/ip_vs_conn', () => {
    assert.equal(
      parseConnection('Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData'),
      undefined,
    );
    assert.deepEqual(parseConnection('TCP 0A000002 9C40 CF2C06E1 1F90 AC100002 1F90 ESTABLISHED     893'), {
      protocol: 'tcp',
      state: 'ESTABLISHED',
      expires: 893_000,
      client: '10.0.0.2:40000',
      virtual: '207.44.6.225:8080',
      server: '172.16.0.2:8080',
    });
    assert.equal(
      parseConnection(
        'UDP [20010db8000000000000000000000002] 9C40 [20010db8000000000000000000000010] 0035 [fd000005000000000000000000000011] 0035 UDP 12',
      )?.server,
      '[fd00:5::11]:53',
    );
    assert.equal(parseConnection('TCP 0A000000 0000 CF2C06E1 1F90 AC100002 1F90 ASSURED 298'), undefined);
  });

  it('the ledger outlives its writer, and a broken one is said', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ipvs-'));
    try {
      new Ledger(folder, 'a', silent).write({ services: new Set(['x']), draining: new Map([['x y', 5]]) });
      assert.deepEqual(new Ledger(folder, 'a', silent).read(), {
        services: new Set(['x']),
        draining: new Map([['x y', 5]]),
      });
      assert.equal(new Ledger(folder, 'b', silent).read().services.size, 0);
      writeFileSync(join(folder, 'ipvs-a.json'), '{');
      const warned: string[] = [];
      new Ledger(folder, 'a', { ...silent, warn: (_f, text) => warned.push(text) }).read();
      assert.match(warned[0], /not readable/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('a kernel without IPVS says how it is had', async () => {
    const asked: string[] = [];
    const load = async (name: string) => {
      asked.push(name);
      throw Object.assign(new Error('failed'), { stderr: 'modprobe: FATAL: Module ip_vs not found\n' });
    };
    const outcome = await openDriver(await openLibc(), load).then(
      d => d.close(),
      e => (e as Error).message,
    );
    // Where the kernel has it, nothing is asked for.
    if (asked.length === 0) assert.equal(outcome, undefined);
    else assert.match(outcome ?? '', /Module ip_vs not found.*install the module ip_vs.*plane: proxy/);
  });
});
