// The keeper of next hops with a kernel that is played: what is asked of it, what is written, what is given up.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { formatIp } from '../../src/kit/ip.ts';
import type { Log } from '../../src/kit/log.ts';
import { IFF, type Link, type Neighbour, NUD } from '../../src/nic/rtnetlink-read.ts';
import { HopReader, HopWriter, QUESTION, QUESTIONS, SLOT } from '../../src/plane/xdp/neighbours.ts';
import { NeighbourKeeper } from '../../src/plane/xdp/neighbours-keep.ts';
import { CONTROL } from '../../src/plane/xdp/routes.ts';
import { HEADER } from '../../src/plane/xdp/ways.ts';

const SLOTS = 4096;
const PORTS = new Map([
  [2, 0],
  [3, 1],
]);
const MAC = Uint8Array.of(2, 0, 0, 0, 0, 9);

let asked: string[];
let said: string[];
let refuse: boolean;
let reader: HopReader;
let keeper: NeighbourKeeper;

function link(index: number, more: Partial<Link> = {}): Link {
  const mac = Uint8Array.of(2, 0, 0, 0, 1, index);
  return {
    index,
    name: `eth${index}`,
    flags: 1,
    mtu: 1500,
    mac,
    kind: '',
    vlan: undefined,
    master: 0,
    xdp: undefined,
    ...more,
  };
}

function links(...all: Link[]): void {
  keeper.setLinks(new Map(all.map(l => [l.index, l])));
}

function address(n: number): Uint8Array {
  return Uint8Array.of(10, 0, n >> 8, n & 255);
}

function words(n: number): Int32Array {
  return Int32Array.of(0x0a000000 | n, 0, 0, 0);
}

function neighbour(n: number, state: number, more: Partial<Neighbour> = {}): Neighbour {
  return { iface: 2, family: 4, address: address(n), mac: MAC, state, managed: false, ...more };
}

const ask = (n: number, now: number, iface = 2) => keeper.ask({ iface, family: 4, address: words(n) }, now);
const known = (n: number, iface = 2) => reader.hop(iface, 4, words(n)) >= 0;

beforeEach(() => {
  const memory = {
    control: new Int32Array(CONTROL.size),
    slots: new Int32Array(SLOTS * SLOT.size),
    questions: new Int32Array(QUESTIONS * QUESTION.size),
    headers: new Uint8Array(SLOTS * HEADER),
    ports: new Int32Array(SLOTS),
  };
  [asked, said, refuse] = [[], [], false];
  const note = (verb: string) => (iface: number, a: Uint8Array) => {
    if (refuse) throw new Error('no');
    asked.push(`${verb} ${iface} ${formatIp(a)}`);
  };
  const warn = (_: object, message: string) => void said.push(message);
  const log: Log = { debug() {}, info() {}, warn, error() {} };
  reader = new HopReader(memory);
  keeper = new NeighbourKeeper(
    { manage: note('manage'), forget: note('forget') },
    new HopWriter(memory),
    PORTS,
    log,
  );
  links(link(2), link(3));
});

test('what a worker misses is asked of the kernel once, and written when it answers', () => {
  ask(1, 0);
  ask(1, 10);
  assert.deepEqual(asked, ['manage 2 10.0.0.1']);
  assert.ok(keeper.waiting && !known(1));
  keeper.heard(neighbour(1, NUD.INCOMPLETE, { mac: undefined }), false, 20);
  assert.ok(!known(1));
  keeper.heard(neighbour(1, NUD.REACHABLE), false, 30);
  assert.ok(!keeper.waiting && known(1));
  const slot = reader.hop(2, 4, words(1));
  const header = reader.headers.subarray(slot * HEADER, (slot + 1) * HEADER);
  assert.deepEqual([...header], [...MAC, 2, 0, 0, 0, 1, 2, 0, 0, 0, 0]);
  assert.equal(reader.ports[slot], 0);
});

test('nobody answers: given up after a while, unless a service needs it; then it is said once', () => {
  ask(1, 0);
  keeper.want([{ iface: 3, address: address(2) }], 0);
  keeper.turn(3999);
  assert.equal(asked.filter(a => a.startsWith('forget')).length, 0);
  keeper.turn(4000);
  keeper.turn(9000);
  assert.deepEqual(asked, ['manage 2 10.0.0.1', 'manage 3 10.0.0.2', 'forget 2 10.0.0.1']);
  assert.deepEqual(said, [
    'neighbour 10.0.0.2 on eth3: does not answer; packets for it are dropped until it does',
  ]);
  assert.ok(!keeper.waiting);
  // It comes up later: the kernel, that still looks for it, tells.
  keeper.heard(neighbour(2, NUD.REACHABLE, { iface: 3 }), false, 10_000);
  assert.ok(known(2, 3));
});

test('one that fails is no longer used; one that the kernel dropped is asked for again when a service needs it', () => {
  keeper.setNeighbours([neighbour(1, NUD.STALE), neighbour(2, NUD.STALE)]);
  keeper.want([{ iface: 2, address: address(1) }], 0);
  ask(2, 0);
  assert.ok(known(1) && known(2));
  assert.deepEqual(asked, ['manage 2 10.0.0.1']);
  keeper.heard(neighbour(1, NUD.FAILED, { mac: undefined }), false, 100);
  assert.ok(!known(1) && known(2));
  keeper.heard(neighbour(1, NUD.FAILED), true, 200);
  assert.deepEqual(asked, ['manage 2 10.0.0.1', 'manage 2 10.0.0.1']);
});

test('one that is set by hand is left as it is', () => {
  keeper.setNeighbours([neighbour(1, NUD.PERMANENT)]);
  keeper.want([{ iface: 2, address: address(1) }], 0);
  assert.ok(known(1));
  keeper.close();
  assert.deepEqual(asked, []);
});

test('as many as are being found out at a time, and no more; at the end none is kept', () => {
  for (let n = 0; n < 3000; n++) ask(n, 0);
  assert.equal(asked.length, 1024);
  keeper.turn(4000);
  assert.equal(asked.filter(a => a.startsWith('forget')).length, 1024);
  for (let n = 2000; n < 2010; n++) ask(n, 5000);
  keeper.close();
  assert.equal(asked.filter(a => a.startsWith('forget')).length, 1034);
});

test('a VLAN leaves by its link with its tag; a link without ARP needs no answer; one that is not the director’s is named', () => {
  links(
    link(2),
    link(5, { name: 'eth2.7', vlan: { link: 2, id: 0x123 } }),
    link(3, { flags: IFF.NOARP }),
    link(9, { name: 'other' }),
  );
  keeper.setNeighbours([
    neighbour(1, NUD.REACHABLE, { iface: 5 }),
    neighbour(1, NUD.REACHABLE, { iface: 9 }),
  ]);
  ask(1, 0, 5);
  const slot = reader.hop(5, 4, words(1));
  assert.deepEqual([...reader.headers.subarray(slot * HEADER + 12, slot * HEADER + 14)], [1, 0x23]);
  assert.equal(reader.ports[slot], 0);
  ask(7, 0, 3);
  assert.ok(known(7, 3));
  ask(1, 0, 9);
  assert.ok(!known(1, 9));
  assert.match(said.join(), /neighbour 10\.0\.0\.1 on other: .*not among the director's interfaces/);
});

test('the own MAC changes: every header does; a kernel that refuses is told of, not thrown', () => {
  keeper.setNeighbours([neighbour(1, NUD.REACHABLE)]);
  ask(1, 0);
  const slot = reader.hop(2, 4, words(1));
  links(link(2, { mac: Uint8Array.of(2, 7, 7, 7, 7, 7) }));
  assert.deepEqual([...reader.headers.subarray(slot * HEADER + 6, slot * HEADER + 12)], [2, 7, 7, 7, 7, 7]);
  links();
  assert.ok(!known(1));
  links(link(2));
  assert.equal(reader.hop(2, 4, words(1)), slot);
  refuse = true;
  ask(8, 0);
  assert.match(said.join(), /10\.0\.0\.8 .*the kernel does not look for it: no/);
});
