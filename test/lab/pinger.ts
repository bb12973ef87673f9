// Runs on the client of the lab: asks a VIP every ten milliseconds, by a datagram of one flow and by a connection anew, until it is told
// to end (TERM), and says as JSON the longest times without an answer. `node pinger.js VIP`
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';

const PACE = 10;
/** How long a connection is waited for: far below the first time TCP says a SYN again. Milliseconds. */
const PATIENCE = 300;
/** whoami.lab TXT. */
const QUERY = Buffer.from(
  '00010000000100000000000006 77686f616d69 03 6c6162 00 0010 0001'.replaceAll(' ', ''),
  'hex',
);

const [vip] = process.argv.slice(2);
const family = vip.includes(':') ? 6 : 4;
const heard: Record<'udp' | 'tcp', number[]> = { udp: [], tcp: [] };
let refused = 0;

const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
socket.on('message', () => heard.udp.push(performance.now()));
// What an ICMP error says is no answer.
socket.on('error', () => {});

function ask(): void {
  socket.send(QUERY, 53, vip, () => {});
  const c = connect(80, vip);
  c.setTimeout(PATIENCE, () => c.destroy());
  c.on('connect', () => c.write('GET /whoami HTTP/1.0\r\n\r\n'));
  c.on('data', () => {
    heard.tcp.push(performance.now());
    c.destroy();
  });
  c.on('error', (e: NodeJS.ErrnoException) => {
    if (e.code === 'ECONNREFUSED' || e.code === 'ECONNRESET') refused++;
  });
}

function longest(times: readonly number[]): number {
  return Math.max(...times.slice(1).map((t, i) => t - times[i]));
}

setInterval(ask, PACE);
process.on('SIGTERM', () => {
  const { udp, tcp } = heard;
  const said = { udp: longest(udp), tcp: longest(tcp), answers: udp.length + tcp.length, refused };
  process.stdout.write(`${JSON.stringify(said)}\n`, () => process.exit(0));
});
console.log('ready');
