// What a restart has ready before anybody has read the cluster file: the XDP program, and the threads of the forward workers.
//   a run before us left its links pinned → openAhead → openProgram → Kernel takes both, with as many workers as its queues want
// Invariant: who takes something closes it; close() ends what nobody took.
import { availableParallelism } from 'node:os';
import { queuesOf } from '../../nic/channels.ts';
import { type Libc, openLibc } from '../../nic/libc.ts';
import { openSteer, type Steer } from '../../nic/steer.ts';
import { pinnedLinks } from './pins.ts';
import { startThread, type Thread } from './thread.ts';

/** How many workers links of so many queues have. */
export function workersFor(queues: readonly number[]): number {
  return Math.min(Math.max(2, availableParallelism()), ...queues);
}

export class Ahead {
  readonly #libc: Libc;
  readonly #threads: Thread[];
  #steer: Steer | undefined;

  constructor(libc: Libc, workers: number) {
    this.#libc = libc;
    this.#threads = Array.from({ length: workers }, (_, i) => startThread(`xdp-${i}`));
  }

  /** Loads the XDP program. What goes wrong is told to who opens it again. */
  openProgram(): void {
    try {
      this.#steer ??= openSteer(this.#libc);
    } catch {
      this.#steer = undefined;
    }
  }

  /** The program, to whoever asks first. */
  takeProgram(): Steer | undefined {
    const steer = this.#steer;
    this.#steer = undefined;
    return steer;
  }

  /** A thread that is there. */
  takeThread(): Thread | undefined {
    for (let t = this.#threads.shift(); t !== undefined; t = this.#threads.shift())
      if (t.fault === undefined) return t;
    return undefined;
  }

  async close(): Promise<void> {
    this.takeProgram()?.close();
    await Promise.all(this.#threads.splice(0).map(t => t.worker.terminate()));
  }
}

/** Starts the workers' threads where links are pinned, and so a director forwarded; else, or without koffi, undefined. */
export async function openAhead(): Promise<Ahead | undefined> {
  const names = pinnedLinks();
  if (names.length === 0) return undefined;
  try {
    const libc = await openLibc();
    return new Ahead(libc, workersFor(names.map(name => queuesOf(libc, name))));
  } catch {
    return undefined;
  }
}
