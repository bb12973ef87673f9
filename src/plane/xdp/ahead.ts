// What a restart has ready before anybody has read the cluster file: the XDP program, and the threads of the forward workers; or the
// plane itself, that forwards already (daemon/resume.ts).
//   a run before us left its links pinned → openAhead → openProgram → Kernel takes both, with as many workers as its queues want
// Invariant: who takes something closes it; close() ends what nobody took.
import { availableParallelism } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import type { Log } from '../../kit/log.ts';
import type { DirectorConfig } from '../../model/schema.ts';
import type { Plane } from '../../model/service.ts';
import { queuesOf } from '../../nic/channels.ts';
import { type Libc, openLibc } from '../../nic/libc.ts';
import { openSteer, type Steer } from '../../nic/steer.ts';
import { pinnedLinks } from './pin-folder.ts';
import type { RunMark } from './resume-file.ts';
import { startThread, type Thread } from './thread.ts';

/** How many workers links of so many queues have. */
export function workersFor(queues: readonly number[]): number {
  return Math.min(Math.max(2, availableParallelism()), ...queues);
}

/** What a plane is set up with by whoever has it. */
export interface Owner {
  log: Log;
  onFault: (reason: string) => void;
  /** Of the run as it is now: written down at a clean stop. */
  mark: () => RunMark;
}

/** A plane that forwards by what the run before left. */
export interface Standing {
  plane: Plane;
  director: DirectorConfig;
  stateDir: string;
  /** It is another's from now on. */
  adopt(owner: Owner): void;
}

/** Starts so many threads. */
export function startThreads(workers: number): Thread[] {
  return Array.from({ length: workers }, (_, i) => startThread(`xdp-${i}`));
}

export class Ahead {
  readonly #libc: Libc | undefined;
  readonly #threads: Thread[];
  #steer: Steer | undefined;
  #standing: Standing | undefined;

  /** Without `libc`, openProgram() does nothing. */
  constructor(libc: Libc | undefined, threads: Thread[]) {
    this.#libc = libc;
    this.#threads = threads;
  }

  /** It forwards already. */
  hold(standing: Standing): void {
    this.#standing = standing;
  }

  /** The plane that forwards already, if it is set up so; one that is set up otherwise ends. */
  async takePlane(director: DirectorConfig, stateDir: string, owner: Owner): Promise<Plane | undefined> {
    const standing = this.#standing;
    this.#standing = undefined;
    if (standing === undefined) return undefined;
    standing.adopt(owner);
    if (standing.stateDir === stateDir && isDeepStrictEqual(standing.director, director))
      return standing.plane;
    await standing.plane.close();
    return undefined;
  }

  /** Loads the XDP program. What goes wrong is told to who opens it again. */
  openProgram(): void {
    if (this.#libc === undefined) return;
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
    const standing = this.#standing;
    this.#standing = undefined;
    await standing?.plane.close();
    await Promise.all(this.#threads.splice(0).map(t => t.worker.terminate()));
  }
}

/** Starts the workers' threads where links are pinned, and so a director forwarded; else, or without koffi, undefined. */
export async function openAhead(): Promise<Ahead | undefined> {
  const names = pinnedLinks();
  if (names.length === 0) return undefined;
  try {
    const libc = await openLibc();
    return new Ahead(libc, startThreads(workersFor(names.map(name => queuesOf(libc, name)))));
  } catch {
    return undefined;
  }
}
