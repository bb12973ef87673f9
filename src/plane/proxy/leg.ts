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
  // One that connects may have been accepted already, and is to see no FIN: node resets it once it knows.
  // libuv cannot reset while a FIN is on its way to the kernel, which is so for the one turn of the loop after end().
  if (socket.writableEnded && !socket.writableFinished) socket.once('finish', resetThis);
  else socket.resetAndDestroy();
}

function resetThis(this: Socket): void {
  if (!this.destroyed) this.resetAndDestroy();
}

/**
 * Whether a socket whose stream has ended was in truth reset. libuv, that finds RST right behind data, reads the data and
 * then reports an end (uv__stream_io, POLLHUP after a partial read); but the kernel knows no peer any more. Once our own
 * FIN is out that is so after any end: none is called a reset then.
 */
export function wasReset(socket: Socket): boolean {
  if (socket.writableEnded) return false;
  const { _handle: handle } = socket as unknown as {
    _handle?: { getpeername?(name: object): number } | null;
  };
  return handle?.getpeername !== undefined && handle.getpeername({}) !== 0;
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
  if (wasReset(this)) this[OWNER].failed(this, 'ECONNRESET');
  else this[OWNER].ended(this);
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
