// Run as a child process: sends messages over UDP at a steady pace, and holds every reply to what may come back.
//   node udp-attacker.js PORT MILLISECONDS PER_MS hostile|harmless SEED
// Prints one JSON line: messages sent, replies, and what was wrong with some of them (a few).
import { createSocket } from 'node:dgram';
import { performance } from 'node:perf_hooks';
import { seeded } from '../../src/kit/rng.ts';
import { decode } from '../dns/decode.ts';
import { arsenal, asks, harmless } from './messages.ts';

const [port, duration, rate] = process.argv.slice(2, 5).map(Number);
const kind = process.argv[5];
const messages = kind === 'hostile' ? arsenal(seeded(Number(process.argv[6])), 4000) : [harmless()];
const MOST = 1232;

const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
const silent = new Uint8Array(65536);
const wrong: string[] = [];
let sent = 0;
let replies = 0;

function judge(reply: Buffer): string | undefined {
  if (reply.length > MOST) return `${reply.length} octets`;
  if (silent[reply.readUInt16BE(0)] === 1) return 'an answer to what asks nothing';
  if ((reply[2] & 0x80) === 0) return 'no QR in a reply';
  const m = decode(reply);
  return m.opt === undefined && reply.length > 512 ? `${reply.length} octets without EDNS` : undefined;
}

socket.on('message', reply => {
  replies++;
  let fault: string | undefined;
  try {
    fault = judge(reply);
  } catch (e) {
    fault = String(e);
  }
  if (fault !== undefined && wrong.length < 5) wrong.push(`${fault}: ${reply.toString('hex').slice(0, 200)}`);
});

socket.connect(port, '127.0.0.1', () => {
  const start = performance.now();
  const timer = setInterval(() => {
    const elapsed = Math.min(duration, performance.now() - start);
    for (; sent < elapsed * rate; sent++) {
      const message = Buffer.from(messages[sent % messages.length]);
      if (message.length >= 2) {
        message.writeUInt16BE(sent & 0xffff, 0);
        silent[sent & 0xffff] = asks(message) ? 0 : 1;
      }
      socket.send(message);
    }
    if (elapsed < duration) return;
    clearInterval(timer);
    setTimeout(() => {
      process.stdout.write(JSON.stringify({ sent, replies, wrong }));
      socket.close();
    }, 300);
  }, 1);
});
