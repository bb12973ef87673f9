// Run as a child process: asks `www.example.com A` over UDP at a steady pace and prints one JSON line on what came back.
//   node load-client.js PORT MILLISECONDS QUERIES_PER_MS
// Answers are sorted by what they hold, so that a mixture of two generations would show.
import { createSocket } from 'node:dgram';
import { performance } from 'node:perf_hooks';

const [port, duration, rate] = process.argv.slice(2).map(Number);
const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
const QUESTION = Buffer.from('00000000000100000000000003777777076578616d706c6503636f6d0000010001', 'hex');
const sentAt = new Map<number, number>();
const answers: Record<string, number> = {};
let sent = 0;
let latest = 0;
/** The longest that this process waited for a processor itself. */
let stall = 0;

socket.on('message', reply => {
  const at = sentAt.get(reply.readUInt16BE(0));
  if (at === undefined) return;
  sentAt.delete(reply.readUInt16BE(0));
  latest = Math.max(latest, performance.now() - at);
  const addresses: string[] = [];
  for (let i = 0; i < reply.readUInt16BE(6); i++)
    addresses.push([...reply.subarray(45 + 16 * i, 49 + 16 * i)].join('.'));
  const text = `${reply[3] & 15} ${addresses.sort().join(' ')}`;
  answers[text] = (answers[text] ?? 0) + 1;
});

socket.connect(port, '127.0.0.1', () => {
  process.stdout.write('started\n');
  const start = performance.now();
  let before = start;
  const timer = setInterval(() => {
    const at = performance.now();
    stall = Math.max(stall, at - before);
    before = at;
    const elapsed = at - start;
    if (elapsed > duration) {
      clearInterval(timer);
      // What has not come a second after the last query is lost.
      setTimeout(() => {
        process.stdout.write(`${JSON.stringify({ sent, lost: sentAt.size, latest, stall, answers })}\n`);
        socket.close();
      }, 1000);
      return;
    }
    for (; sent < elapsed * rate; sent++) {
      const query = Buffer.from(QUESTION);
      query.writeUInt16BE(sent & 0xffff, 0);
      sentAt.set(sent & 0xffff, performance.now());
      socket.send(query);
    }
  }, 1);
});
