// The http and https probes; the only door to undici. One request on a connection of its own, no redirect followed,
// the body read to its end or to 64 KiB. undici's own timers are off: they are coarse (half a second and more), and
// the signal is exact. The connector is ours, so that the connection dies with the signal, opened or not, and not with
// the kernel's SYN time-out.
import { connect, type Socket } from 'node:net';
import { Client, type Dispatcher } from 'undici';
import { formatEndpoint } from '../kit/ip.ts';
import { type Probe, ProbeFault } from './probe.ts';
import { hostOnly, openSecure, secureFault } from './secure.ts';

/** As much of a body as is read. */
export const BODY_LIMIT = 65_536;

/** What undici ends connections with: one for all, since it would make an error with its stack for each. */
const OVER = new Error('the probe is over');

export const http: Probe = async (target, signal) => {
  const tls = target.check.https;
  const want = tls ?? target.check.http;
  if (want === undefined) throw new TypeError('not an http check');
  const scheme = tls === undefined ? 'http' : 'https';
  const port = want.port ?? target.port;
  const authority = formatEndpoint(target.address, port);
  const name = want.host === undefined ? target.address : hostOnly(want.host);
  let socket: Socket | undefined;
  const client = new Client(`${scheme}://${authority}`, {
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: (_options, done) => {
      const open =
        tls === undefined
          ? connect({ host: target.address, port, noDelay: true })
          : openSecure({ host: target.address, port, name, verify: tls.verify, alpn: ['http/1.1'] });
      socket = open;
      // Until it is open its errors are ours to tell; afterwards they are undici's.
      let told = false;
      const tell = (error: Error | null) => {
        if (told) return;
        told = true;
        if (error === null) done(null, open);
        else done(error, null);
      };
      open.on('error', tell);
      open.once(tls === undefined ? 'connect' : 'secureConnect', () => tell(null));
    },
  });
  const stop = () => socket?.destroy(signal.reason);
  signal.addEventListener('abort', stop);
  try {
    const headers = { host: want.host ?? authority, 'user-agent': 'switchyard-probe', accept: '*/*' };
    const { status, found } = await exchange(
      client,
      { path: want.path, method: want.method, headers, reset: true },
      want.body,
    );
    if (!want.status.some(s => covers(s, status)))
      throw new ProbeFault(`${scheme} ${status}, wanted ${want.status.join(', ')}`);
    if (!found) throw new ProbeFault(`body lacks «${want.body}»`);
    return `${scheme} ${status}`;
  } catch (e) {
    if (signal.aborted || e instanceof ProbeFault) throw e;
    throw new ProbeFault(words(e, name));
  } finally {
    signal.removeEventListener('abort', stop);
    // Leaves nothing behind: an answer that is not read to its end goes down with its connection.
    void client.destroy(OVER).catch(() => {});
    socket?.destroy();
  }
};

// One request, its body read to the end, to the text sought, or to the limit. A text cut by the limit is not found.
// Handlers and not a stream: a stream, its iterator and the errors that end it are half of what a probe costs.
function exchange(
  client: Client,
  request: Dispatcher.DispatchOptions,
  text: string | undefined,
): Promise<{ status: number; found: boolean }> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let read = Buffer.alloc(0);
    client.dispatch(request, {
      onRequestStart() {},
      onResponseStart(_controller, code) {
        status = code;
      },
      onResponseData(_controller, chunk) {
        read = Buffer.concat([read, chunk]);
        if (text !== undefined && read.subarray(0, BODY_LIMIT).includes(text))
          resolve({ status, found: true });
        else if (read.length >= BODY_LIMIT) resolve({ status, found: text === undefined });
      },
      onResponseEnd() {
        resolve({ status, found: text === undefined });
      },
      onResponseError(_controller, e) {
        reject(e);
      },
    });
  });
}

function covers(wanted: number | string, status: number): boolean {
  if (typeof wanted === 'number') return wanted === status;
  const [from, to] = wanted.split('-');
  return status >= Number(from) && status <= Number(to);
}

function words(e: unknown, name: string): string {
  const error = e as NodeJS.ErrnoException;
  if (error.code === 'UND_ERR_SOCKET') return 'connection closed before the whole answer';
  if (error.code === 'UND_ERR_HEADERS_OVERFLOW') return 'headers over 16 KiB';
  if (error.name === 'HTTPParserError') return `not HTTP: ${error.message}`;
  return secureFault(e, name);
}
