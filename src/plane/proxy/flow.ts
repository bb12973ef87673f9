// One UDP flow: a client's address and port, and a connected socket to its real server (connected, so that an ICMP
// error comes back as an error of this socket).
// Invariant: at most QUEUE datagrams wait while the socket is being connected; more are dropped, as a full queue would.
import { createSocket, type Socket } from 'node:dgram';
import { LOCAL_ERRORS } from './listen.ts';
import type { RealServer } from './real-server.ts';

const QUEUE = 16;
/** Bytes that may wait in a socket before datagrams are dropped. */
const SEND_QUEUE = 1 << 20;

/** Who keeps the flows. */
export interface FlowOwner {
  reply(flow: Flow, data: Buffer): void;
  failed(flow: Flow, local: boolean): void;
}

export class Flow {
  readonly key: string;
  readonly address: string;
  readonly port: number;
  server: RealServer;
  tried: readonly RealServer[] = [];
  /** When a datagram went either way, monotonic milliseconds. */
  last = 0;
  readonly #owner: FlowOwner;
  /** A PROXY header, sent in front of every datagram. */
  readonly #preface: Buffer | undefined;
  #socket: Socket | undefined;
  #ready = false;
  #waiting: Buffer[] = [];

  constructor(
    owner: FlowOwner,
    key: string,
    address: string,
    port: number,
    server: RealServer,
    preface?: Buffer,
  ) {
    this.#owner = owner;
    this.#preface = preface;
    this.key = key;
    this.address = address;
    this.port = port;
    this.server = server;
    this.attach(server);
  }

  /** Another real server from now on; what waits goes to it. */
  attach(server: RealServer): void {
    this.#release();
    this.server = server;
    const type = server.address.includes(':') ? 'udp6' : 'udp4';
    // No lookup of our own: Node's calls back later, so no error comes before attach() has returned.
    const socket = createSocket(type);
    this.#socket = socket;
    socket.on('message', data => {
      if (this.#socket === socket) this.#owner.reply(this, data);
    });
    socket.on('error', (e: NodeJS.ErrnoException) => this.#fault(socket, e));
    socket.on('connect', () => {
      if (this.#socket !== socket) return;
      this.#ready = true;
      for (const data of this.#waiting.splice(0)) this.send(data);
    });
    socket.connect(server.port, server.address);
  }

  /** To the real server; dropped when too much waits already. */
  send(data: Buffer): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    if (!this.#ready) {
      if (this.#waiting.length < QUEUE) this.#waiting.push(data);
    } else if (socket.getSendQueueSize() < SEND_QUEUE)
      socket.send(this.#preface === undefined ? data : [this.#preface, data], this.#sent);
  }

  close(): void {
    this.#waiting = [];
    this.#release();
  }

  readonly #sent = (e: Error | null): void => {
    if (e !== null && this.#socket !== undefined) this.#fault(this.#socket, e);
  };

  // An error of one datagram (too long) is no fault of the server.
  #fault(socket: Socket, e: NodeJS.ErrnoException): void {
    if (this.#socket !== socket || e.code === 'EMSGSIZE') return;
    this.#release();
    this.#owner.failed(this, LOCAL_ERRORS.has(e.code ?? ''));
  }

  #release(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#ready = false;
    socket?.close();
  }
}
