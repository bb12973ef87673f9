// Compiled zones in one growing arena of shared memory: what the answer workers read, and what outlives a snapshot.
//   put: a block for each zone that is new or changed      commit: a directory of all of them, one generation
// Invariant: a block or directory is freed when neither the library nor a generation that is held refers to it; so nobody
// who answers from a held generation ever sees its memory used for something else.
/// <reference lib="es2024.sharedmemory" />
import { compileZone, Scratch } from '../dns/zone/compile.ts';
import { Directory } from '../dns/zone/zones.ts';
import { GtmError } from '../kit/errors.ts';
import { Heap } from '../kit/heap.ts';
import type { LoadedZone } from './library.ts';

/** Address space that is set aside; memory is taken as it is needed. Less where the system gives less. */
const RESERVE = [2 ** 32, 2 ** 30, 2 ** 28];
const STEP = 1 << 20;

/** A range of the arena, in octets, and how many refer to it. */
export interface Block {
  at: number;
  size: number;
  users: number;
}

interface Generation {
  directory: Block;
  blocks: readonly Block[];
}

export class ZoneStore {
  readonly arena: SharedArrayBuffer;
  readonly #heap: Heap;
  readonly #scratch = new Scratch();
  readonly #generations = new Map<number, Generation>();
  #last = 0;
  // Made again only when the set of zones is another one.
  #directory: Directory | undefined;
  #key: unknown;

  /** With an `arena` that another store has filled, which is left as it is. */
  constructor(arena?: SharedArrayBuffer) {
    this.arena = arena ?? newArena();
    this.#heap = new Heap(arena?.byteLength ?? 0);
  }

  /** Compiles a zone into the arena; the caller is its first user. Throws as compileZone does, GTM_ZONE_MEMORY when it is full. */
  put(zone: LoadedZone, pools: readonly string[]): Block {
    let block: Block | undefined;
    try {
      compileZone(
        zone.records,
        zone.origin,
        name => pools.indexOf(name),
        size => {
          block = this.#take(size);
          return new Uint8Array(this.arena, block.at, size);
        },
        this.#scratch,
      );
      return block as unknown as Block;
    } catch (e) {
      if (block !== undefined) this.drop(block);
      throw e;
    }
  }

  /** Takes back one use of a block. */
  drop(block: Block): void {
    block.users--;
    if (block.users === 0) this.#heap.free(block.at, block.size);
  }

  /**
   * A generation of these zones, held until `hold` leaves it out. `key` stands for the set of zones: equal keys, the same
   * origins in the same order. Returns its number and the byte offset of its directory.
   */
  commit(
    key: unknown,
    origins: () => Uint8Array[],
    blocks: readonly Block[],
  ): { id: number; directory: number } {
    if (this.#directory === undefined || key !== this.#key) {
      this.#directory = new Directory(origins());
      this.#key = key;
    }
    const directory = this.#take(this.#directory.bytes.length);
    const words = new Uint32Array(this.arena, 0, this.arena.byteLength >> 2);
    this.#directory.place(words, directory.at / 4, i => blocks[i].at);
    for (const b of blocks) b.users++;
    const id = ++this.#last;
    this.#generations.set(id, { directory, blocks });
    return { id, directory: directory.at };
  }

  /** Lets go of every generation but these. */
  hold(ids: readonly number[]): void {
    for (const [id, { directory, blocks }] of this.#generations) {
      if (ids.includes(id)) continue;
      this.#generations.delete(id);
      this.drop(directory);
      for (const b of blocks) this.drop(b);
    }
  }

  /** Octets in use and generations held. */
  usage(): { used: number; top: number; generations: number } {
    return { used: this.#heap.used, top: this.#heap.top, generations: this.#generations.size };
  }

  #take(size: number): Block {
    const at = this.#heap.take(size);
    if (this.#heap.top > this.arena.byteLength) {
      const wanted = Math.ceil(this.#heap.top / STEP) * STEP;
      try {
        this.arena.grow(Math.min(wanted, this.arena.maxByteLength));
      } catch {
        // Told below.
      }
      if (this.#heap.top > this.arena.byteLength) {
        this.#heap.free(at, size);
        throw new GtmError('GTM_ZONE_MEMORY', `zones: ${wanted} bytes of memory are not to be had`);
      }
    }
    return { at, size, users: 1 };
  }
}

function newArena(): SharedArrayBuffer {
  for (const maxByteLength of RESERVE) {
    try {
      return new SharedArrayBuffer(STEP, { maxByteLength });
    } catch {
      // The next one is smaller.
    }
  }
  throw new GtmError('GTM_ZONE_MEMORY', 'zones: no address space is to be had for them');
}
