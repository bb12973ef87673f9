// The http and https probes; the only door to undici. One request on a connection of its own, no redirect followed,
// the body read to its end or to 64 KiB. undici's own timers are off: they are coarse (half a second and more), and
// the signal is exact. The connector is ours, so that the connection dies with the signal, opened or not, and not with
// the kernel's SYN time-out. A client is kept for each target: to make one costs more than to ask with it.
import { connect, type Socket } from 'node:net';
import { Client, type Dispatcher } from 'undici';
import { formatEndpoint } from '../kit/ip.ts';
import { type Probe, ProbeFault, type Target } from './probe.ts';
import { hostOnly, openSecure, secureFault } from './secure.ts';

/** As much of a body as is read. */
export const BODY_LIMIT = 65_536;

const NOTHING: Buffer = Buffer.alloc(0);

/** The probe; it keeps a client for each target as long as somebody holds the target. */
export function httpProbe(): Probe {
  const askers = new WeakMap<Target, Asker>();
  return (target, signal) => {
    let asker = askers.get(target);
    // Its last probe has ended, but undici has not seen the end of that connection yet.
    if (asker === undefined || asker.busy) {
      asker = new Asker(target);
      askers.set(target, asker);
    }
    return asker.ask(signal);
  };
}

/** What is the same in every probe of a target. */
class Asker {
  /** Whether undici would queue the next request behind the last one. */
  busy = false;
  readonly #name: string;
  readonly #request: Dispatcher.DispatchOptions;
  readonly #client: Client;
  readonly #open: () => Socket;
  readonly #opened: 'connect' | 'secureConnect';
  readonly #judge: (status: number, found: boolean) => string;
  readonly #text: string | undefined;
  #look: Look | undefined;

  constructor({ address, port: usual, check }: Target) {
    const tls = check.https;
    const want = tls ?? check.http;
    if (want === undefined) throw new TypeError('not an http check');
    const scheme = tls === undefined ? 'http' : 'https';
    const port = want.port ?? usual;
    const authority = formatEndpoint(address, port);
    const name = want.host === undefined ? address : hostOnly(want.host);
    const headers = { host: want.host ?? authority, 'user-agent': 'switchyard-probe', accept: '*/*' };
    this.#name = name;
    this.#text = want.body;
    this.#request = { path: want.path, method: want.method, headers, reset: true };
    this.#opened = tls === undefined ? 'connect' : 'secureConnect';
    this.#open =
      tls === undefined
        ? () => connect({ host: address, port, noDelay: true })
        : () => openSecure({ host: address, port, name, verify: tls.verify, alpn: ['http/1.1'] });
    this.#judge = (status, found) => {
      if (!want.status.some(s => covers(s, status)))
        throw new ProbeFault(`${scheme} ${status}, wanted ${want.status.join(', ')}`);
      if (!found) throw new ProbeFault(`body lacks «${want.body}»`);
      return `${scheme} ${status}`;
    };
    this.#client = new Client(`${scheme}://${authority}`, {
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (_options, done) => this.#connect(done),
    });
    this.#client.on('disconnect', () => {
      this.busy = false;
    });
    this.#client.on('connectionError', () => {
      this.busy = false;
    });
  }

  /** Rejects with a ProbeFault, or with the signal's reason. */
  async ask(signal: AbortSignal): Promise<string> {
    const look = new Look(this.#text);
    const stop = () => look.socket?.destroy(signal.reason);
    this.#look = look;
    this.busy = true;
    signal.addEventListener('abort', stop);
    try {
      await new Promise<void>((resolve, reject) => {
        look.resolve = resolve;
        look.reject = reject;
        this.#client.dispatch(this.#request, look);
      });
      return this.#judge(look.status, look.found);
    } catch (e) {
      if (signal.aborted || e instanceof ProbeFault) throw e;
      throw new ProbeFault(words(e, this.#name));
    } finally {
      signal.removeEventListener('abort', stop);
      look.over();
    }
  }

  #connect(done: (...args: [null, Socket] | [Error, null]) => void): void {
    const socket = this.#open();
    (this.#look as Look).socket = socket;
    // Until it is open its errors are ours to tell; afterwards they are undici's.
    let told = false;
    socket.on('error', error => {
      if (!told) done(error, null);
      told = true;
    });
    socket.once(this.#opened, () => {
      if (!told) done(null, socket);
      told = true;
    });
  }
}

// One request, its body read to the end, to the text sought, or to the limit. A text cut by the limit is not found.
// A handler and not a stream: a stream, its iterator and the errors that end it are half of what a probe costs.
class Look implements Dispatcher.DispatchHandler {
  status = 0;
  found: boolean;
  socket: Socket | undefined;
  resolve!: () => void;
  reject!: (e: Error) => void;
  readonly #text: string | undefined;
  #read = NOTHING;

  constructor(text: string | undefined) {
    this.#text = text;
    this.found = text === undefined;
  }

  onRequestStart(): void {}

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.status = status;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#read = this.#read.length === 0 ? chunk : Buffer.concat([this.#read, chunk]);
    const text = this.#text;
    if (text !== undefined) this.found = this.#read.subarray(0, BODY_LIMIT).includes(text);
    if ((text !== undefined && this.found) || this.#read.length >= BODY_LIMIT) this.resolve();
  }

  onResponseEnd(): void {
    this.over();
    this.resolve();
  }

  onResponseError(_controller: Dispatcher.DispatchController, e: Error): void {
    this.reject(e);
  }

  /**
   * Leaves nothing behind: an answer that is not read to its end goes down with its connection. By a reset where that can
   * be: there is nothing more to come, and thousands of probes would leave as many TIME_WAITs.
   */
  over(): void {
    const { socket } = this;
    if (socket === undefined || socket.destroyed) return;
    if ('encrypted' in socket) socket.destroy();
    else socket.resetAndDestroy();
  }
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
