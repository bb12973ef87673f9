// The udp probe: one datagram, and one reply, which must hold what is expected. A port that is closed tells it by ICMP,
// which comes as an error of the connected socket; silence is the deadline's.
import { createSocket } from 'node:dgram';
import { type Probe, ProbeFault, socketFault } from './probe.ts';

export const udp: Probe = (target, signal) =>
  new Promise((resolve, reject) => {
    const want = target.check.udp;
    if (want === undefined) throw new TypeError('not a udp check');
    const socket = createSocket(target.address.includes(':') ? 'udp6' : 'udp4');
    const end = (settle: () => void) => {
      signal.removeEventListener('abort', stop);
      // Closed already if its own error came first.
      socket.removeAllListeners().on('error', () => {});
      socket.close();
      settle();
    };
    const stop = () => end(() => reject(signal.reason));
    signal.addEventListener('abort', stop, { once: true });
    const fail = (e: Error) => end(() => reject(new ProbeFault(words(e))));
    socket.once('error', fail);
    socket.once('message', reply => {
      const fault = faultOf(reply, want.expect, want.expect_hex);
      end(() => (fault === undefined ? resolve(`udp ${reply.length} bytes`) : reject(new ProbeFault(fault))));
    });
    socket.connect(want.port ?? target.port, target.address, () => {
      const payload = want.send_hex === undefined ? Buffer.from(want.send ?? '') : bytesOf(want.send_hex);
      socket.send(payload);
    });
  });

function faultOf(reply: Buffer, text: string | undefined, hex: string | undefined): string | undefined {
  if (text !== undefined && !reply.includes(text)) return `udp «${shown(reply)}» lacks «${text}»`;
  if (hex !== undefined && !reply.includes(bytesOf(hex)))
    return `udp ${reply.subarray(0, 32).toString('hex')}${reply.length > 32 ? '…' : ''} lacks ${hex}`;
  return undefined;
}

function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replace(/[ :]/g, ''), 'hex');
}

function shown(reply: Buffer): string {
  const text = reply.toString('utf8', 0, 81);
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`;
}

// The port's closing is told at the next receive or send.
function words(e: NodeJS.ErrnoException): string {
  return e.code === undefined ? socketFault(e) : `udp ${e.code}`;
}
