// Run as a child process: a client that behaves, asking `www.example.com A` every two milliseconds. Prints
// one JSON line: asked, lost, cut (its TCP connection was closed while it asked), the p99 of its waits in ms, and of its
// waits without what the machine adds: with each question an echo is asked, and what that took longer than it mostly does
// is taken off.
//   node control.js PORT MILLISECONDS udp|tcp ECHO-PORT
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { framed } from '../net/sockets.ts';
import { harmless } from './messages.ts';

const [port, duration] = process.argv.slice(2, 4).map(Number);
const sentAt = new Map<number, number>();
const waits = new Map<number, number>();
const echo = createSocket('udp4');
const echoSentAt = new Map<number, number>();
const echoWaits = new Map<number, number>();
echo.on('message', message => {
  const id = message.readUInt16BE(0);
  echoWaits.set(id, performance.now() - (echoSentAt.get(id) ?? Number.NaN));
});
let asked = 0;
let cut = 0;
let asking = true;

function took(reply: Buffer): void {
  const id = reply.readUInt16BE(0);
  const at = sentAt.get(id);
  if (at === undefined || reply.readUInt16BE(6) !== 8) return;
  sentAt.delete(id);
  waits.set(id, performance.now() - at);
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
    const id = asked++;
    sentAt.set(id, performance.now());
    send(message);
    echoSentAt.set(id, performance.now());
    echo.send(message);
  }, 2);
}

function finish(close: () => void): void {
  const usual = at([...echoWaits.values()], 0.5);
  const own = [...waits].map(([id, ms]) => ms - Math.max(0, (echoWaits.get(id) ?? 0) - usual));
  const p99 = at([...waits.values()], 0.99);
  process.stdout.write(JSON.stringify({ asked, lost: sentAt.size, cut, p99, own: at(own, 0.99) }));
  close();
  echo.close();
}

function at(numbers: number[], part: number): number {
  numbers.sort((a, b) => a - b);
  return numbers[Math.min(numbers.length - 1, Math.floor(numbers.length * part))] ?? 0;
}

echo.connect(Number(process.argv[5]), '127.0.0.1', begin);

function begin(): void {
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
}
