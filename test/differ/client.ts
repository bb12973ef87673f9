// Asks one server, many questions at a time: UDP with resends, and one TCP connection with questions in a row.
import { createSocket, type Socket } from 'node:dgram';
import { connect, type Socket as Stream } from 'node:net';

const SWEEP = 25;
/** Milliseconds until a question is asked again, and how often it is asked. */
const PATIENCE = 1000;
const TRIES = 4;

interface Waiting {
  message: Uint8Array;
  tcp: boolean;
  until: number;
  tries: number;
  done: (reply: Uint8Array) => void;
  fail: (error: Error) => void;
}

export class Client {
  readonly #port: number;
  readonly #udp: Socket = createSocket('udp4');
  readonly #waiting = new Map<number, Waiting>();
  readonly #sweep: NodeJS.Timeout;
  #tcp: Stream | undefined;
  #got = Buffer.alloc(0);
  #id = 0;

  constructor(port: number) {
    this.#port = port;
    this.#udp.on('message', reply => this.#take(reply, false));
    // A port that nobody holds yet answers ECONNREFUSED: the resend comes to it.
    this.#udp.on('error', () => {});
    this.#sweep = setInterval(() => this.#resend(), SWEEP);
  }

  /** The reply to `message`, whose id is replaced by one of this client's. Rejects when none comes in `tries` times `patience` ms. */
  ask(message: Uint8Array, tcp: boolean, patience = PATIENCE, tries = TRIES): Promise<Uint8Array> {
    return new Promise((done, fail) => {
      while (this.#waiting.has(this.#id)) this.#id = (this.#id + 1) & 0xffff;
      const own = Uint8Array.from(message);
      own[0] = this.#id >> 8;
      own[1] = this.#id & 255;
      const until = performance.now() + patience;
      const waiting = { message: own, tcp, until, tries, done, fail };
      this.#waiting.set(this.#id, waiting);
      this.#id = (this.#id + 1) & 0xffff;
      this.#send(waiting);
    });
  }

  close(): void {
    clearInterval(this.#sweep);
    this.#udp.close();
    this.#tcp?.destroy();
    for (const w of this.#waiting.values()) w.fail(new Error('closed'));
    this.#waiting.clear();
  }

  #send(w: Waiting): void {
    if (!w.tcp) {
      this.#udp.send(w.message, this.#port, '127.0.0.1');
      return;
    }
    this.#tcp ??= this.#connect();
    const framed = Buffer.alloc(2 + w.message.length);
    framed.writeUInt16BE(w.message.length, 0);
    framed.set(w.message, 2);
    this.#tcp.write(framed);
  }

  #connect(): Stream {
    const stream = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    this.#got = Buffer.alloc(0);
    stream.on('data', chunk => {
      this.#got = this.#got.length === 0 ? chunk : Buffer.concat([this.#got, chunk]);
      while (this.#got.length >= 2 && this.#got.length >= 2 + this.#got.readUInt16BE(0)) {
        const end = 2 + this.#got.readUInt16BE(0);
        this.#take(this.#got.subarray(2, end), true);
        this.#got = this.#got.subarray(end);
      }
    });
    stream.on('error', () => {});
    // Servers close after a number of questions, or when idle: what was asked by then is asked again, at once.
    stream.on('close', () => {
      if (this.#tcp !== stream) return;
      this.#tcp = undefined;
      for (const w of this.#waiting.values()) if (w.tcp) w.until = 0;
    });
    return stream;
  }

  #take(reply: Buffer, tcp: boolean): void {
    if (reply.length < 12) return;
    const id = reply.readUInt16BE(0);
    const w = this.#waiting.get(id);
    if (w === undefined || w.tcp !== tcp) return;
    this.#waiting.delete(id);
    w.done(Uint8Array.from(reply));
  }

  #resend(): void {
    const now = performance.now();
    for (const [id, w] of this.#waiting) {
      if (now < w.until) continue;
      if (--w.tries === 0) {
        this.#waiting.delete(id);
        w.fail(new Error('no reply'));
        continue;
      }
      w.until = now + PATIENCE;
      this.#send(w);
    }
  }
}
