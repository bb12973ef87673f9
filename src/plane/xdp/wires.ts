// What one forward worker has of the kernel, opened by the main thread: the memory of its frames and of its connection table, its sockets.
// Invariant: close() gives everything back, on every way out, and only after the worker has ended.
import { GtmError } from '../../kit/errors.ts';
import {
  closeXsk,
  closingXsk,
  openXsk,
  readStatistics,
  standingOf,
  type XskStatistics,
} from '../../nic/afxdp.ts';
import { type HugePlace, mapHuge, unmapHuge } from '../../nic/huge.ts';
import type { Libc } from '../../nic/libc.ts';
import type { Steer } from '../../nic/steer.ts';
import { mapUmem, type UmemPlace, unmapUmem } from '../../nic/umem.ts';
import type { SocketStart } from './message.ts';

/** Entries of each ring. */
const RING = 2048;
/** Frames besides those that rings may hold: what waits, what is in hand. */
const SPARE = 1024;
/** Octets of a frame behind the kernel's and our headroom, for links of so many octets. */
const OVERHEAD = 256 + 2 + 22;
const FRAMES = [2048, 4096] as const;

export interface PortStart {
  name: string;
  index: number;
  mtu: number;
  queues: number;
}

/** Octets of a frame that links of these MTUs want. Throws GTM_PLANE when they want more than AF_XDP has. */
export function frameSizeOf(ports: readonly PortStart[]): number {
  const largest = Math.max(...ports.map(p => p.mtu));
  const size = FRAMES.find(f => largest + OVERHEAD <= f);
  if (size === undefined)
    throw new GtmError(
      'GTM_PLANE',
      `MTU ${largest} is too large for AF_XDP's frames: set at most ${FRAMES[1] - OVERHEAD} (ip link set … mtu)`,
    );
  return size;
}

export class Wires {
  readonly umem: UmemPlace;
  readonly table: HugePlace;
  readonly sockets: SocketStart[] = [];
  readonly #libc: Libc;

  private constructor(libc: Libc, umem: UmemPlace, table: HugePlace) {
    this.#libc = libc;
    this.umem = umem;
    this.table = table;
  }

  /** Opens what worker `index` of `workers` serves: the queues q of every port with q % workers === index. `bytes`: of its connection table. */
  static async open(
    libc: Libc,
    steer: Steer,
    ports: readonly PortStart[],
    index: number,
    workers: number,
    copy: 'auto' | 'always',
    bytes: number,
  ): Promise<Wires> {
    const places = ports.flatMap((p, port) =>
      Array.from({ length: p.queues }, (_, queue) => ({ port, queue, index: p.index, name: p.name })).filter(
        ({ queue }) => queue % workers === index,
      ),
    );
    const size = frameSizeOf(ports);
    const table = mapHuge(libc, bytes);
    const wires = new Wires(libc, umemBeside(libc, table, places.length * 2 * RING + SPARE, size), table);
    try {
      for (const { port, queue, index: interfaceIndex } of places) {
        const options = {
          umem: wires.umem,
          shared: wires.sockets[0]?.place.fd,
          interfaceIndex,
          queue,
          ring: RING,
          copy,
        };
        wires.sockets.push({ port, queue, place: await openXsk(libc, options) });
      }
      for (const s of wires.sockets) steer.socket(s.port, s.queue, s.place.fd);
      return wires;
    } catch (e) {
      wires.close();
      throw e;
    }
  }

  statistics(): XskStatistics[] {
    return this.sockets.map(s => readStatistics(this.#libc, s.place.fd));
  }

  /** Where frames stand: by port and place, as they are now. */
  standing(): { port: number; place: string; frames: number }[] {
    return this.sockets.flatMap(({ port, place: xsk }) =>
      Object.entries(standingOf(this.#libc, xsk)).map(([place, frames]) => ({ port, place, frames })),
    );
  }

  /** Whether the driver of a port moves no frame's octets. */
  zeroCopy(port: number): boolean {
    return this.sockets.every(s => s.port !== port || s.place.zeroCopy);
  }

  close(): void {
    for (const { place } of this.sockets.splice(0).reverse()) closeXsk(this.#libc, place);
    unmapUmem(this.#libc, this.umem);
    unmapHuge(this.#libc, this.table);
  }

  /** close(), with all sockets at once. */
  async closing(): Promise<void> {
    const closing = this.sockets.splice(0).map(({ place }) => closingXsk(this.#libc, place));
    this.close();
    await Promise.all(closing);
  }
}

function umemBeside(libc: Libc, table: HugePlace, frames: number, size: number): UmemPlace {
  try {
    return mapUmem(libc, frames, size);
  } catch (e) {
    unmapHuge(libc, table);
    throw e;
  }
}
