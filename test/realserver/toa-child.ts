// A client out of bytes, on a TUN device in a network namespace of its own, that asks `gtm realserver toa` who it is: its SYN carries
// TOA as FullNAT writes it, or not. Prints the answers as JSON.
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { openLibc } from '../../src/nic/libc.ts';
import { openTun } from '../../src/nic/tun.ts';
import { serveToa } from '../../src/realserver/toa-server.ts';
import { get32, tcp } from '../lvs/build.ts';

const libc = await openLibc();
const tun = openTun(libc, 'toa0');
for (const line of [
  'link set lo up',
  'addr add 10.8.0.1/24 dev toa0',
  'addr add fd00:8::1/64 dev toa0 nodad',
])
  execFileSync('ip', line.split(' '));

function put(packet: Uint8Array): void {
  const held = packet.slice();
  libc.write(tun.fd, libc.address(held.buffer), held.length);
}

/** The next TCP segment to a port of ours; throws after two seconds. */
async function take(port: number): Promise<Uint8Array> {
  const room = new Uint8Array(70_000);
  for (let tries = 0; tries < 400; tries++) {
    const length = libc.read(tun.fd, libc.address(room.buffer), room.length);
    const at = room[0] >> 4 === 6 ? 40 : 20;
    if (length <= 0) await sleep(5);
    else if (((room[at + 2] << 8) | room[at + 3]) === port) return room.slice(at, length);
  }
  throw new Error('no segment came');
}

async function ask(from: string, port: number, to: string, options: readonly number[]): Promise<string> {
  const ends = { from: `${from}:${port}`, to };
  put(tcp({ ...ends, flags: 'S', seq: 1000, options: [2, 4, 5, 0xb4, ...options] }));
  const synAck = await take(port);
  const ack = get32(synAck, 4) + 1;
  put(tcp({ ...ends, flags: 'A', seq: 1001, ack }));
  const payload = new TextEncoder().encode('GET / HTTP/1.0\r\n\r\n');
  put(tcp({ ...ends, flags: 'AP', seq: 1001, ack, payload }));
  for (;;) {
    const segment = await take(port);
    const text = new TextDecoder().decode(segment.subarray((segment[12] >> 4) * 4));
    const said = /client .*\n/.exec(text)?.[0];
    if (said !== undefined) return said.trim();
  }
}

const ended: Promise<void>[] = [];
for (const listen of ['10.8.0.1:80', '[fd00:8::1]:80'])
  await new Promise<void>(resolve => ended.push(serveToa({ listen, ready: () => resolve() })));
const four = [254, 8, 0x9c, 0x40, 198, 51, 100, 7];
const six = [254, 20, 0x9c, 0x40, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
const answers = [
  await ask('10.8.0.2', 5001, '10.8.0.1:80', four),
  await ask('10.8.0.2', 5002, '10.8.0.1:80', []),
  await ask('[fd00:8::2]', 5003, '[fd00:8::1]:80', six),
  await ask('10.8.0.2', 5004, '10.8.0.1:80', [253, ...six.slice(1)]),
];
process.stdout.write(JSON.stringify(answers));
process.kill(process.pid, 'SIGTERM');
await Promise.all(ended);
tun.close();
