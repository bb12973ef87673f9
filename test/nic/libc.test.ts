// The door to the C library: calls, faults with names, and what is said where there is none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GtmError, reason } from '../../src/kit/errors.ts';
import { AF, POLLFD, POLLIN, SO, SOCK_DGRAM, SOCKADDR, SOL } from '../../src/nic/layout.ts';
import { openLibc, systemFault } from '../../src/nic/libc.ts';
import { readSockaddr, sockaddr } from '../../src/nic/sockaddr.ts';
import { openWake } from '../../src/nic/wake.ts';

const libc = await openLibc();

test('a socket is opened, bound, named and closed', () => {
  for (const address of ['127.0.0.1', '::1']) {
    const fd = libc.socket(address.includes(':') ? AF.INET6 : AF.INET, SOCK_DGRAM, 0);
    libc.setOption(fd, SOL.SOCKET, SO.RCVBUF, 65536);
    libc.bind(fd, sockaddr(address, 0));
    const name = new Uint8Array(SOCKADDR.in6.size);
    libc.getName(fd, name);
    const bound = readSockaddr(name);
    assert.equal(bound.address, address);
    assert.ok(bound.port > 0);
    libc.close(fd);
    assert.throws(() => libc.getName(fd, name), { code: 'GTM_SYSCALL' });
  }
});

test('a call that fails throws GTM_SYSCALL, and its cause looks like one of node', () => {
  assert.throws(
    () => libc.close(-1),
    (e: GtmError) => {
      assert.ok(e instanceof GtmError);
      assert.deepEqual({ ...(e.cause as object) }, { code: 'EBADF', errno: 9, syscall: 'close' });
      assert.equal(reason(e), 'close failed: close: EBADF');
      return true;
    },
  );
  assert.match(reason(systemFault('poll', 9999)), /errno 9999$/);
});

test('a sleep ends by its time-out, or at once when somebody rings', () => {
  const wake = openWake(libc);
  const set = new ArrayBuffer(POLLFD.size);
  const words = new Int32Array(set);
  words.set([wake.fd, POLLIN]);
  const at = libc.address(set);
  assert.equal(libc.poll(at, 1, 1), 0);
  wake.ring();
  wake.ring();
  assert.equal(libc.poll(at, 1, 10_000), 1);
  assert.equal(words[1] >> 16, POLLIN);
  const count = new BigUint64Array(1);
  assert.equal(libc.read(wake.fd, libc.address(count.buffer), 8), 8);
  assert.equal(count[0], 2n);
  assert.equal(libc.poll(at, 1, 0), 0);
  wake.close();
  wake.close();
  // Nobody hears, nothing is written to whoever has the number now.
  wake.ring();
});

test('socket addresses are what they were', () => {
  for (const address of ['0.0.0.0', '192.0.2.1', '::', '2001:db8::1'])
    assert.deepEqual(readSockaddr(sockaddr(address, 5353)), { address, port: 5353 });
  assert.throws(() => sockaddr('localhost', 53), RangeError);
});

test('where there is no such system, the reason is said', async () => {
  const why = async (host: Parameters<typeof openLibc>[0]) => {
    const e: unknown = await openLibc(host).then(
      () => undefined,
      thrown => thrown,
    );
    assert.ok(e instanceof GtmError);
    assert.equal(e.code, 'GTM_NIC');
    return e.message;
  };
  assert.equal(await why({ platform: 'darwin' }), 'needs Linux; this is darwin');
  assert.equal(await why({ arch: 'ia32' }), 'needs x64 or arm64; this is ia32');
  const load = () => Promise.reject(new Error("Cannot find package 'koffi'"));
  assert.equal(await why({ load }), "koffi cannot be loaded: Cannot find package 'koffi'");
});
