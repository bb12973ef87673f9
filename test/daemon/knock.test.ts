// Knocks at VIPs on one real server, between hosts: what a server with the VIP says, one without, and one without a listener.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Via } from '../../src/probe/probe.ts';
import { type Host, Lab, until } from '../lab/hosts.ts';

const CHILD = fileURLToPath(new URL('./knock-child.js', import.meta.url));
const DECAP = fileURLToPath(new URL('../lab/decap.js', import.meta.url));
const VIP = { 4: '10.1.0.100', 6: 'fd01::100' } as const;
const SERVER = { 4: '10.1.0.2', 6: 'fd01::2' } as const;
/** Port 80 of TCP, and an echo of datagrams on 53, on every address. */
const SERVE = `const { createServer } = require('node:net'), { createSocket } = require('node:dgram');
createServer(s => s.resume()).listen(80, '::');
for (const [type, vip] of [['udp4', '${VIP[4]}'], ['udp6', '${VIP[6]}']]) {
  const s = createSocket(type).on('message', (m, from) => s.send(m, from.port, from.address));
  s.bind(53, vip);
}
process.on('uncaughtException', e => console.log('fault', e));
setTimeout(() => console.log('serving'), 100);`;

interface Said {
  unable?: string;
  fault?: string;
}

const lab = new Lab();
let director: Host;
let server: Host;
let child: ChildProcess;
let hear: () => Promise<string>;

before(async () => {
  [director, server] = ['director', 'server'].map(name => lab.host(name));
  lab.link(
    { host: director, name: 'eth0', addresses: ['10.1.0.1/24', 'fd01::1/64'] },
    { host: server, name: 'eth0', addresses: ['10.1.0.2/24', 'fd01::2/64'] },
  );
  // As the plane brings them up.
  director.ip('addr', 'add', `${VIP[4]}/32`, 'dev', 'eth0');
  director.ip('addr', 'add', `${VIP[6]}/128`, 'dev', 'eth0', 'nodad', 'preferred_lft', '0');
  for (const name of ['all', 'default', 'eth0']) server.sysctl(`net.ipv4.conf.${name}.rp_filter`, 0);
  server.sysctl('net.ipv4.conf.all.arp_ignore', 1);
  server.sysctl('net.ipv4.conf.all.arp_announce', 2);
  own('add');
  await server.start(process.execPath, ['-e', SERVE]).says(/serving/);
  await server.start(process.execPath, [DECAP]).says(/ready/);
  child = spawn(...director.inside(process.execPath, [CHILD]), { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  hear = async () => (await lines.next()).value as string;
  assert.equal(await hear(), 'ready');
});
after(async () => {
  if (child?.exitCode === null && child.signalCode === null && child.kill('SIGKILL'))
    await once(child, 'exit');
  await lab.close();
});

/** Puts the VIPs on the server's lo, or takes them away. */
function own(verb: 'add' | 'del', families: readonly (4 | 6)[] = [4, 6]): void {
  for (const family of families)
    server.ip('addr', verb, `${VIP[family]}/${family === 4 ? 32 : 128}`, 'dev', 'lo');
}

async function knock(
  family: 4 | 6,
  via: Partial<Via> = {},
  more: { port?: number; timeout?: number; payload?: string } = {},
): Promise<string | Said> {
  const what = { vip: VIP[family], port: 80, timeout: 5000, ...more };
  child.stdin?.write(
    `${JSON.stringify({ ...what, via: { protocol: 'tcp', server: SERVER[family], ...via } })}\n`,
  );
  return JSON.parse(await hear());
}

test('on the link: open, refused, and silence without the VIP; the neighbour is found first', async () => {
  for (const family of [4, 6] as const) {
    director.ip(`-${family}`, 'neigh', 'flush', 'dev', 'eth0');
    assert.equal(await knock(family), 'open');
    assert.equal(await knock(family, {}, { port: 81 }), 'refused');
    own('del', [family]);
    try {
      assert.deepEqual(await knock(family, {}, { timeout: 300 }), { fault: 'silence' });
    } finally {
      own('add', [family]);
    }
    assert.equal(await knock(family), 'open');
  }
});

test('a server is left with no half-open connection', async () => {
  for (let i = 0; i < 20; i++) assert.equal(await knock(4), 'open');
  const left = async () => (await server.run('ss', ['-Htan', 'state', 'syn-recv'])).out.trim();
  await until('none is half open', async () => (await left()) === '');
});

test('UDP: any datagram from the VIP is an answer', async () => {
  for (const family of [4, 6] as const) {
    const via = { protocol: 'udp' } as const;
    assert.equal(await knock(family, via, { port: 53, payload: 'hello' }), 'open');
    assert.deepEqual(await knock(family, via, { port: 54, payload: 'hello', timeout: 200 }), {
      fault: 'silence',
    });
  }
});

test('through tunnels of every kind, of one family and of both', async () => {
  for (const type of ['ipip', 'gre', 'gue'] as const)
    for (const checksum of [false, true])
      for (const inner of [4, 6] as const)
        for (const outer of [4, 6] as const) {
          const via = { server: SERVER[outer], tunnel: { type, port: 6080, checksum } };
          assert.equal(await knock(inner, via), 'open', `${type} ${inner} in ${outer}`);
        }
  const via = { server: SERVER[4], tunnel: { type: 'ipip', port: 6080, checksum: false } } as const;
  own('del', [4]);
  try {
    assert.deepEqual(await knock(4, via, { timeout: 300 }), { fault: 'silence' });
  } finally {
    own('add', [4]);
  }
});

test('what cannot be asked is no fault of the server; where there is no way, or nobody, it is', async () => {
  assert.deepEqual(await knock(4, { server: '10.1.0.1' }), { unable: 'it is this host itself' });
  assert.deepEqual(await knock(4, { server: '10.7.0.1' }), { fault: 'there is no way to 10.7.0.1' });
  assert.deepEqual(await knock(4, { server: '10.1.0.77' }, { timeout: 200 }), { fault: 'silence' });
  director.ip('-6', 'addr', 'flush', 'dev', 'eth0', 'scope', 'global');
  const via = { server: SERVER[4], tunnel: { type: 'ipip', port: 6080, checksum: false } } as const;
  assert.deepEqual(await knock(6, via), {
    unable: 'this host has no IPv6 address of its own on the link towards it',
  });
  child.stdin?.end();
  assert.equal(await hear(), 'closed');
});
