// One socket of a spliced connection: its events go to its owner through functions that all legs share, so that neither
// a connection nor a chunk makes closures; and the way to end it with RST.
import type { Socket } from 'node:net';

/** Options of both legs. With this mark every write that is not taken at once is followed by `drain` when it was. */
export const LEG_OPTIONS = { allowHalfOpen: true, noDelay: true, highWaterMark: 1 } as const;

/** Who is told of what happens on a leg. */
export interface Owner {
  connected(leg: Leg): void;
  data(leg: Leg, chunk: Buffer): void;
  drained(leg: Leg): void;
  /** The other end sent FIN, and all before it was read. */
  ended(leg: Leg): void;
  /** Nothing went in or out, and nothing that waits moved, for the time that was set. */
  idle(leg: Leg): void;
  failed(leg: Leg, code: string): void;
  closed(leg: Leg): void;
}

const OWNER = Symbol('owner');
export interface Leg extends Socket {
  [OWNER]: Owner;
}

/** Makes a socket a leg of `owner`. */
export function adopt(socket: Socket, owner: Owner): Leg {
  const leg = socket as Leg;
  leg[OWNER] = owner;
  return leg
    .on('data', onData)
    .on('drain', onDrain)
    .on('end', onEnd)
    .on('timeout', onTimeout)
    .on('error', onError)
    .on('close', onClose)
    .on('connect', onConnect);
}

/** Ends a socket with RST: the other end learns that what it got may not be all. What is not sent yet is dropped. */
export function reset(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.connecting) socket.destroy();
  // libuv cannot reset while a FIN is on its way to the kernel, which is so for the one turn of the loop after end().
  else if (socket.writableEnded && !socket.writableFinished) socket.once('finish', resetThis);
  else socket.resetAndDestroy();
}

function resetThis(this: Socket): void {
  if (!this.destroyed) this.resetAndDestroy();
}

function onConnect(this: Leg): void {
  this[OWNER].connected(this);
}
function onData(this: Leg, chunk: Buffer): void {
  this[OWNER].data(this, chunk);
}
function onDrain(this: Leg): void {
  this[OWNER].drained(this);
}
function onEnd(this: Leg): void {
  this[OWNER].ended(this);
}
function onTimeout(this: Leg): void {
  this[OWNER].idle(this);
}
function onError(this: Leg, error: NodeJS.ErrnoException): void {
  this[OWNER].failed(this, error.code ?? '');
}
function onClose(this: Leg): void {
  this[OWNER].closed(this);
}
