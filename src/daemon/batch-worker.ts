// The entry of an answer worker for batched UDP: it blocks in its sockets (net/batch.ts) and has no event loop.
//   a word of shared memory says that there are messages, an eventfd ends the sleep, and both are looked at once a batch
// Its descriptors belong to the main thread, which closes them once this thread has ended, however it ends.
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { PacketCache } from '../dns/packet-cache.ts';
import { Batch } from '../net/batch.ts';
import { type BatchSocket, sendWhole } from '../net/batch-socket.ts';
import { openLibc } from '../nic/libc.ts';
import { AnswerPath, type ListenFault, now, type PathStart, type ToWorker } from './answer-path.ts';

export interface BatchStart extends PathStart {
  sockets: readonly BatchSocket[];
  /** What could not be opened, to be told with the rest. */
  faults: ListenFault[];
  /** The eventfd. */
  wake: number;
  /** Changes whenever a message was posted. */
  signal: Int32Array;
  /** Most octets of a reply. */
  udpSize: number;
}

const start = workerData as BatchStart;
const port = parentPort as MessagePort;
const cache = new PacketCache();
const path = new AnswerPath(start, port, cache);
const { signal, sockets, faults, wake, udpSize } = start;
const libc = await openLibc();
const { netCounters: counters } = path;
sendWhole(libc, sockets, udpSize);
const batch = new Batch({ libc, sockets, wake, now, counters, cache, replySize: udpSize });
const listening = sockets.map(({ address, port }) => ({ address, port }));
path.tell({ kind: 'ready', listening, faults });
serve();
port.close();

function serve(): void {
  // A message that came before the first look is found by it, as the count begins at 0.
  for (let seen = 0, open = true; open; ) {
    batch.turn(path.respond);
    const count = Atomics.load(signal, 0);
    if (count === seen) continue;
    seen = count;
    for (let m = receiveMessageOnPort(port); m !== undefined; m = receiveMessageOnPort(port)) {
      const message = m.message as ToWorker;
      if (message.kind === 'swap') path.swap(message);
      else open = false;
    }
  }
}
