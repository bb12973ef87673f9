// Cookies between ours and the real NSD with one secret: each takes the other's, as two nodes behind one anycast address
// have to (RFC 9018 §2). And what BIND's dig makes of our options.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Answers } from '../../src/daemon/answers.ts';
import { shareSettings } from '../../src/dns/settings.ts';
import { silent } from '../../src/kit/log.ts';
import { schema } from '../../src/model/schema.ts';
import { generation } from '../net/generations.ts';
import { freePort } from '../ports.ts';
import { decode } from './decode.ts';
import { option, query, Server, zonesOf } from './serve.ts';

const SECRET = '00112233445566778899aabbccddeeff';
const CLIENT = '2464c4abcf10c957';
const ZONE = '$TTL 60\n@ SOA ns root 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.2\n';

let nsd: ChildProcess;
let folder: string;
let port: number;
let socket: Socket;
let answers: Answers;

before(async () => {
  port = await freePort();
  folder = mkdtempSync(join(tmpdir(), 'cookie-'));
  writeFileSync(join(folder, 'z.zone'), ZONE);
  writeFileSync(
    join(folder, 'nsd.conf'),
    `server:
  ip-address: 127.0.0.1
  port: ${port}
  username: ""
  zonesdir: "${folder}"
  database: ""
  pidfile: ""
  zonelistfile: "${join(folder, 'zones.list')}"
  xfrdfile: "${join(folder, 'xfrd.state')}"
  xfrdir: "${folder}"
  server-count: 1
  rrl-ratelimit: 0
  answer-cookie: yes
  cookie-secret: "${SECRET}"
remote-control:
  control-enable: no
zone:
  name: z
  zonefile: z.zone
`,
  );
  nsd = spawn('nsd', ['-d', '-c', join(folder, 'nsd.conf')], { stdio: 'ignore' });
  socket = createSocket('udp4');
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.on('error', () => {});
  for (let i = 0; i < 100 && (await askNsd(option(10, CLIENT), 100)) === undefined; i++);
  const dns = schema.shape.nodes.valueType.shape.dns
    .unwrap()
    .parse({ listen: ['127.0.0.1:53'], nsid: 'fra-1', cookies: { secrets: [SECRET] } });
  const { snapshot, state } = generation(1, '192.0.2');
  answers = await Answers.start({
    listen: [{ address: '127.0.0.1', port: 0 }],
    tcp: { connections: 10, idle: 10_000 },
    udpSize: 1232,
    settings: shareSettings(dns, new Uint8Array(20)),
    snapshot,
    state,
    log: silent,
  });
});

after(async () => {
  socket.close();
  nsd.kill();
  if (nsd.exitCode === null) await once(nsd, 'exit');
  await answers.close();
  rmSync(folder, { recursive: true });
});

/** NSD's options to a question with these, in hexadecimal; undefined if it is silent. */
async function askNsd(options: string, ms = 2000): Promise<string | undefined> {
  const reply = once(socket, 'message', { signal: AbortSignal.timeout(ms) }).catch(() => undefined);
  socket.send(query('www.z A', { edns: 1232, options: Uint8Array.from(Buffer.from(options, 'hex')) }));
  const got = await reply;
  return got === undefined ? undefined : decode(got[0] as Buffer).opt?.options;
}

const cookieOf = (options: string | undefined) => (options ?? '').slice(8);
const clock = () => Math.floor(Date.now() / 1000);
const ours = (at: number) =>
  new Server(
    zonesOf({ z: ZONE }),
    {},
    { settings: { cookies: { secrets: [SECRET], require: true } }, seconds: () => at },
  );

test('RFC 9018 §2: a cookie of NSD’s is valid here', async () => {
  const cookie = cookieOf(await askNsd(option(10, CLIENT)));
  assert.equal(cookie.length, 48);
  const s = ours(clock());
  assert.equal(s.options('www.z A', option(10, cookie)), `NOERROR 10:${cookie}`);
});

test('RFC 9018 §2: a cookie of ours is valid at NSD, which sends a good one back as it came', async () => {
  // Made some minutes ago, so that a new one would show.
  const cookie = ours(clock() - 300)
    .options('www.z A', option(10, CLIENT))
    .split(':')[1];
  assert.equal(cookieOf(await askNsd(option(10, cookie))), cookie);
  const forged = `${cookie.slice(0, -2)}${cookie.endsWith('00') ? '01' : '00'}`;
  assert.notEqual(cookieOf(await askNsd(option(10, forged))).slice(16, 32), cookie.slice(16, 32));
});

const dig = (...args: string[]) =>
  execFileSync(
    'dig',
    ['@127.0.0.1', '-p', `${answers.endpoints()[0].port}`, '+time=2', '+tries=1', 'www.example.com', ...args],
    { encoding: 'utf8' },
  );

test('dig finds cookie, NSID and client subnet in good order, and keepalive over TCP', () => {
  const udp = dig(`+cookie=${CLIENT}`, '+nsid', '+subnet=192.0.2.77/24');
  assert.match(udp, /; COOKIE: 2464c4abcf10c95701000000[0-9a-f]{24} \(good\)/);
  assert.match(udp, /; NSID: 66 72 61 2d 31 \("fra-1"\)/);
  assert.match(udp, /; CLIENT-SUBNET: 192\.0\.2\.0\/24\/0/);
  assert.match(udp, /ANSWER: 8/);
  assert.match(dig('+tcp', '+keepalive'), /; TCP[- ]KEEPALIVE: 10\.0 secs/i);
  assert.match(dig('elsewhere.example'), /; EDE: 20 \(Not Authoritative\)/);
  assert.match(dig('+header-only', `+cookie=${CLIENT}`), /status: NOERROR/);
});
