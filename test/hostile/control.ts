// Run as a child process: a client that behaves, asking `www.example.com A` every two milliseconds. Prints
// one JSON line: asked, lost, cut (its TCP connection was closed while it asked), and percentiles in ms.
//   node control.js PORT MILLISECONDS udp|tcp
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { framed } from '../net/sockets.ts';
import { harmless } from './messages.ts';

const [port, duration] = process.argv.slice(2, 4).map(Number);
const sentAt = new Map<number, number>();
const waits: number[] = [];
let asked = 0;
let cut = 0;
let asking = true;

function took(reply: Buffer): void {
  const at = sentAt.get(reply.readUInt16BE(0));
  if (at === undefined || reply.readUInt16BE(6) !== 8) return;
  sentAt.delete(reply.readUInt16BE(0));
  waits.push(performance.now() - at);
}

function run(send: (message: Buffer) => void, close: () => void): void {
  const start = performance.now();
  const timer = setInterval(() => {
    if (performance.now() - start > duration) {
      clearInterval(timer);
      // From now on it is idle, and may be closed.
      asking = false;
      setTimeout(() => finish(close), 400);
      return;
    }
    const message = harmless();
    message.writeUInt16BE(asked, 0);
    sentAt.set(asked++, performance.now());
    send(message);
  }, 2);
}

function finish(close: () => void): void {
  waits.sort((a, b) => a - b);
  const at = (part: number) => waits[Math.min(waits.length - 1, Math.floor(waits.length * part))] ?? 0;
  process.stdout.write(JSON.stringify({ asked, lost: sentAt.size, cut, p50: at(0.5), p99: at(0.99) }));
  close();
}

if (process.argv[4] === 'udp') {
  const socket = createSocket('udp4');
  socket.on('message', took);
  socket.connect(port, '127.0.0.1', () =>
    run(
      m => socket.send(m),
      () => socket.close(),
    ),
  );
} else {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let rest = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('close', () => {
    if (asking) cut++;
  });
  socket.on('data', chunk => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
      const end = 2 + rest.readUInt16BE(0);
      took(rest.subarray(2, end));
      rest = rest.subarray(end);
    }
  });
  socket.on('connect', () =>
    run(
      m => socket.write(framed(m)),
      () => void socket.destroy(),
    ),
  );
}
