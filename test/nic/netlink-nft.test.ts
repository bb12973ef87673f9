// The guard's table in a real kernel: as nft lists it, and what comes of packets to a port that nobody listens on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Lab } from '../lab/hosts.ts';

const CHILD = fileURLToPath(new URL('./netlink-nft-child.js', import.meta.url));

test('a guarded port is silent, the one beside it refuses; a changed guard counts as a whole; removed, nothing is left', async () => {
  const lab = new Lab();
  try {
    const [director, client] = ['director', 'client'].map(name => lab.host(name));
    lab.link(
      { host: director, name: 'eth0', addresses: ['10.1.0.1/24', '2001:db8:1::1/64'] },
      { host: client, name: 'eth0', addresses: ['10.1.0.2/24', '2001:db8:1::2/64'] },
    );
    const guard = async (...entries: string[]) => {
      const { code, err, out } = await director.run(process.execPath, [CHILD, ...entries]);
      assert.equal(code, 0, err);
      return out;
    };
    // Node says what the client's kernel told it: refused, or nothing.
    const connect = async (address: string, port: number) => {
      const script = `const s=require('net').connect(${port},'${address}');s.on('error',e=>{console.log(e.code);process.exit()});s.on('connect',()=>{console.log('open');process.exit()});setTimeout(()=>{console.log('silent');process.exit()},1500)`;
      return (await client.run(process.execPath, ['-e', script])).out.trim();
    };
    const both = (port: number) => Promise.all(['10.1.0.1', '2001:db8:1::1'].map(a => connect(a, port)));
    assert.deepEqual(await both(80), ['ECONNREFUSED', 'ECONNREFUSED']);
    await guard(
      'in 6 10.1.0.1 80',
      'in 6 2001:db8:1::1 80',
      'in 6 10.1.0.1 80',
      'out 6 10.9.0.1 8080',
      'out 17 2001:db8:9::1 0',
    );
    assert.deepEqual(await both(80), ['silent', 'silent']);
    assert.deepEqual(await both(81), ['ECONNREFUSED', 'ECONNREFUSED']);
    const listed = (await director.run('nft', ['list', 'table', 'inet', 'switchyard'])).out;
    assert.match(listed, /hook prerouting priority raw; policy accept;/);
    assert.match(
      listed,
      /ip daddr \. meta l4proto \. (th|@th,16,16) .*@in4-port counter packets [1-9]\d* bytes \d+ drop/,
    );
    assert.match(listed, /10\.1\.0\.1 \. (tcp|6) \. (80|http)/);
    // Another guard in its place: all ports of one address.
    await guard('in 6 10.1.0.1 0');
    assert.deepEqual(await both(81), ['silent', 'ECONNREFUSED']);
    assert.deepEqual(await both(80), ['silent', 'ECONNREFUSED']);
    // More elements than one message carries.
    await guard(...Array.from({ length: 1000 }, (_, i) => `in 6 10.7.${i >> 8}.${i & 255} 80`));
    assert.deepEqual(await connect('10.1.0.1', 80), 'ECONNREFUSED');
    assert.equal(await guard(), 'removed\n');
    assert.equal((await director.run('nft', ['list', 'tables'])).out, '');
  } finally {
    await lab.close();
  }
});

test('answers of guarded servers are not sent on, others are', async () => {
  const lab = new Lab();
  try {
    const [server, director, client] = ['server', 'director', 'client'].map(name => lab.host(name));
    lab.link(
      { host: director, name: 'eth0', addresses: ['10.1.0.1/24'] },
      { host: client, name: 'eth0', addresses: ['10.1.0.2/24'] },
    );
    lab.link(
      { host: director, name: 'eth1', addresses: ['10.2.0.1/24'] },
      { host: server, name: 'eth0', addresses: ['10.2.0.2/24'] },
    );
    client.ip('route', 'add', 'default', 'via', '10.1.0.1');
    server.ip('route', 'add', 'default', 'via', '10.2.0.1');
    director.forward(true);
    const connect = async () => {
      const script = `const s=require('net').connect(80,'10.2.0.2');s.on('error',e=>{console.log(e.code);process.exit()});setTimeout(()=>{console.log('silent');process.exit()},1500)`;
      return (await client.run(process.execPath, ['-e', script])).out.trim();
    };
    assert.equal(await connect(), 'ECONNREFUSED');
    const guarded = await director.run(process.execPath, [CHILD, 'out 6 10.2.0.2 80']);
    assert.equal(guarded.code, 0, guarded.err);
    assert.equal(await connect(), 'silent');
    assert.equal((await client.run('ping', ['-c1', '-W1', '10.2.0.2'])).code, 0);
  } finally {
    await lab.close();
  }
});
