// Parts of the xdp plane that need no kernel: the kept connection tables, which interfaces are the director's, threads that wait.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { parseIp } from '../../src/kit/ip.ts';
import { silent } from '../../src/kit/log.ts';
import { openLibc } from '../../src/nic/libc.ts';
import type { Address, Link, RouteEntry } from '../../src/nic/rtnetlink-read.ts';
import { Ahead, startThreads } from '../../src/plane/xdp/ahead.ts';
import { FRAME, frameBlock } from '../../src/plane/xdp/counters.ts';
import { interfacesOf } from '../../src/plane/xdp/interfaces.ts';
import { readFigures } from '../../src/plane/xdp/ledger.ts';
import { readTables, writeTable } from '../../src/plane/xdp/table-file.ts';
import { scratch } from './xdp-hosts.ts';
import { spec } from './xdp-specs.ts';

describe('what workers count', () => {
  it('is summed, and named by what it is of', () => {
    const blocks = [frameBlock(), frameBlock()];
    for (const [i, block] of blocks.entries())
      for (const [name, n] of Object.entries({ sent: 1, free: 10, used: 100, pauses: 1000 }))
        block[FRAME[name as keyof typeof FRAME]] = n * (i + 1);
    const { 'worker sent': sent, 'standing free': free, ...rest } = readFigures(blocks);
    const { 'table used': used, 'moderation pauses': pauses, ...others } = rest;
    assert.deepEqual([sent, free, used, pauses], [3, 30, 300, 3000]);
    assert.ok(Object.values(others).every(n => n === 0));
  });
});

describe('connection tables over a restart', () => {
  it('come back to as many workers, once', () => {
    const { path, remove } = scratch();
    try {
      for (const i of [0, 1]) writeTable(path, i, 2, Uint8Array.of(i, 7), silent);
      assert.deepEqual(readTables(path, 2, Date.now(), silent), [Uint8Array.of(0, 7), Uint8Array.of(1, 7)]);
      assert.deepEqual(readTables(path, 2, Date.now(), silent), [undefined, undefined]);
    } finally {
      remove();
    }
  });

  it('are of no use to another number of workers, or when they are old; and they go', () => {
    const { path, remove } = scratch();
    try {
      writeTable(path, 0, 2, Uint8Array.of(1), silent);
      assert.deepEqual(readTables(path, 1, Date.now(), silent), [undefined]);
      writeTable(path, 0, 1, Uint8Array.of(1), silent);
      const file = readdirSync(path)[0];
      utimesSync(join(path, file), Date.now() / 1000 - 3600, Date.now() / 1000 - 3600);
      assert.deepEqual(readTables(path, 1, Date.now(), silent), [undefined]);
      assert.deepEqual(readdirSync(path), []);
    } finally {
      remove();
    }
  });

  it('one that is there and cannot be read is told, and goes', () => {
    const { path, remove } = scratch();
    const said: string[] = [];
    const log = { ...silent, warn: (_fields: object, text: string) => void said.push(text) };
    try {
      writeTable(path, 0, 1, Uint8Array.of(1), silent);
      const file = join(path, readdirSync(path)[0]);
      rmSync(file);
      mkdirSync(file);
      assert.deepEqual(readTables(path, 1, Date.now(), log), [undefined]);
      assert.equal(said.length, 1);
      assert.match(said[0], /^xdp plane: open connections are not taken up: EISDIR/);
      assert.deepEqual(readdirSync(path), []);
    } finally {
      remove();
    }
  });

  it('a folder that cannot be written is told', () => {
    const { path, remove } = scratch();
    const said: string[] = [];
    try {
      writeFileSync(join(path, 'file'), '');
      chmodSync(join(path, 'file'), 0o400);
      writeTable(join(path, 'file', 'folder'), 0, 1, Uint8Array.of(1), {
        ...silent,
        warn: (_f, m) => said.push(m),
      });
      assert.match(said.join(), /open connections cannot be kept/);
    } finally {
      remove();
    }
  });
});

describe('the director’s interfaces, when none is named', () => {
  const octets = (text: string) => parseIp(text) as Uint8Array;
  const link = (index: number, name: string, more: Partial<Link> = {}): Link => ({
    ...{ index, name, flags: 1, mtu: 1500, kind: '', vlan: undefined, master: 0, xdp: undefined },
    mac: Uint8Array.of(2, 0, 0, 0, 0, index),
    ...more,
  });
  const address = (iface: number, text: string, bits: number): Address => ({
    ...{ iface, address: octets(text), bits, scope: 0, flags: 0, origin: 0 },
    family: text.includes(':') ? 6 : 4,
  });
  const route = (text: string, bits: number, iface: number): RouteEntry => ({
    ...{ table: 254, type: 1, prefix: octets(text), bits, priority: 0, source: undefined, mtu: 0 },
    family: text.includes(':') ? 6 : 4,
    way: { iface, gateway: undefined },
  });
  const lo = link(1, 'lo', { mac: new Uint8Array(6) });
  const links = [
    lo,
    ...[2, 3, 4, 5].map(i => link(i, `eth${i - 2}`)),
    link(9, 'eth3.7', { vlan: { link: 5, id: 7 } }),
  ];
  const addresses = [
    address(1, '127.0.0.1', 8),
    address(2, '192.0.2.1', 24),
    address(3, '10.0.0.1', 24),
    address(9, '10.7.0.1', 24),
  ];

  for (const [name, services, routes, wanted] of [
    [
      'the links of VIP and real server',
      [spec('tcp 192.0.2.10:80', 'nat', ['10.0.0.5:80'])],
      [],
      ['eth0', 'eth1'],
    ],
    [
      'the way to a far real server',
      [spec('tcp 192.0.2.10:80', 'tun', ['203.0.113.5:80'])],
      [route('203.0.113.0', 24, 4)],
      ['eth0', 'eth2'],
    ],
    [
      'the longest prefix',
      [spec('tcp 192.0.2.10:80', 'tun', ['203.0.113.5:80'])],
      [route('203.0.0.0', 16, 3), route('203.0.113.0', 24, 4)],
      ['eth0', 'eth2'],
    ],
    [
      'the default route, for clients',
      [spec('tcp 192.0.2.10:80', 'dr', ['192.0.2.11:80'])],
      [route('0.0.0.0', 0, 4)],
      ['eth0', 'eth2'],
    ],
    ['the link below a VLAN', [spec('tcp 192.0.2.10:80', 'nat', ['10.7.0.5:80'])], [], ['eth0', 'eth3']],
    [
      'none: no way, and loopback does not count',
      [spec('tcp 127.0.0.9:80', 'nat', ['198.51.100.5:80'])],
      [],
      [],
    ],
  ] as const)
    it(name, () => assert.deepEqual(interfacesOf(services, links, addresses, routes), wanted));
});

describe('threads that wait for work', () => {
  it('end when they are told to, whoever has them', async () => {
    const ahead = new Ahead(await openLibc(), startThreads(2));
    const taken = ahead.takeThread();
    // Loaded by then, and asleep: the word that they wait for never comes.
    await new Promise(resolve => setTimeout(resolve, 500));
    await ahead.close();
    assert.equal(ahead.takeThread(), undefined);
    assert.equal(taken?.fault, undefined);
    await taken?.worker.terminate();
    assert.equal(taken?.fault, 'it exited');
  });

  it('are not handed out once they have ended', async () => {
    const seen: Worker[] = [];
    const see = (w: Worker) => void seen.push(w);
    process.on('worker', see);
    const ahead = new Ahead(await openLibc(), startThreads(2));
    await new Promise(resolve => setImmediate(resolve));
    process.off('worker', see);
    assert.equal(seen.length, 2);
    await seen[0].terminate();
    assert.equal(ahead.takeThread()?.worker, seen[1]);
    assert.equal(ahead.takeThread(), undefined);
    await seen[1].terminate();
    await ahead.close();
  });
});
