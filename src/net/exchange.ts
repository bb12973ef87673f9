// One query, one reply, over UDP or TCP (RFC 1035 §4.2), until a signal says stop. Only a reply to this very query
// counts: from the server asked, with its id, QR set and the same question (RFC 5452 §9.1).
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { lower } from '../dns/name.ts';
import { GtmError } from '../kit/errors.ts';

const HEADER = 12;

/** Rejects with the signal's reason, or a GtmError GTM_ASK_FAILED such as `udp ECONNREFUSED`. */
export function overUdp(server: string, port: number, query: Buffer, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const socket = createSocket(server.includes(':') ? 'udp6' : 'udp4');
    const done = (settle: () => void) => {
      signal.removeEventListener('abort', stop);
      socket.removeAllListeners();
      socket.on('error', () => {});
      socket.close();
      settle();
    };
    const stop = () => done(() => reject(signal.reason));
    const fail = (e: Error) => done(() => reject(failure('udp', e)));
    signal.addEventListener('abort', stop);
    socket.on('error', fail);
    // What does not fit the query is somebody else's or late: the wait goes on.
    socket.on('message', reply => {
      if (isReplyTo(reply, query)) done(() => resolve(reply));
    });
    // Connected: the kernel lets in only what comes from there, and tells when the port is closed.
    socket.once('connect', () => socket.send(query));
    socket.connect(port, server);
    return undefined;
  });
}

/** Rejects with the signal's reason, or a GtmError GTM_ASK_FAILED such as `tcp ECONNREFUSED`. */
export function overTcp(server: string, port: number, query: Buffer, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const socket = connect({ host: server, port, noDelay: true });
    // Two bytes of length, then a message: 65,537 bytes at most.
    const chunks: Buffer[] = [];
    let have = 0;
    const done = (settle: () => void) => {
      signal.removeEventListener('abort', stop);
      socket.destroy();
      settle();
    };
    const stop = () => done(() => reject(signal.reason));
    const fail = (why: string) => done(() => reject(new GtmError('GTM_ASK_FAILED', why)));
    signal.addEventListener('abort', stop);
    socket.on('error', e => done(() => reject(failure('tcp', e))));
    socket.on('end', () => fail(`tcp: the server closed after ${have} bytes`));
    socket.on('data', chunk => {
      chunks.push(chunk);
      have += chunk.length;
      const all = chunks.length === 1 ? chunk : Buffer.concat(chunks);
      chunks.splice(0, chunks.length, all);
      if (have < 2 || have < 2 + all.readUInt16BE(0)) return;
      const reply = all.subarray(2, 2 + all.readUInt16BE(0));
      if (isReplyTo(reply, query)) done(() => resolve(reply));
      else fail('tcp: the reply does not belong to the query');
    });
    const frame = Buffer.alloc(2);
    frame.writeUInt16BE(query.length);
    socket.write(Buffer.concat([frame, query]));
    return undefined;
  });
}

/** Whether `reply` answers `query`, whose one question starts behind the header. */
export function isReplyTo(reply: Buffer, query: Buffer): boolean {
  if (reply.length < HEADER || reply.readUInt16BE(0) !== query.readUInt16BE(0)) return false;
  if ((reply[2] & 0x80) === 0) return false;
  // A server that could not read the question may leave it out, but then it has nothing but an error to say.
  if (reply.readUInt16BE(4) === 0) return (reply[3] & 0x0f) !== 0;
  let end = HEADER;
  while (query[end] !== 0) end += 1 + query[end];
  end += 1;
  if (reply.length < end + 4) return false;
  for (let i = HEADER; i < end; i++) if (lower(reply[i]) !== lower(query[i])) return false;
  return reply.readUInt32BE(end) === query.readUInt32BE(end);
}

function failure(transport: string, e: Error): GtmError {
  const code = (e as { code?: string }).code;
  return new GtmError('GTM_ASK_FAILED', `${transport} ${code ?? e.message}`, e);
}
