// What the main thread holds for the workers of batched UDP: their sockets and the eventfds that wake them.
// A worker's descriptors are closed as soon as it has ended, whatever ended it, so that the kernel gives its share of the
// queries to the others; the next one opens its own.
import { Worker } from 'node:worker_threads';
import { type BatchSocket, openBatchSocket, type Sharing } from '../net/batch-socket.ts';
import type { Libc } from '../nic/libc.ts';
import { openWake } from '../nic/wake.ts';
import { type Endpoint, type ListenFault, toFault } from './answer-path.ts';
import type { Launched, ThreadOptions } from './answer-thread.ts';
import type { BatchStart } from './batch-worker.ts';

const WORKER = new URL('./batch-worker.js', import.meta.url);

/** The sockets of one worker. */
export interface Share {
  sockets: BatchSocket[];
  faults: ListenFault[];
}

export interface Shares {
  shares: Share[];
  /** The addresses that could be opened, their ports chosen. */
  listening: Endpoint[];
  faults: ListenFault[];
}

/** Opens every address once for each worker. Never throws: what could not be opened is in `faults`. */
export function openShares(libc: Libc, listen: readonly Endpoint[], workers: number): Shares {
  const first = openShare(libc, listen, workers === 1 ? 'alone' : 'first');
  const listening = first.sockets.map(({ address, port }) => ({ address, port }));
  const rest = Array.from({ length: workers - 1 }, () => openShare(libc, listening, 'join'));
  const { faults } = first;
  first.faults = [];
  return { shares: [first, ...rest], listening, faults };
}

/** Closes what no worker was launched with. */
export function closeShares(libc: Libc, shares: readonly Share[]): void {
  for (const { sockets } of shares) for (const s of sockets) libc.close(s.fd);
}

function openShare(libc: Libc, listen: readonly Endpoint[], sharing: Sharing): Share {
  const share: Share = { sockets: [], faults: [] };
  for (const { address, port } of listen) {
    try {
      share.sockets.push(openBatchSocket(libc, address, port, sharing));
    } catch (e) {
      share.faults.push(toFault(e));
    }
  }
  return share;
}

export interface BatchLaunch {
  libc: Libc;
  listening: readonly Endpoint[];
  /** For the first launch. */
  share: Share;
  workers: number;
  start: Pick<BatchStart, 'answering' | 'udpSize' | 'counters'>;
}

/** How a worker is launched: the first time with the share that was opened for it, then with one of its own. */
export function batchLauncher(options: BatchLaunch): ThreadOptions['launch'] {
  const { libc, listening, start, workers } = options;
  let given: Share | undefined = options.share;
  return served => {
    const share = given ?? openShare(libc, listening, workers === 1 ? 'alone' : 'join');
    given = undefined;
    const close = () => closeShares(libc, [share]);
    try {
      const wake = openWake(libc);
      const signal = new Int32Array(new SharedArrayBuffer(4));
      const data: BatchStart = { ...start, ...share, served, wake: wake.fd, signal };
      const launched: Launched = {
        worker: new Worker(WORKER, { workerData: data, name: 'answers-udp' }),
        ring: () => {
          Atomics.add(signal, 0, 1);
          wake.ring();
        },
        release: () => {
          wake.close();
          close();
        },
      };
      return launched;
    } catch (e) {
      close();
      throw e;
    }
  };
}
