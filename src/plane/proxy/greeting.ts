// A connection of a front end that still has to tell whom it is for: its PROXY header is read, what comes after it stays
// in the socket, and the connection goes on from there. No header, a false one, or none in time: RST.
import type { Socket } from 'node:net';
import { reset } from './leg.ts';
import { type Ends, LONGEST, readPreface } from './preface.ts';

/** Until the header has to be there, milliseconds: the least that the protocol's text advises. */
const PATIENCE = 3000;

export class Greeting {
  readonly #socket: Socket;
  readonly #done: (ends: Ends | undefined) => void;
  readonly #failed: () => void;
  readonly #timer: NodeJS.Timeout;
  #read = Buffer.alloc(0);

  /**
   * Takes over an accepted socket that is not read yet. One of the two is called once: `done` with the ends that were told,
   * the socket paused behind the header; or `failed`, the socket being reset.
   */
  constructor(socket: Socket, done: (ends: Ends | undefined) => void, failed: () => void) {
    this.#socket = socket;
    this.#done = done;
    this.#failed = failed;
    this.#timer = setTimeout(() => this.cut(), PATIENCE).unref();
    socket.on('data', this.#take).on('end', this.cut).on('error', this.cut).on('close', this.cut);
    socket.resume();
  }

  readonly #take = (chunk: Buffer): void => {
    this.#read = Buffer.concat([this.#read, chunk]);
    const preface = readPreface(this.#read);
    if (preface === 'bad' || (preface === 'more' && this.#read.length >= LONGEST)) this.cut();
    if (typeof preface === 'string') return;
    const socket = this.#release();
    socket.pause();
    const rest = this.#read.subarray(preface.length);
    if (rest.length > 0) socket.unshift(rest);
    this.#done(preface.ends);
  };

  /** Ends it with RST. */
  readonly cut = (): void => {
    const socket = this.#release();
    socket.on('error', () => {});
    this.#failed();
    reset(socket);
  };

  #release(): Socket {
    clearTimeout(this.#timer);
    return this.#socket
      .off('data', this.#take)
      .off('end', this.cut)
      .off('error', this.cut)
      .off('close', this.cut);
  }
}
