// The PROXY protocol through the plane: nginx and Knot as real servers that believe it, curl as a front end that tells it,
// and what happens to those who tell nothing, nonsense, or may not tell.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { promisify } from 'node:util';
import dns2 from 'dns2';
import { writePreface } from '../../src/plane/proxy/preface.ts';
import { collect, firstLine, freePort, Stage, service, until } from './harness.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'gtm-proxy-'));
const ends: (() => Promise<void>)[] = [];
let stage = new Stage();
let web = 0;
let dns = 0;

/** Starts a program that stays in the foreground; it is ended with SIGTERM. */
function start(program: string, args: readonly string[]): void {
  const child = spawn(program, args, { stdio: 'ignore' });
  const gone = new Promise<void>(resolve => {
    child.once('exit', () => resolve());
  });
  ends.push(async () => {
    child.kill();
    await gone;
  });
}

before(async () => {
  [web, dns] = [await freePort('127.12.9.1'), await freePort('127.12.9.1')];
  const nginx = `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log; events {}
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(t => `${t}_temp_path ${folder}/${t};`).join(' ')}
  server { listen 127.12.9.1:${web} proxy_protocol;
    location / { return 200 "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr $proxy_protocol_server_port"; } }
}`;
  writeFileSync(join(folder, 'nginx.conf'), nginx);
  start('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')]);
  const knot = `server:
    rundir: ${folder}
    listen: 127.12.9.1@${dns}
    proxy-allowlist: 127.0.0.0/8
database:
    storage: ${folder}/knot
template:
  - id: default
    storage: ${folder}
zone:
  - domain: whoami.test
    file: whoami.zone
    module: mod-whoami
`;
  writeFileSync(join(folder, 'knot.conf'), knot);
  writeFileSync(
    join(folder, 'whoami.zone'),
    '@ 60 SOA ns.whoami.test. h.whoami.test. 1 60 60 60 0\n@ 60 NS ns\nns 60 A 192.0.2.1\n',
  );
  start('knotd', ['-c', join(folder, 'knot.conf')]);
});
afterEach(async () => {
  await stage.end();
  stage = new Stage();
});
after(async () => {
  await stage.end();
  for (const end of ends) await end();
  rmSync(folder, { recursive: true });
});

/** What an HTTP server behind the plane says to curl. */
async function curl(args: readonly string[], at: { address: string; port: number }): Promise<string> {
  const host = at.address.includes(':') ? `[${at.address}]` : at.address;
  const more = [
    '-sS',
    '--max-time',
    '5',
    '--retry',
    '20',
    '--retry-delay',
    '0',
    '--retry-all-errors',
    '--retry-max-time',
    '5',
  ];
  return (await run('curl', [...more, ...args, `http://${host}:${at.port}/`])).stdout;
}

for (const version of ['v1', 'v2'] as const)
  test(`nginx behind the plane learns the client by ${version}`, async () => {
    const spec = await service([{ address: '127.12.9.1', port: web }], { proxyProtocol: version });
    assert.deepEqual(await stage.plane.apply([spec]), []);
    const said = await curl(['--interface', '127.12.4.4', '--local-port', '40000-40999'], spec);
    assert.match(said, new RegExp(`^127\\.12\\.4\\.4 40\\d\\d\\d ${spec.address} ${spec.port}$`));
    assert.ok(stage.service.inBytes > 50 && stage.service.inBytes < 300, 'the header does not count');
  });

test('Knot behind the plane learns the client of each datagram by v2', async () => {
  const spec = await service([{ address: '127.12.9.1', port: dns }], {
    protocol: 'udp',
    proxyProtocol: 'v2',
  });
  await stage.plane.apply([spec]);
  const client = await stage.udpClient('127.12.4.5');
  // whoami.test A, without EDNS.
  const query = Buffer.from('123400000001000000000000', 'hex');
  const question = Buffer.from('\x06whoami\x04test\0\0\x01\0\x01', 'latin1');
  const replies: Buffer[] = [];
  client.on('message', reply => replies.push(reply));
  for (let i = 0; i < 100 && replies.length < 2; i++) {
    client.send([query, question], spec.port, spec.address);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  for (const reply of replies) {
    const { answers } = dns2.Packet.parse(reply) as { answers: { address?: string }[] };
    assert.deepEqual(
      answers.map(a => a.address),
      ['127.12.4.5'],
    );
  }
  assert.ok(replies.length >= 2);
});

const FROM = { acceptProxyProtocol: ['127.12.5.0/24'] };
const CLIENT = { address: '192.0.2.77', port: 4000, toAddress: '198.51.100.9', toPort: 443 };

test('a front end tells by v1 (curl) who it is, and nginx hears it by v2', async () => {
  const spec = await service([{ address: '127.12.9.1', port: web }], { ...FROM, proxyProtocol: 'v2' });
  await stage.plane.apply([spec]);
  const said = await curl(['--haproxy-protocol', '--interface', '127.12.5.1'], spec);
  assert.match(
    said,
    new RegExp(`^127\\.12\\.5\\.1 \\d+ ${spec.address.replaceAll('.', '\\.')} ${spec.port}$`),
  );
});

for (const version of ['v1', 'v2'] as const)
  test(`the client that ${version} names is the one that is scheduled, listed and told`, async () => {
    const seen: string[] = [];
    const server = await stage.tcp((s: Socket) => {
      s.once('data', d => {
        seen.push(d.toString('latin1'));
        s.write('hello\n');
      });
    });
    const spec = await service([server], { ...FROM, proxyProtocol: 'v1' });
    await stage.plane.apply([spec]);
    const client = stage.client(spec, '127.12.5.1');
    const bytes = Buffer.concat([writePreface(version, 'tcp', CLIENT), Buffer.from('first\n')]);
    // In pieces: none of them is the whole header.
    for (const [from, to] of [
      [0, 7],
      [7, 20],
      [20, bytes.length],
    ]) {
      client.write(bytes.subarray(from, to));
      await new Promise(resolve => setTimeout(resolve, 20));
    }
    assert.equal(await firstLine(client), 'hello');
    assert.equal(seen[0].split('\r\n')[0], 'PROXY TCP4 192.0.2.77 198.51.100.9 4000 443');
    client.write('more\n');
    const rows = await stage.plane.connections(10);
    assert.equal(rows.length, 1);
    const { expires, ...row } = rows[0];
    assert.deepEqual(row, {
      protocol: 'tcp',
      state: 'ESTABLISHED',
      client: '192.0.2.77:4000',
      virtual: `${spec.address}:${spec.port}`,
      server: `${server.address}:${server.port}`,
    });
    assert.ok(expires > 50_000 && expires <= 60_000);
    await until(
      () => stage.service.inBytes === 11,
      () => `${stage.service.inBytes} bytes`,
    );
  });

test('all in one piece, with the end of the stream: nothing is lost', async () => {
  const server = await stage.named('a');
  const spec = await service([server], FROM);
  await stage.plane.apply([spec]);
  const client = stage.client(spec, '127.12.5.1');
  client.end(Buffer.concat([writePreface('v2', 'tcp', CLIENT), Buffer.from('x'.repeat(100_000))]));
  const { text, end } = await collect(client);
  assert.deepEqual([text.length, end], [100_002, 'fin']);
});

test('who is no front end, tells nonsense, or ends too early, gets RST and is counted', async () => {
  const server = await stage.named('a');
  const spec = await service([server], FROM);
  await stage.plane.apply([spec]);
  const rows: [string, string][] = [
    ['127.12.6.1', writePreface('v1', 'tcp', CLIENT).toString('latin1')],
    ['127.12.5.1', 'GET / HTTP/1.1\r\n\r\n'],
    ['127.12.5.1', `PROXY TCP4 ${'1'.repeat(200)}`],
  ];
  for (const [i, [from, text]] of rows.entries()) {
    const client = stage.client(spec, from);
    client.write(text);
    assert.equal((await collect(client)).end, 'ECONNRESET', text);
    assert.equal(stage.service.refused, i + 1);
  }
  stage.client(spec, '127.12.5.1').end('PROXY');
  await until(
    () => stage.service.refused === 4,
    () => `${stage.service.refused} refused`,
  );
  assert.equal(stage.service.connections, 0);
});

test('LOCAL and UNKNOWN: the front end itself counts as the client', async () => {
  const server = await stage.named('a');
  const spec = await service([server], FROM);
  await stage.plane.apply([spec]);
  const client = stage.client(spec, '127.12.5.1');
  client.write('PROXY UNKNOWN\r\n');
  assert.equal(await firstLine(client), 'a');
  const [row] = await stage.plane.connections(10);
  assert.match(row.client, /^127\.12\.5\.1:\d+$/);
});

test('a front end that says nothing is given up, and counts against the limit until then', async () => {
  const server = await stage.named('a');
  const spec = await service([server], { ...FROM, maxConnections: 1 });
  await stage.plane.apply([spec]);
  const silent = stage.client(spec, '127.12.5.1');
  await new Promise(resolve => silent.once('connect', resolve));
  const began = performance.now();
  await until(
    () => stage.service.refused === 0,
    () => 'none refused yet',
  );
  const second = stage.client(spec, '127.12.5.1');
  assert.equal((await collect(second)).end, 'ECONNRESET');
  assert.equal((await collect(silent)).end, 'ECONNRESET');
  const ms = performance.now() - began;
  assert.ok(ms > 2900 && ms < 4500, `${ms} ms`);
});

test('the list of what is open: bounded, and datagrams in it', async () => {
  const [tcp, udp] = [await stage.named('a'), await stage.udp('b')];
  const specs = [await service([tcp]), await service([udp], { protocol: 'udp' })];
  await stage.plane.apply(specs);
  await Promise.all([1, 2, 3].map(() => firstLine(stage.client(specs[0]))));
  const client = await stage.udpClient();
  client.send('x', specs[1].port, specs[1].address);
  await until(
    () => stage.plane.counters()[1].outPackets === 1,
    () => 'no reply yet',
  );
  assert.equal(stage.plane.counters()[1].inPackets, 1);
  assert.equal(stage.plane.counters()[0].inPackets, undefined);
  const rows = await stage.plane.connections(100);
  assert.deepEqual(rows.map(r => `${r.protocol} ${r.state}`).sort(), [
    'tcp ESTABLISHED',
    'tcp ESTABLISHED',
    'tcp ESTABLISHED',
    'udp UDP',
  ]);
  assert.equal((await stage.plane.connections(2)).length, 2);
});
