// The forwarding worker: the main thread's messages to the forwarder, one after another. It never waits for the main thread.
import { parentPort } from 'node:worker_threads';
import { Forwarder } from './proxy/forwarder.ts';
import type { FromWorker, ToWorker } from './proxy/message.ts';

/** The least time between two warnings of one service, milliseconds: what fails for every client is said once. */
const WARN_PAUSE = 5000;

const port = parentPort;
if (port !== null) {
  const say = (message: FromWorker): void => port.postMessage(message);
  const warned = new Map<string, number>();
  const forwarder = new Forwarder((key, message) => {
    const now = performance.now();
    if (now - (warned.get(key) ?? -WARN_PAUSE) < WARN_PAUSE) return;
    warned.set(key, now);
    say({ type: 'warned', key, message });
  });
  let last: Promise<void> = Promise.resolve();
  const obey = async (message: ToWorker): Promise<void> => {
    if (message.type === 'apply')
      say({ type: 'applied', id: message.id, faults: await forwarder.apply(message.jobs) });
    else if (message.type === 'weigh') forwarder.weigh(message.vip, message.realServer, message.weight);
    else if (message.type === 'connections')
      say({ type: 'connections', id: message.id, rows: forwarder.connections(message.limit) });
    else {
      await forwarder.close(message.grace);
      say({ type: 'closed' });
    }
  };
  port.on('message', (message: ToWorker) => {
    // An error is not caught here: it ends the worker, and the main thread starts another.
    last = last.then(() => obey(message));
  });
}
