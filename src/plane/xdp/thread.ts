// The thread of a forward worker: it loads its program as soon as it is started, and waits for what it is to work with.
//   main thread: startThread → employ(start)      worker: startOf → its loop
import { type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { WorkerStart } from './message.ts';

const WORKER = new URL('./worker.js', import.meta.url);

export interface Thread {
  readonly worker: Worker;
  /** Changes with every message to it. */
  readonly signal: Int32Array;
  /** Why it ended, once it did. */
  fault: string | undefined;
}

/** Starts a thread; it keeps no process alive before it is employed. */
export function startThread(name: string): Thread {
  const signal = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(WORKER, { name, workerData: signal });
  const thread: Thread = { worker, signal, fault: undefined };
  worker.on('error', e => {
    thread.fault = e.message;
  });
  worker.once('exit', () => {
    thread.fault ??= 'it exited';
  });
  worker.unref();
  return thread;
}

/** Gives a thread its work. */
export function employ({ worker, signal }: Thread, start: WorkerStart): void {
  worker.ref();
  worker.postMessage(start);
  Atomics.add(signal, 0, 1);
  Atomics.notify(signal, 0);
}

/** The worker's side: blocks until it is employed. */
export function startOf(signal: Int32Array, port: MessagePort): WorkerStart {
  Atomics.wait(signal, 0, 0);
  for (;;) {
    const said = receiveMessageOnPort(port) as { message: WorkerStart } | undefined;
    if (said !== undefined) return said.message;
    // The word was there before the message.
    Atomics.wait(signal, 0, Atomics.load(signal, 0), 1);
  }
}
