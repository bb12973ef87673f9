// The ways of a real kernel: routes and neighbours of a host with two links, and what of them changes.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { type Host, Lab, until } from '../lab/hosts.ts';

const CHILD = join(import.meta.dirname, 'xdp-ways-child.js');

interface Found {
  local: boolean;
  mtu: number;
  hop: string;
  source: string;
}

interface Hop {
  slot: number;
  to: string;
  from: string;
  port: number;
}

let lab: Lab;
let [director, left, right]: Host[] = [];
let child: ChildProcess;
let ask: (line: string) => Promise<unknown>;
const find = (address: string) => ask(`find ${address}`) as Promise<Found | null>;
const hop = (address: string) => ask(`hop ${address}`) as Promise<Hop | null>;
const state = () => ask('state') as Promise<{ generation: number; managed: string[] }>;

before(() => {
  lab = new Lab();
  [director, left, right] = ['director', 'left', 'right'].map(name => lab.host(name));
  lab.link(
    { host: director, name: 'eth0', addresses: ['10.1.0.1/24', '2001:db8:1::1/64'] },
    { host: left, name: 'eth0', addresses: ['10.1.0.2/24', '10.1.0.3/24', '2001:db8:1::2/64'] },
  );
  lab.link(
    { host: director, name: 'eth1', addresses: ['10.2.0.1/24'] },
    { host: right, name: 'eth0', addresses: ['10.2.0.2/24'] },
  );
  director.ip('route', 'add', 'default', 'via', '10.1.0.2');
  director.ip('route', 'add', '10.9.0.0/16', 'via', '10.2.0.2', 'mtu', '1400');
  director.ip('route', 'add', 'unreachable', '10.9.9.0/24');
  child = spawn(...director.inside(process.execPath, [CHILD, 'eth0', 'eth1']), {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  ask = async line => {
    child.stdin?.write(`${line}\n`);
    return JSON.parse((await lines.next()).value as string);
  };
});

after(async () => {
  child?.kill('SIGKILL');
  await lab?.close();
});

function macOf(host: Host, name: string): string {
  return /link\/ether (\S+)/.exec(host.ip('link', 'show', name))?.[1] as string;
}

test('the kernel’s routes are found', async () => {
  assert.deepEqual(await find('8.8.8.8'), { local: false, mtu: 1500, hop: '10.1.0.2', source: '10.1.0.1' });
  assert.deepEqual(await find('10.2.0.77'), {
    local: false,
    mtu: 1500,
    hop: '10.2.0.77',
    source: '10.2.0.1',
  });
  assert.deepEqual(await find('10.9.1.1'), { local: false, mtu: 1400, hop: '10.2.0.2', source: '10.2.0.1' });
  assert.equal(await find('10.9.9.1'), null);
  assert.equal((await find('10.1.0.1'))?.local, true);
  assert.deepEqual(await find('2001:db8:1::7'), {
    local: false,
    mtu: 1500,
    hop: '2001:db8:1::7',
    source: '2001:db8:1::1',
  });
  assert.equal(await find('2001:db8:2::1'), null);
});

test('a next hop that nobody has spoken to is found out by the kernel, and has both MACs', async () => {
  for (const [address, host, own, port] of [
    ['10.1.0.2', left, 'eth0', 0],
    ['2001:db8:1::2', left, 'eth0', 0],
    ['10.9.3.3', right, 'eth1', 1],
  ] as const) {
    const begun = performance.now();
    const found = await until(address, () => hop(address));
    assert.deepEqual(
      { ...found, slot: 0 },
      { slot: 0, to: macOf(host, 'eth0'), from: macOf(director, own), port },
    );
    assert.ok(performance.now() - begun < 3000);
  }
  const { managed } = await state();
  assert.deepEqual(managed.sort(), ['10.1.0.2', '10.2.0.2', '2001:db8:1::2']);
});

test('an address that nobody answers for is no hop; what services need is found before its first packet', async () => {
  assert.equal(await hop('10.2.0.99'), null);
  await ask('want 10.1.0.3,10.9.4.4');
  await until('kept', async () => {
    const { managed } = await state();
    return managed.includes('10.1.0.3');
  });
  let misses = 0;
  await until('known', async () => {
    const known = (await hop('10.1.0.3')) !== null;
    if (!known) misses++;
    return known;
  });
  assert.ok(misses < 50);
  // After a while the kernel is not asked for it any more.
  await until('forgotten', async () => !(await state()).managed.includes('10.2.0.99'), 15_000);
});

test('a new MAC, a new route and a link that goes down are heard of', async () => {
  const slot = (await hop('10.2.0.2'))?.slot;
  right.ip('link', 'set', 'eth0', 'address', '02:5a:00:00:77:77');
  await right.run('ping', ['-c1', '-W2', '10.2.0.1']);
  await until('the new MAC', async () => (await hop('10.2.0.2'))?.to === '02:5a:00:00:77:77');
  assert.equal((await hop('10.2.0.2'))?.slot, slot);
  const { generation } = await state();
  director.ip('route', 'add', '10.77.0.0/16', 'via', '10.2.0.2');
  await until('the new route', async () => (await find('10.77.1.1'))?.hop === '10.2.0.2');
  assert.ok((await state()).generation > generation);
  director.ip('link', 'set', 'eth1', 'down');
  await until('no way', async () => (await find('10.77.1.1'))?.hop === '10.1.0.2');
  director.ip('link', 'set', 'eth1', 'up');
  await until('the way on the link', async () => (await find('10.2.0.2'))?.hop === '10.2.0.2');
  await until('the hop', async () => (await hop('10.2.0.2')) !== null);
});

test('at the end the kernel keeps nothing for us', async () => {
  assert.deepEqual(await ask('close'), []);
});
