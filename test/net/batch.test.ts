// What batched UDP has to itself: many datagrams in a call, replies from the address asked, several sockets on a thread.
// That it answers as the portable socket does is in udp.test.ts.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { promisify } from 'node:util';
import { QUERY_SIZE, WIDTH } from '../../src/net/batch-memory.ts';
import { openBatchSocket, sendWhole } from '../../src/net/batch-socket.ts';
import { NET, newNetCounters, type Respond } from '../../src/net/responder.ts';
import { IP, SOL } from '../../src/nic/layout.ts';
import { openLibc } from '../../src/nic/libc.ts';
import { openBatched } from './batched.ts';
import { mirror, now, query, sleep } from './sockets.ts';

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const o of opened.splice(0)) await o.close();
});

async function open(more: Partial<Parameters<typeof openBatched>[0]> = {}): Promise<number> {
  const onError = (e: Error) => assert.fail(e);
  const options = { address: '127.0.0.1', port: 0, respond: mirror, now, onError, ...more };
  const server = await openBatched(options);
  opened.push(server);
  return server.address().port;
}

function newClient(): Socket {
  const client = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  opened.push(client);
  return client;
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 300 && !condition(); i++) await sleep(10);
}

test('silence among many leaves the other replies whole', async () => {
  const port = await open();
  const client = newClient();
  const got = new Map<number, Buffer>();
  client.on('message', m => got.set(m.readUInt16BE(0), m));
  // Sent at once: they come in few batches, in which every third query gets no reply.
  for (let id = 0; id < 300; id++) client.send(query(id, 13 + id, id % 3 === 0 ? 0xff : id & 0x7f), port);
  await until(() => got.size >= 200);
  await sleep(20);
  assert.equal(got.size, 200);
  for (const [id, m] of got) {
    assert.notEqual(id % 3, 0);
    assert.equal(m.length, 13 + id);
    assert.ok(m.subarray(12).every(b => b === (id & 0x7f)));
  }
});

test('every client gets its own replies, out of one batch', async () => {
  const port = await open();
  const wrong: string[] = [];
  let count = 0;
  const clients = await Promise.all(
    Array.from({ length: 20 }, async (_, c) => {
      const client = newClient();
      client.bind(0, `127.0.1.${c + 1}`);
      await once(client, 'listening');
      client.on('message', (m, from) => {
        count++;
        if (m[12] !== c || from.port !== port) wrong.push(`${c} got ${m[12]}`);
      });
      return client;
    }),
  );
  for (let i = 0; i < 10; i++)
    clients.forEach((client, c) => {
      client.send(query(i, 20, c), port, '127.0.0.1');
    });
  await until(() => count >= 200);
  assert.equal(count, 200);
  assert.deepEqual(wrong, []);
});

test('on 0.0.0.0 a reply leaves from the address that was asked', async () => {
  const port = await open({ address: '0.0.0.0' });
  for (const address of ['127.0.0.1', '127.0.0.5', '127.8.8.8']) {
    const client = newClient();
    client.bind(0, '127.0.0.9');
    await once(client, 'listening');
    client.send(query(1), port, address);
    const [, from] = await once(client, 'message');
    assert.equal(from.address, address);
  }
});

test('on :: a reply leaves from the address that was asked, global or link-local', async () => {
  // A network of its own, as this host may have one IPv6 address only.
  const script = [
    'ip link set lo up',
    'ip addr add fd00::5/128 dev lo nodad',
    'ip addr add fd00::6/128 dev lo nodad',
    'ip link add v0 type veth peer name v1',
    'ip addr add fe80::5/64 dev v0 nodad',
    'ip addr add fe80::6/64 dev v1 nodad',
    'ip link set v0 up',
    'ip link set v1 up',
    `exec "${process.execPath}" "${join(import.meta.dirname, 'batch-six.js')}"`,
  ].join(' && ');
  const how = process.getuid?.() === 0 ? ['-n'] : ['-rn'];
  const { stdout } = await promisify(execFile)('unshare', [...how, 'sh', '-c', script], { timeout: 20_000 });
  assert.deepEqual(JSON.parse(stdout), {
    '::1': '::1',
    'fd00::5': 'fd00::5',
    'fd00::6': 'fd00::6',
    'fe80::5%v1': 'fe80::5%v1',
  });
});

test('sockets of one thread are served side by side: a flood on one does not keep the other waiting', async () => {
  const port = await open({ addresses: ['127.0.0.2'] });
  const flood = newClient();
  const client = newClient();
  let answered = 0;
  client.on('message', () => answered++);
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 200; i++) flood.send(query(i, 100), port, '127.0.0.1');
    client.send(query(round), port, '127.0.0.2');
    await sleep(2);
  }
  await until(() => answered === 20);
  assert.equal(answered, 20);
});

test('a query of any size: what is beyond the buffer is cut, what is empty is seen', async () => {
  const lengths: number[] = [];
  const respond: Respond = (q, length, out, who, at) => {
    lengths.push(length);
    return length < 12 ? 0 : mirror(q, 12, out, who, at);
  };
  const port = await open({ respond });
  const client = newClient();
  for (const length of [0, 1, 12, QUERY_SIZE, QUERY_SIZE + 1, 60_000])
    client.send(Buffer.alloc(length), port, '127.0.0.1');
  await until(() => lengths.length === 6);
  assert.deepEqual(lengths, [0, 1, 12, QUERY_SIZE, QUERY_SIZE, QUERY_SIZE]);
});

test('a reply that the kernel refuses is counted, and the others of its batch go', async () => {
  const counters = newNetCounters();
  let calls = 0;
  const port = await open({
    counters,
    libc: real => ({
      ...real,
      // The first of every batch is refused, and after it two are taken at a time.
      sendmmsg: (fd, at, count, flags) =>
        calls++ % 2 === 0 ? -1 : real.sendmmsg(fd, at, Math.min(2, count), flags),
    }),
  });
  const client = newClient();
  const got = new Set<number>();
  client.on('message', m => got.add(m.readUInt16BE(0)));
  for (let id = 0; id < 60; id++) client.send(query(id), port, '127.0.0.1');
  await until(() => got.size + counters[NET.net_udp_send] >= 60);
  assert.equal(got.size + counters[NET.net_udp_send], 60);
  assert.ok(got.size >= 30, `${got.size} replies`);
});

test('a descriptor that is none ends the loop with its name', async () => {
  const { Batch } = await import('../../src/net/batch.ts');
  const { openLibc } = await import('../../src/nic/libc.ts');
  const libc = await openLibc();
  const batch = new Batch({ libc, sockets: [{ fd: 1_000_000, address: '', port: 0 }], wake: -1, now });
  // poll() says of it that it can be read; recvmmsg then says what it is.
  assert.throws(() => batch.turn(mirror, 0), { code: 'GTM_SYSCALL', message: 'recvmmsg failed' });
});

test('a datagram makes no garbage', async () => {
  const flags = ['--expose-gc', '--max-semi-space-size=64', '--min-semi-space-size=64'];
  const script = join(import.meta.dirname, 'batch-allocation.js');
  const child = spawn(process.execPath, [...flags, script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines: string[] = [];
  child.stdout.on('data', chunk => lines.push(...`${chunk}`.trim().split('\n')));
  await until(() => lines.length > 0);
  const client = newClient();
  for (let i = 0; child.exitCode === null && i < 20_000; i++) {
    for (let k = 0; k < WIDTH; k++) client.send(query(k, 40), Number(lines[0]), '127.0.0.1');
    await sleep(1);
  }
  child.kill();
  const bytes = Number(lines[1]);
  assert.ok(bytes < 8, `${bytes} octets a query`);
});

test('replies that every path takes go out with DF and heed no ICMP; longer ones may be cut (RFC 9715)', async () => {
  const libc = await openLibc();
  // ip(7): 1 = as the path wants it, the kernel's default; 3 = whole, whatever is said of the path.
  for (const [size, how] of [
    [512, 3],
    [1232, 3],
    [1233, 1],
    [4096, 1],
  ]) {
    const sockets = ['127.0.0.1', '::1'].map(address => openBatchSocket(libc, address, 0, 'alone'));
    try {
      sendWhole(libc, sockets, size);
      const value = new Uint8Array(4);
      libc.getOptionBytes(sockets[0].fd, SOL.IP, IP.MTU_DISCOVER, value);
      assert.deepEqual([...value], [how, 0, 0, 0], `${size} octets`);
    } finally {
      for (const s of sockets) libc.close(s.fd);
    }
  }
});
