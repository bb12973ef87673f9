// VIPs brought up and announced: a neighbour that knew another MAC for them finds the new one, without having asked.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Host, Lab, until } from '../lab/hosts.ts';

const CHILD = fileURLToPath(new URL('./xdp-announce-child.js', import.meta.url));
const OTHER = '02:00:00:00:99:99';

async function announcer(host: Host) {
  const child: ChildProcess = spawn(...host.inside(process.execPath, [CHILD]), {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  const hear = async () => (await lines.next()).value as string;
  assert.equal(await hear(), 'ready');
  return {
    tell: (line: string) => {
      child.stdin?.write(`${line}\n`);
      return hear();
    },
    kill: async () => {
      if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL'))
        await once(child, 'exit');
    },
  };
}

test('VIPs stand where they are found, are announced, and go at a clean stop; those of a run that died are found', async () => {
  const lab = new Lab();
  const children: { kill(): Promise<void> }[] = [];
  try {
    const [director, neighbour] = ['director', 'neighbour'].map(name => lab.host(name));
    lab.link(
      { host: director, name: 'eth0', addresses: ['10.1.0.1/24', '2001:db8:1::1/64'] },
      { host: neighbour, name: 'eth0', addresses: ['10.1.0.2/24', '2001:db8:1::2/64'] },
    );
    director.ip('addr', 'add', '10.1.0.50/32', 'dev', 'eth0');
    const mac = /link\/ether (\S+)/.exec(director.ip('link', 'show', 'eth0'))?.[1] as string;
    const knows = (address: string) =>
      / lladdr (\S+)/.exec(neighbour.ip('neigh', 'show', 'to', address))?.[1] ?? 'nothing';
    for (const vip of ['10.1.0.100', '2001:db8:1::100'])
      neighbour.ip('neigh', 'replace', vip, 'lladdr', OTHER, 'dev', 'eth0', 'nud', 'stale');
    const on = (dev: string) => director.ip('-o', 'addr', 'show', 'dev', dev);
    const first = await announcer(director);
    children.push(first);
    // 10.9.0.1 is in nobody's network: routers lead it here. 10.1.0.50 is somebody else's doing.
    assert.equal(await first.tell('10.1.0.100 2001:db8:1::100 10.9.0.1 10.1.0.50'), '[]');
    for (const vip of ['10.1.0.100', '2001:db8:1::100'])
      await until(`${vip} at ${mac}`, () => knows(vip) === mac);
    assert.match(on('eth0'), /inet 10\.1\.0\.100\/32/);
    assert.match(on('eth0'), /inet6 2001:db8:1::100\/128 .*deprecated/);
    assert.match(on('lo'), /inet 10\.9\.0\.1\/32/);
    assert.equal((await neighbour.run('ping', ['-c1', '-W2', '2001:db8:1::100'])).code, 0);
    assert.equal((await neighbour.run('ping', ['-c1', '-W2', '10.1.0.100'])).code, 0);
    assert.equal(await first.tell('10.1.0.100'), '[]');
    assert.doesNotMatch(on('eth0') + on('lo'), /2001:db8:1::100|10\.9\.0\.1/);
    await first.kill();
    const second = await announcer(director);
    children.push(second);
    assert.equal(await second.tell('10.9.0.1'), '[]');
    assert.doesNotMatch(on('eth0'), /10\.1\.0\.100/);
    assert.equal(await second.tell('close'), 'closed');
    assert.doesNotMatch(on('eth0') + on('lo'), /10\.9\.0\.1|2001:db8:1::100/);
    assert.match(on('eth0'), /10\.1\.0\.50\/32/);
    assert.match(on('eth0'), /10\.1\.0\.1\/24/);
  } finally {
    await Promise.all(children.map(c => c.kill()));
    await lab.close();
  }
});
