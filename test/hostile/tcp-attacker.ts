// Run as a child process: opens TCP connections at a steady pace from many sources of 127/8, and abuses them.
//   node tcp-attacker.js PORT MILLISECONDS PER_MS hostile|harmless SEED
// Hostile ones, in turn: say nothing, half a message, streams of broken messages, lengths that lie, ask much and never read,
// dribble, reset. Harmless ones ask as much, read and go. Prints one JSON line: connections, replies, what was wrong.
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { below, seeded } from '../../src/kit/rng.ts';
import { query } from '../dns/serve.ts';
import { framed } from '../net/sockets.ts';
import { arsenal, asks, harmless } from './messages.ts';

const [port, duration, rate] = process.argv.slice(2, 5).map(Number);
const kind = process.argv[5];
const rng = seeded(Number(process.argv[6]));
// A length below a header would end the connection before the rest is read.
const messages = arsenal(rng, 2000).filter(m => m.length >= 12);
const HELD = 400;
const BIG = Buffer.from(query('big.example.com A'));

const open = new Set<Socket>();
const wrong: string[] = [];
let sent = 0;
let replies = 0;

// Replies of one connection, in order, each held to what was asked.
function hear(socket: Socket, asked: readonly Buffer[]): void {
  let rest = Buffer.alloc(0);
  let next = 0;
  socket.on('data', chunk => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
      const reply = rest.subarray(2, 2 + rest.readUInt16BE(0));
      rest = rest.subarray(2 + reply.length);
      replies++;
      while (next < asked.length && !asks(asked[next])) next++;
      const query = asked[next++];
      const fits = query !== undefined && reply[0] === query[0] && reply[1] === query[1];
      if ((reply[2] & 0x80) === 0 || !fits)
        wrong.push(`not a reply to it: ${reply.toString('hex').slice(0, 100)}`);
    }
  });
}

const ABUSES: ((socket: Socket) => void)[] = [
  () => {},
  s => void s.write(Buffer.from([0, 40, 1])),
  s => {
    const at = below(rng, messages.length - 20);
    const some = messages.slice(at, at + 20);
    hear(s, some);
    s.write(framed(...some));
  },
  s => void s.write(Buffer.from([0, below(rng, 12), 1, 2, 3])),
  s => void s.pause().write(framed(...Array.from({ length: 100 }, () => BIG))),
  s => {
    const drip = setInterval(() => s.write(Buffer.from([0])), 20);
    s.on('close', () => clearInterval(drip));
  },
  s => {
    s.write(framed(BIG, BIG));
    setTimeout(() => s.resetAndDestroy(), 5);
  },
];

// As many questions as the abuses in turn have, and as long answers, but read.
const times = (count: number, message: Buffer) => Array.from({ length: count }, () => message);
const HARMLESS = [1, 1, 20, 1, 0, 1, 2].map((count, i) =>
  i === 4 ? times(100, BIG) : times(count, i === 6 ? BIG : harmless()),
);

function visit(): void {
  const localAddress = `127.1.${below(rng, 250)}.${1 + below(rng, 250)}`;
  const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
  open.add(socket);
  socket.on('error', () => {});
  socket.on('close', () => open.delete(socket));
  if (kind === 'hostile') ABUSES[sent % ABUSES.length](socket);
  else {
    const asked = HARMLESS[sent % HARMLESS.length];
    hear(socket, asked);
    socket.end(framed(...asked));
  }
  sent++;
  for (const s of open) {
    if (open.size <= HELD) break;
    open.delete(s);
    s.destroy();
  }
}

const start = performance.now();
const timer = setInterval(() => {
  const elapsed = Math.min(duration, performance.now() - start);
  while (sent < elapsed * rate) visit();
  if (elapsed < duration) return;
  clearInterval(timer);
  setTimeout(() => {
    process.stdout.write(JSON.stringify({ sent, replies, wrong: wrong.slice(0, 5) }));
    for (const s of open) s.destroy();
  }, 200);
}, 1);
